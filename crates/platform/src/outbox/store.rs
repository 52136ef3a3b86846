//! The events table.

use sqlx::Row;
use sqlx::any::AnyRow;

use super::{API_VERSION, Event, NewEvent};
use crate::clock::rfc3339;
use crate::id::{EventId, EventTag, MerchantId};
use crate::{App, Page, PageAsk, Problem, Result, Tx};

const COLUMNS: &str = "id, type, object_version, resource, created_at, delivered_at";

pub(super) async fn insert(tx: &mut Tx, event: NewEvent) -> Result<()> {
    sqlx::query(
        "INSERT INTO events (id, merchant, type, object, object_version, occasion, resource, notify_url, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (object, type, occasion) DO NOTHING",
    )
    .bind(EventId::new(event.at).to_string())
    .bind(event.merchant.to_string())
    .bind(event.event)
    .bind(event.object)
    .bind(event.object_version)
    .bind(event.occasion)
    .bind(event.resource.to_string())
    .bind(event.notify_url)
    .bind(event.at)
    .execute(&mut *tx)
    .await?;
    Ok(())
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
