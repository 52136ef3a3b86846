//! How endpoints are doing, for whoever watches an integration.

use serde::{Deserialize, Serialize};

use super::{DeliveryState, DisabledReason, Status};
use crate::clock::rfc3339;
use crate::id::{MerchantId, WebhookId};
use crate::{App, Result};

/// Endpoints that fail which one look takes.
const MOST_FAILING: i64 = 10_000;

/// How an endpoint did in a time, and how it is doing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = WebhookFigures)]
pub struct EndpointFigures {
    /// The endpoint.
    pub webhook_id: WebhookId,
    /// Whether it is told.
    pub status: Status,
    /// Deliveries that it took in the time.
    pub delivered: u64,
    /// Deliveries that were given up in the time.
    pub failed: u64,
    /// Deliveries that wait now.
    pub waiting: u64,
    /// How long the oldest of them has waited, seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oldest_waiting_seconds: Option<u64>,
    /// Since when it fails without a success, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub failing_since: Option<String>,
}

/// An endpoint that fails.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct Failing {
    pub(crate) merchant: MerchantId,
    pub(crate) webhook: WebhookId,
    pub(crate) failing_since: i64,
}

/// A merchant's endpoints, oldest first; `from` and `to` in milliseconds, the end left out.
///
/// # Errors
/// Any fault of the database.
pub(crate) async fn figures(
    app: &App,
    merchant: MerchantId,
    (from, to): (i64, i64),
) -> Result<Vec<EndpointFigures>> {
    let now = app.clock.millis();
    let rows: Vec<(WebhookId, Status, Option<i64>)> = sqlx::query_as(
        "SELECT w.id, w.status, q.failing_since FROM webhooks w JOIN webhook_queues q ON q.webhook = w.id
         WHERE w.merchant = $1 ORDER BY w.id",
    )
    .bind(merchant)
    .fetch_all(app.db.read())
    .await?;
    let ended: Vec<(WebhookId, DeliveryState, i64)> = sqlx::query_as(
        "SELECT d.webhook, d.state, COUNT(*) FROM webhook_deliveries d JOIN webhooks w ON w.id = d.webhook
         WHERE w.merchant = $1 AND d.finished_at >= $2 AND d.finished_at < $3 GROUP BY d.webhook, d.state",
    )
    .bind(merchant)
    .bind(from)
    .bind(to)
    .fetch_all(app.db.read())
    .await?;
    let waiting: Vec<(WebhookId, i64, i64)> = sqlx::query_as(
        "SELECT d.webhook, COUNT(*), MIN(d.queued_at) FROM webhook_deliveries d JOIN webhooks w ON w.id = d.webhook
         WHERE w.merchant = $1 AND d.state = $2 GROUP BY d.webhook",
    )
    .bind(merchant)
    .bind(DeliveryState::Pending)
    .fetch_all(app.db.read())
    .await?;
    let count = |id: WebhookId, state: DeliveryState| {
        let found = ended.iter().find(|(webhook, known, _)| *webhook == id && *known == state);
        found.map_or(0, |(_, _, count)| count.unsigned_abs())
    };
    let shown = |(id, status, failing_since): (WebhookId, Status, Option<i64>)| {
        let waits = waiting.iter().find(|(webhook, ..)| *webhook == id);
        EndpointFigures {
            webhook_id: id,
            status,
            delivered: count(id, DeliveryState::Delivered),
            failed: count(id, DeliveryState::Failed),
            waiting: waits.map_or(0, |(_, count, _)| count.unsigned_abs()),
            oldest_waiting_seconds: waits.map(|(_, _, since)| ((now - since).max(0) / 1_000).unsigned_abs()),
            failing_since: failing_since.map(rfc3339),
        }
    };
    Ok(rows.into_iter().map(shown).collect())
}

/// Endpoints that have failed without a success since then or longer, by id; not those that their owner disabled.
///
/// # Errors
/// Any fault of the database.
pub(crate) async fn failing(app: &App, since: i64) -> Result<Vec<Failing>> {
    Ok(sqlx::query_as(
        "SELECT w.merchant, q.webhook, q.failing_since FROM webhook_queues q JOIN webhooks w ON w.id = q.webhook
         WHERE q.failing_since IS NOT NULL AND q.failing_since <= $1
         AND (w.disabled_reason IS NULL OR w.disabled_reason <> $2) ORDER BY q.webhook LIMIT $3",
    )
    .bind(since)
    .bind(DisabledReason::Owner)
    .bind(MOST_FAILING)
    .fetch_all(app.db.read())
    .await?)
}
