//! Making reconciliations, one after the other, and destroying files whose time is over.

use std::time::Duration;

use tokio::task::JoinHandle;

use super::run::{self, Ran, Watch};
use super::store::{self, Ended, Row};
use super::{Source, State, source};
use crate::files;
use crate::id::{ReconciliationId, TransactionId};
use crate::outbox::{self, EventType, NewEvent};
use crate::{App, Problem, Result, Tx, background};

/// How often somebody looks whether there is something to compare.
pub const EVERY: Duration = Duration::from_millis(500);
/// How long a reconciliation is kept from others by whoever makes it, since its last sign of life, milliseconds.
pub const LEASE_MS: i64 = 150_000;
/// Times that a reconciliation is begun before it counts as failed.
pub const MAX_TRIES: i64 = 3;
/// Until a failed try is repeated, milliseconds.
pub const PAUSE_MS: i64 = 30_000;
/// Looks for something to compare between two looks for something to destroy.
const LOOKS_PER_TIDYING: u64 = 120;

/// Makes and destroys for as long as the handle lives.
#[must_use]
pub fn keep(app: &App) -> JoinHandle<()> {
    let mut looks = 0u64..;
    background::every(app, EVERY, "reconciliations could not be made or tidied", move |app| {
        let tidies = looks.next().is_some_and(|look| look.is_multiple_of(LOOKS_PER_TIDYING));
        async move {
            while make_next(&app).await? {}
            if tidies { tidy(&app).await } else { Ok(()) }
        }
    })
}

/// Destroys the files of reconciliations whose time is over.
///
/// # Errors
/// Any fault of the database or the disk.
pub async fn tidy(app: &App) -> Result<()> {
    let now = app.clock.millis();
    app.db.write(async move |tx: &mut Tx| store::expire(tx, now).await).await?;
    files::tidy(app).await
}

/// Makes the reconciliation that waits the longest; false if none does.
///
/// # Errors
/// Any fault of the database. What goes wrong with the reconciliation itself is in its state.
pub async fn make_next(app: &App) -> Result<bool> {
    let now = app.clock.millis();
    let claim = TransactionId::new(now).to_string();
    let whose = claim.clone();
    let claimed =
        app.db.write(async move |tx: &mut Tx| store::claim(tx, &whose, now, now + LEASE_MS).await).await?;
    let Some(row) = claimed else { return Ok(false) };
    if let Err(problem) = make(app, &row, &claim).await {
        let for_good = row.tries >= MAX_TRIES;
        tracing::error!(reconciliation = %row.id, tries = row.tries, for_good, %problem, fault = problem.internal.as_deref(), "a reconciliation could not be made");
        if for_good {
            let words = "it could not be made; the operator was told".to_owned();
            end(app, &row, &claim, Ended::Failed(words, None), None).await?;
        } else {
            wait(app, row.id, &claim).await?;
        }
    }
    Ok(true)
}

async fn wait(app: &App, id: ReconciliationId, claim: &str) -> Result<()> {
    let (claim, until) = (claim.to_owned(), app.clock.millis() + PAUSE_MS);
    app.db.write(async move |tx: &mut Tx| store::wait(tx, id, &claim, until).await).await
}

/// Tells the table how far it is.
struct Progress<'a> {
    app: &'a App,
    id: ReconciliationId,
    claim: &'a str,
}

impl Watch for Progress<'_> {
    async fn items(&mut self, done: u64) -> Result<bool> {
        let (id, claim) = (self.id, self.claim.to_owned());
        let until = self.app.clock.millis() + LEASE_MS;
        let write =
            self.app.db.write(async move |tx: &mut Tx| store::progress(tx, id, &claim, done, until).await);
        write.await
    }
}

async fn make(app: &App, row: &Row, claim: &str) -> Result<()> {
    let mut row = row.clone();
    if row.source == Source::Url && row.file.is_none() {
        match source::fetch(app, row.merchant, &row.day).await? {
            Ok(file) => {
                let (id, kept, now) = (row.id, file.clone(), app.clock.millis());
                let write = async move |tx: &mut Tx| {
                    files::keep(tx, &kept, now).await?;
                    store::receive(tx, id, State::Running, kept.id).await
                };
                if !app.db.write(write).await? {
                    return Ok(());
                }
                row.file = Some(file.id);
            }
            Err(_) if row.tries < MAX_TRIES => return wait(app, row.id, claim).await,
            Err(why) => return end(app, &row, claim, Ended::Failed(why, None), None).await,
        }
    }
    let mut watch = Progress { app, id: row.id, claim };
    match run::run(app, &row, &mut watch).await? {
        Ran::Lost => Ok(()),
        Ran::Unreadable(fault) => end(app, &row, claim, Ended::Failed(fault.what, fault.line), None).await,
        Ran::Done(counts, items, result) => {
            let ended = Ended::Done(counts, items, result.id);
            end(app, &row, claim, ended, Some(result)).await
        }
    }
}

/// Ends the reconciliation and tells its merchant.
async fn end(app: &App, row: &Row, claim: &str, ended: Ended, result: Option<files::Stored>) -> Result<()> {
    let (id, claim, now) = (row.id, claim.to_owned(), app.clock.millis());
    app.db
        .write(async move |tx: &mut Tx| {
            let Some(row) = store::end(tx, id, &claim, &ended, now).await? else { return Ok(()) };
            if let Some(result) = &result {
                files::keep(tx, result, now).await?;
            }
            tell(tx, &row, now).await
        })
        .await
}

async fn tell(tx: &mut Tx, row: &Row, now: i64) -> Result<()> {
    let event = match row.state {
        State::Done => EventType::ReconciliationDone,
        _ => EventType::ReconciliationFailed,
    };
    outbox::publish(
        tx,
        NewEvent {
            merchant: row.merchant,
            event,
            object: row.id.to_string(),
            object_version: row.version,
            occasion: row.version,
            resource: serde_json::to_value(row.shown()).map_err(Problem::internal)?,
            notify_url: None,
            at: now,
        },
    )
    .await
}
