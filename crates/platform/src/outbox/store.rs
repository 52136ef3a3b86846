//! The events table.

use sqlx::Row;
use sqlx::any::AnyRow;

use super::{API_VERSION, Event, NewEvent, Pick, Picked};
use crate::clock::rfc3339;
use crate::id::{EventId, EventTag, MerchantId};
use crate::{App, Page, PageAsk, Problem, Result, Tx};

const COLUMNS: &str = "id, type, object_version, resource, created_at, delivered_at";

/// The event's id, and whether it was written by this call.
pub(super) async fn insert(tx: &mut Tx, event: &NewEvent) -> Result<(EventId, bool)> {
    let id = EventId::new(event.at);
    let written = sqlx::query(
        "INSERT INTO events (id, merchant, type, object, object_version, occasion, resource, notify_url, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (object, type, occasion) DO NOTHING",
    )
    .bind(id)
    .bind(event.merchant)
    .bind(event.event)
    .bind(event.object.as_str())
    .bind(event.object_version)
    .bind(event.occasion)
    .bind(event.resource.to_string())
    .bind(event.notify_url.as_deref())
    .bind(event.at)
    .execute(&mut *tx)
    .await?;
    if written.rows_affected() == 1 {
        return Ok((id, true));
    }
    let known = sqlx::query_scalar("SELECT id FROM events WHERE object = $1 AND type = $2 AND occasion = $3")
        .bind(event.object.as_str())
        .bind(event.event)
        .bind(event.occasion)
        .fetch_one(&mut *tx)
        .await?;
    Ok((known, false))
}

/// The merchant's server took the event.
pub(crate) async fn took(tx: &mut Tx, id: EventId, now: i64) -> Result<()> {
    sqlx::query("UPDATE events SET delivered_at = $2 WHERE id = $1 AND delivered_at IS NULL")
        .bind(id)
        .bind(now)
        .execute(&mut *tx)
        .await?;
    Ok(())
}

/// An event of the merchant to deliver again.
pub(crate) async fn pick(tx: &mut Tx, merchant: MerchantId, id: EventId) -> Result<Option<Picked>> {
    let row = sqlx::query("SELECT id, type, notify_url FROM events WHERE id = $1 AND merchant = $2")
        .bind(id)
        .bind(merchant)
        .fetch_optional(&mut *tx)
        .await?;
    row.as_ref().map(picked).transpose()
}

/// The merchant's events that `pick` says, the oldest first, one more than its limit.
pub(crate) async fn pick_many(tx: &mut Tx, merchant: MerchantId, pick: &Pick) -> Result<Vec<Picked>> {
    let mut sql = "SELECT id, type, notify_url FROM events WHERE merchant = $1 AND id > $2 \
         AND created_at >= $3 AND created_at < $4"
        .to_owned();
    sql += match pick.delivered {
        Some(true) => " AND delivered_at IS NOT NULL",
        Some(false) => " AND delivered_at IS NULL",
        None => "",
    };
    sql += if pick.event.is_some() { " AND type = $6" } else { "" };
    let mut query = sqlx::query(sqlx::AssertSqlSafe(sql + " ORDER BY id LIMIT $5"))
        .bind(merchant)
        .bind(pick.after.map_or_else(String::new, |id| id.to_string()))
        .bind(pick.since.unwrap_or(0))
        .bind(pick.until.unwrap_or(i64::MAX))
        .bind(pick.limit + 1);
    if let Some(event) = pick.event {
        query = query.bind(event);
    }
    query.fetch_all(&mut *tx).await?.iter().map(picked).collect()
}

fn picked(row: &AnyRow) -> Result<Picked> {
    Ok(Picked { id: row.try_get("id")?, event: row.try_get("type")?, notify_url: row.try_get("notify_url")? })
}

pub(super) async fn list(
    app: &App,
    merchant: MerchantId,
    delivered: Option<bool>,
    page: &PageAsk,
) -> Result<Page<Event>> {
    let (limit, cursor) = (page.limit()?, page.cursor::<EventTag>()?);
    let mut sql = format!("SELECT {COLUMNS} FROM events WHERE merchant = $1 AND id ");
    sql += if cursor.towards_newer { "> $2" } else { "< $2" };
    sql += match delivered {
        Some(true) => " AND delivered_at IS NOT NULL",
        Some(false) => " AND delivered_at IS NULL",
        None => "",
    };
    sql += if cursor.towards_newer { " ORDER BY id LIMIT $3" } else { " ORDER BY id DESC LIMIT $3" };
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(merchant.to_string())
        .bind(cursor.from.clone())
        .bind(i64::from(limit) + 1)
        .fetch_all(app.db.read())
        .await?;
    Ok(cursor.page(rows.iter().map(read).collect::<Result<Vec<_>>>()?, limit))
}

pub(super) async fn get(app: &App, merchant: MerchantId, id: EventId) -> Result<Option<Event>> {
    let row = sqlx::query("SELECT id, type, object_version, resource, created_at, delivered_at FROM events WHERE id = $1 AND merchant = $2")
        .bind(id.to_string())
        .bind(merchant.to_string())
        .fetch_optional(app.db.read())
        .await?;
    row.as_ref().map(read).transpose()
}

pub(super) async fn acknowledge(app: &App, merchant: MerchantId, id: EventId) -> Result<()> {
    let now = app.clock.millis();
    app.db
        .write(async move |tx: &mut Tx| {
            sqlx::query("UPDATE events SET delivered_at = $1 WHERE id = $2 AND merchant = $3 AND delivered_at IS NULL")
                .bind(now)
                .bind(id.to_string())
                .bind(merchant.to_string())
                .execute(&mut *tx)
                .await?;
            Ok(())
        })
        .await
}

pub(super) async fn expire(tx: &mut Tx, before: i64) -> Result<u64> {
    let gone = sqlx::query("DELETE FROM events WHERE created_at < $1").bind(before).execute(&mut *tx).await?;
    Ok(gone.rows_affected())
}

fn read(row: &AnyRow) -> Result<Event> {
    let resource: String = row.try_get("resource")?;
    let id: String = row.try_get("id")?;
    Ok(Event {
        id: id.parse().map_err(Problem::internal)?,
        event: row.try_get("type")?,
        created_at: rfc3339(row.try_get("created_at")?),
        api_version: API_VERSION.to_owned(),
        object_version: row.try_get("object_version")?,
        resource: serde_json::from_str(&resource).map_err(Problem::internal)?,
        delivered_at: row.try_get::<Option<i64>, _>("delivered_at")?.map(rfc3339),
    })
}
