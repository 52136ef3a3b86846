//! The three steps of an attempt: reserve in SQL, move in the ledger, and resolve what was lost.

use jialing_engine::{Outcome, SubmitError};
use jialing_ledger::{Command, Group, Refusal, Why};

use super::{Extra, store};
use crate::id::{OrderId, PaymentId, PersonId, WalletId};
use crate::kind::Kind;
use crate::orders::{self, State};
use crate::outbox::{self, EventType};
use crate::wallets::{self, AccountRef, Movement, Side, Wallet, legs};
use crate::{App, Code, Problem, Result, Tx, devices, pins, policies, splits};

/// Who wants to pay what.
#[derive(Clone)]
pub struct Claim {
    /// The order.
    pub order: OrderId,
    /// Who pays.
    pub person: PersonId,
    /// From which wallet.
    pub wallet: WalletId,
    /// The meter it charges besides the wallet's.
    pub extra: Option<Extra>,
    /// The order's amount, fen.
    pub amount: u64,
    /// What shows that the payer agreed.
    pub agreed: Agreed,
}

/// What shows that a payer agreed, and is bound into the ledger by its digest.
#[derive(Clone)]
pub enum Agreed {
    /// A device signed; what it signed is kept in the transaction of the reservation.
    Device(Box<devices::Signed>),
    /// The merchant signed this request, under what a device signed before: a mandate, a code, a debit
    /// agreement.
    Request([u8; 24]),
}

/// An attempt that holds its order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Its id.
    pub id: PaymentId,
    /// The order it holds.
    pub order: OrderId,
    /// The wallet that pays.
    pub wallet: WalletId,
    /// The meter it charges besides the wallet's.
    pub extra: Option<Extra>,
    /// Fen.
    pub amount: u64,
    /// Digest of what was signed first for it: sending it again moves the same legs.
    pub digest: [u8; 24],
    /// Whether the order's money is frozen for splitting, in the same group of the ledger.
    pub split: bool,
}

/// What reserving came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reserved {
    /// The attempt holds the order.
    Ours(Attempt),
    /// The same person has paid it already.
    Paid,
}

/// What the row says about a claim.
enum Found {
    Held(Reserved),
    /// The PIN is needed; nothing was written.
    NotFree,
    /// Another attempt's time is over and nobody knows yet what became of it.
    Lapsed(Box<orders::store::Row>),
}

/// Reserves the order for an attempt; the same person's attempt that is under way is taken up again.
///
/// # Errors
/// `in_progress` while another holds it; `order_paid` by somebody else; `order_closed`; `not_found`.
pub async fn reserve(app: &App, claim: &Claim) -> Result<Reserved> {
    reserve_free(app, claim, None).await?.ok_or_else(|| Problem::internal("a PIN that nobody asked for"))
}

/// The same; what is paid without the PIN is spent of the day's sum in the same transaction. `None` if
/// that does not suffice.
///
/// # Errors
/// As [`reserve`].
pub(super) async fn reserve_free(
    app: &App,
    claim: &Claim,
    mut free: Option<pins::Free>,
) -> Result<Option<Reserved>> {
    let lease_ms = policies::number(app, "payment_lease").await? * 1000;
    for _ in 0..2 {
        let (claim, now) = (claim.clone(), app.clock.millis());
        let held = app.db.write(async move |tx: &mut Tx| match free {
            Some(free) if !free.spend(tx).await? => Ok(Found::NotFree),
            _ => hold(tx, &claim, now, lease_ms).await,
        });
        match held.await? {
            Found::Held(reserved) => return Ok(Some(reserved)),
            Found::NotFree => return Ok(None),
            Found::Lapsed(row) => {
                // It was spent in the transaction that found this out.
                free = None;
                if let Some(seq) = resolve(app, &row).await? {
                    app.progress.passed(seq).await;
                }
            }
        }
    }
    Err(orders::rules::being_paid())
}

async fn hold(tx: &mut Tx, claim: &Claim, now: i64, lease_ms: i64) -> Result<Found> {
    let id = PaymentId::new(now);
    let digest = match &claim.agreed {
        Agreed::Device(signed) => signed.keep(tx).await?.digest,
        Agreed::Request(digest) => *digest,
    };
    if let Some(order) = orders::store::lease(tx, claim.order, id, now, now + lease_ms).await? {
        let attempt = store::begin(tx, id, claim, digest, now).await?;
        return Ok(Found::Held(Reserved::Ours(Attempt { split: order.split != 0, ..attempt })));
    }
    let row = orders::store::find(tx, claim.order).await?.ok_or(Problem::new(Code::NotFound))?;
    match row.state_at(now) {
        State::Closed | State::Revoked => Err(Problem::new(Code::OrderClosed)),
        State::Success => match store::last_of(tx, claim.order, claim.person).await? {
            Some(mine) if mine.state == super::AttemptState::Success => Ok(Found::Held(Reserved::Paid)),
            _ => Err(Problem::new(Code::OrderPaid)),
        },
        State::UserPaying => {
            let holder = match row.attempt {
                Some(attempt) => store::find(tx, attempt).await?,
                None => None,
            };
            match holder {
                Some(holder) if holder.person == claim.person && holder.wallet == claim.wallet => {
                    let attempt: Attempt = holder.try_into()?;
                    Ok(Found::Held(Reserved::Ours(Attempt { split: row.split != 0, ..attempt })))
                }
                _ if row.leased_until.is_some_and(|until| until <= now) => Ok(Found::Lapsed(Box::new(row))),
                _ => Err(orders::rules::being_paid()),
            }
        }
        State::NotPay | State::PayError => {
            Err(Problem::internal("an order that waits could not be reserved"))
        }
    }
}

