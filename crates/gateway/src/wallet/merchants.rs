//! A merchant's owner: registration, settings, stores, keys, and refunds that wait for approval.

use axum::extract::State;
use jialing_platform::id::{MerchantId, RefundId};
use jialing_platform::merchants::{self, Key, KeyAsk, Merchant, RegisterAsk, SettingsAsk, Store, StoreAsk};
use jialing_platform::refunds::{self, ListAsk, Refund, RejectAsk};
use jialing_platform::{App, Page, PageAsk};

use crate::answer::{Answer, created, found};
use crate::extract::{Json, Path, Query};
use crate::gates::{Once, Wallet};

/// Registers a merchant for an organisation that you represent.
///
/// The same registration again answers the merchant there is. It creates orders once it is `ACTIVE`.
///
/// Problems: `forbidden`, `not_found`, `invalid_request`, `conflict`.
#[utoipa::path(post, path = "/v1/wallet/merchants", operation_id = "register_merchant", tag = "merchants",
    request_body = RegisterAsk, responses((status = 201, description = "The merchant", body = Merchant)))]
pub(super) async fn register(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Json(ask): Json<RegisterAsk>,
) -> Answer<Merchant> {
    created(merchants::register(&app, &actor, ask).await?)
}

/// Lists your merchants, newest first.
#[utoipa::path(get, path = "/v1/wallet/merchants", operation_id = "list_merchants", tag = "merchants", params(PageAsk),
    responses((status = 200, description = "A page", body = Page<Merchant>)))]
pub(super) async fn list(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Query(page): Query<PageAsk>,
) -> Answer<Page<Merchant>> {
    found(merchants::list(&app, &actor, &page).await?)
}

/// Shows one of your merchants.
///
/// Problems: `not_found`.
#[utoipa::path(get, path = "/v1/wallet/merchants/{merchant_id}", operation_id = "read_merchant", tag = "merchants",
    params(("merchant_id" = MerchantId, Path)), responses((status = 200, description = "The merchant", body = Merchant)))]
pub(super) async fn of(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path(id): Path<MerchantId>,
) -> Answer<Merchant> {
    found(merchants::of(&app, &actor, id).await?)
}

/// Changes a merchant's settings: the whole set is replaced.
///
/// Problems: `not_found`, `amount_invalid`.
#[utoipa::path(put, path = "/v1/wallet/merchants/{merchant_id}/settings", operation_id = "set_merchant", tag = "merchants",
    params(("merchant_id" = MerchantId, Path)), request_body = SettingsAsk,
    responses((status = 200, description = "The merchant", body = Merchant)))]
pub(super) async fn set(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path(id): Path<MerchantId>,
    Json(ask): Json<SettingsAsk>,
) -> Answer<Merchant> {
    found(merchants::set(&app, &actor, id, ask).await?)
}

/// Adds a store.
///
/// Problems: `not_found`, `invalid_request`.
#[utoipa::path(post, path = "/v1/wallet/merchants/{merchant_id}/stores", operation_id = "add_store", tag = "merchants",
    params(("merchant_id" = MerchantId, Path)), request_body = StoreAsk,
    responses((status = 201, description = "The store", body = Store)))]
pub(super) async fn add_store(
    State(app): State<App>,
    Wallet(actor): Wallet,
    once: Once,
    Path(id): Path<MerchantId>,
    Json(ask): Json<StoreAsk>,
) -> Answer<Store> {
    created(merchants::add_store(&app, &actor, id, once.id(), ask).await?)
}

/// Lists a merchant's stores, newest first.
///
/// Problems: `not_found`.
#[utoipa::path(get, path = "/v1/wallet/merchants/{merchant_id}/stores", operation_id = "list_stores", tag = "merchants",
    params(("merchant_id" = MerchantId, Path), PageAsk), responses((status = 200, description = "A page", body = Page<Store>)))]
pub(super) async fn stores(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path(id): Path<MerchantId>,
    Query(page): Query<PageAsk>,
) -> Answer<Page<Store>> {
    found(merchants::stores(&app, &actor, id, &page).await?)
}

