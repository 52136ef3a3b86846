//! Followers: each reads the journal in order with its own cursor, exactly once.
//!
//! A follower's effect and its cursor are written in the same SQL transaction, so a crash between
//! two steps repairs itself: what was not committed is read again. A request that moved money waits
//! until the followers have passed its record, so that its answer and every list already show it.
//!
//! A batch never ends inside a group, so a follower always sees all legs of what it handles. A
//! follower can be dropped and rebuilt ([`rebuild`]): what it writes is a function of the journal and
//! of rows that were there before the money moved, and doing it twice changes nothing.

mod parties;
mod progress;
mod relevant;

use std::sync::Arc;
use std::time::Duration;

use jialing_ledger::Record;
use tokio::task::JoinHandle;

use crate::{App, Result, Tx};
use relevant::{ends_group, relevant};

pub use parties::{Holder, Name, Parties};
pub use progress::Progress;

/// Records handled in one transaction at most.
pub const BATCH: usize = 500;
/// Records looked at for what a follower has to do with.
const LOOK: usize = 8192;
/// How long a request waits for the followers before it answers with what is known.
pub const WAIT: Duration = Duration::from_secs(3);
/// Pause after a fault before the same records are tried again.
const PAUSE_AFTER_FAULT: Duration = Duration::from_millis(200);

/// One reader of the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Follower {
    /// States of orders, refunds, transfers, top-ups, withdrawals and issuance.
    Settlement,
    /// The searchable history of each wallet.
    History,
    /// What people are told.
    Notices,
    /// Events for merchants.
    Outbox,
}

impl Follower {
    /// Every follower.
    pub const ALL: [Self; 4] = [Self::Settlement, Self::History, Self::Notices, Self::Outbox];

    /// The name its cursor is kept under.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Settlement => "settlement",
            Self::History => "history",
            Self::Notices => "notices",
            Self::Outbox => "outbox",
        }
    }

    /// The follower whose effect this one reads; it goes first.
    const fn after(self) -> Option<Self> {
        match self {
            Self::Settlement => None,
            Self::History | Self::Notices | Self::Outbox => Some(Self::Settlement),
        }
    }

    /// The effect of `records`, which follow those already handled. Must be safe to run again.
    async fn effect(self, app: &App, tx: &mut Tx, records: &[Record]) -> Result<()> {
        match self {
            Self::Settlement => {
                crate::orders::follow::settle(app, tx, records).await?;
                crate::refunds::follow::settle(app, tx, records).await?;
                crate::transfers::follow::settle(app, tx, records).await?;
                crate::payouts::follow::settle(app, tx, records).await?;
                crate::splits::follow::settle(app, tx, records).await?;
                crate::red_packets::follow::settle(app, tx, records).await?;
                crate::topups::follow::settle(app, tx, records).await?;
                crate::withdrawals::follow::settle(app, tx, records).await?;
                crate::settlements::follow::settle(app, tx, records).await?;
                crate::institutions::follow::settle(app, tx, records).await
            }
            Self::History => crate::history::follow::record(app, tx, records).await,
            Self::Notices => crate::notices::follow::tell(app, tx, records).await,
            Self::Outbox => crate::outbox::follow::enqueue(app, tx, records).await,
        }
    }
}

/// Starts every follower. They end when the engine stops or the handles are aborted.
#[must_use]
pub fn start(app: &App) -> Vec<JoinHandle<()>> {
    Follower::ALL.into_iter().map(|follower| tokio::spawn(run(app.clone(), follower))).collect()
}

async fn run(app: App, follower: Follower) {
    let mut durable = app.engine.durable();
    let mut next = None;
    loop {
        match step(&app, follower, next).await {
            Ok(Some(handled)) => {
                next = Some(handled);
                app.progress.advance(follower, handled);
                if *durable.borrow_and_update() > handled {
                    continue;
                }
            }
            Ok(None) => {}
            Err(problem) => {
                tracing::error!(follower = follower.name(), %problem, fault = problem.internal.as_deref(), "a follower could not go on and will try again");
                next = None;
                tokio::time::sleep(PAUSE_AFTER_FAULT).await;
                continue;
            }
        }
        if durable.changed().await.is_err() {
            return;
        }
    }
}

