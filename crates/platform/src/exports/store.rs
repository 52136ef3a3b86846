//! The table of exports.

use super::{Content, Export, Form, Language, Owner, State};
use crate::clock::rfc3339;
use crate::history::Range;
use crate::id::{ExportId, ExportTag};
use crate::{App, Code, Money, Page, PageAsk, Problem, Result, Tx};

/// A row of `exports`. Amounts in fen, times in milliseconds.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct Row {
    pub(super) id: ExportId,
    pub(super) account: String,
    pub(super) shown: String,
    pub(super) content: Content,
    pub(super) format: Form,
    pub(super) language: Language,
    pub(super) bom: i16,
    pub(super) from_at: i64,
    pub(super) to_at: i64,
    pub(super) first_seq: i64,
    pub(super) end_seq: i64,
    pub(super) opening: i64,
    pub(super) closing: i64,
    pub(super) state: State,
    pub(super) row_count: i64,
    pub(super) rows_done: i64,
    pub(super) bytes: Option<i64>,
    pub(super) sha256: Option<String>,
    pub(super) sm3: Option<String>,
    pub(super) totals: Option<String>,
    pub(super) manifest: Option<String>,
    pub(super) note_seq: Option<i64>,
    pub(super) data_key: Option<Vec<u8>>,
    pub(super) tries: i64,
    pub(super) created_at: i64,
    pub(super) expires_at: Option<i64>,
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, account, shown, content, format, language, bom, from_at, to_at, first_seq, end_seq, opening, closing, state, row_count, \
             rows_done, bytes, sha256, sm3, totals, manifest, note_seq, data_key, tries, created_at, expires_at FROM exports ",
            $rest
        )
    };
}

impl Row {
    /// As its owner sees it.
    pub(super) fn shown(&self) -> Export {
        let range = Range { from: self.from_at, to: self.to_at };
        let is_ready = self.state == State::Ready;
        Export {
            id: self.id,
            account: self.shown.clone(),
            format: self.format,
            language: self.language,
            bom: self.bom != 0,
            from: range.from_text(),
            to: range.to_text(),
            opening: Money::fen(self.opening.unsigned_abs()),
            closing: Money::fen(self.closing.unsigned_abs()),
            state: self.state,
            rows: self.row_count.unsigned_abs(),
            rows_done: self.rows_done.unsigned_abs(),
            bytes: self.bytes.map(i64::unsigned_abs),
            sha256: self.sha256.clone(),
            sm3: self.sm3.clone(),
            created_at: rfc3339(self.created_at),
            expires_at: self.expires_at.filter(|_| is_ready).map(rfc3339),
            proof: None,
        }
    }
}

/// An export to put in the queue.
#[derive(Clone, Debug)]
pub(super) struct New {
    pub(super) id: ExportId,
    pub(super) owner: Owner,
    pub(super) account: String,
    pub(super) shown: String,
    pub(super) content: Content,
    pub(super) format: Form,
    pub(super) language: Language,
    pub(super) bom: bool,
    pub(super) range: Range,
    pub(super) first: i64,
    pub(super) end: i64,
    pub(super) opening: i64,
    pub(super) closing: i64,
    pub(super) rows: i64,
    pub(super) now: i64,
}

/// Which queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// What people, merchants and banks asked for.
    Exports,
    /// What statements are made of.
    Statements,
}

/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;

