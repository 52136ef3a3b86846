//! Bringing an `ABNORMAL` refund to an end: to another wallet of the payer's, or by giving it up.
//!
//! Three ways out. *Retry*, once the wallet that paid can take it again. *Redirect*, where it never
//! will, because it was closed, or cannot hold the amount: the platform takes another wallet of the same
//! person, and the merchant never learns which. What an authority or the operator froze is not paid
//! around. *Close*, where the merchant gave back by other means or its customer cannot be paid at all: the
//! amount is free again, and only what the merchant itself asked for can be given up.

use super::{Name, Origin, Refund, RejectAsk, State, execute, read, rules, store};
use crate::audit::{self, Entry};
use crate::id::{MerchantId, WalletId};
use crate::merchants::Caller;
use crate::wallets::{Owner, Status};
use crate::{App, Code, Problem, Result, Tx, orders, outbox, splits, text, wallets};

/// Sends an `ABNORMAL` refund to another wallet of its payer's; one that is under way or done is answered
/// as it stands.
///
/// # Errors
/// `not_found`; `state_conflict` for one that is closed or awaits approval, where the wallet that paid
/// is frozen or can take it now, or where its payer has no other wallet that can.
pub async fn redirect(app: &App, caller: &Caller, name: Name) -> Result<Refund> {
    let mut connection = app.db.read().acquire().await?;
    let row = store::named(&mut connection, caller.merchant, &name).await?;
    drop(connection);
    let no = |detail: String| Err(Problem::new(Code::StateConflict).detail(detail));
    match row.state {
        State::Abnormal => {}
        State::Processing | State::Success => return Ok(row.into()),
        State::Closed | State::PendingApproval => {
            return no(format!("The refund is {}; only an ABNORMAL one is redirected.", row.state));
        }
    }
    let to = other_wallet(app, &row).await?;
    let (id, serial, now) = (row.id, caller.serial.clone(), app.clock.millis());
    app.db
        .write(async move |tx: &mut Tx| {
            // Somebody else may have sent it on meanwhile: then that is how it stands.
            if store::redirect(tx, id, to).await? {
                note(tx, &serial, "refund.redirect", id.to_string(), None, now).await?;
            }
            Ok(())
        })
        .await?;
    execute(app, id).await?;
    Ok(read(app, id).await?.into())
}

/// Another wallet of the person whose wallet cannot take the refund.
async fn other_wallet(app: &App, row: &store::Row) -> Result<WalletId> {
    let mut connection = app.db.read().acquire().await?;
    let order = orders::store::find(&mut connection, row.order_id).await?;
    drop(connection);
    let paid = order.and_then(|order| order.payer_wallet);
    let paid = paid.ok_or_else(|| Problem::internal("a refund of an order that nobody paid"))?;
    let wallet = wallets::find(app, row.to_wallet.unwrap_or(paid)).await?;
    let no = |detail: &str| Problem::new(Code::StateConflict).detail(detail);
    let Owner::Person(person) = wallet.owner else {
        return Err(no("The payer is an organisation: retry, or close the refund."));
    };
    let fits = async |id: WalletId| -> Result<bool> {
        let account = app.engine.account(id.number()).await.map_err(Problem::internal)?;
        Ok(account.is_some_and(|account| wallets::room(&account) >= row.amount))
    };
    if matches!(wallet.status(), Status::CreditFrozen | Status::Frozen) {
        return Err(no("The wallet that paid is frozen, which is not paid around: retry later."));
    }
    if wallet.status() != Status::Closed && fits(wallet.id).await? {
        return Err(no("The wallet that paid can take it now: retry."));
    }
    for other in wallets::open_of(app, person).await? {
        if other.id != wallet.id && other.may_receive().is_ok() && fits(other.id).await? {
            return Ok(other.id);
        }
    }
    Err(no("The payer has no other wallet that can take it: retry later, or close the refund."))
}

/// Gives up an `ABNORMAL` refund that the merchant asked for. Done again, it changes nothing.
///
/// # Errors
/// `invalid_request`, naming `reason`; `not_found`; `state_conflict` for one that is under way, done, or
/// that the platform owes.
pub async fn close(app: &App, caller: &Caller, name: Name, ask: &RejectAsk) -> Result<Refund> {
    text::line("reason", &ask.reason, rules::MAX_REASON)?;
    let (merchant, serial): (MerchantId, String) = (caller.merchant, caller.serial.clone());
    let (reason, now) = (ask.reason.clone(), app.clock.millis());
    let row = app
        .db
        .write(async move |tx: &mut Tx| {
            let row = store::named(tx, merchant, &name).await?;
            match (row.state, row.origin) {
                (State::Closed, _) if row.close_reason.is_some() => return Ok(row),
                (State::Abnormal, Origin::Request) => {}
                (State::Abnormal, _) => {
                    return Err(Problem::new(Code::StateConflict)
                        .detail("The payer is owed this: retry or redirect it."));
                }
                (state, _) => {
                    return Err(Problem::new(Code::StateConflict)
                        .detail(format!("The refund is {state}; only an ABNORMAL one is given up.")));
                }
            }
            let closed = store::give_up(tx, row.id, &reason, now).await?.ok_or_else(Problem::again)?;
            orders::store::end_refund(tx, row.order_id, row.amount, 0).await?;
            splits::refunds::give_up(tx, row.id, now).await?;
            note(tx, &serial, "refund.close", row.id.to_string(), Some(&reason), now).await?;
            outbox::stuck(tx, row.id, now).await?;
            Ok(closed)
        })
        .await?;
    Ok(row.into())
}

async fn note(
    tx: &mut Tx,
    by: &str,
    action: &'static str,
    subject: String,
    reason: Option<&str>,
    at: i64,
) -> Result<()> {
    let entry = Entry {
        who: by.to_owned(),
        action,
        subject,
        before: Some(State::Abnormal.text().into()),
        after: Some(serde_json::json!({ "reason": reason })),
        at,
    };
    audit::log(tx, entry).await.map(drop)
}
