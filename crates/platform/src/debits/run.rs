//! Making debits whose time has come, and ending agreements whose time is over.
//!
//! Everything here is found again after a crash, because it is found by state and time. A try that was
//! cut off is taken up again: its order's number is the ledger transfer, so money moves once.

use std::time::Duration;

use serde_json::json;
use tokio::task::JoinHandle;

use super::{Debit, DebitState, State, agree, announce, end, rules, store};
use crate::id::{DebitId, OrderId};
use crate::notices::{self, NoticeCode};
use crate::orders::{self, CloseReason};
use crate::outbox::{self, EventType};
use crate::payments::{Agreed, Claim, Extra, LimitedBy, Reserved, move_money, reserve};
use crate::{App, Code, Problem, Result, Tx, background, merchants, policies, wallets};

/// How often the runner runs.
const EVERY: Duration = Duration::from_secs(1);
/// Debits or agreements that one run takes at most.
const BATCH: i64 = 200;

/// Starts the runner; it ends when the handle is aborted.
#[must_use]
pub fn start(app: &App) -> JoinHandle<()> {
    background::every(
        app,
        EVERY,
        "the runner of debits could not go on",
        |app| async move { sweep(&app).await },
    )
}

/// Finishes agreements that a stopped process left opening.
///
/// # Errors
/// Any fault of the database or the ledger.
pub async fn reconcile(app: &App) -> Result<()> {
    for row in store::opening(app).await? {
        agree::publish(app, row).await?;
    }
    Ok(())
}

/// Runs once: ends agreements whose time is over, makes debits whose time has come.
///
/// # Errors
/// Any fault of the database or the ledger; what was done stays done.
pub async fn sweep(app: &App) -> Result<()> {
    let now = app.clock.millis();
    for row in store::over(app, now, BATCH).await? {
        end_over(app, row, now).await?;
    }
    for id in store::due(app, now, BATCH).await? {
        // One that cannot go on now does not hold up the others; it is found again.
        if let Err(problem) = make(app, id).await {
            tracing::warn!(debit = %id, %problem, fault = problem.internal.as_deref(), "a debit will be tried again");
        }
    }
    Ok(())
}

async fn end_over(app: &App, row: store::Row, now: i64) -> Result<()> {
    let told = app.clone();
    app.db
        .write(async move |tx: &mut Tx| {
            let to = row.state_at(now);
            let (event, at) = match to {
                State::Expired => (EventType::DebitAgreementExpired, row.expires_at),
                State::Ended => (EventType::DebitAgreementEnded, row.valid_until),
                _ => return Ok(()),
            };
            let Some(ended) = store::end(tx, &row, to, None, at).await? else { return Ok(()) };
            agree::tell(tx, event, &ended, now).await?;
            end::drop_waiting(&told, tx, &ended, now).await
        })
        .await
}

/// Tries a debit whose time has come.
async fn make(app: &App, id: DebitId) -> Result<()> {
    let mut connection = app.db.read().acquire().await?;
    let Some(debit) = store::debit(&mut connection, id).await? else { return Ok(()) };
    let agreement = store::find(&mut connection, debit.agreement).await?;
    let order = orders::store::find(&mut connection, debit.order_id).await?;
    drop(connection);
    let being_paid = order.is_some_and(|order| order.attempt.is_some());
    let agreement = agreement.ok_or_else(|| Problem::internal("a debit has no agreement"))?;
    let tried = match agreement.state_at(app.clock.millis()) {
        State::Active => pay(app, &agreement, &debit).await,
        // What became of a try is found out first.
        _ if being_paid => return Ok(()),
        state => Err(agree::unusable(state)),
    };
    match tried {
        // The follower notes that it was made.
        Ok(()) => Ok(()),
        Err(problem) if problem.code.retryable() || problem.code == Code::Internal => Err(problem),
        Err(problem) => failed(app, agreement, debit, problem.code).await,
    }
}

async fn pay(app: &App, agreement: &store::Row, debit: &store::DebitRow) -> Result<()> {
    let (Some(person), Some(wallet), Some(policy)) = (agreement.person, agreement.wallet, agreement.policy)
    else {
        return Err(Problem::internal("an active agreement has no payer"));
    };
    let payer = wallets::find(app, wallet).await?;
    payer.may_pay()?;
    let (_, payee) = merchants::active(app, agreement.merchant).await?;
    let payee = wallets::find(app, payee).await?;
    let meter = rules::meter(agreement.id, agreement.period, app.clock.millis());
    let policy = u32::try_from(policy).map_err(Problem::internal)?;
    policies::open_meter(app, meter, policy).await?;
    let digest = <[u8; 24]>::try_from(debit.digest.as_slice())
        .map_err(|_| Problem::internal("a stored digest has another length"))?;
    let claim = Claim {
        order: debit.order_id,
        person,
        wallet,
        extra: Some(Extra { meter, by: LimitedBy::DebitAgreement }),
        amount: debit.amount.unsigned_abs(),
        agreed: Agreed::Request(digest),
    };
    match reserve(app, &claim).await? {
        Reserved::Ours(attempt) => move_money(app, &attempt, &payer, &payee.account()).await,
        Reserved::Paid => Ok(()),
    }
}

