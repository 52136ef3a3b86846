//! The table `webhooks`.

use super::{DisabledReason, Source, Status};
use crate::id::{MerchantId, WebhookId, WebhookTag};
use crate::{App, Code, Page, PageAsk, Problem, Result, Tx};

/// A row of `webhooks`.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct Row {
    pub(super) id: WebhookId,
    pub(super) merchant: MerchantId,
    pub(super) source: Source,
    pub(super) url: String,
    pub(super) origin: Option<String>,
    pub(super) description: Option<String>,
    pub(super) events: String,
    pub(super) status: Status,
    pub(super) disabled_reason: Option<DisabledReason>,
    pub(super) disabled_at: Option<i64>,
    pub(super) created_at: i64,
}

/// Adds the row and its queue, unless they are there; whether it was added.
pub(super) async fn insert(tx: &mut Tx, row: &Row) -> Result<bool> {
    let added = sqlx::query(
        "INSERT INTO webhooks (id, merchant, source, url, origin, description, events, status, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING",
    )
    .bind(row.id)
    .bind(row.merchant)
    .bind(row.source)
    .bind(row.url.as_str())
    .bind(row.origin.as_deref())
    .bind(row.description.as_deref())
    .bind(row.events.as_str())
    .bind(row.status)
    .bind(row.created_at)
    .execute(&mut *tx)
    .await?;
    sqlx::query(
        "INSERT INTO webhook_queues (webhook, failures, rests_until, leased_until)
         SELECT id, 0, 0, 0 FROM webhooks WHERE id = $1 ON CONFLICT (webhook) DO NOTHING",
    )
    .bind(row.id)
    .execute(&mut *tx)
    .await?;
    Ok(added.rows_affected() == 1)
}

/// The merchant's endpoint of this id.
pub(super) async fn find(tx: &mut Tx, merchant: MerchantId, id: WebhookId) -> Result<Row> {
    sqlx::query_as("SELECT * FROM webhooks WHERE id = $1 AND merchant = $2")
        .bind(id)
        .bind(merchant)
        .fetch_optional(&mut *tx)
        .await?
        .ok_or(Problem::new(Code::NotFound))
}

/// All endpoints of the merchant; few, since their number is limited.
pub(super) async fn of(tx: &mut Tx, merchant: MerchantId) -> Result<Vec<Row>> {
    Ok(sqlx::query_as("SELECT * FROM webhooks WHERE merchant = $1 ORDER BY id")
        .bind(merchant)
        .fetch_all(&mut *tx)
        .await?)
}

pub(super) async fn page(app: &App, merchant: MerchantId, page: &PageAsk) -> Result<Page<Row>> {
    let (limit, cursor) = (page.limit()?, page.cursor::<WebhookTag>()?);
    let rows = sqlx::query_as(crate::page::paged!(
        cursor,
        "SELECT * FROM webhooks WHERE merchant = $1",
        "id",
        "$2",
        "$3"
    ))
    .bind(merchant)
    .bind(cursor.from.as_str())
    .bind(i64::from(limit) + 1)
    .fetch_all(app.db.read())
    .await?;
    Ok(cursor.page(rows, limit))
}

pub(super) async fn update(tx: &mut Tx, row: &Row) -> Result<()> {
    sqlx::query(
        "UPDATE webhooks SET url = $2, description = $3, events = $4, status = $5, disabled_reason = $6,
         disabled_at = $7 WHERE id = $1",
    )
    .bind(row.id)
    .bind(row.url.as_str())
    .bind(row.description.as_deref())
    .bind(row.events.as_str())
    .bind(row.status)
    .bind(row.disabled_reason)
    .bind(row.disabled_at)
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// Removes the endpoint with everything that hangs on it.
pub(super) async fn remove(tx: &mut Tx, id: WebhookId) -> Result<()> {
    for sql in [
        "DELETE FROM webhook_attempts WHERE webhook = $1",
        "DELETE FROM webhook_deliveries WHERE webhook = $1",
        "DELETE FROM webhook_secrets WHERE webhook = $1",
        "DELETE FROM webhook_queues WHERE webhook = $1",
        "DELETE FROM webhooks WHERE id = $1",
    ] {
        sqlx::query(sql).bind(id).execute(&mut *tx).await?;
    }
    Ok(())
}
