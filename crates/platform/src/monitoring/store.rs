//! The tables `integration_counts` and `integration_incidents`.

use std::fmt::Write;

use super::meter::{Cell, Key};
use super::rules::{AlertRule, bucket_text};
use crate::id::MerchantId;
use crate::{App, Result, Tx};

/// Rows of one statement: five values each, well below what either database takes in one.
const ROWS_TOGETHER: usize = 2_000;
/// Rows that one job of housekeeping removes at most.
const SWEPT_TOGETHER: i64 = 20_000;
/// Sums read at once when all integrations are looked at; one of them has far fewer.
const READ_TOGETHER: i64 = 5_000;

/// A row of `integration_counts`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Count {
    merchant: MerchantId,
    minute: i64,
    provider: String,
    what: String,
    times: i64,
}

impl Count {
    /// What was counted, and how often.
    pub(super) fn counted(self) -> (String, i64) {
        (self.what, self.times)
    }
}

/// The rows that a cell becomes.
pub(super) fn rows(key: &Key, cell: &Cell) -> Vec<Count> {
    let provider = key.provider.map(|provider| provider.to_string()).unwrap_or_default();
    let row = |what: String, times: u32| Count {
        merchant: key.merchant,
        minute: key.minute,
        provider: provider.clone(),
        what,
        times: i64::from(times),
    };
    let times = cell.times.iter().enumerate().filter(|(_, times)| **times > 0);
    let times = times.map(|(place, times)| row(bucket_text(place), *times));
    times.chain(cell.codes.iter().map(|(code, times)| row(code.text().to_owned(), *times))).collect()
}

/// Adds rows to those that this and other nodes wrote.
pub(super) async fn add(tx: &mut Tx, counts: &[Count]) -> Result<()> {
    for together in counts.chunks(ROWS_TOGETHER) {
        let mut sql =
            "INSERT INTO integration_counts (merchant, minute, provider, what, times) VALUES ".to_owned();
        for place in 0..together.len() {
            let (comma, first) = (if place == 0 { "" } else { ", " }, place * 5 + 1);
            let [a, b, c, d, e] = std::array::from_fn(|n| first + n);
            // Writing to a text cannot fail.
            let _ = write!(sql, "{comma}(${a}, ${b}, ${c}, ${d}, ${e})");
        }
        sql += " ON CONFLICT (merchant, minute, provider, what) DO UPDATE SET times = integration_counts.times + excluded.times";
        let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
        for count in together {
            query = query
                .bind(count.merchant)
                .bind(count.minute)
                .bind(count.provider.clone())
                .bind(count.what.clone())
                .bind(count.times);
        }
        query.execute(&mut *tx).await?;
    }
    Ok(())
}

/// Sums of a merchant by time: the slot's number, what, how often.
pub(super) async fn series(
    app: &App,
    merchant: MerchantId,
    provider: Option<MerchantId>,
    (from, to, step): (i64, i64, i64),
) -> Result<Vec<(i64, String, i64)>> {
    // The provider's bound is written so that no provider is all of them.
    Ok(sqlx::query_as(
        "SELECT minute / $4, what, CAST(SUM(times) AS BIGINT) FROM integration_counts
         WHERE merchant = $1 AND minute >= $2 AND minute < $3 AND (CAST($5 AS TEXT) IS NULL OR provider = $5)
         GROUP BY 1, 2",
    )
    .bind(merchant)
    .bind(from)
    .bind(to)
    .bind(step)
    .bind(provider.map(|provider| provider.to_string()))
    .fetch_all(app.db.read())
    .await?)
}

/// Sums of what was asked for a merchant, by who asked: its provider or nobody else.
pub(super) async fn by_provider(
    app: &App,
    merchant: MerchantId,
    (from, to): (i64, i64),
) -> Result<Vec<(String, String, i64)>> {
    Ok(sqlx::query_as(
        "SELECT provider, what, CAST(SUM(times) AS BIGINT) FROM integration_counts
         WHERE merchant = $1 AND minute >= $2 AND minute < $3 AND provider <> '' GROUP BY 1, 2",
    )
    .bind(merchant)
    .bind(from)
    .bind(to)
    .fetch_all(app.db.read())
    .await?)
}

/// Sums of what a provider asked, by the merchant it asked for.
pub(super) async fn by_merchant(
    app: &App,
    provider: MerchantId,
    (from, to): (i64, i64),
) -> Result<Vec<(String, String, i64)>> {
    Ok(sqlx::query_as(
        "SELECT merchant, what, CAST(SUM(times) AS BIGINT) FROM integration_counts
         WHERE provider = $1 AND provider <> '' AND minute >= $2 AND minute < $3 GROUP BY 1, 2",
    )
    .bind(provider)
    .bind(from)
    .bind(to)
    .fetch_all(app.db.read())
    .await?)
}

