//! A merchant's owner: payouts that wait for approval.

use axum::extract::State;
use jialing_platform::id::{MerchantId, PayoutId};
use jialing_platform::payouts::{self, ApproveAsk, ListAsk, Payout, RejectAsk, Settings, SettingsAsk};
use jialing_platform::{App, Page};

use crate::answer::{Answer, found};
use crate::extract::{Json, Path, Query};
use crate::gates::Wallet;

/// Shows what you have set for a merchant's payouts.
///
/// Problems: `not_found`.
#[utoipa::path(get, path = "/v1/wallet/merchants/{merchant_id}/payout-settings", operation_id = "read_payout_settings",
    tag = "merchants", params(("merchant_id" = MerchantId, Path)),
    responses((status = 200, description = "The settings", body = Settings)))]
pub(super) async fn settings(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path(id): Path<MerchantId>,
) -> Answer<Settings> {
    found(payouts::settings(&app, &actor, id).await?)
}

/// Changes them: the whole set is replaced.
///
/// Problems: `not_found`, `amount_invalid`.
#[utoipa::path(put, path = "/v1/wallet/merchants/{merchant_id}/payout-settings", operation_id = "set_payouts",
    tag = "merchants", params(("merchant_id" = MerchantId, Path)), request_body = SettingsAsk,
    responses((status = 200, description = "The settings", body = Settings)))]
pub(super) async fn set(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path(id): Path<MerchantId>,
    Json(ask): Json<SettingsAsk>,
) -> Answer<Settings> {
    found(payouts::set(&app, &actor, id, ask).await?)
}

/// Lists a merchant's batches of payouts, newest first; `state=PENDING_APPROVAL` for those that wait for you.
///
/// Problems: `not_found`.
#[utoipa::path(get, path = "/v1/wallet/merchants/{merchant_id}/payouts", operation_id = "list_payouts_to_approve",
    tag = "merchants", params(("merchant_id" = MerchantId, Path), ListAsk),
    responses((status = 200, description = "A page", body = Page<Payout>)))]
pub(super) async fn list(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path(id): Path<MerchantId>,
    Query(ask): Query<ListAsk>,
) -> Answer<Page<Payout>> {
    found(payouts::list_owned(&app, &actor, id, &ask).await?)
}

/// Lets a batch pass that waits for approval, with PIN and device. Done again, it changes nothing.
///
/// Problems: `not_found`, `state_conflict`, `pin_invalid`, `pin_locked`, `pin_not_set`, `device_unknown`,
/// `device_signature_invalid`, `evidence_expired`, `nonce_reused`.
#[utoipa::path(post, path = "/v1/wallet/merchants/{merchant_id}/payouts/{payout_id}/approve", operation_id = "approve_payout",
    tag = "merchants", params(("merchant_id" = MerchantId, Path), ("payout_id" = PayoutId, Path)), request_body = ApproveAsk,
    responses((status = 200, description = "The batch", body = Payout)))]
pub(super) async fn approve(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path((id, payout)): Path<(MerchantId, PayoutId)>,
    Json(ask): Json<ApproveAsk>,
) -> Answer<Payout> {
    found(payouts::approve(&app, &actor, id, payout, ask).await?)
}

/// Says no to a batch that waits for approval. Done again, it changes nothing.
///
/// Problems: `not_found`, `state_conflict`, `invalid_request`.
#[utoipa::path(post, path = "/v1/wallet/merchants/{merchant_id}/payouts/{payout_id}/reject", operation_id = "reject_payout",
    tag = "merchants", params(("merchant_id" = MerchantId, Path), ("payout_id" = PayoutId, Path)), request_body = RejectAsk,
    responses((status = 200, description = "The batch", body = Payout)))]
pub(super) async fn reject(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path((id, payout)): Path<(MerchantId, PayoutId)>,
    Json(ask): Json<RejectAsk>,
) -> Answer<Payout> {
    found(payouts::reject(&app, &actor, id, payout, &ask).await?)
}
