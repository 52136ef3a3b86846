//! The table `reconciliations`.

use super::{Counts, Source, State};
use crate::files::{self, Promise};
use crate::id::{FileId, MerchantId, ReconciliationId, ReconciliationTag};
use crate::{App, Code, Page, PageAsk, Problem, Result, Tx};

/// A row of `reconciliations`. Times in milliseconds.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct Row {
    pub(super) id: ReconciliationId,
    pub(super) merchant: MerchantId,
    pub(super) day: String,
    pub(super) source: Source,
    pub(super) layout: String,
    pub(super) state: State,
    promised_bytes: Option<i64>,
    promised_sha256: Option<String>,
    pub(super) file: Option<FileId>,
    pub(super) result: Option<FileId>,
    pub(super) fault: Option<String>,
    pub(super) fault_line: Option<i64>,
    pub(super) counts: Option<String>,
    pub(super) items_done: i64,
    pub(super) tries: i64,
    pub(super) created_at: i64,
    pub(super) ended_at: Option<i64>,
    pub(super) expires_at: i64,
    pub(super) version: i64,
}

impl Row {
    /// What was said of the file.
    pub(super) fn promise(&self) -> Option<Promise> {
        Some(Promise { bytes: self.promised_bytes?.unsigned_abs(), sha256: self.promised_sha256.clone()? })
    }
}

/// A reconciliation to add.
#[derive(Clone, Debug)]
pub(super) struct New {
    pub(super) id: ReconciliationId,
    pub(super) merchant: MerchantId,
    pub(super) day: String,
    pub(super) layout: String,
    pub(super) promise: Option<Promise>,
    pub(super) now: i64,
    pub(super) expires_at: i64,
}

/// Adds a reconciliation, unless its merchant has as many unfinished ones as are allowed.
pub(super) async fn insert(tx: &mut Tx, new: &New, most: i64) -> Result<()> {
    let count = "SELECT COUNT(*) FROM reconciliations WHERE merchant = $1 AND state IN ('AWAITING_FILE', 'QUEUED', 'RUNNING')";
    let waiting: i64 = sqlx::query_scalar(count).bind(new.merchant).fetch_one(&mut *tx).await?;
    if waiting >= most {
        return Err(Problem::new(Code::RateLimited)
            .retry_after(60)
            .detail(format!("{waiting} reconciliations are unfinished: wait until one has ended.")));
    }
    let (source, state) = match new.promise {
        Some(_) => (Source::Upload, State::AwaitingFile),
        None => (Source::Url, State::Queued),
    };
    sqlx::query(
        "INSERT INTO reconciliations (id, merchant, day, source, layout, state, promised_bytes, promised_sha256, items_done, tries, \
         created_at, expires_at, version) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, 0, $9, $10, 1) ON CONFLICT (id) DO NOTHING",
    )
    .bind(new.id)
    .bind(new.merchant)
    .bind(new.day.clone())
    .bind(source)
    .bind(new.layout.clone())
    .bind(state)
    .bind(new.promise.as_ref().map(|promise| promise.bytes as i64))
    .bind(new.promise.as_ref().map(|promise| promise.sha256.clone()))
    .bind(new.now)
    .bind(new.expires_at)
    .execute(&mut *tx)
    .await?;
    Ok(())
}

pub(super) async fn find_any(app: &App, id: ReconciliationId) -> Result<Option<Row>> {
    Ok(sqlx::query_as("SELECT * FROM reconciliations WHERE id = $1")
        .bind(id)
        .fetch_optional(app.db.read())
        .await?)
}

pub(super) async fn find(app: &App, merchant: MerchantId, id: ReconciliationId) -> Result<Option<Row>> {
    Ok(find_any(app, id).await?.filter(|row| row.merchant == merchant))
}

pub(super) async fn list(app: &App, merchant: MerchantId, page: &PageAsk) -> Result<Page<Row>> {
    let (limit, cursor) = (page.limit()?, page.cursor::<ReconciliationTag>()?);
    let rows = sqlx::query_as(crate::page::paged!(
        cursor,
        "SELECT * FROM reconciliations WHERE merchant = $1",
        "id",
        "$2",
        "$3"
    ))
    .bind(merchant)
    .bind(cursor.from.clone())
    .bind(i64::from(limit) + 1)
    .fetch_all(app.db.read())
    .await?;
    Ok(cursor.page(rows, limit))
}