/// Sums of every integration behind `after`, by its id: a merchant's are all that was asked for it, a provider's
/// besides what it asked for others. The last one may be cut off where there are as many rows as are read.
pub(super) async fn everybody(
    app: &App,
    (from, to): (i64, i64),
    after: &str,
) -> Result<(Vec<(String, String, i64)>, bool)> {
    let rows: Vec<(String, String, i64)> = sqlx::query_as(
        "SELECT who, what, CAST(SUM(times) AS BIGINT) FROM (
             SELECT merchant AS who, what, times FROM integration_counts WHERE minute >= $1 AND minute < $2
             UNION ALL
             SELECT provider AS who, what, times FROM integration_counts
             WHERE minute >= $1 AND minute < $2 AND provider <> ''
         ) AS sides WHERE who > $3 GROUP BY who, what ORDER BY who, what LIMIT $4",
    )
    .bind(from)
    .bind(to)
    .bind(after)
    .bind(READ_TOGETHER)
    .fetch_all(app.db.read())
    .await?;
    let all = (rows.len() as i64) < READ_TOGETHER;
    Ok((rows, all))
}

/// Forgets counts of minutes before this one; how many rows.
pub(super) async fn forget(tx: &mut Tx, before: i64) -> Result<u64> {
    let gone = sqlx::query(
        "DELETE FROM integration_counts WHERE (merchant, minute, provider, what) IN
         (SELECT merchant, minute, provider, what FROM integration_counts WHERE minute < $1 ORDER BY minute LIMIT $2)",
    )
    .bind(before)
    .bind(SWEPT_TOGETHER)
    .execute(&mut *tx)
    .await?;
    Ok(gone.rows_affected())
}

/// A row of `integration_incidents`. Times in milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub(super) struct Incident {
    pub(super) merchant: MerchantId,
    pub(super) rule: AlertRule,
    pub(super) subject: String,
    pub(super) number: i64,
    pub(super) measured: i64,
    pub(super) began_at: i64,
    pub(super) seen_at: i64,
}

/// Incidents that last, of everybody or of one merchant.
pub(super) async fn lasting(app: &App, merchant: Option<MerchantId>) -> Result<Vec<Incident>> {
    Ok(sqlx::query_as(
        "SELECT merchant, rule, subject, number, measured, began_at, seen_at FROM integration_incidents
         WHERE recovered_at IS NULL AND (CAST($1 AS TEXT) IS NULL OR merchant = $1) ORDER BY merchant, rule, subject",
    )
    .bind(merchant)
    .fetch_all(app.db.read())
    .await?)
}

/// Begins an incident; none where one lasts already, which was seen again with that.
pub(super) async fn begin(
    tx: &mut Tx,
    (merchant, rule, subject): (MerchantId, AlertRule, &str),
    measured: i64,
    now: i64,
) -> Result<Option<Incident>> {
    let seen = sqlx::query(
        "UPDATE integration_incidents SET seen_at = $4
         WHERE merchant = $1 AND rule = $2 AND subject = $3 AND recovered_at IS NULL",
    )
    .bind(merchant)
    .bind(rule)
    .bind(subject)
    .bind(now)
    .execute(&mut *tx)
    .await?;
    if seen.rows_affected() > 0 {
        return Ok(None);
    }
    Ok(sqlx::query_as(
        "INSERT INTO integration_incidents (merchant, rule, subject, number, measured, began_at, seen_at)
         VALUES ($1, $2, $3, 1, $4, $5, $5) ON CONFLICT (merchant, rule, subject) DO UPDATE
         SET number = integration_incidents.number + 1, measured = excluded.measured, began_at = excluded.began_at,
         seen_at = excluded.seen_at, recovered_at = NULL
         RETURNING merchant, rule, subject, number, measured, began_at, seen_at",
    )
    .bind(merchant)
    .bind(rule)
    .bind(subject)
    .bind(measured)
    .bind(now)
    .fetch_optional(&mut *tx)
    .await?)
}

/// Ends an incident that was last seen before `quiet_since`; whether this call did.
pub(super) async fn end(tx: &mut Tx, incident: &Incident, quiet_since: i64, now: i64) -> Result<bool> {
    let ended = sqlx::query(
        "UPDATE integration_incidents SET recovered_at = $5
         WHERE merchant = $1 AND rule = $2 AND subject = $3 AND recovered_at IS NULL AND seen_at <= $4 AND number = $6",
    )
    .bind(incident.merchant)
    .bind(incident.rule)
    .bind(incident.subject.as_str())
    .bind(quiet_since)
    .bind(now)
    .bind(incident.number)
    .execute(&mut *tx)
    .await?;
    Ok(ended.rows_affected() == 1)
}
