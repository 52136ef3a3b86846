//! Endpoints that are told of events, as the merchant's owner manages them.

use axum::extract::State;
use jialing_platform::id::{EventId, MerchantId, WebhookId};
use jialing_platform::merchants::api_keys::{self, ApiKey, ApiKeyAsk, NewApiKey};
use jialing_platform::webhooks::{
    self, ChangeAsk, CreateAsk, DeliveriesAsk, Delivery, Manager, NewSecret, NewWebhook, RedeliverAsk,
    RedeliverManyAsk, Redelivered, RotateAsk, Webhook,
};
use jialing_platform::{App, Page, PageAsk};

use crate::answer::{Answer, accepted, created, done, found};
use crate::extract::{Json, Path, Query};
use crate::gates::{Once, Wallet};

/// Registers an endpoint that is told of events.
///
/// The answer shows the secret that signs its messages, and, if you had none, the key that unseals
/// them: this once.
///
/// Problems: `not_found`, `invalid_request`, `state_conflict`.
#[utoipa::path(post, path = "/v1/wallet/merchants/{merchant_id}/webhooks", operation_id = "owned_create_webhook", tag = "merchant webhooks", params(("merchant_id" = MerchantId, Path)), request_body = CreateAsk,
    responses((status = 201, description = "Made", body = NewWebhook)))]
pub(super) async fn create(
    State(app): State<App>,
    Wallet(actor): Wallet,
    once: Once,
    Path(merchant): Path<MerchantId>,
    Json(ask): Json<CreateAsk>,
) -> Answer<NewWebhook> {
    let by = Manager::owner(&app, &actor, merchant).await?;
    created(webhooks::create(&app, &by, once.id(), ask).await?)
}

/// Lists a merchant's endpoints, newest first.
///
/// Problems: `not_found`, `invalid_request`.
#[utoipa::path(get, path = "/v1/wallet/merchants/{merchant_id}/webhooks", operation_id = "owned_list_webhooks", tag = "merchant webhooks", params(("merchant_id" = MerchantId, Path), PageAsk),
    responses((status = 200, description = "Found", body = Page<Webhook>)))]
pub(super) async fn list(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path(merchant): Path<MerchantId>,
    Query(page): Query<PageAsk>,
) -> Answer<Page<Webhook>> {
    let by = Manager::owner(&app, &actor, merchant).await?;
    found(webhooks::list(&app, &by, &page).await?)
}

/// Shows an endpoint and how it is doing.
///
/// Problems: `not_found`.
#[utoipa::path(get, path = "/v1/wallet/merchants/{merchant_id}/webhooks/{webhook_id}", operation_id = "owned_read_webhook", tag = "merchant webhooks", params(("merchant_id" = MerchantId, Path), ("webhook_id" = WebhookId, Path)),
    responses((status = 200, description = "Found", body = Webhook)))]
pub(super) async fn of(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path((merchant, id)): Path<(MerchantId, WebhookId)>,
) -> Answer<Webhook> {
    let by = Manager::owner(&app, &actor, merchant).await?;
    found(webhooks::get(&app, &by, id).await?)
}

/// Changes an endpoint; what is absent stays.
///
/// Problems: `not_found`, `invalid_request`, `state_conflict`.
#[utoipa::path(patch, path = "/v1/wallet/merchants/{merchant_id}/webhooks/{webhook_id}", operation_id = "owned_change_webhook", tag = "merchant webhooks", params(("merchant_id" = MerchantId, Path), ("webhook_id" = WebhookId, Path)), request_body = ChangeAsk,
    responses((status = 200, description = "Found", body = Webhook)))]
pub(super) async fn change(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path((merchant, id)): Path<(MerchantId, WebhookId)>,
    Json(ask): Json<ChangeAsk>,
) -> Answer<Webhook> {
    let by = Manager::owner(&app, &actor, merchant).await?;
    found(webhooks::change(&app, &by, id, ask).await?)
}

/// Removes an endpoint with its deliveries.
///
/// Problems: `not_found`.
#[utoipa::path(delete, path = "/v1/wallet/merchants/{merchant_id}/webhooks/{webhook_id}", operation_id = "owned_delete_webhook", tag = "merchant webhooks", params(("merchant_id" = MerchantId, Path), ("webhook_id" = WebhookId, Path)),
    responses((status = 204, description = "Removed")))]
pub(super) async fn delete(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path((merchant, id)): Path<(MerchantId, WebhookId)>,
) -> Answer<()> {
    let by = Manager::owner(&app, &actor, merchant).await?;
    webhooks::delete(&app, &by, id).await?;
    done()
}

/// Replaces the secret of an endpoint; the old one signs beside it for a while.
///
/// Problems: `not_found`, `invalid_request`.
#[utoipa::path(post, path = "/v1/wallet/merchants/{merchant_id}/webhooks/{webhook_id}/secret", operation_id = "owned_rotate_webhook_secret", tag = "merchant webhooks", params(("merchant_id" = MerchantId, Path), ("webhook_id" = WebhookId, Path)), request_body = RotateAsk,
    responses((status = 201, description = "Made", body = NewSecret)))]
