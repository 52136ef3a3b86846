//! What was published last, kept so that a restart does not publish less.

use std::time::Duration;

use jialing_crypto::cosign;
use jialing_crypto::note::{Checkpoint, NoteVerifier};
use sqlx::Row;

use super::Published;
use crate::{App, Problem, Result, Tx};

/// Reads what was published last, if it is a checkpoint of this log that the log still covers.
///
/// # Errors
/// Any fault of the database.
pub async fn resume(app: &App) -> Result<()> {
    if app.witnesses.0.asked.is_empty() {
        return Ok(());
    }
    let row = sqlx::query("SELECT note FROM cosigned WHERE id = 1").fetch_optional(app.db.read()).await?;
    let Some(row) = row else { return Ok(()) };
    let note: String = row.try_get("note")?;
    let log = NoteVerifier::from_vkey(&app.engine.verifier_key()).map_err(Problem::internal)?;
    let keys: Vec<_> = app.witnesses.0.asked.iter().map(|asked| asked.key.clone()).collect();
    match cosign::open(&note, &log, &keys, 0) {
        Ok((Checkpoint { size, .. }, found)) if size <= app.engine.checkpoint().size => {
            let published = Published { size, note, cosigned: found.len() };
            app.witnesses.change(|rounds| rounds.publish(published));
        }
        Ok((checkpoint, _)) => tracing::error!(
            published = checkpoint.size,
            ledger = app.engine.checkpoint().size,
            "more was published than the ledger holds: it was restored from an old copy"
        ),
        Err(error) => {
            tracing::warn!(%error, "the checkpoint published last is not of this log; it is left out")
        }
    }
    Ok(())
}

/// Shortest time between two looks at rounds that nothing happened to, milliseconds.
const LOOK_MS: u64 = 50;

/// Publishes ripe rounds for as long as the future lives. Each is kept first: what the world has seen
/// must outlive the process.
pub(super) async fn publish_ripe(app: App) {
    let mut changed = app.witnesses.0.changed.subscribe();
    // A round that is only waiting for silent witnesses ripens without anything happening.
    let pause = Duration::from_millis(app.witnesses.policy().wait_ms.max(LOOK_MS));
    loop {
        changed.mark_unchanged();
        if let Some(ripe) = app.witnesses.rounds(|rounds| rounds.ripe(&app.witnesses.ripeness())) {
            match save(&app, &ripe).await {
                Ok(()) => app.witnesses.change(|rounds| rounds.publish(ripe)),
                Err(problem) => {
                    tracing::warn!(%problem, "what is cosigned could not be kept, so it is not published")
                }
            }
        }
        if let Ok(Err(_)) = tokio::time::timeout(pause, changed.changed()).await {
            return;
        }
    }
}

async fn save(app: &App, published: &Published) -> Result<()> {
    let (size, note, at) = (published.size, published.note.clone(), app.clock.millis());
    app.db
        .write(async move |tx: &mut Tx| {
            sqlx::query(
                "INSERT INTO cosigned (id, size, note, at) VALUES (1, $1, $2, $3) \
                 ON CONFLICT (id) DO UPDATE SET size = excluded.size, note = excluded.note, at = excluded.at",
            )
            .bind(i64::try_from(size).map_err(Problem::internal)?)
            .bind(note.clone())
            .bind(at)
            .execute(&mut *tx)
            .await?;
            Ok(())
        })
        .await
}
