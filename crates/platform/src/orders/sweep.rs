//! What nobody waits for: expiry, attempts that never ended, refunds that are still to be made.
//!
//! Everything here is found again after a crash, because it is found by state and time.

use std::time::Duration;

use tokio::task::JoinHandle;

use super::{State, store};
use crate::outbox::{self, EventType};
use crate::{App, Result, Tx, background, mandates, payments, refunds};

/// How often the sweeper runs.
pub const EVERY: Duration = Duration::from_secs(1);
/// Rows of a sort that one run takes at most.
pub const BATCH: i64 = 200;

/// Starts the sweeper; it ends when the handle is aborted.
#[must_use]
pub fn start(app: &App) -> JoinHandle<()> {
    background::every(app, EVERY, "the order sweeper could not go on", |app| async move { sweep(&app).await })
}

/// Runs once: lets failed orders wait again, resolves attempts whose time is over, ends orders whose
/// time is over, makes refunds that are to be made.
///
/// # Errors
/// Any fault of the database or the ledger; what was done stays done.
pub async fn sweep(app: &App) -> Result<()> {
    let now = app.clock.millis();
    // A look costs nothing; a write that finds nothing still stands in others' way.
    if store::any(app, State::PayError, i64::MAX).await? {
        app.db.write(async move |tx: &mut Tx| store::all_wait_again(tx, now, BATCH).await).await?;
    }
    for row in store::lapsed(app, now, BATCH).await? {
        payments::resolve(app, &row).await?;
    }
    for state in [State::NotPay, State::UserPaying] {
        if store::any(app, state, now).await? {
            end_expired(app, state, now).await?;
        }
    }
    refunds::carry_out(app).await
}

async fn end_expired(app: &App, state: State, now: i64) -> Result<()> {
    let told = app.clone();
    app.db
        .write(async move |tx: &mut Tx| {
            for row in store::expire(tx, state, now, BATCH).await? {
                let at = row.closed_at.unwrap_or(now);
                let event = match row.state {
                    State::Revoked => EventType::OrderRevoked,
                    _ => EventType::OrderClosed,
                };
                outbox::order(&told, tx, event, row, at).await?;
            }
            Ok(())
        })
        .await
}

/// Finishes what a stopped process left in between. Run at the start, before requests are taken.
///
/// Attempts that were reserved are resolved by looking their transfer up in the ledger, whatever
/// their lease; refunds and mandates that were decided are carried out.
///
/// # Errors
/// Any fault of the database or the ledger.
pub async fn reconcile(app: &App) -> Result<()> {
    // No attempt of this process is under way yet, so every lease is a stopped process's.
    for row in store::lapsed(app, i64::MAX, i64::MAX).await? {
        payments::resolve(app, &row).await?;
    }
    refunds::reconcile(app).await?;
    mandates::reconcile(app).await?;
    sweep(app).await
}
