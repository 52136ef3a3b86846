//! The tables of authenticators and recovery codes.

use super::AuthenticatorState;
use crate::id::PersonId;
use crate::{App, Result, Tx};

/// A row of `authenticators`.
#[derive(Clone, sqlx::FromRow)]
pub(super) struct Row {
    /// The secret, sealed.
    pub(super) secret: Vec<u8>,
    pub(super) state: AuthenticatorState,
    pub(super) last_step: i64,
    pub(super) created_at: i64,
    pub(super) confirmed_at: Option<i64>,
}

pub(super) async fn authenticator(app: &App, person: PersonId) -> Result<Option<Row>> {
    Ok(sqlx::query_as(
        "SELECT secret, state, last_step, created_at, confirmed_at FROM authenticators WHERE person = $1",
    )
    .bind(person)
    .fetch_optional(app.db.read())
    .await?)
}

pub(super) async fn is_active(tx: &mut Tx, person: PersonId) -> Result<bool> {
    let state: Option<AuthenticatorState> =
        sqlx::query_scalar("SELECT state FROM authenticators WHERE person = $1")
            .bind(person)
            .fetch_optional(&mut *tx)
            .await?;
    Ok(state == Some(AuthenticatorState::Active))
}

/// Keeps a secret that waits for its first code; false if another is active.
pub(super) async fn begin(tx: &mut Tx, person: PersonId, sealed: &[u8], now: i64) -> Result<bool> {
    let done = sqlx::query(
        "INSERT INTO authenticators (person, secret, state, last_step, created_at) VALUES ($1, $2, 'PENDING', 0, $3) \
         ON CONFLICT (person) DO UPDATE SET secret = $2, last_step = 0, created_at = $3 WHERE authenticators.state = 'PENDING'",
    )
    .bind(person)
    .bind(sealed)
    .bind(now)
    .execute(&mut *tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The secret of `created_at` counts from now on; false if it is another's turn.
pub(super) async fn activate(
    tx: &mut Tx,
    person: PersonId,
    created_at: i64,
    step: i64,
    now: i64,
) -> Result<bool> {
    let done = sqlx::query(
        "UPDATE authenticators SET state = 'ACTIVE', last_step = $3, confirmed_at = $4 \
         WHERE person = $1 AND created_at = $2 AND state = 'PENDING'",
    )
    .bind(person)
    .bind(created_at)
    .bind(step)
    .bind(now)
    .execute(&mut *tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Takes the code of a step; false if one of it or of a later one was taken.
pub(super) async fn take_step(tx: &mut Tx, person: PersonId, step: i64) -> Result<bool> {
    let done = sqlx::query(
        "UPDATE authenticators SET last_step = $2 WHERE person = $1 AND state = 'ACTIVE' AND last_step < $2",
    )
    .bind(person)
    .bind(step)
    .execute(&mut *tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Puts new recovery codes in the place of the old ones.
pub(super) async fn put_codes(tx: &mut Tx, person: PersonId, hashes: &[String]) -> Result<()> {
    sqlx::query("DELETE FROM recovery_codes WHERE person = $1").bind(person).execute(&mut *tx).await?;
    for hash in hashes {
        sqlx::query("INSERT INTO recovery_codes (person, hash) VALUES ($1, $2)")
            .bind(person)
            .bind(hash)
            .execute(&mut *tx)
            .await?;
    }
    Ok(())
}

pub(super) async fn codes_left(app: &App, person: PersonId) -> Result<i64> {
    Ok(sqlx::query_scalar("SELECT COUNT(*) FROM recovery_codes WHERE person = $1 AND used_at IS NULL")
        .bind(person)
        .fetch_one(app.db.read())
        .await?)
}

pub(super) async fn has_code(app: &App, person: PersonId, hash: &str) -> Result<bool> {
    let found: Option<String> = sqlx::query_scalar(
        "SELECT hash FROM recovery_codes WHERE person = $1 AND hash = $2 AND used_at IS NULL",
    )
    .bind(person)
    .bind(hash.to_owned())
    .fetch_optional(app.db.read())
    .await?;
    Ok(found.is_some())
}

/// Uses a recovery code up; false if somebody was faster.
pub(super) async fn use_code(tx: &mut Tx, person: PersonId, hash: &str, now: i64) -> Result<bool> {
    let done = sqlx::query(
        "UPDATE recovery_codes SET used_at = $3 WHERE person = $1 AND hash = $2 AND used_at IS NULL",
    )
    .bind(person)
    .bind(hash)
    .bind(now)
    .execute(&mut *tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Takes the authenticator and its recovery codes away.
pub(super) async fn forget(tx: &mut Tx, person: PersonId) -> Result<()> {
    for sql in
        ["DELETE FROM authenticators WHERE person = $1", "DELETE FROM recovery_codes WHERE person = $1"]
    {
        sqlx::query(sql).bind(person).execute(&mut *tx).await?;
    }
    Ok(())
}
