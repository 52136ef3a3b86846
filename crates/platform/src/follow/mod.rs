//! Followers: each reads the journal in order with its own cursor, exactly once.
//!
//! A follower's effect and its cursor are written in the same SQL transaction, so a crash between
//! two steps repairs itself: what was not committed is read again. A request that moved money waits
//! until the followers have passed its record, so that its answer and every list already show it.

use std::time::Duration;

use jialing_ledger::Record;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::{App, Result, Tx};

/// Records handled in one transaction at most.
pub const BATCH: usize = 500;
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

    /// The effect of `records`, which follow those already handled. Must be safe to run again.
    async fn effect(self, app: &App, tx: &mut Tx, records: &[Record]) -> Result<()> {
        match self {
            Self::Settlement => {
                crate::orders::follow::settle(app, tx, records).await?;
                crate::refunds::follow::settle(app, tx, records).await?;
                crate::transfers::follow::settle(app, tx, records).await?;
                crate::topups::follow::settle(app, tx, records).await?;
                crate::withdrawals::follow::settle(app, tx, records).await?;
                crate::institutions::follow::settle(app, tx, records).await
            }
            Self::History => crate::history::follow::record(app, tx, records).await,
            Self::Notices => crate::notices::follow::tell(app, tx, records).await,
            Self::Outbox => crate::outbox::follow::enqueue(app, tx, records).await,
        }
    }
}

/// How far each follower has read: the number of records handled.
#[derive(Clone, Debug)]
pub struct Progress([watch::Sender<u64>; 4]);

impl Default for Progress {
    fn default() -> Self {
        Self(std::array::from_fn(|_| watch::Sender::new(0)))
    }
}

impl Progress {
    /// Records that `follower` has handled.
    #[must_use]
    pub fn of(&self, follower: Follower) -> u64 {
        *self.0[follower as usize].borrow()
    }

    /// Waits until every follower has handled record `seq`, at most [`WAIT`]; false if time ran out.
    pub async fn passed(&self, seq: u64) -> bool {
        let all = async {
            for sender in &self.0 {
                let mut receiver = sender.subscribe();
                if receiver.wait_for(|&handled| handled > seq).await.is_err() {
                    return;
                }
            }
        };
        tokio::time::timeout(WAIT, all).await.is_ok()
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
                app.progress.0[follower as usize].send_replace(handled);
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
            app.progress.0[follower as usize].send_replace(next);
            next
        }
    };
    let records = app.engine.feed(from, BATCH).await.map_err(crate::Problem::internal)?;
    let Some(last) = records.last() else { return Ok(known.is_none().then_some(from)) };
    let next = last.seq + 1;
    let app_in = app.clone();
    app.db
        .write(async move |tx: &mut Tx| {
            follower.effect(&app_in, tx, &records).await?;
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
