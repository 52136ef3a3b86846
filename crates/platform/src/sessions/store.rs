//! Sessions in SQL.

use super::{Actor, Session, resource};
use crate::id::{DeviceId, PersonId, SessionId};
use crate::{App, Page, PageAsk, Result, Tx, policies};

/// What a new session needs, read and drawn before the transaction that opens it.
#[derive(Clone)]
pub(crate) struct Opening {
    token: String,
    token_hash: String,
    session: SessionId,
    now: i64,
    expires_at: i64,
    most: i64,
}

impl Opening {
    /// Draws a token for a session that begins now.
    pub(crate) async fn new(app: &App) -> Result<Self> {
        let now = app.clock.millis();
        let token = jialing_crypto::random::token();
        Ok(Self {
            token_hash: token_hash(app, &token),
            token,
            session: SessionId::new(now),
            now,
            expires_at: now + policies::number(app, "session_days").await? * 86_400_000,
            most: policies::number(app, "sessions_per_person").await?,
        })
    }

    /// Opens the session; the oldest ones above the number a person may have are ended.
    pub(crate) async fn open(
        &self,
        tx: &mut Tx,
        person: PersonId,
        device: Option<DeviceId>,
    ) -> Result<super::SignedIn> {
        sqlx::query(
            "INSERT INTO sessions (id, person, device, token_hash, created_at, last_used_at, expires_at) \
             VALUES ($1, $2, $3, $4, $5, $5, $6)",
        )
        .bind(self.session)
        .bind(person)
        .bind(device)
        .bind(&self.token_hash)
        .bind(self.now)
        .bind(self.expires_at)
        .execute(&mut *tx)
        .await?;
        sqlx::query(
            "UPDATE sessions SET ended_at = $1, end_reason = 'too_many' WHERE person = $2 AND ended_at IS NULL \
             AND id NOT IN (SELECT id FROM sessions WHERE person = $2 AND ended_at IS NULL ORDER BY id DESC LIMIT $3)",
        )
        .bind(self.now)
        .bind(person)
        .bind(self.most)
        .execute(&mut *tx)
        .await?;
        let times = (self.now, self.now, self.expires_at);
        Ok(super::SignedIn {
            person_id: person,
            token: self.token.clone(),
            session: resource(self.session, device, times, Some(self.session)),
        })
    }
}

/// What is stored of a token: a keyed hash, so a copy of the table matches nothing.
pub(super) fn token_hash(app: &App, token: &str) -> String {
    app.blind.of("sessions.token", token)
}

/// A session that was not ended; its times say whether it lives.
#[derive(Clone, Copy)]
pub(crate) struct Live {
    pub(super) actor: Actor,
    pub(super) last_used_at: i64,
    pub(super) expires_at: i64,
}

/// The session with this token hash, if it was not ended.
pub(super) async fn live(app: &App, token_hash: String) -> Result<Option<Live>> {
    let memory = &app.memory().sessions;
    let at = match memory.get(&app.db, &token_hash) {
        Ok(live) => return Ok(Some(live)),
        Err(at) => at,
    };
    let row: Option<(SessionId, PersonId, Option<DeviceId>, i64, i64)> = sqlx::query_as(
        "SELECT id, person, device, last_used_at, expires_at FROM sessions \
         WHERE token_hash = $1 AND ended_at IS NULL",
    )
    .bind(&token_hash)
    .fetch_optional(&mut app.db.quick().await?)
    .await?;
    let Some((session, person, device, last_used_at, expires_at)) = row else { return Ok(None) };
    let live = Live { actor: Actor { person, session, device }, last_used_at, expires_at };
    memory.put(at, token_hash, &live);
    Ok(Some(live))
}

/// Whether the session was not ended and has not expired.
pub(super) async fn lives(app: &App, session: SessionId, now: i64) -> Result<bool> {
    let found: Option<i64> = sqlx::query_scalar(
        "SELECT created_at FROM sessions WHERE id = $1 AND ended_at IS NULL AND expires_at > $2",
    )
    .bind(session)
    .bind(now)
    .fetch_optional(app.db.read())
    .await?;
    Ok(found.is_some())
}

