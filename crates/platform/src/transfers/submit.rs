//! Moving the money of an accepted transfer, and finding out what became of a silent one.

use std::time::Duration;

use jialing_engine::SubmitError;
use jialing_ledger::{Command, Group, Why};
use tokio::task::JoinHandle;

use super::store::{self, Row};
use crate::kind::Kind;
use crate::wallets::{self, Attempt, Movement, Side, legs};
use crate::{App, Code, Problem, Result, Tx, background};

/// How long an accepted transfer may be silent before it is looked up, milliseconds. Far longer than
/// the engine takes to answer.
pub(crate) const SILENT_MS: i64 = 60_000;
/// How often silent transfers are looked for.
const EVERY: Duration = Duration::from_secs(10);
/// Silent transfers looked up in one round.
const BATCH: i64 = 200;

/// Submits the movement. Safe to repeat: the ledger moves it once.
///
/// # Errors
/// What the ledger refused, and then the transfer has failed. With any other problem it stays
/// accepted, and sending it again or [`resolve`] goes on.
pub(super) async fn submit(app: &App, row: Row) -> Result<()> {
    let (id, now) = (row.id, app.clock.millis());
    if !app.db.write(async move |tx: &mut Tx| store::tried(tx, id, now).await).await? {
        // It ended a moment ago.
        return Ok(());
    }
    let (from, to) = (wallets::find(app, row.from_wallet).await?, wallets::find(app, row.to_wallet).await?);
    let (payer, payee, amount) = (from.account(), to.account(), row.amount.unsigned_abs());
    let digest = row
        .digest
        .as_slice()
        .try_into()
        .map_err(|_| Problem::internal("a kept digest is not 24 bytes long"))?;
    let movement = Movement { id: id.number(), kind: Kind::Transfer, amount, digest, meters: &from.meters() };
    // One that arrives later is set aside, without an end of its own: `delayed` brings it there.
    let legs = match row.arrives_at {
        None => legs(&payer, &payee, &movement),
        Some(_) => wallets::holds(&payer, &payee, &movement, 0),
    };
    match app.engine.submit(Command::Transfer(Group { legs })).await {
        Ok(outcome) => {
            if let Some(last) = outcome.records.last() {
                app.progress.passed(last.seq).await;
            }
            Ok(())
        }
        // An earlier try, with another wallet or other meters, has moved the money: the follower says so.
        Err(SubmitError::Refused(refusal)) if refusal.why == Why::IdTaken => Ok(()),
        Err(SubmitError::Refused(refusal)) => {
            let attempt = Attempt { payer: &payer, payee: &payee, amount, asks: Side::Payer };
            let problem = wallets::refused(app, &refusal, &attempt).await;
            fail(app, id, problem.code, i64::MAX).await?;
            Err(problem)
        }
        Err(error) => Err(wallets::stopped(error)),
    }
}

async fn fail(app: &App, id: crate::id::TransferId, code: Code, tried_before: i64) -> Result<()> {
    let now = app.clock.millis();
    app.db.write(async move |tx: &mut Tx| store::fail(tx, id, code.text(), tried_before, now).await).await
}

/// Ends transfers that were accepted and not heard of for [`SILENT_MS`]: the ledger knows whether
/// the money moved. If it did, the follower has made or will make it `SUCCESS`; if not, it failed.
/// How many were looked up.
///
/// # Errors
/// Any fault of the database or the ledger; safe to repeat.
pub async fn resolve(app: &App) -> Result<usize> {
    look_up(app, app.clock.millis() - SILENT_MS, BATCH).await
}

/// [`resolve`] for every transfer that was accepted before this process began: nobody is at work on
/// them, so there is nothing to wait for. Run at the start, before requests are taken.
///
/// # Errors
/// As [`resolve`].
pub async fn reconcile(app: &App) -> Result<()> {
    look_up(app, i64::MAX, i64::MAX).await.map(drop)
}

async fn look_up(app: &App, before: i64, most: i64) -> Result<usize> {
    let silent = store::silent(app, before, most).await?;
    for row in &silent {
        if app.engine.transfer(row.id.number()).await.map_err(Problem::internal)?.is_none() {
            fail(app, row.id, Code::RequestTimeout, before).await?;
        }
    }
    Ok(silent.len())
}

/// Resolves silent transfers for as long as the handle lives.
#[must_use]
pub fn keep_resolving(app: &App) -> JoinHandle<()> {
    background::every(app, EVERY, "silent transfers could not be resolved", |app| async move {
        resolve(&app).await
    })
}