/// Moves the money of an attempt and waits until the followers have shown it.
///
/// # Errors
/// What the ledger refused, with the limit and what is left where known; `order_paid` if another
/// attempt came first; `overloaded`, and nothing moved; `internal` if the outcome is unknown: the
/// order then stays reserved until it is looked up.
pub async fn move_money(app: &App, attempt: &Attempt, from: &Wallet, payee: &AccountRef) -> Result<()> {
    let (payer, mut meters) = (&from.account(), from.meters());
    meters.extend(attempt.extra.map(|extra| extra.meter));
    let movement = Movement {
        id: attempt.order.number(),
        kind: Kind::Payment,
        amount: attempt.amount,
        digest: attempt.digest,
        meters: &meters,
    };
    let mut legs = legs(payer, payee, &movement);
    legs.extend(attempt.split.then(|| splits::freeze(attempt.order, payee, attempt.amount)));
    let command = Command::Transfer(Group { legs });
    match app.engine.submit(command).await {
        Ok(outcome) => {
            passed(app, &outcome).await;
            Ok(())
        }
        Err(SubmitError::Refused(refusal)) if refusal.why == Why::IdTaken => lost(app, attempt).await,
        Err(SubmitError::Refused(refusal)) => Err(refused(app, attempt, &refusal, payer, payee).await?),
        Err(overloaded @ SubmitError::Overloaded { .. }) => {
            end(app, attempt.order, attempt.id, Code::Overloaded).await?;
            Err(wallets::stopped(overloaded))
        }
        Err(stopped) => Err(wallets::stopped(stopped)),
    }
}

/// Waits until the followers have handled every record of the outcome.
pub(crate) async fn passed(app: &App, outcome: &Outcome) {
    if let Some(last) = outcome.records.last() {
        app.progress.passed(last.seq).await;
    }
}

/// The order's number was used with other legs: another attempt paid it, perhaps of the same wallet.
async fn lost(app: &App, attempt: &Attempt) -> Result<()> {
    let record = app.engine.transfer(attempt.order.number()).await.map_err(Problem::internal)?;
    let Some(record) = record else { return Err(Problem::internal("a used transfer id has no record")) };
    app.progress.passed(record.seq).await;
    match orders::follow::first_leg(&record, Kind::Payment) {
        Some(transfer) if transfer.debit == attempt.wallet.number() => Ok(()),
        _ => {
            let id = attempt.id;
            let now = app.clock.millis();
            app.db
                .write(async move |tx: &mut Tx| store::fail(tx, id, Code::OrderPaid.text(), now).await)
                .await?;
            Err(Problem::new(Code::OrderPaid))
        }
    }
}

async fn refused(
    app: &App,
    attempt: &Attempt,
    refusal: &Refusal,
    payer: &AccountRef,
    payee: &AccountRef,
) -> Result<Problem> {
    let tried = wallets::Attempt { payer, payee, amount: attempt.amount, asks: Side::Payer };
    let mut problem = wallets::refused(app, refusal, &tried).await;
    if let Some(extra) = attempt.extra {
        problem = extra.name_itself(app, problem).await;
    }
    end(app, attempt.order, attempt.id, problem.code).await?;
    Ok(problem)
}

/// Takes the order back from an attempt that failed.
async fn end(app: &App, order: OrderId, attempt: PaymentId, code: Code) -> Result<()> {
    let (now, told) = (app.clock.millis(), app.clone());
    app.db
        .write(async move |tx: &mut Tx| {
            if let Some(row) = orders::store::fail(tx, order, attempt, code.text(), now).await? {
                outbox::order(&told, tx, EventType::OrderPayError, row, now).await?;
            }
            store::fail(tx, attempt, code.text(), now).await
        })
        .await
}

/// Finds out what became of the attempt that holds `row`: the ledger knows.
///
/// If money moved, answers the record's number: the follower has made or will make the order paid.
/// Otherwise the order can be paid again.
///
/// # Errors
/// Any fault of the database or the ledger.
pub async fn resolve(app: &App, row: &orders::store::Row) -> Result<Option<u64>> {
    if let Some(record) = app.engine.transfer(row.id.number()).await.map_err(Problem::internal)? {
        return Ok(Some(record.seq));
    }
    let attempt = row.attempt.ok_or_else(|| Problem::internal("an order is being paid by nobody"))?;
    end(app, row.id, attempt, Code::RequestTimeout).await?;
    Ok(None)
}
