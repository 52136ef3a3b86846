//! The table of notices.

use sqlx::Row;
use sqlx::any::AnyRow;

use super::{Notice, NoticeCode};
use crate::clock::rfc3339;
use crate::id::{NoticeId, NoticeTag, PersonId};
use crate::{App, Page, PageAsk, Problem, Result, Tx};

/// A notice to write.
pub(crate) struct New {
    pub(super) id: NoticeId,
    pub(super) person: PersonId,
    pub(super) code: NoticeCode,
    pub(super) params: String,
    pub(super) subject: String,
    pub(super) at: i64,
}

impl New {
    /// A notice about something that is no movement; the caller writes it once, in the transaction of
    /// what it tells.
    pub(crate) fn about(
        person: PersonId,
        code: NoticeCode,
        params: serde_json::Value,
        subject: String,
        at: i64,
    ) -> Self {
        Self { id: NoticeId::new(at), person, code, params: params.to_string(), subject, at }
    }
}

/// A notice on its way out.
#[derive(Clone)]
pub(super) struct Due {
    pub(super) id: NoticeId,
    pub(super) person: PersonId,
    pub(super) code: NoticeCode,
    pub(super) params: String,
    pub(super) tries: i64,
}

/// Writes a notice; one that is there stays.
pub(crate) async fn insert(tx: &mut Tx, new: New) -> Result<()> {
    sqlx::query(
        "INSERT INTO notices (id, person, code, params, subject, created_at, sending, tries, next_try_at) \
         VALUES ($1, $2, $3, $4, $5, $6, 'WAITING', 0, $6) ON CONFLICT (id) DO NOTHING",
    )
    .bind(new.id)
    .bind(new.person)
    .bind(new.code)
    .bind(new.params)
    .bind(new.subject)
    .bind(new.at)
    .execute(&mut *tx)
    .await?;
    Ok(())
}

pub(super) async fn list(app: &App, person: PersonId, page: &PageAsk) -> Result<Page<Notice>> {
    let (limit, cursor) = (page.limit()?, page.cursor::<NoticeTag>()?);
    let sql = crate::page::paged!(
        cursor,
        "SELECT id, code, params, subject, created_at, read_at FROM notices WHERE person = $1",
        "id",
        "$2",
        "$3"
    );
    let rows = sqlx::query(sql)
        .bind(person)
        .bind(cursor.from.clone())
        .bind(i64::from(limit) + 1)
        .fetch_all(app.db.read())
        .await?;
    Ok(cursor.page(rows.iter().map(read).collect::<Result<Vec<_>>>()?, limit))
}

pub(super) async fn since(app: &App, person: PersonId, after: NoticeId, limit: u32) -> Result<Vec<Notice>> {
    let rows = sqlx::query(
        "SELECT id, code, params, subject, created_at, read_at FROM notices WHERE person = $1 AND id > $2 ORDER BY id LIMIT $3",
    )
    .bind(person)
    .bind(after)
    .bind(i64::from(limit))
    .fetch_all(app.db.read())
    .await?;
    rows.iter().map(read).collect()
}

fn read(row: &AnyRow) -> Result<Notice> {
    let params: String = row.try_get("params")?;
    Ok(Notice {
        id: row.try_get("id")?,
        code: row.try_get("code")?,
        params: serde_json::from_str(&params).map_err(Problem::internal)?,
        subject: row.try_get("subject")?,
        created_at: rfc3339(row.try_get("created_at")?),
        read_at: row.try_get::<Option<i64>, _>("read_at")?.map(rfc3339),
    })
}

pub(super) async fn unread(app: &App, person: PersonId) -> Result<u64> {
    let count: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM notices WHERE person = $1 AND read_at IS NULL")
        .bind(person)
        .fetch_one(app.db.read())
        .await?;
    Ok(count as u64)
}

pub(super) async fn belongs(tx: &mut Tx, person: PersonId, id: NoticeId) -> Result<bool> {
    let found: Option<String> = sqlx::query_scalar("SELECT id FROM notices WHERE id = $1 AND person = $2")
        .bind(id)
        .bind(person)
        .fetch_optional(&mut *tx)
        .await?;
    Ok(found.is_some())
}

pub(super) async fn mark_read(tx: &mut Tx, person: PersonId, up_to: NoticeId, now: i64) -> Result<()> {
    sqlx::query("UPDATE notices SET read_at = $1 WHERE person = $2 AND id <= $3 AND read_at IS NULL")
        .bind(now)
        .bind(person)
        .bind(up_to)
        .execute(&mut *tx)
        .await?;
    Ok(())
}

/// What waits and whose time has come, oldest first.
pub(super) async fn due(app: &App, now: i64, limit: usize) -> Result<Vec<Due>> {
    let rows = sqlx::query("SELECT id, person, code, params, tries FROM notices WHERE sending = 'WAITING' AND next_try_at <= $1 ORDER BY next_try_at LIMIT $2")
        .bind(now)
        .bind(limit as i64)
        .fetch_all(app.db.read())
        .await?;
    rows.iter()
        .map(|row| {
            Ok(Due {
                id: row.try_get("id")?,
                person: row.try_get("person")?,
                code: row.try_get("code")?,
                params: row.try_get("params")?,
                tries: row.try_get("tries")?,
            })
        })
        .collect()
}

/// What became of a try.
#[derive(Clone, Copy)]
pub(super) enum Tried {
    Sent,
    Failed,
    Again { at: i64 },
}

pub(super) async fn tried(tx: &mut Tx, due: &Due, outcome: Tried) -> Result<()> {
    let (sending, at) = match outcome {
        Tried::Sent => ("SENT", 0),
        Tried::Failed => ("FAILED", 0),
        Tried::Again { at } => ("WAITING", at),
    };
    sqlx::query(
        "UPDATE notices SET sending = $1, next_try_at = $2, tries = $3 WHERE id = $4 AND sending = 'WAITING'",
    )
    .bind(sending)
    .bind(at)
    .bind(due.tries + 1)
    .bind(due.id)
    .execute(&mut *tx)
    .await?;
    Ok(())
}
