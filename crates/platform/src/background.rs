//! The platform's background work: everything that goes on without a request.

use std::time::Duration;

use tokio::task::JoinHandle;

use crate::{
    App, Result, audit, exchange, exports, notices, orders, outbox, payouts, people, policies, settlements,
    splits, supply, transfers, witnesses,
};

/// Between two rounds of housekeeping.
const HOUSEKEEPING: Duration = Duration::from_secs(60);

/// Finishes what a stopped process left in between. Run it after the followers have started and
/// before requests are taken.
///
/// # Errors
/// Any fault of the database or the ledger.
pub async fn reconcile(app: &App) -> Result<()> {
    exchange::resolve::take_over(app).await?;
    exchange::resolve::repair(app).await?;
    transfers::reconcile(app).await?;
    orders::reconcile(app).await?;
    payouts::reconcile(app).await?;
    splits::reconcile(app).await?;
    witnesses::resume(app).await
}

/// Starts the background work. It ends when the handles are aborted; each part is found again by
/// state and time, so nothing is lost when it is.
#[must_use]
pub fn start(app: &App) -> Vec<JoinHandle<()>> {
    let mut handles = vec![
        orders::start(app),
        exchange::resolve::start(app),
        transfers::keep_resolving(app),
        notices::keep_sending(app),
        payouts::keep(app),
        splits::keep(app),
        settlements::keep(app),
        audit::keep(app),
        exports::work::keep(app),
        policies::keep_anchoring(app),
        supply::keep(app),
        people::keep(app),
        every(app, HOUSEKEEPING, "old events could not be forgotten", |app| async move {
            outbox::expire(&app).await
        }),
    ];
    handles.extend(witnesses::start(app));
    handles
}

/// Does `work` at once and then after each `pause`, for as long as the handle lives. A fault is logged,
/// with `trouble` to say what did not happen, and the work is tried again at its next time; work that
/// takes longer than the pause delays the next.
#[must_use]
pub(crate) fn every<T, W, F>(app: &App, pause: Duration, trouble: &'static str, mut work: W) -> JoinHandle<()>
where
    T: Send,
    W: FnMut(App) -> F + Send + 'static,
    F: Future<Output = Result<T>> + Send,
{
    let app = app.clone();
    tokio::spawn(async move {
        let mut ticks = tokio::time::interval(pause);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            if let Err(problem) = work(app.clone()).await {
                tracing::error!(%problem, fault = problem.internal.as_deref(), "{trouble} and will be tried again");
            }
        }
    })
}
