//! The background work: cuts whose time has come, then each batch from state to state.

use std::time::Duration;

use tokio::task::JoinHandle;

use super::store::{self, Row};
use super::{Name, Settlement, State, cut, pay};
use crate::history::account::merchant_wallet;
use crate::history::range::{self, Places};
use crate::history::statement::{KindTotal, balances};
use crate::history::{self, Direction};
use crate::id::MerchantId;
use crate::kind::Kind;
use crate::{App, Code, Money, Problem, Result, Tx, background, orders, refunds};

/// How often it is looked for.
const EVERY: Duration = Duration::from_secs(1);
/// Batches of a state that one round takes.
const BATCH: i64 = 200;

/// Does the work for as long as the handle lives.
#[must_use]
pub fn keep(app: &App) -> JoinHandle<()> {
    background::every(app, EVERY, "settlements could not go on", |app| async move { round(&app).await })
}

/// Takes every batch as far as it goes now: cuts, reconciles, approves by rule, pays, hears of the bank.
/// Everything is found by state and time, so a round after a crash goes on where it stopped.
///
/// # Errors
/// Any fault of the database or the ledger.
pub async fn round(app: &App) -> Result<()> {
    for set in store::due(app, app.clock.millis(), BATCH).await? {
        cut::daily(app, &set).await?;
    }
    for row in store::in_state(app, State::Cut, BATCH).await? {
        reconcile(app, &row).await?;
    }
    for row in store::in_state(app, State::Reconciled, BATCH).await? {
        approve_by_rule(app, &row).await?;
    }
    for row in store::in_state(app, State::Approved, BATCH).await? {
        pay::begin(app, &row).await?;
    }
    for row in store::in_state(app, State::Paying, BATCH).await? {
        pay::hear(app, &row).await?;
    }
    for row in store::owing(app, BATCH).await? {
        pay::take_fee(app, &row).await?;
    }
    Ok(())
}

/// Reconciles a `CUT` batch: to the fen, or it is an `EXCEPTION` that says what differs.
async fn reconcile(app: &App, row: &Row) -> Result<()> {
    let checked = compare(app, row).await?;
    let (id, now) = (row.id, app.clock.millis());
    let (opening, closing) = (checked.opening, checked.closing);
    let figures = serde_json::to_string(&checked.sums).map_err(Problem::internal)?;
    app.db
        .write(async move |tx: &mut Tx| {
            store::set_figures(tx, id, opening, closing, &figures).await?;
            let to = if checked.differs.is_none() { State::Reconciled } else { State::Exception };
            store::step(tx, id, State::Cut, to, checked.differs.as_deref(), now).await.map(drop)
        })
        .await
}

/// What a comparison came to.
struct Compared {
    opening: i64,
    closing: i64,
    sums: Vec<KindTotal>,
    differs: Option<String>,
}

/// The ledger's balances, the history's movements and the tables' rows of a batch's places.
async fn compare(app: &App, row: &Row) -> Result<Compared> {
    let end = row.end_seq.ok_or_else(|| Problem::internal("a batch that was cut has no end"))?;
    let account = merchant_wallet(app, row.merchant).await?;
    let places = Places { first: row.first_seq as u64, end: end as u64, is_over: true };
    range::told(app, places.end).await?;
    let (opening, closing) = balances(app, &account, places).await?;
    let sums = history::store::sums(app, &account.key(), places.first, places.end).await?;
    let sum = |kind: Kind, direction: Direction| {
        let found = sums.iter().find(|sum| (sum.0, sum.1) == (kind, direction));
        found.map_or((0, 0), |sum| (sum.2, sum.3))
    };
    let (merchant, first) = (row.merchant, row.first_seq);
    let mut connection = app.db.read().acquire().await?;
    let before = store::before(&mut connection, row).await?.and_then(|before| before.closing);
    let paid = orders::store::paid_between(&mut connection, merchant, first, end).await?;
    let refunded = refunds::store::made_between(&mut connection, merchant, first, end).await?;
    drop(connection);
    let moved = |wanted: Direction| -> i128 {
        sums.iter().filter(|sum| sum.1 == wanted).map(|sum| i128::from(sum.3)).sum()
    };
    let reached = i128::from(opening) + moved(Direction::In) - moved(Direction::Out);
    let (payments, given_back) = (sum(Kind::Payment, Direction::In), sum(Kind::Refund, Direction::Out));
    let differs = [
        (before.unwrap_or(opening) != opening).then(|| {
            format!("the batch before left {} fen, the ledger held {opening}", before.unwrap_or_default())
        }),
        (reached != i128::from(closing)).then(|| {
            format!("the movements lead from {opening} to {reached} fen, the ledger held {closing}")
        }),
        (row.closing != Some(closing))
            .then(|| format!("the ledger held {closing} fen at the cut, not as noted then")),
        (payments != paid)
            .then(|| format!("{payments:?} payments moved, the orders say {paid:?} (number, fen)")),
        (given_back != refunded)
            .then(|| format!("{given_back:?} refunds moved, the refunds say {refunded:?} (number, fen)")),
    ];
    let sums = sums.iter().map(|sum| KindTotal {
        kind: sum.0,
        direction: sum.1,
        count: sum.2.unsigned_abs(),
        amount: Money::fen(sum.3.unsigned_abs()),
    });
    Ok(Compared { opening, closing, sums: sums.collect(), differs: differs.into_iter().flatten().next() })
}

/// Approves a reconciled batch that need not wait for the owner.
async fn approve_by_rule(app: &App, row: &Row) -> Result<()> {
    let (id, merchant, amount, now) = (row.id, row.merchant, row.amount, app.clock.millis());
    app.db
        .write(async move |tx: &mut Tx| {
            let above = store::set_of(tx, merchant).await?.and_then(|set| set.approval_above);
            if above.is_some_and(|above| amount > above) {
                return Ok(());
            }
            store::step(tx, id, State::Reconciled, State::Approved, None, now).await.map(drop)
        })
        .await
}

/// Has an `EXCEPTION` reconciled anew, once what differed is put right.
///
/// # Errors
/// `not_found`; `state_conflict` unless it is an exception.
pub async fn recheck(app: &App, merchant: MerchantId, name: &Name) -> Result<Settlement> {
    let row = super::named(app, merchant, name).await?;
    let (id, now) = (row.id, app.clock.millis());
    let row = app
        .db
        .write(async move |tx: &mut Tx| {
            let row = store::step(tx, id, State::Exception, State::Cut, None, now).await?;
            let row = row.ok_or(Problem::new(Code::StateConflict));
            row.map_err(|problem| problem.detail("Only an exception is reconciled anew."))
        })
        .await?;
    reconcile(app, &row).await?;
    super::of(app, merchant, name).await
}
