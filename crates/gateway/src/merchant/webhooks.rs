//! Endpoints that are told of events, as the merchant's server manages them.

use axum::extract::State;
use jialing_platform::id::{EventId, WebhookId};
use jialing_platform::merchants::api_keys::{self, ApiKey, ApiKeyAsk, NewApiKey};
use jialing_platform::webhooks::{
    self, ChangeAsk, CreateAsk, DeliveriesAsk, Delivery, Manager, NewSecret, NewWebhook, RedeliverAsk,
    RedeliverManyAsk, Redelivered, RotateAsk, Webhook,
};
use jialing_platform::{App, Page, PageAsk};

use crate::answer::{Answer, accepted, created, done, found};
use crate::extract::{Json, Path, Query};
use crate::gates::{Merchant, Once};

/// Registers an endpoint that is told of events.
///
/// The answer shows the secret that signs its messages, and, if you had none, the key that unseals
/// them: this once.
///
/// Problems: `invalid_request`, `state_conflict`.
#[utoipa::path(post, path = "/v1/merchant/webhooks", operation_id = "create_webhook", tag = "webhooks", request_body = CreateAsk,
    responses((status = 201, description = "Made", body = NewWebhook)))]
pub(super) async fn create(
    State(app): State<App>,
    Merchant(caller): Merchant,
    once: Once,
    Json(ask): Json<CreateAsk>,
) -> Answer<NewWebhook> {
    let by = Manager::server(&caller);
    created(webhooks::create(&app, &by, once.id(), ask).await?)
}

/// Lists your endpoints and those that your orders name, newest first.
///
/// Problems: `invalid_request`.
#[utoipa::path(get, path = "/v1/merchant/webhooks", operation_id = "list_webhooks", tag = "webhooks", params(PageAsk),
    responses((status = 200, description = "Found", body = Page<Webhook>)))]
pub(super) async fn list(
    State(app): State<App>,
    Merchant(caller): Merchant,
    Query(page): Query<PageAsk>,
) -> Answer<Page<Webhook>> {
    let by = Manager::server(&caller);
    found(webhooks::list(&app, &by, &page).await?)
}

/// Shows an endpoint and how it is doing.
///
/// Problems: `not_found`.
#[utoipa::path(get, path = "/v1/merchant/webhooks/{webhook_id}", operation_id = "read_webhook", tag = "webhooks", params(("webhook_id" = WebhookId, Path)),
    responses((status = 200, description = "Found", body = Webhook)))]
pub(super) async fn of(
    State(app): State<App>,
    Merchant(caller): Merchant,
    Path(id): Path<WebhookId>,
) -> Answer<Webhook> {
    let by = Manager::server(&caller);
    found(webhooks::get(&app, &by, id).await?)
}

/// Changes an endpoint; what is absent stays.
///
/// Problems: `not_found`, `invalid_request`, `state_conflict`.
#[utoipa::path(patch, path = "/v1/merchant/webhooks/{webhook_id}", operation_id = "change_webhook", tag = "webhooks", params(("webhook_id" = WebhookId, Path)), request_body = ChangeAsk,
    responses((status = 200, description = "Found", body = Webhook)))]
pub(super) async fn change(
    State(app): State<App>,
    Merchant(caller): Merchant,
    Path(id): Path<WebhookId>,
    Json(ask): Json<ChangeAsk>,
) -> Answer<Webhook> {
    let by = Manager::server(&caller);
    found(webhooks::change(&app, &by, id, ask).await?)
}

/// Removes an endpoint with its deliveries.
///
/// Problems: `not_found`.
#[utoipa::path(delete, path = "/v1/merchant/webhooks/{webhook_id}", operation_id = "delete_webhook", tag = "webhooks", params(("webhook_id" = WebhookId, Path)),
    responses((status = 204, description = "Removed")))]
pub(super) async fn delete(
    State(app): State<App>,
    Merchant(caller): Merchant,
    Path(id): Path<WebhookId>,
) -> Answer<()> {
    let by = Manager::server(&caller);
    webhooks::delete(&app, &by, id).await?;
    done()
}

/// Replaces the secret of an endpoint; the old one signs beside it for a while.
///
/// Problems: `not_found`, `invalid_request`.
#[utoipa::path(post, path = "/v1/merchant/webhooks/{webhook_id}/secret", operation_id = "rotate_webhook_secret", tag = "webhooks", params(("webhook_id" = WebhookId, Path)), request_body = RotateAsk,
    responses((status = 201, description = "Made", body = NewSecret)))]
