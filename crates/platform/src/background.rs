//! The platform's background work: everything that goes on without a request.

use std::time::Duration;

use tokio::task::JoinHandle;

use crate::{
    App, Result, applications, audit, codes, debits, exchange, exports, feedback, merchants, monitoring,
    notices, orders, outbox, payouts, people, policies, reconciliations, red_packets, settlements, splits,
    statements, supply, tickets, transfers, wallets, webhooks, witnesses,
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
    red_packets::reconcile(app).await?;
    debits::reconcile(app).await?;
    witnesses::resume(app).await
}

/// Starts the background work. It ends when the handles are aborted; each part is found again by
/// state and time, so nothing is lost when it is.
#[must_use]
pub fn start(app: &App) -> Vec<JoinHandle<()>> {
    let mut handles = vec![
        orders::start(app),
        debits::start(app),
        exchange::resolve::start(app),
        transfers::keep_resolving(app),
        transfers::delayed::keep(app),
        notices::keep_sending(app),
        payouts::keep(app),
        splits::keep(app),
        red_packets::keep(app),
        settlements::keep(app),
        audit::keep(app),
        policies::keep_anchoring(app),
        statements::work::keep(app),
        reconciliations::work::keep(app),
        applications::keep(app),
        supply::keep(app),
        people::keep(app),
        wallets::keep_own_limits(app),
        monitoring::alerts::keep_looking(app),
        every(app, HOUSEKEEPING, "old events could not be forgotten", |app| async move {
            codes::forget(&app).await?;
            outbox::expire(&app).await
        }),
        every(app, HOUSEKEEPING, "old deliveries could not be forgotten", |app| async move {
            webhooks::expire(&app).await
        }),
        every(
            app,
            HOUSEKEEPING,
            "old figures, feedback and tickets could not be forgotten",
            |app| async move {
                feedback::expire(&app).await?;
                tickets::expire(&app).await?;
                monitoring::expire(&app).await
            },
        ),
        every(app, HOUSEKEEPING, "merchants could not be warned of keys that end", |app| async move {
            merchants::warn_of_ending_keys(&app).await
        }),
    ];
    handles.extend(exports::work::keep(app));
    handles.extend(witnesses::start(app));
    handles
}

/// Does `work` at once, then after each `pause` and whenever the platform's clock is moved, for as long
/// as the handle lives. A fault is logged, with `trouble` to say what did not happen, and the work is
/// tried again at its next time; work that takes longer than the pause delays the next.
#[must_use]
pub(crate) fn every<T, W, F>(app: &App, pause: Duration, trouble: &'static str, mut work: W) -> JoinHandle<()>
where
    T: Send,
    W: FnMut(App) -> F + Send + 'static,
    F: Future<Output = Result<T>> + Send,
{
    let app = app.clone();
    tokio::spawn(async move {
        let mut rounds = Rounds::new(&app, pause);
        loop {
            rounds.next().await;
            if let Err(problem) = work(app.clone()).await {
                tracing::error!(%problem, fault = problem.internal.as_deref(), "{trouble} and will be tried again");
            }
        }
    })
}

/// When work that nobody asked for is done: at once, after each pause, and when the clock is moved.
/// Whoever waits for the next round keeps the [`App`], and with it the clock.
pub(crate) struct Rounds {
    ticks: tokio::time::Interval,
    moves: tokio::sync::watch::Receiver<u64>,
}

impl Rounds {
    pub(crate) fn new(app: &App, pause: Duration) -> Self {
        let mut ticks = tokio::time::interval(pause);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        Self { ticks, moves: app.clock.moves() }
    }

    /// Waits for the next round.
    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _ = self.ticks.tick() => {}
            _ = self.moves.changed() => {}
        }
        self.moves.borrow_and_update();
    }
}