/// Handles the next records; the number handled in all, or `None` if there were none.
async fn step(app: &App, follower: Follower, known: Option<u64>) -> Result<Option<u64>> {
    let from = match known {
        Some(next) => next,
        None => {
            let next = cursor(app, follower).await?;
            app.progress.advance(follower, next);
            next
        }
    };
    let fed = fed(app, from).await?;
    let (records, Some(next)) = relevant(&fed, BATCH) else { return Ok(known.is_none().then_some(from)) };
    if let Some(first) = follower.after() {
        app.progress.reached(first, next).await;
    }
    let app_in = app.clone();
    app.db
        .write_first(async move |tx: &mut Tx| {
            if !records.is_empty() {
                follower.effect(&app_in, tx, &records).await?;
            }
            // The cursor moves only from where this batch began: two runners cannot both count it.
            let moved = sqlx::query("INSERT INTO cursors (follower, next_seq) VALUES ($1, $2) ON CONFLICT (follower) DO UPDATE SET next_seq = $2 WHERE cursors.next_seq = $3")
                .bind(follower.name())
                .bind(next as i64)
                .bind(from as i64)
                .execute(&mut *tx)
                .await?;
            if moved.rows_affected() == 1 { Ok(()) } else { Err(crate::Problem::internal("another runner moved this follower's cursor")) }
        })
        .await?;
    Ok(Some(next))
}

/// The records from number `from` on, in whole groups. Followers that keep up ask for the same ones one after
/// the other: what was read last is kept, and a record never changes.
async fn fed(app: &App, from: u64) -> Result<Arc<[Record]>> {
    let mut last = app.memory().fed.lock().await;
    if let Some((first, records)) = &*last
        && *first == from
    {
        return Ok(records.clone());
    }
    let records = app.engine.feed(from, LOOK).await.map_err(crate::Problem::internal)?;
    let records: Arc<[Record]> = whole_groups(records).into();
    if !records.is_empty() {
        *last = Some((from, records.clone()));
    }
    Ok(records)
}

/// `records` without a group at their end of which legs are missing: those come with the next ones.
///
/// A group is at most 16 records, fewer than [`LOOK`], and is durable as a whole, so this never
/// stops a follower for good.
fn whole_groups(mut records: Vec<Record>) -> Vec<Record> {
    while records.last().is_some_and(|last| !ends_group(last)) {
        records.pop();
    }
    records
}

/// Drops what `follower` made and lets it start over from the first record.
///
/// Only the history is a table of its own and is emptied; the others write rows that exist for other
/// reasons too, or were already seen, and find them as they would leave them. May run beside the
/// follower: the one that reads now loses its place and begins again.
///
/// # Errors
/// Any fault of the database.
pub async fn rebuild(app: &App, follower: Follower) -> Result<()> {
    app.db
        .write(async move |tx: &mut Tx| {
            if follower == Follower::History {
                crate::history::follow::clear(tx).await?;
            }
            // Set to 0, not deleted: a runner that still thinks it is ahead must find another number.
            sqlx::query("INSERT INTO cursors (follower, next_seq) VALUES ($1, 0) ON CONFLICT (follower) DO UPDATE SET next_seq = 0")
                .bind(follower.name())
                .execute(&mut *tx)
                .await?;
            Ok(())
        })
        .await
}

/// The number of records that `follower` has handled, as stored.
///
/// # Errors
/// Any fault of the database.
pub async fn cursor(app: &App, follower: Follower) -> Result<u64> {
    let next: Option<i64> = sqlx::query_scalar("SELECT next_seq FROM cursors WHERE follower = $1")
        .bind(follower.name())
        .fetch_optional(app.db.read())
        .await?;
    Ok(next.unwrap_or(0) as u64)
}

#[cfg(test)]
mod tests {
    use jialing_ledger::{Body, Op, Transfer};

    use super::*;

    fn leg(seq: u64, leg: u8, legs: u8) -> Record {
        let transfer = Transfer {
            id: 1,
            op: Op::Plain,
            kind: 5,
            debit: 2,
            credit: 3,
            amount: 1,
            debit_balance: 0,
            credit_balance: 0,
            link: [0; 24],
            leg,
            legs,
            has_terms: true,
        };
        Record { seq, time: 0, body: Body::Transfer(transfer) }
    }

    fn terms(seq: u64) -> Record {
        Record { seq, time: 0, body: Body::Terms { meters: [1, 0, 0, 0], expires: 0 } }
    }

    #[test]
    fn a_batch_never_ends_inside_a_group() {
        let check = |records: &[Record], kept: usize| {
            assert_eq!(whole_groups(records.to_vec()).len(), kept, "{records:?}")
        };
        check(&[], 0);
        check(&[terms(0)], 0);
        check(&[terms(0), leg(1, 0, 1)], 2);
        check(&[terms(0), leg(1, 0, 1), terms(2)], 2);
        check(&[leg(0, 0, 1), terms(1), leg(2, 0, 3), leg(3, 1, 3)], 1);
        check(&[leg(0, 0, 1), terms(1), leg(2, 0, 3), leg(3, 1, 3), leg(4, 2, 3)], 5);
    }
}
