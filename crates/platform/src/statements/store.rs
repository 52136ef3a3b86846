//! The tables `day_statements` and `statement_days`.

use super::lines::Tally;
use super::{Format, Kind, ListAsk, State};
use crate::id::{ExportId, MerchantId, StatementId, StatementTag};
use crate::{App, Code, Page, PageAsk, Problem, Result, Tx};

/// A row of `day_statements`. Amounts in fen, times in milliseconds.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct Row {
    pub(super) id: StatementId,
    pub(super) merchant: MerchantId,
    pub(super) day: String,
    pub(super) kind: Kind,
    pub(super) format: Format,
    pub(super) state: State,
    pub(super) export: ExportId,
    pub(super) tries: i64,
    pub(super) opening: Option<i64>,
    pub(super) closing: Option<i64>,
    totals: Option<String>,
    pub(super) bytes: Option<i64>,
    pub(super) sha256: Option<String>,
    pub(super) sm3: Option<String>,
    pub(super) created_at: i64,
    pub(super) ready_at: Option<i64>,
    pub(super) expires_at: Option<i64>,
    pub(super) version: i64,
}

impl Row {
    /// The state at `now`: a file's time ends by itself.
    pub(super) fn state_at(&self, now: i64) -> State {
        match self.state {
            State::Ready if self.expires_at.is_some_and(|at| at <= now) => State::Expired,
            other => other,
        }
    }

    /// What the lines add up to.
    pub(super) fn totals(&self) -> Option<Tally> {
        self.totals.as_deref().and_then(|text| serde_json::from_str(text).ok())
    }
}

pub(super) async fn find(app: &App, merchant: MerchantId, id: StatementId) -> Result<Option<Row>> {
    Ok(sqlx::query_as("SELECT * FROM day_statements WHERE id = $1 AND merchant = $2")
        .bind(id)
        .bind(merchant)
        .fetch_optional(app.db.read())
        .await?)
}

/// Makes sure that there is such a statement and that its file is there or being made.
pub(super) async fn put(
    tx: &mut Tx,
    merchant: MerchantId,
    day: &str,
    (kind, format): (Kind, Format),
    most: Option<i64>,
    now: i64,
) -> Result<Row> {
    let known: Option<Row> = sqlx::query_as(
        "SELECT * FROM day_statements WHERE merchant = $1 AND day = $2 AND kind = $3 AND format = $4",
    )
    .bind(merchant)
    .bind(day.to_owned())
    .bind(kind)
    .bind(format)
    .fetch_optional(&mut *tx)
    .await?;
    if let Some(row) = known.as_ref().filter(|row| matches!(row.state_at(now), State::Making | State::Ready))
    {
        return Ok(row.clone());
    }
    if let Some(most) = most {
        let count = "SELECT COUNT(*) FROM day_statements WHERE merchant = $1 AND state = 'MAKING'";
        let making: i64 = sqlx::query_scalar(count).bind(merchant).fetch_one(&mut *tx).await?;
        if making >= most {
            return Err(Problem::new(Code::RateLimited)
                .retry_after(10)
                .detail(format!("{making} statements are being made: wait until one is ready.")));
        }
    }
    let query = match known {
        Some(row) => sqlx::query_as(
            "UPDATE day_statements SET state = 'MAKING', export = $2, tries = 1, version = version + 1 WHERE id = $1 RETURNING *",
        )
        .bind(row.id)
        .bind(ExportId::new(now)),
        None => sqlx::query_as(
            "INSERT INTO day_statements (id, export, merchant, day, kind, format, state, tries, created_at, version) \
             VALUES ($1, $2, $3, $4, $5, $6, 'MAKING', 1, $7, 1) \
             ON CONFLICT (merchant, day, kind, format) DO NOTHING RETURNING *",
        )
        .bind(StatementId::new(now))
        .bind(ExportId::new(now))
        .bind(merchant)
        .bind(day.to_owned())
        .bind(kind)
        .bind(format)
        .bind(now),
    };
    // Somebody else made it between the look and the write: look again.
    query.fetch_optional(&mut *tx).await?.ok_or_else(Problem::again)
}

