//! The background work: exchanges without an outcome, and what a crash left half done.

use std::time::Duration;

use futures_util::StreamExt;
use tokio::task::JoinHandle;

use super::{drive, reconcile, store};
use crate::background::Rounds;
use crate::{App, Result, Tx, institutions, links, policies, wallets};

/// Between two looks for exchanges whose time has come.
pub const EVERY: Duration = Duration::from_secs(1);
/// Rows taken up in one round.
const MOST_PER_ROUND: i64 = 200;
/// Rows worked on at once: banks are slow, and one silent bank must not stop the others.
const AT_ONCE: usize = 16;
/// How long notices are remembered, milliseconds: far longer than a bank repeats them.
const KEEP_NOTICES_MS: i64 = 30 * 86_400_000;
/// Between two rounds of housekeeping, milliseconds of the platform's clock.
const HOUSEKEEPING_MS: i64 = 60_000;

/// Starts the background work. It ends when the handle is aborted.
#[must_use]
pub fn start(app: &App) -> JoinHandle<()> {
    let app = app.clone();
    tokio::spawn(async move {
        let mut kept = Kept::default();
        let mut rounds = Rounds::new(&app, EVERY);
        loop {
            rounds.next().await;
            report(round(&app).await);
            report(kept.house(&app).await);
        }
    })
}

fn report<T>(outcome: Result<T>) {
    if let Err(problem) = outcome {
        tracing::error!(%problem, fault = problem.internal.as_deref(), "background work failed and will be tried again");
    }
}

/// Takes every exchange whose time has come one turn further. Answers how many there were.
///
/// # Errors
/// Any fault of the database.
pub async fn round(app: &App) -> Result<usize> {
    let due = store::due(app.db.read(), app.clock.millis(), MOST_PER_ROUND).await?;
    let count = due.len();
    futures_util::stream::iter(due)
        .for_each_concurrent(AT_ONCE, |id| async move {
            if let Err(problem) = drive(app, &id).await {
                tracing::warn!(exchange = id, %problem, fault = problem.internal.as_deref(), "an exchange did not go on");
            }
        })
        .await;
    Ok(count)
}

/// When each kind of housekeeping was done last.
#[derive(Default)]
struct Kept {
    house_at: i64,
    counted_at: i64,
    reshaped_day: i64,
}

impl Kept {
    async fn house(&mut self, app: &App) -> Result<()> {
        let now = app.clock.millis();
        if now - self.house_at >= HOUSEKEEPING_MS {
            self.house_at = now;
            repair(app).await?;
            reconcile::catch_up(app).await?;
            app.db
                .write(async move |tx: &mut Tx| store::forget_notices(tx, now - KEEP_NOTICES_MS).await)
                .await?;
        }
        if now - self.counted_at >= policies::number(app, "supply_count_every").await? * 1000 {
            self.counted_at = now;
            institutions::count(app).await?;
        }
        let today = now.div_euclid(86_400_000);
        if today != self.reshaped_day {
            wallets::reshape(app).await?;
            self.reshaped_day = today;
        }
        Ok(())
    }
}

/// Takes over what an earlier process was at work on: exchanges, and wallets that were about to be
/// emptied. To be run before requests are taken. Only one process at a time has the ledger, so
/// whoever held a claim before this one started is gone, and nobody need wait for the claim to run out.
///
/// # Errors
/// Any fault of the database.
pub async fn take_over(app: &App) -> Result<()> {
    app.db.write(async move |tx: &mut Tx| store::release_all(tx).await).await?;
    wallets::reopen_abandoned(app).await.map(drop)
}

/// Finishes what a crash left between a row and the ledger or a bank.
///
/// # Errors
/// Any fault of the database or the ledger.
pub async fn repair(app: &App) -> Result<()> {
    wallets::repair(app).await?;
    institutions::repair(app).await?;
    links::repair(app).await?;
    Ok(())
}