pub(super) async fn touch(tx: &mut Tx, session: SessionId, now: i64) -> Result<()> {
    sqlx::query("UPDATE sessions SET last_used_at = $1 WHERE id = $2 AND last_used_at < $1")
        .bind(now)
        .bind(session)
        .execute(&mut *tx)
        .await?;
    Ok(())
}

pub(super) async fn is_of(tx: &mut Tx, session: SessionId, person: PersonId) -> Result<bool> {
    let found: Option<i64> =
        sqlx::query_scalar("SELECT created_at FROM sessions WHERE id = $1 AND person = $2")
            .bind(session)
            .bind(person)
            .fetch_optional(&mut *tx)
            .await?;
    Ok(found.is_some())
}

pub(super) async fn began_at(tx: &mut Tx, session: SessionId) -> Result<i64> {
    let at: Option<i64> = sqlx::query_scalar("SELECT created_at FROM sessions WHERE id = $1")
        .bind(session)
        .fetch_optional(&mut *tx)
        .await?;
    Ok(at.unwrap_or(0))
}

pub(super) async fn bind_device(tx: &mut Tx, session: SessionId, device: DeviceId) -> Result<()> {
    sqlx::query("UPDATE sessions SET device = $1 WHERE id = $2 AND device IS NULL")
        .bind(device)
        .bind(session)
        .execute(&mut *tx)
        .await?;
    Ok(())
}

pub(super) async fn end(tx: &mut Tx, session: SessionId, now: i64, reason: &str) -> Result<()> {
    sqlx::query("UPDATE sessions SET ended_at = $1, end_reason = $2 WHERE id = $3 AND ended_at IS NULL")
        .bind(now)
        .bind(reason)
        .bind(session)
        .execute(&mut *tx)
        .await?;
    Ok(())
}

pub(super) async fn end_all(tx: &mut Tx, person: PersonId, now: i64, reason: &str) -> Result<()> {
    sqlx::query("UPDATE sessions SET ended_at = $1, end_reason = $2 WHERE person = $3 AND ended_at IS NULL")
        .bind(now)
        .bind(reason)
        .bind(person)
        .execute(&mut *tx)
        .await?;
    Ok(())
}

pub(super) async fn end_of_device(tx: &mut Tx, device: DeviceId, now: i64) -> Result<()> {
    sqlx::query(
        "UPDATE sessions SET ended_at = $1, end_reason = 'device_revoked' WHERE device = $2 AND ended_at IS NULL",
    )
    .bind(now)
    .bind(device)
    .execute(&mut *tx)
    .await?;
    Ok(())
}

pub(super) async fn page(
    app: &App,
    actor: &Actor,
    ask: &PageAsk,
    now: i64,
    idle_ms: i64,
) -> Result<Page<Session>> {
    let limit = ask.limit()?;
    let cursor = ask.cursor::<crate::id::SessionTag>()?;
    let rows: Vec<(SessionId, Option<DeviceId>, i64, i64, i64)> = sqlx::query_as(crate::page::paged!(cursor, "SELECT id, device, created_at, last_used_at, expires_at FROM sessions WHERE person = $1 AND ended_at IS NULL AND expires_at > $2 AND last_used_at > $3", "id", "$4", "$5"))
    .bind(actor.person)
    .bind(now)
    .bind(now - idle_ms)
    .bind(&cursor.from)
    .bind(i64::from(limit) + 1)
    .fetch_all(app.db.read())
    .await?;
    let items = rows
        .into_iter()
        .map(|(id, device, created, used, expires)| {
            resource(id, device, (created, used, expires), Some(actor.session))
        })
        .collect();
    Ok(cursor.page(items, limit))
}

pub(super) async fn sweep(tx: &mut Tx, before: i64) -> Result<()> {
    sqlx::query("DELETE FROM sessions WHERE expires_at < $1").bind(before).execute(&mut *tx).await?;
    Ok(())
}