/// Puts an export in the queue, unless its owner has as many as are allowed.
pub(super) async fn insert(tx: &mut Tx, new: &New, unfinished: i64, per_day: i64) -> Result<()> {
    let count = "SELECT COUNT(*) FROM exports WHERE owner = $1 AND state IN ('QUEUED', 'RUNNING')";
    let waiting: i64 = sqlx::query_scalar(count).bind(&new.owner.0).fetch_one(&mut *tx).await?;
    if waiting >= unfinished {
        return Err(Problem::new(Code::RateLimited)
            .retry_after(10)
            .detail(format!("{waiting} exports are being made: wait until one is ready.")));
    }
    // Ids carry their time, so this is a range of the owner's index.
    let since = ExportId::from_parts(new.now - DAY_MS, 0);
    let count = "SELECT COUNT(*) FROM exports WHERE owner = $1 AND id >= $2 AND created_at > $3";
    let today: i64 = sqlx::query_scalar(count)
        .bind(&new.owner.0)
        .bind(since)
        .bind(new.now - DAY_MS)
        .fetch_one(&mut *tx)
        .await?;
    if today >= per_day {
        return Err(Problem::new(Code::RateLimited)
            .retry_after(3_600)
            .detail(format!("At most {per_day} exports may be asked for within 24 hours.")));
    }
    sqlx::query(
        "INSERT INTO exports (id, owner, account, shown, format, language, bom, from_at, to_at, first_seq, end_seq, opening, closing, state, \
         row_count, rows_done, tries, created_at, content) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 'QUEUED', $14, 0, 0, $15, $16) \
         ON CONFLICT (id) DO NOTHING",
    )
    .bind(new.id)
    .bind(&new.owner.0)
    .bind(&new.account)
    .bind(&new.shown)
    .bind(new.format)
    .bind(new.language)
    .bind(i16::from(new.bom))
    .bind(new.range.from)
    .bind(new.range.to)
    .bind(new.first)
    .bind(new.end)
    .bind(new.opening)
    .bind(new.closing)
    .bind(new.rows)
    .bind(new.now)
    .bind(new.content)
    .execute(&mut *tx)
    .await?;
    Ok(())
}

pub(super) async fn find(app: &App, owner: &Owner, id: ExportId) -> Result<Option<Row>> {
    let row = sqlx::query_as(select!("WHERE id = $1 AND owner = $2"));
    Ok(row.bind(id).bind(owner.0.clone()).fetch_optional(app.db.read()).await?)
}

pub(super) async fn list(app: &App, owner: &Owner, page: &PageAsk) -> Result<Page<Row>> {
    let (limit, cursor) = (page.limit()?, page.cursor::<ExportTag>()?);
    let sql = crate::page::paged!(cursor, select!("WHERE owner = $1"), "id", "$2", "$3");
    let rows = sqlx::query_as(sql)
        .bind(owner.0.clone())
        .bind(cursor.from.clone())
        .bind(i64::from(limit) + 1)
        .fetch_all(app.db.read())
        .await?;
    Ok(cursor.page(rows, limit))
}

/// Takes the oldest export that waits, or that whoever had it gave up, for a while.
///
/// Statements wait in a line of their own: those of a whole city's day keep nobody's export waiting.
pub(super) async fn claim(tx: &mut Tx, line: Line, claim: &str, now: i64, until: i64) -> Result<Option<Row>> {
    let sql = match line {
        Line::Exports => select!(
            "WHERE content = 'history' AND state IN ('QUEUED', 'RUNNING') AND (claimed_until IS NULL OR claimed_until <= $1) \
             ORDER BY id LIMIT 1"
        ),
        Line::Statements => select!(
            "WHERE content <> 'history' AND state IN ('QUEUED', 'RUNNING') AND (claimed_until IS NULL OR claimed_until <= $1) \
             ORDER BY id LIMIT 1"
        ),
    };
    let Some(row): Option<Row> = sqlx::query_as(sql).bind(now).fetch_optional(&mut *tx).await? else {
        return Ok(None);
    };
    sqlx::query("UPDATE exports SET state = 'RUNNING', rows_done = 0, claim = $2, claimed_until = $3, tries = tries + 1 WHERE id = $1")
        .bind(row.id)
        .bind(claim.to_owned())
        .bind(until)
        .execute(&mut *tx)
        .await?;
    Ok(Some(Row { state: State::Running, tries: row.tries + 1, ..row }))
}

/// Notes how far the export has come and keeps it for a while longer; false if it is the claimer's no more.
pub(super) async fn progress(tx: &mut Tx, id: ExportId, claim: &str, done: i64, until: i64) -> Result<bool> {
    let kept = sqlx::query("UPDATE exports SET rows_done = $3, claimed_until = $4 WHERE id = $1 AND claim = $2 AND state = 'RUNNING'")
        .bind(id)
        .bind(claim.to_owned())
        .bind(done)
        .bind(until)
        .execute(&mut *tx)
        .await?;
    Ok(kept.rows_affected() == 1)
}

