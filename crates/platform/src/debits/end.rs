//! Ending an agreement, or one debit that was announced.

use super::{Debit, DebitAgreement, DebitState, Name, PayerAgreement, Side, State, agree, run, store};
use crate::id::{DebitAgreementId, DebitId, MerchantId};
use crate::orders;
use crate::outbox::EventType;
use crate::sessions::Actor;
use crate::{App, Code, Problem, Result, Tx};

/// The merchant ends an agreement, and with it the debits that wait. Done again, it changes nothing.
///
/// # Errors
/// `not_found` unless it is the merchant's; `debit_agreement_unusable` where it ended otherwise.
pub async fn cancel(app: &App, merchant: MerchantId, name: Name) -> Result<DebitAgreement> {
    let (told, now) = (app.clone(), app.clock.millis());
    let row = app
        .db
        .write(async move |tx: &mut Tx| {
            let row = store::named(tx, merchant, &name).await?;
            ended(&told, tx, row, Side::Merchant, now).await
        })
        .await?;
    Ok(row.shown(now))
}

/// The payer ends an agreement, and with it the debits that wait. Done again, it changes nothing.
///
/// # Errors
/// `not_found` unless the actor approved it; `debit_agreement_unusable` where it ended otherwise.
pub async fn cancel_own(app: &App, actor: &Actor, id: DebitAgreementId) -> Result<PayerAgreement> {
    let (told, person, now) = (app.clone(), actor.person, app.clock.millis());
    let row = app
        .db
        .write(async move |tx: &mut Tx| {
            let row = store::find(tx, id).await?.filter(|row| row.person == Some(person));
            let row = row.ok_or(Problem::new(Code::NotFound))?;
            let row = ended(&told, tx, row, Side::Payer, now).await?;
            agree::note(tx, person, "debit_agreement.cancel", &row, now).await?;
            Ok(row)
        })
        .await?;
    super::told(app, row).await
}

async fn ended(app: &App, tx: &mut Tx, row: store::Row, by: Side, now: i64) -> Result<store::Row> {
    match row.state_at(now) {
        State::Cancelled => Ok(row),
        State::Proposed | State::Opening | State::Active => {
            let ended = store::end(tx, &row, State::Cancelled, Some(by), now).await?;
            let ended = ended.ok_or_else(Problem::again)?;
            agree::tell(tx, EventType::DebitAgreementCancelled, &ended, now).await?;
            drop_waiting(app, tx, &ended, now).await?;
            Ok(ended)
        }
        state => Err(agree::unusable(state)),
    }
}

/// Cancels the debits under an agreement that wait. One that is being paid at this moment is left: it
/// is paid, or cancelled when its try has failed.
pub(super) async fn drop_waiting(app: &App, tx: &mut Tx, agreement: &store::Row, now: i64) -> Result<()> {
    for debit in store::waiting(tx, agreement.id).await? {
        let order = orders::store::find(tx, debit.order_id).await?;
        if order.is_some_and(|order| order.attempt.is_none() && order.paid_at.is_none()) {
            let turn = run::over(DebitState::Cancelled, &debit, None, now);
            run::turned(app, tx, &debit, turn, agreement.notify_url.as_deref(), now).await?;
        }
    }
    Ok(())
}

/// The merchant takes back a debit that waits. Done again, it changes nothing.
///
/// # Errors
/// `not_found` unless it is the merchant's; `in_progress` while it is being paid; `order_paid`;
/// `state_conflict` for one that failed.
pub async fn cancel_debit(app: &App, merchant: MerchantId, id: DebitId) -> Result<Debit> {
    let (told, now) = (app.clone(), app.clock.millis());
    app.db
        .write(async move |tx: &mut Tx| {
            let row = store::debit(tx, id).await?.filter(|row| row.merchant == merchant);
            let row = row.ok_or(Problem::new(Code::NotFound))?;
            match row.state {
                DebitState::Cancelled => return Ok(row.into()),
                DebitState::Success => return Err(Problem::new(Code::OrderPaid)),
                DebitState::Failed => {
                    return Err(Problem::new(Code::StateConflict).detail("The debit failed; nothing waits."));
                }
                DebitState::Noticed | DebitState::Retrying => {}
            }
            let order = orders::store::find(tx, row.order_id).await?;
            if order.is_none_or(|order| order.attempt.is_some() || order.paid_at.is_some()) {
                return Err(orders::rules::being_paid());
            }
            let agreement = store::find(tx, row.agreement).await?.ok_or(Problem::new(Code::NotFound))?;
            let turn = run::over(DebitState::Cancelled, &row, None, now);
            let turned = run::turned(&told, tx, &row, turn, agreement.notify_url.as_deref(), now).await?;
            turned.map(Into::into).ok_or_else(Problem::again)
        })
        .await
}
