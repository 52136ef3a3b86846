//! Making exports, one after the other, and destroying those whose time is over.

use std::time::Duration;

use jialing_ledger::Command;
use tokio::task::JoinHandle;

use super::make::{self, Watch};
use super::store::{self, Finished, Line, Row};
use super::{Content, NOTE_KIND, chest, proof};
use crate::id::{ExportId, TransactionId};
use crate::{App, Problem, Result, Tx, background, policies};

/// How often somebody looks whether there is something to make.
pub const EVERY: Duration = Duration::from_millis(500);
/// How long an export is kept from others by whoever makes it, since its last sign of life, milliseconds.
pub const LEASE_MS: i64 = 30_000;
/// Times that an export is begun before it counts as failed.
pub const MAX_TRIES: i64 = 3;
/// Until a failed try is repeated, milliseconds.
pub const PAUSE_MS: i64 = 5_000;
/// Between two looks for something to destroy, milliseconds of the platform's clock.
const TIDYING_MS: i64 = 30_000;
/// Milliseconds of an hour.
const HOUR_MS: i64 = 3_600_000;

/// Makes and destroys exports for as long as the handle lives.
#[must_use]
pub fn keep(app: &App) -> [JoinHandle<()>; 2] {
    let mut tidied_at = 0;
    let statements = background::every(app, EVERY, "statements could not be made", |app| async move {
        while make_next_of(&app, Line::Statements).await? {}
        Ok(())
    });
    let exports = background::every(app, EVERY, "exports could not be made or tidied", move |app| {
        let now = app.clock.millis();
        let tidies = (now - tidied_at).abs() >= TIDYING_MS;
        if tidies {
            tidied_at = now;
        }
        async move {
            while make_next(&app).await? {}
            if tidies { tidy(&app).await } else { Ok(()) }
        }
    });
    [exports, statements]
}

/// Makes the statement's file that waits the longest; false if none does.
///
/// # Errors
/// As [`make_next`].
pub async fn make_next_statement(app: &App) -> Result<bool> {
    make_next_of(app, Line::Statements).await
}

/// Makes the export that waits the longest; false if none does.
///
/// # Errors
/// Any fault of the database. What goes wrong with the export itself is in its state.
pub async fn make_next(app: &App) -> Result<bool> {
    make_next_of(app, Line::Exports).await
}

async fn make_next_of(app: &App, line: Line) -> Result<bool> {
    let now = app.clock.millis();
    let claim = TransactionId::new(now).to_string();
    let whose = claim.clone();
    let claimed = app
        .db
        .write(async move |tx: &mut Tx| store::claim(tx, line, &whose, now, now + LEASE_MS).await)
        .await?;
    let Some(row) = claimed else { return Ok(false) };
    let id = row.id;
    if let Err(problem) = make(app, &row, &claim).await {
        let for_good = row.tries >= MAX_TRIES;
        tracing::error!(export = %id, tries = row.tries, for_good, %problem, fault = problem.internal.as_deref(), "an export could not be made");
        app.exports.remove(id).map_err(Problem::internal)?;
        let now = app.clock.millis() + if for_good { 0 } else { PAUSE_MS };
        app.db.write(async move |tx: &mut Tx| store::give_up(tx, id, &claim, for_good, now).await).await?;
    }
    Ok(true)
}

/// Tells the table how far it is, and hears whether the export is still wanted.
struct Progress<'a> {
    app: &'a App,
    id: ExportId,
    claim: &'a str,
}

impl Watch for Progress<'_> {
    async fn written(&mut self, rows: u64) -> Result<bool> {
        let (id, claim) = (self.id, self.claim.to_owned());
        let until = self.app.clock.millis() + LEASE_MS;
        let write = self
            .app
            .db
            .write(async move |tx: &mut Tx| store::progress(tx, id, &claim, rows as i64, until).await);
        write.await
    }
}

async fn make(app: &App, row: &Row, claim: &str) -> Result<()> {
    let id = row.id;
    let (key, data_key) = chest::new_key(app, id);
    let out = app.exports.begin(id, key).map_err(Problem::internal)?;
    let mut watch = Progress { app, id, claim };
    let Some((out, totals)) = make::make(app, row, out, &mut watch).await? else {
        return app.exports.remove(id).map_err(Problem::internal);
    };
    let written = out.finish().map_err(Problem::internal)?;
    let (bytes, sha256, sm3) = (written.bytes, proof::hex(&written.sha256), proof::hex(&written.sm3));
    let manifest = proof::manifest(row, bytes, &sha256, &sm3);
    let digest = jialing_crypto::hash::HashAlgorithm::Sha256.digest(manifest.as_bytes());
    let note = Command::Note { kind: NOTE_KIND, id: id.number(), digest };
    let noted = app.engine.submit(note).await.map_err(Problem::internal)?;
    let hours = match row.content {
        Content::History => policies::number(app, "export_hours").await?,
        Content::Funds | Content::Trades => policies::number(app, "statement_hours").await?,
    };
    let now = app.clock.millis();
    let (bytes, note_seq) = (bytes as i64, noted.first as i64);
    let file = Finished { bytes, sha256, sm3, totals, manifest, note_seq, data_key };
    let (whose, times) = (claim.to_owned(), (now, now + hours * HOUR_MS));
    let kept =
        app.db.write(async move |tx: &mut Tx| store::finish(tx, id, &whose, &file, times).await).await?;
    if kept { Ok(()) } else { app.exports.remove(id).map_err(Problem::internal) }
}

/// Destroys the keys of exports whose time is over, and every file that no export wants.
///
/// # Errors
/// Any fault of the database or the disk.
pub async fn tidy(app: &App) -> Result<()> {
    let now = app.clock.millis();
    app.db.write(async move |tx: &mut Tx| store::expire(tx, now).await).await?;
    for id in app.exports.files().map_err(Problem::internal)? {
        if !store::wants_file(app, id).await? {
            app.exports.remove(id).map_err(Problem::internal)?;
        }
    }
    Ok(())
}