pub(super) async fn rotate(
    State(app): State<App>,
    Wallet(actor): Wallet,
    once: Once,
    Path((merchant, id)): Path<(MerchantId, WebhookId)>,
    Json(ask): Json<RotateAsk>,
) -> Answer<NewSecret> {
    let by = Manager::owner(&app, &actor, merchant).await?;
    created(webhooks::rotate(&app, &by, id, once.id(), ask).await?)
}

/// Sends an endpoint an event `webhook.ping`; its deliveries show what came of it.
///
/// Problems: `not_found`, `state_conflict`.
#[utoipa::path(post, path = "/v1/wallet/merchants/{merchant_id}/webhooks/{webhook_id}/ping", operation_id = "owned_ping_webhook", tag = "merchant webhooks", params(("merchant_id" = MerchantId, Path), ("webhook_id" = WebhookId, Path)),
    responses((status = 202, description = "Under way", body = Delivery)))]
pub(super) async fn ping(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path((merchant, id)): Path<(MerchantId, WebhookId)>,
) -> Answer<Delivery> {
    let by = Manager::owner(&app, &actor, merchant).await?;
    accepted(webhooks::ping(&app, &by, id).await?)
}

/// Lists the deliveries to an endpoint with every try, the newest event first.
///
/// Problems: `not_found`, `invalid_request`.
#[utoipa::path(get, path = "/v1/wallet/merchants/{merchant_id}/webhooks/{webhook_id}/deliveries", operation_id = "owned_list_webhook_deliveries", tag = "merchant webhooks", params(("merchant_id" = MerchantId, Path), ("webhook_id" = WebhookId, Path), DeliveriesAsk),
    responses((status = 200, description = "Found", body = Page<Delivery>)))]
pub(super) async fn deliveries(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path((merchant, id)): Path<(MerchantId, WebhookId)>,
    Query(ask): Query<DeliveriesAsk>,
) -> Answer<Page<Delivery>> {
    let by = Manager::owner(&app, &actor, merchant).await?;
    found(webhooks::deliveries(&app, &by, id, ask).await?)
}

/// Delivers an event again.
///
/// Problems: `not_found`.
#[utoipa::path(post, path = "/v1/wallet/merchants/{merchant_id}/events/{event_id}/redeliver", operation_id = "owned_redeliver_event", tag = "merchant webhooks", params(("merchant_id" = MerchantId, Path), ("event_id" = EventId, Path)), request_body = RedeliverAsk,
    responses((status = 202, description = "Under way", body = Redelivered)))]
pub(super) async fn redeliver(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path((merchant, event)): Path<(MerchantId, EventId)>,
    Json(ask): Json<RedeliverAsk>,
) -> Answer<Redelivered> {
    let by = Manager::owner(&app, &actor, merchant).await?;
    accepted(webhooks::redeliver(&app, &by, event, ask).await?)
}

/// Delivers many events again, the oldest first, 1,000 in a call.
///
/// Problems: `not_found`, `invalid_request`.
#[utoipa::path(post, path = "/v1/wallet/merchants/{merchant_id}/events/redeliver", operation_id = "owned_redeliver_events", tag = "merchant webhooks", params(("merchant_id" = MerchantId, Path)), request_body = RedeliverManyAsk,
    responses((status = 202, description = "Under way", body = Redelivered)))]
pub(super) async fn redeliver_many(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path(merchant): Path<MerchantId>,
    Json(ask): Json<RedeliverManyAsk>,
) -> Answer<Redelivered> {
    let by = Manager::owner(&app, &actor, merchant).await?;
    accepted(webhooks::redeliver_many(&app, &by, ask).await?)
}

/// Makes a key that seals what the merchant is told. The answer shows it this once.
///
/// Problems: `not_found`, `invalid_request`, `state_conflict`.
#[utoipa::path(post, path = "/v1/wallet/merchants/{merchant_id}/api-keys", operation_id = "owned_create_api_key", tag = "merchant webhooks", params(("merchant_id" = MerchantId, Path)), request_body = ApiKeyAsk,
    responses((status = 201, description = "Made", body = NewApiKey)))]
pub(super) async fn create_api_key(
    State(app): State<App>,
    Wallet(actor): Wallet,
    once: Once,
    Path(merchant): Path<MerchantId>,
    Json(ask): Json<ApiKeyAsk>,
) -> Answer<NewApiKey> {
    let by = Manager::owner(&app, &actor, merchant).await?;
    created(api_keys::create(&app, &by, once.id(), ask).await?)
}

/// Lists the keys that seal what the merchant is told, without the keys themselves.
///
/// Problems: `not_found`.
#[utoipa::path(get, path = "/v1/wallet/merchants/{merchant_id}/api-keys", operation_id = "owned_list_api_keys", tag = "merchant webhooks", params(("merchant_id" = MerchantId, Path)),
    responses((status = 200, description = "Found", body = [ApiKey])))]
pub(super) async fn api_keys(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path(merchant): Path<MerchantId>,
) -> Answer<Vec<ApiKey>> {
    let by = Manager::owner(&app, &actor, merchant).await?;
    found(api_keys::list(&app, &by).await?)
}
