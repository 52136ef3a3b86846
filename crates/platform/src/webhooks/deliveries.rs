//! What merchants see of deliveries, and how long they are kept.

use super::{DeliveriesAsk, Delivery, DeliveryState, Manager, ShownAttempt, rules, store};
use crate::clock::rfc3339;
use crate::id::{EventId, EventTag, WebhookId};
use crate::outbox::{self, EventType};
use crate::{App, Page, PageAsk, Result, Tx};

/// Attempts that a delivery shows.
const SHOWN_ATTEMPTS: i64 = 30;
/// Deliveries of which one job of housekeeping removes what is too old.
const SWEPT_TOGETHER: i64 = 5_000;
const COLUMNS: &str = "webhook, event, type, state, queued_at, due_at, finished_at";

#[derive(sqlx::FromRow)]
struct DeliveryRow {
    webhook: WebhookId,
    event: EventId,
    #[sqlx(rename = "type")]
    kind: EventType,
    state: DeliveryState,
    queued_at: i64,
    due_at: i64,
    finished_at: Option<i64>,
}

#[derive(sqlx::FromRow)]
struct AttemptRow {
    number: i64,
    at: i64,
    took_ms: i64,
    status: Option<i16>,
    fault: Option<String>,
    answer: Option<String>,
}

/// The deliveries to one of the merchant's endpoints with what came of them, the newest event first.
///
/// # Errors
/// `not_found`; `invalid_request` for a bad page.
pub async fn deliveries(
    app: &App,
    by: &Manager,
    webhook: WebhookId,
    ask: DeliveriesAsk,
) -> Result<Page<Delivery>> {
    let page = PageAsk { limit: ask.limit, after: ask.after, before: ask.before };
    let (limit, cursor) = (page.limit()?, page.cursor::<EventTag>()?);
    let mut connection = app.db.read().acquire().await?;
    store::find(&mut connection, by.merchant, webhook).await?;
    let mut sql = format!("SELECT {COLUMNS} FROM webhook_deliveries WHERE webhook = $1 AND event ");
    sql += if cursor.towards_newer { "> $2" } else { "< $2" };
    sql += if ask.state.is_some() { " AND state = $4" } else { "" };
    sql += if cursor.towards_newer { " ORDER BY event" } else { " ORDER BY event DESC" };
    let mut query = sqlx::query_as::<_, DeliveryRow>(sqlx::AssertSqlSafe(sql + " LIMIT $3"))
        .bind(webhook)
        .bind(cursor.from.clone())
        .bind(i64::from(limit) + 1);
    if let Some(state) = ask.state {
        query = query.bind(state);
    }
    let rows = query.fetch_all(&mut connection).await?;
    let page = cursor.page(rows, limit);
    let mut items = Vec::with_capacity(page.items.len());
    for row in page.items {
        let attempts = attempts(&mut connection, row.webhook, row.event).await?;
        items.push(shown(row, attempts));
    }
    Ok(Page { items, has_more: page.has_more })
}

/// One delivery.
pub(super) async fn delivery(tx: &mut Tx, webhook: WebhookId, event: EventId) -> Result<Delivery> {
    let row: DeliveryRow = sqlx::query_as(
        "SELECT webhook, event, type, state, queued_at, due_at, finished_at FROM webhook_deliveries
         WHERE webhook = $1 AND event = $2",
    )
    .bind(webhook)
    .bind(event)
    .fetch_one(&mut *tx)
    .await?;
    let attempts = attempts(tx, webhook, event).await?;
    Ok(shown(row, attempts))
}

async fn attempts(tx: &mut Tx, webhook: WebhookId, event: EventId) -> Result<Vec<AttemptRow>> {
    Ok(sqlx::query_as(
        "SELECT number, at, took_ms, status, fault, answer FROM webhook_attempts
         WHERE webhook = $1 AND event = $2 ORDER BY number DESC LIMIT $3",
    )
    .bind(webhook)
    .bind(event)
    .bind(SHOWN_ATTEMPTS)
    .fetch_all(&mut *tx)
    .await?)
}

fn shown(row: DeliveryRow, attempts: Vec<AttemptRow>) -> Delivery {
    let attempt = |attempt: AttemptRow| ShownAttempt {
        number: attempt.number,
        at: rfc3339(attempt.at),
        took_ms: attempt.took_ms,
        status: attempt.status,
        fault: attempt.fault,
        answer: attempt.answer,
    };
    Delivery {
        webhook_id: row.webhook,
        event_id: row.event,
        event: row.kind,
        state: row.state,
        queued_at: rfc3339(row.queued_at),
        next_try_at: (row.state == DeliveryState::Pending).then(|| rfc3339(row.due_at)),
        finished_at: row.finished_at.map(rfc3339),
        attempts: attempts.into_iter().map(attempt).collect(),
    }
}

/// Gives up what waited too long, also for disabled endpoints, and forgets deliveries as old as
/// events; how many were forgotten. Call it now and then.
///
/// # Errors
/// Any fault of the database.
pub async fn expire(app: &App) -> Result<u64> {
    let now = app.clock.millis();
    app.db
        .write(async move |tx: &mut Tx| {
            sqlx::query(
                "UPDATE webhook_deliveries SET state = $1, finished_at = $2 WHERE state = $3 AND queued_at < $4",
            )
            .bind(DeliveryState::Failed)
            .bind(now)
            .bind(DeliveryState::Pending)
            .bind(now - rules::GIVE_UP_MS)
            .execute(&mut *tx)
            .await?;
            let mut gone = 0;
            for sql in [
                "DELETE FROM webhook_attempts WHERE (webhook, event) IN
                 (SELECT webhook, event FROM webhook_deliveries WHERE queued_at < $1 ORDER BY queued_at LIMIT $2)",
                "DELETE FROM webhook_deliveries WHERE (webhook, event) IN
                 (SELECT webhook, event FROM webhook_deliveries WHERE queued_at < $1 ORDER BY queued_at LIMIT $2)",
            ] {
                let done = sqlx::query(sql)
                    .bind(now - outbox::KEPT_MS)
                    .bind(SWEPT_TOGETHER)
                    .execute(&mut *tx)
                    .await?;
                gone = done.rows_affected();
            }
            Ok(gone)
        })
        .await
}