pub(super) async fn list(
    app: &App,
    merchant: MerchantId,
    ask: &ListAsk,
    page: &PageAsk,
) -> Result<Page<Row>> {
    let (limit, cursor) = (page.limit()?, page.cursor::<StatementTag>()?);
    let rows = sqlx::query_as(crate::page::paged!(cursor, "SELECT * FROM day_statements WHERE merchant = $1 AND (CAST($3 AS TEXT) IS NULL OR day = $3) AND (CAST($4 AS TEXT) IS NULL OR kind = $4)", "id", "$2", "$5"))
    .bind(merchant)
    .bind(cursor.from.clone())
    .bind(ask.day.clone())
    .bind(ask.kind)
    .bind(i64::from(limit) + 1)
    .fetch_all(app.db.read())
    .await?;
    Ok(cursor.page(rows, limit))
}

/// Statements that are being made, the oldest first.
pub(super) async fn making(app: &App, most: i64) -> Result<Vec<Row>> {
    Ok(sqlx::query_as("SELECT * FROM day_statements WHERE state = 'MAKING' ORDER BY id LIMIT $1")
        .bind(most)
        .fetch_all(app.db.read())
        .await?)
}

/// What a finished statement is.
#[derive(Clone, Debug)]
pub(super) struct Finished {
    pub(super) balances: (i64, i64),
    pub(super) totals: String,
    pub(super) file: (i64, String, String),
    pub(super) expires_at: i64,
}

/// The statement is ready; `None` if it was not being made by this export any more.
pub(super) async fn finish(tx: &mut Tx, row: &Row, finished: &Finished, now: i64) -> Result<Option<Row>> {
    let (bytes, sha256, sm3) = finished.file.clone();
    Ok(sqlx::query_as(
        "UPDATE day_statements SET state = 'READY', opening = $3, closing = $4, totals = $5, bytes = $6, sha256 = $7, sm3 = $8, \
         ready_at = $9, expires_at = $10, version = version + 1 WHERE id = $1 AND export = $2 AND state = 'MAKING' RETURNING *",
    )
    .bind(row.id)
    .bind(row.export)
    .bind(finished.balances.0)
    .bind(finished.balances.1)
    .bind(finished.totals.clone())
    .bind(bytes)
    .bind(sha256)
    .bind(sm3)
    .bind(now)
    .bind(finished.expires_at)
    .fetch_optional(&mut *tx)
    .await?)
}

/// The statement's export failed: it is tried once more under another, or has failed.
pub(super) async fn give_up(tx: &mut Tx, row: &Row, for_good: bool, now: i64) -> Result<()> {
    let sql = if for_good {
        "UPDATE day_statements SET state = 'FAILED', version = version + 1 WHERE id = $1 AND export = $2 AND state = 'MAKING'"
    } else {
        "UPDATE day_statements SET export = $3, tries = tries + 1 WHERE id = $1 AND export = $2 AND state = 'MAKING'"
    };
    let mut query = sqlx::query(sql).bind(row.id).bind(row.export);
    if !for_good {
        query = query.bind(ExportId::new(now));
    }
    query.execute(&mut *tx).await?;
    Ok(())
}

/// The newest day whose statements were begun, and how far it is: the last merchant looked at, and whether
/// it is done.
pub(super) async fn newest_day(app: &App) -> Result<Option<(String, String, i16)>> {
    let sql = "SELECT day, after_merchant, done FROM statement_days ORDER BY day DESC LIMIT 1";
    Ok(sqlx::query_as(sql).fetch_optional(app.db.read()).await?)
}

/// Writes down how far a day is. It never goes back.
pub(super) async fn advance_day(tx: &mut Tx, day: &str, after: &str, done: bool) -> Result<()> {
    sqlx::query(
        "INSERT INTO statement_days (day, after_merchant, done) VALUES ($1, $2, $3) \
         ON CONFLICT (day) DO UPDATE SET after_merchant = CASE WHEN statement_days.after_merchant < excluded.after_merchant \
         THEN excluded.after_merchant ELSE statement_days.after_merchant END, \
         done = CASE WHEN statement_days.done > excluded.done THEN statement_days.done ELSE excluded.done END",
    )
    .bind(day.to_owned())
    .bind(after.to_owned())
    .bind(i16::from(done))
    .execute(&mut *tx)
    .await?;
    Ok(())
}