/// Registers a public key that the merchant's server signs requests with.
///
/// The same key again answers what is there. Old and new keys are valid side by side.
///
/// Problems: `not_found`, `invalid_request`, `state_conflict`.
#[utoipa::path(post, path = "/v1/wallet/merchants/{merchant_id}/keys", operation_id = "register_merchant_key", tag = "merchants",
    params(("merchant_id" = MerchantId, Path)), request_body = KeyAsk,
    responses((status = 201, description = "The key", body = Key)))]
pub(super) async fn register_key(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path(id): Path<MerchantId>,
    Json(ask): Json<KeyAsk>,
) -> Answer<Key> {
    created(merchants::register_key(&app, &actor, id, ask).await?)
}

/// Lists a merchant's keys, revoked and expired ones too.
///
/// Problems: `not_found`.
#[utoipa::path(get, path = "/v1/wallet/merchants/{merchant_id}/keys", operation_id = "list_merchant_keys", tag = "merchants",
    params(("merchant_id" = MerchantId, Path)), responses((status = 200, description = "The keys", body = [Key])))]
pub(super) async fn keys(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path(id): Path<MerchantId>,
) -> Answer<Vec<Key>> {
    found(merchants::keys(&app, &actor, id).await?)
}

/// Revokes a key at once and for good. Done again, it changes nothing.
///
/// Problems: `not_found`.
#[utoipa::path(delete, path = "/v1/wallet/merchants/{merchant_id}/keys/{serial}", operation_id = "revoke_merchant_key",
    tag = "merchants", params(("merchant_id" = MerchantId, Path), ("serial" = String, Path)),
    responses((status = 200, description = "The key", body = Key)))]
pub(super) async fn revoke_key(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path((id, serial)): Path<(MerchantId, String)>,
) -> Answer<Key> {
    found(merchants::revoke_key(&app, &actor, id, &serial).await?)
}

/// Lists a merchant's refunds, newest first; `state=PENDING_APPROVAL` for those that wait for you.
///
/// Problems: `not_found`.
#[utoipa::path(get, path = "/v1/wallet/merchants/{merchant_id}/refunds", operation_id = "list_refunds_to_approve",
    tag = "merchants", params(("merchant_id" = MerchantId, Path), ListAsk),
    responses((status = 200, description = "A page", body = Page<Refund>)))]
pub(super) async fn refunds(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path(id): Path<MerchantId>,
    Query(ask): Query<ListAsk>,
) -> Answer<Page<Refund>> {
    found(refunds::list_owned(&app, &actor, id, &ask).await?)
}

/// Lets a refund pass that waits for approval. Done again, it changes nothing.
///
/// Problems: `not_found`, `state_conflict`.
#[utoipa::path(post, path = "/v1/wallet/merchants/{merchant_id}/refunds/{refund_id}/approve", operation_id = "approve_refund",
    tag = "merchants", params(("merchant_id" = MerchantId, Path), ("refund_id" = RefundId, Path)),
    responses((status = 200, description = "The refund", body = Refund)))]
pub(super) async fn approve_refund(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path((id, refund)): Path<(MerchantId, RefundId)>,
) -> Answer<Refund> {
    found(refunds::approve(&app, &actor, id, refund).await?)
}

/// Says no to a refund that waits for approval. Done again, it changes nothing.
///
/// Problems: `not_found`, `state_conflict`, `invalid_request`.
#[utoipa::path(post, path = "/v1/wallet/merchants/{merchant_id}/refunds/{refund_id}/reject", operation_id = "reject_refund",
    tag = "merchants", params(("merchant_id" = MerchantId, Path), ("refund_id" = RefundId, Path)), request_body = RejectAsk,
    responses((status = 200, description = "The refund", body = Refund)))]
pub(super) async fn reject_refund(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path((id, refund)): Path<(MerchantId, RefundId)>,
    Json(ask): Json<RejectAsk>,
) -> Answer<Refund> {
    found(refunds::reject(&app, &actor, id, refund, &ask).await?)
}