pub(super) async fn rotate(
    State(app): State<App>,
    Merchant(caller): Merchant,
    once: Once,
    Path(id): Path<WebhookId>,
    Json(ask): Json<RotateAsk>,
) -> Answer<NewSecret> {
    let by = Manager::server(&caller);
    created(webhooks::rotate(&app, &by, id, once.id(), ask).await?)
}

/// Sends an endpoint an event `webhook.ping`; its deliveries show what came of it.
///
/// Problems: `not_found`, `state_conflict`.
#[utoipa::path(post, path = "/v1/merchant/webhooks/{webhook_id}/ping", operation_id = "ping_webhook", tag = "webhooks", params(("webhook_id" = WebhookId, Path)),
    responses((status = 202, description = "Under way", body = Delivery)))]
pub(super) async fn ping(
    State(app): State<App>,
    Merchant(caller): Merchant,
    Path(id): Path<WebhookId>,
) -> Answer<Delivery> {
    let by = Manager::server(&caller);
    accepted(webhooks::ping(&app, &by, id).await?)
}

/// Lists the deliveries to an endpoint with every try, the newest event first.
///
/// Problems: `not_found`, `invalid_request`.
#[utoipa::path(get, path = "/v1/merchant/webhooks/{webhook_id}/deliveries", operation_id = "list_webhook_deliveries", tag = "webhooks", params(("webhook_id" = WebhookId, Path), DeliveriesAsk),
    responses((status = 200, description = "Found", body = Page<Delivery>)))]
pub(super) async fn deliveries(
    State(app): State<App>,
    Merchant(caller): Merchant,
    Path(id): Path<WebhookId>,
    Query(ask): Query<DeliveriesAsk>,
) -> Answer<Page<Delivery>> {
    let by = Manager::server(&caller);
    found(webhooks::deliveries(&app, &by, id, ask).await?)
}

/// Delivers an event again.
///
/// Problems: `not_found`.
#[utoipa::path(post, path = "/v1/merchant/events/{event_id}/redeliver", operation_id = "redeliver_event", tag = "webhooks", params(("event_id" = EventId, Path)), request_body = RedeliverAsk,
    responses((status = 202, description = "Under way", body = Redelivered)))]
pub(super) async fn redeliver(
    State(app): State<App>,
    Merchant(caller): Merchant,
    Path(event): Path<EventId>,
    Json(ask): Json<RedeliverAsk>,
) -> Answer<Redelivered> {
    let by = Manager::server(&caller);
    accepted(webhooks::redeliver(&app, &by, event, ask).await?)
}

/// Delivers many events again, the oldest first, 1,000 in a call.
///
/// Problems: `not_found`, `invalid_request`.
#[utoipa::path(post, path = "/v1/merchant/events/redeliver", operation_id = "redeliver_events", tag = "webhooks", request_body = RedeliverManyAsk,
    responses((status = 202, description = "Under way", body = Redelivered)))]
pub(super) async fn redeliver_many(
    State(app): State<App>,
    Merchant(caller): Merchant,
    Json(ask): Json<RedeliverManyAsk>,
) -> Answer<Redelivered> {
    let by = Manager::server(&caller);
    accepted(webhooks::redeliver_many(&app, &by, ask).await?)
}

/// Makes a key that seals what you are told. The answer shows it this once.
///
/// Problems: `invalid_request`, `state_conflict`.
#[utoipa::path(post, path = "/v1/merchant/api-keys", operation_id = "create_api_key", tag = "webhooks", request_body = ApiKeyAsk,
    responses((status = 201, description = "Made", body = NewApiKey)))]
pub(super) async fn create_api_key(
    State(app): State<App>,
    Merchant(caller): Merchant,
    once: Once,
    Json(ask): Json<ApiKeyAsk>,
) -> Answer<NewApiKey> {
    let by = Manager::server(&caller);
    created(api_keys::create(&app, &by, once.id(), ask).await?)
}

/// Lists the keys that seal what you are told, without the keys themselves.
#[utoipa::path(get, path = "/v1/merchant/api-keys", operation_id = "list_api_keys", tag = "webhooks",
    responses((status = 200, description = "Found", body = [ApiKey])))]
pub(super) async fn api_keys(State(app): State<App>, Merchant(caller): Merchant) -> Answer<Vec<ApiKey>> {
    let by = Manager::server(&caller);
    found(api_keys::list(&app, &by).await?)
}