/// Puts a file to a reconciliation that has none; false if it is in another state or has one.
pub(super) async fn receive(tx: &mut Tx, id: ReconciliationId, from: State, file: FileId) -> Result<bool> {
    let done = sqlx::query(
        "UPDATE reconciliations SET file = $3, state = CASE WHEN state = 'AWAITING_FILE' THEN 'QUEUED' ELSE state END, \
         version = version + 1 WHERE id = $1 AND state = $2 AND file IS NULL",
    )
    .bind(id)
    .bind(from)
    .bind(file)
    .execute(&mut *tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Takes the oldest reconciliation that waits, or that whoever had it gave up, for a while.
pub(super) async fn claim(tx: &mut Tx, claim: &str, now: i64, until: i64) -> Result<Option<Row>> {
    let sql = "SELECT * FROM reconciliations WHERE state IN ('QUEUED', 'RUNNING') AND (claimed_until IS NULL OR claimed_until <= $1) \
               ORDER BY id LIMIT 1";
    let Some(row): Option<Row> = sqlx::query_as(sql).bind(now).fetch_optional(&mut *tx).await? else {
        return Ok(None);
    };
    let sql = "UPDATE reconciliations SET state = 'RUNNING', items_done = 0, claim = $2, claimed_until = $3, tries = tries + 1 \
               WHERE id = $1 RETURNING *";
    Ok(sqlx::query_as(sql).bind(row.id).bind(claim.to_owned()).bind(until).fetch_optional(&mut *tx).await?)
}

/// Notes how far it is and keeps it for a while longer; false if it is the claimer's no more.
pub(super) async fn progress(
    tx: &mut Tx,
    id: ReconciliationId,
    claim: &str,
    done: u64,
    until: i64,
) -> Result<bool> {
    let sql = "UPDATE reconciliations SET items_done = $3, claimed_until = $4 WHERE id = $1 AND claim = $2 AND state = 'RUNNING'";
    let kept = sqlx::query(sql).bind(id).bind(claim.to_owned()).bind(done as i64).bind(until);
    Ok(kept.execute(&mut *tx).await?.rows_affected() == 1)
}

/// How a reconciliation ended.
#[derive(Clone, Debug)]
pub(super) enum Ended {
    /// Every item has its outcome.
    Done(Counts, u64, FileId),
    /// The file could not be had or understood.
    Failed(String, Option<u64>),
}

/// Ends a reconciliation; `None` if it is the claimer's no more.
pub(super) async fn end(
    tx: &mut Tx,
    id: ReconciliationId,
    claim: &str,
    ended: &Ended,
    now: i64,
) -> Result<Option<Row>> {
    let query = match ended {
        Ended::Done(counts, items, result) => sqlx::query_as(
            "UPDATE reconciliations SET state = 'DONE', ended_at = $3, counts = $4, items_done = $5, result = $6, claim = NULL, \
             claimed_until = NULL, version = version + 1 WHERE id = $1 AND claim = $2 AND state = 'RUNNING' RETURNING *",
        )
        .bind(id)
        .bind(claim.to_owned())
        .bind(now)
        .bind(serde_json::to_string(counts).map_err(Problem::internal)?)
        .bind(*items as i64)
        .bind(*result),
        Ended::Failed(fault, line) => sqlx::query_as(
            "UPDATE reconciliations SET state = 'FAILED', ended_at = $3, fault = $4, fault_line = $5, claim = NULL, \
             claimed_until = NULL, version = version + 1 WHERE id = $1 AND claim = $2 AND state = 'RUNNING' RETURNING *",
        )
        .bind(id)
        .bind(claim.to_owned())
        .bind(now)
        .bind(fault.clone())
        .bind(line.map(|line| line as i64)),
    };
    Ok(query.fetch_optional(&mut *tx).await?)
}

/// Lets a reconciliation wait for another try.
pub(super) async fn wait(tx: &mut Tx, id: ReconciliationId, claim: &str, until: i64) -> Result<()> {
    let sql = "UPDATE reconciliations SET state = 'QUEUED', items_done = 0, claim = NULL, claimed_until = $3 \
               WHERE id = $1 AND claim = $2 AND state = 'RUNNING'";
    sqlx::query(sql).bind(id).bind(claim.to_owned()).bind(until).execute(&mut *tx).await?;
    Ok(())
}

/// Destroys the files of reconciliations whose time is over, and ends those whose file never came.
pub(super) async fn expire(tx: &mut Tx, now: i64) -> Result<()> {
    let sql = "SELECT * FROM reconciliations WHERE expires_at <= $1 AND (file IS NOT NULL OR result IS NOT NULL OR state = 'AWAITING_FILE') \
               AND state IN ('DONE', 'FAILED', 'AWAITING_FILE') LIMIT 100";
    let rows: Vec<Row> = sqlx::query_as(sql).bind(now).fetch_all(&mut *tx).await?;
    for row in rows {
        for file in [row.file, row.result].into_iter().flatten() {
            files::forget(tx, file).await?;
        }
        let sql = "UPDATE reconciliations SET file = NULL, result = NULL, fault = CASE WHEN state = 'AWAITING_FILE' \
                   THEN 'the file never came' ELSE fault END, ended_at = COALESCE(ended_at, $2), \
                   state = CASE WHEN state = 'AWAITING_FILE' THEN 'FAILED' ELSE state END WHERE id = $1";
        sqlx::query(sql).bind(row.id).bind(now).execute(&mut *tx).await?;
    }
    Ok(())
}