/// Says where a debit goes whose try failed.
async fn failed(app: &App, agreement: store::Row, debit: store::DebitRow, code: Code) -> Result<()> {
    let patience = announce::patience(app, debit.retry).await?;
    let merchant = merchants::read(app, agreement.merchant).await?;
    let (told, now) = (app.clone(), app.clock.millis());
    app.db
        .write(async move |tx: &mut Tx| {
            let tries = debit.tries + 1;
            // Once its time or its agreement is over, no further try can succeed.
            let (to, next) = match code {
                Code::DebitAgreementUnusable => (DebitState::Cancelled, debit.due_at),
                Code::OrderClosed => (DebitState::Failed, debit.due_at),
                _ => patience.after(tries, debit.due_at),
            };
            let turn = match to {
                DebitState::Retrying => store::Turn {
                    to,
                    problem: Some(code.text()),
                    tries,
                    // A try that came late is not followed by the next at once.
                    next_try_at: next.max(now + 1),
                    ended_at: None,
                },
                _ => store::Turn { tries, ..over(to, &debit, Some(code.text()), now) },
            };
            let notify_url = agreement.notify_url.as_deref();
            let turned = turned(&told, tx, &debit, turn, notify_url, now).await?;
            if let Some(row) = turned.filter(|row| row.state == DebitState::Failed)
                && let Some(person) = agreement.person
            {
                let params = json!({
                    "amount": row.amount,
                    "counterparty": merchant.name_zh,
                    "counterparty_en": merchant.name_en,
                });
                let notice =
                    notices::New::about(person, NoticeCode::DebitFailed, params, row.id.to_string(), now);
                notices::tell(tx, notice).await?;
            }
            Ok(())
        })
        .await
}

/// The end of a debit that was not made.
pub(super) fn over<'a>(
    to: DebitState,
    debit: &store::DebitRow,
    problem: Option<&'a str>,
    now: i64,
) -> store::Turn<'a> {
    store::Turn { to, problem, tries: debit.tries, next_try_at: debit.next_try_at, ended_at: Some(now) }
}

/// Turns a debit, closes the order of one that is over, and tells the merchant; `None` if it was turned
/// meanwhile.
pub(super) async fn turned(
    app: &App,
    tx: &mut Tx,
    debit: &store::DebitRow,
    turn: store::Turn<'_>,
    notify_url: Option<&str>,
    now: i64,
) -> Result<Option<store::DebitRow>> {
    let event = match turn.to {
        DebitState::Retrying => EventType::DebitRetrying,
        DebitState::Failed => EventType::DebitFailed,
        _ => EventType::DebitCancelled,
    };
    let Some(row) = store::turn(tx, debit, turn).await? else { return Ok(None) };
    if row.state != DebitState::Retrying {
        close(app, tx, row.order_id, now).await?;
    }
    tell(tx, event, &row, notify_url, row.version, now).await?;
    Ok(Some(row))
}

/// Closes the order of a debit that is over, if time has not.
async fn close(app: &App, tx: &mut Tx, id: OrderId, now: i64) -> Result<()> {
    let Some(order) = orders::store::find(tx, id).await? else { return Ok(()) };
    if matches!(order.state_at(now), orders::State::NotPay | orders::State::PayError) {
        let row = orders::store::close(tx, id, CloseReason::Merchant, now).await?;
        outbox::order(app, tx, EventType::OrderClosed, row, now).await?;
    }
    Ok(())
}

/// The ledger says that the order of a debit was paid.
pub(crate) async fn succeeded(tx: &mut Tx, order: OrderId, at: i64) -> Result<()> {
    let Some(row) = store::succeed(tx, order.cast(), at).await? else { return Ok(()) };
    let agreement = store::find(tx, row.agreement).await?;
    let notify_url = agreement.and_then(|agreement| agreement.notify_url);
    tell(tx, EventType::DebitPaid, &row, notify_url.as_deref(), row.version, at).await
}

async fn tell(
    tx: &mut Tx,
    event: EventType,
    row: &store::DebitRow,
    notify_url: Option<&str>,
    occasion: i64,
    at: i64,
) -> Result<()> {
    let new = outbox::NewEvent {
        merchant: row.merchant,
        event,
        object: row.id.to_string(),
        object_version: row.version,
        occasion,
        resource: serde_json::to_value(Debit::from(row.clone())).map_err(Problem::internal)?,
        notify_url: notify_url.map(str::to_owned),
        at,
    };
    outbox::publish(tx, new).await
}
