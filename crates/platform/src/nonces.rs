//! Nonces of signed requests: each is accepted once per key.
//!
//! A request's timestamp may lie 300 s before or after the clock, so a copy of it could be accepted
//! for at most 600 s after it was first seen. A nonce is kept longer than that, in the database, so a
//! copy is refused also after a restart and at another node.

use crate::db::is_taken;
use crate::{App, Code, Problem, Result, Tx};

/// How long a nonce is kept, milliseconds.
pub const KEEP_MS: i64 = 900_000;
/// Rows that one cleaning job removes at most.
pub const CLEANED_TOGETHER: i64 = 20_000;

/// Uses up `nonce` of `caller` (who and which key).
///
/// # Errors
/// `nonce_reused` when it was used before.
pub async fn spend(app: &App, caller: &str, nonce: &str) -> Result<()> {
    let (caller, nonce, now) = (caller.to_owned(), nonce.to_owned(), app.clock.wire());
    app.db
        .write(async move |tx: &mut Tx| {
            let inserted = sqlx::query("INSERT INTO nonces (caller, nonce, seen_at) VALUES ($1, $2, $3)")
                .bind(caller.as_str())
                .bind(nonce.as_str())
                .bind(now)
                .execute(&mut *tx)
                .await;
            match inserted {
                Ok(_) => Ok(()),
                Err(error) if is_taken(&error) => Err(Problem::new(Code::NonceReused)),
                Err(error) => Err(error.into()),
            }
        })
        .await
}

/// Forgets nonces older than [`KEEP_MS`]; how many.
///
/// # Errors
/// Any fault of the database.
pub async fn clean(app: &App) -> Result<u64> {
    let before = app.clock.wire() - KEEP_MS;
    app.db
        .write(async move |tx: &mut Tx| {
            let gone = sqlx::query(
                "DELETE FROM nonces WHERE (caller, nonce) IN \
                 (SELECT caller, nonce FROM nonces WHERE seen_at < $1 ORDER BY seen_at LIMIT $2)",
            )
            .bind(before)
            .bind(CLEANED_TOGETHER)
            .execute(&mut *tx)
            .await?;
            Ok(gone.rows_affected())
        })
        .await
}
