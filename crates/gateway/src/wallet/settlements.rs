//! A merchant's owner: the settlement account, and batches that wait or are stopped.

use axum::extract::State;
use jialing_platform::id::{MerchantId, SettlementId};
use jialing_platform::settlements::{self, ApproveAsk, HoldAsk, ListAsk, Settings, SettingsAsk, Settlement};
use jialing_platform::{App, Page};

use crate::answer::{Answer, found};
use crate::extract::{Json, Path, Query};
use crate::gates::Wallet;

/// Shows a merchant's settlement account and when batches are cut.
///
/// Problems: `not_found`, also while none is chosen.
#[utoipa::path(get, path = "/v1/wallet/merchants/{merchant_id}/settlement-settings", operation_id = "read_settlement_settings",
    tag = "merchants", params(("merchant_id" = MerchantId, Path)),
    responses((status = 200, description = "The settings", body = Settings)))]
pub(super) async fn settings(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path(id): Path<MerchantId>,
) -> Answer<Settings> {
    found(settlements::settings(&app, &actor, id).await?)
}

/// Chooses the account, one of your bank links, and when batches are cut; with PIN and device.
///
/// Problems: `not_found`, `link_unusable`, `merchant_inactive`, `invalid_request`, `amount_invalid`, `pin_invalid`,
/// `pin_locked`, `pin_not_set`, `device_unknown`, `device_signature_invalid`, `evidence_expired`, `nonce_reused`.
#[utoipa::path(put, path = "/v1/wallet/merchants/{merchant_id}/settlement-settings", operation_id = "set_settlement",
    tag = "merchants", params(("merchant_id" = MerchantId, Path)), request_body = SettingsAsk,
    responses((status = 200, description = "The settings", body = Settings)))]
pub(super) async fn set(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path(id): Path<MerchantId>,
    Json(ask): Json<SettingsAsk>,
) -> Answer<Settings> {
    found(settlements::set(&app, &actor, id, ask).await?)
}

/// Lists a merchant's settlement batches, newest first.
///
/// Problems: `not_found`.
#[utoipa::path(get, path = "/v1/wallet/merchants/{merchant_id}/settlements", operation_id = "list_settlements_to_approve",
    tag = "merchants", params(("merchant_id" = MerchantId, Path), ListAsk),
    responses((status = 200, description = "A page", body = Page<Settlement>)))]
pub(super) async fn list(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path(id): Path<MerchantId>,
    Query(ask): Query<ListAsk>,
) -> Answer<Page<Settlement>> {
    found(settlements::list_owned(&app, &actor, id, &ask).await?)
}

/// Lets a reconciled batch be paid that waits for you, with PIN and device. Done again, it changes nothing.
///
/// Problems: `not_found`, `state_conflict`, `pin_invalid`, `pin_locked`, `pin_not_set`, `device_unknown`,
/// `device_signature_invalid`, `evidence_expired`, `nonce_reused`.
#[utoipa::path(post, path = "/v1/wallet/merchants/{merchant_id}/settlements/{settlement_id}/approve",
    operation_id = "approve_settlement", tag = "merchants",
    params(("merchant_id" = MerchantId, Path), ("settlement_id" = SettlementId, Path)), request_body = ApproveAsk,
    responses((status = 200, description = "The batch", body = Settlement)))]
pub(super) async fn approve(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path((id, settlement)): Path<(MerchantId, SettlementId)>,
    Json(ask): Json<ApproveAsk>,
) -> Answer<Settlement> {
    found(settlements::approve(&app, &actor, id, settlement, ask).await?)
}

/// Stops a batch before it is paid. Done again, it changes nothing.
///
/// Problems: `not_found`, `state_conflict`, `invalid_request`.
#[utoipa::path(post, path = "/v1/wallet/merchants/{merchant_id}/settlements/{settlement_id}/hold",
    operation_id = "hold_settlement", tag = "merchants",
    params(("merchant_id" = MerchantId, Path), ("settlement_id" = SettlementId, Path)), request_body = HoldAsk,
    responses((status = 200, description = "The batch", body = Settlement)))]
pub(super) async fn hold(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path((id, settlement)): Path<(MerchantId, SettlementId)>,
    Json(ask): Json<HoldAsk>,
) -> Answer<Settlement> {
    found(settlements::hold(&app, &actor, id, settlement, &ask).await?)
}

/// Lets a stopped batch go on where it was. Done again, it changes nothing.
///
/// Problems: `not_found`.
#[utoipa::path(post, path = "/v1/wallet/merchants/{merchant_id}/settlements/{settlement_id}/release",
    operation_id = "release_settlement", tag = "merchants",
    params(("merchant_id" = MerchantId, Path), ("settlement_id" = SettlementId, Path)),
    responses((status = 200, description = "The batch", body = Settlement)))]
pub(super) async fn release(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path((id, settlement)): Path<(MerchantId, SettlementId)>,
) -> Answer<Settlement> {
    found(settlements::release(&app, &actor, id, settlement).await?)
}