/// What a finished file is.
#[derive(Clone, Debug)]
pub(super) struct Finished {
    pub(super) bytes: i64,
    pub(super) sha256: String,
    pub(super) sm3: String,
    pub(super) totals: Option<String>,
    pub(super) manifest: String,
    pub(super) note_seq: i64,
    pub(super) data_key: Vec<u8>,
}

/// The export is ready; false if it is the claimer's no more.
pub(super) async fn finish(
    tx: &mut Tx,
    id: ExportId,
    claim: &str,
    file: &Finished,
    (now, expires): (i64, i64),
) -> Result<bool> {
    let done = sqlx::query(
        "UPDATE exports SET state = 'READY', rows_done = row_count, bytes = $3, sha256 = $4, manifest = $5, note_seq = $6, data_key = $7, \
         ended_at = $8, expires_at = $9, sm3 = $10, totals = $11, claim = NULL, claimed_until = NULL WHERE id = $1 AND claim = $2 AND state = 'RUNNING'",
    )
    .bind(id)
    .bind(claim.to_owned())
    .bind(file.bytes)
    .bind(&file.sha256)
    .bind(&file.manifest)
    .bind(file.note_seq)
    .bind(file.data_key.clone())
    .bind(now)
    .bind(expires)
    .bind(&file.sm3)
    .bind(file.totals.clone())
    .execute(&mut *tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The export failed for good, or waits to be tried again.
pub(super) async fn give_up(tx: &mut Tx, id: ExportId, claim: &str, for_good: bool, now: i64) -> Result<()> {
    let sql = if for_good {
        "UPDATE exports SET state = 'FAILED', claim = NULL, claimed_until = NULL, ended_at = $3 WHERE id = $1 AND claim = $2 AND state = 'RUNNING'"
    } else {
        "UPDATE exports SET state = 'QUEUED', rows_done = 0, claim = NULL, claimed_until = $3 WHERE id = $1 AND claim = $2 AND state = 'RUNNING'"
    };
    sqlx::query(sql).bind(id).bind(claim.to_owned()).bind(now).execute(&mut *tx).await?;
    Ok(())
}

pub(super) async fn cancel(tx: &mut Tx, owner: &Owner, id: ExportId, now: i64) -> Result<()> {
    sqlx::query(
        "UPDATE exports SET state = 'CANCELLED', data_key = NULL, claim = NULL, claimed_until = NULL, ended_at = $3 \
         WHERE id = $1 AND owner = $2 AND state IN ('QUEUED', 'RUNNING', 'READY')",
    )
    .bind(id)
    .bind(owner.0.clone())
    .bind(now)
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// Destroys the keys of files whose time is over; how many.
pub(super) async fn expire(tx: &mut Tx, now: i64) -> Result<u64> {
    let sql =
        "UPDATE exports SET state = 'EXPIRED', data_key = NULL WHERE state = 'READY' AND expires_at <= $1";
    Ok(sqlx::query(sql).bind(now).execute(&mut *tx).await?.rows_affected())
}

/// Destroys the keys of all of an owner's files and stops what is being made.
pub(super) async fn forget(tx: &mut Tx, owner: &str, now: i64) -> Result<()> {
    sqlx::query(
        "UPDATE exports SET state = CASE WHEN state = 'READY' THEN 'EXPIRED' ELSE 'CANCELLED' END, data_key = NULL, claim = NULL, \
         claimed_until = NULL, ended_at = $2 WHERE owner = $1 AND state IN ('QUEUED', 'RUNNING', 'READY')",
    )
    .bind(owner.to_owned())
    .bind(now)
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// Whether a file of this export is still wanted.
pub(super) async fn wants_file(app: &App, id: ExportId) -> Result<bool> {
    let sql = "SELECT COUNT(*) FROM exports WHERE id = $1 AND state IN ('RUNNING', 'READY')";
    let count: i64 = sqlx::query_scalar(sql).bind(id).fetch_one(app.db.read()).await?;
    Ok(count > 0)
}
