//! Mandates: sub-wallets pushed to merchants.

use axum::extract::State;
use jialing_platform::id::MandateId;
use jialing_platform::mandates::{self, Mandate, MandateAsk};
use jialing_platform::{App, Page, PageAsk};

use crate::answer::{Answer, created, found};
use crate::extract::{Json, Path, Query};
use crate::gates::Wallet;

/// Pushes a mandate to a merchant.
///
/// The device signs the evidence text with action `mandate`, the merchant's id as payee, the day's
/// limit as amount and `single:` with the limit for one payment in fen as subject. The same signed
/// request again answers the mandate there is.
///
/// Problems: `amount_invalid`, `not_found`, `merchant_inactive`, `wallet_unavailable`,
/// `state_conflict`, `pin_invalid`, `pin_locked`, `pin_not_set`, `device_unknown`,
/// `device_signature_invalid`, `evidence_expired`, `nonce_reused`.
#[utoipa::path(post, path = "/v1/wallet/mandates", operation_id = "create_mandate", tag = "mandates",
    request_body = MandateAsk, responses((status = 201, description = "The mandate", body = Mandate)))]
pub(super) async fn create(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Json(ask): Json<MandateAsk>,
) -> Answer<Mandate> {
    created(mandates::create(&app, &actor, ask).await?)
}

/// Lists your mandates, newest first.
#[utoipa::path(get, path = "/v1/wallet/mandates", operation_id = "list_mandates", tag = "mandates", params(PageAsk),
    responses((status = 200, description = "A page", body = Page<Mandate>)))]
pub(super) async fn list(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Query(page): Query<PageAsk>,
) -> Answer<Page<Mandate>> {
    found(mandates::list(&app, &actor, &page).await?)
}

/// Shows one of your mandates.
///
/// Problems: `not_found`.
#[utoipa::path(get, path = "/v1/wallet/mandates/{mandate_id}", operation_id = "read_mandate", tag = "mandates",
    params(("mandate_id" = MandateId, Path)), responses((status = 200, description = "The mandate", body = Mandate)))]
pub(super) async fn of(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path(id): Path<MandateId>,
) -> Answer<Mandate> {
    found(mandates::of(&app, &actor, id).await?)
}

/// Stops charges for now. Done again, it changes nothing.
///
/// Problems: `not_found`, `mandate_unusable`.
#[utoipa::path(post, path = "/v1/wallet/mandates/{mandate_id}/pause", operation_id = "pause_mandate", tag = "mandates",
    params(("mandate_id" = MandateId, Path)), responses((status = 200, description = "Paused", body = Mandate)))]
pub(super) async fn pause(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path(id): Path<MandateId>,
) -> Answer<Mandate> {
    found(mandates::pause(&app, &actor, id).await?)
}

/// Allows charges again. Done again, it changes nothing.
///
/// Problems: `not_found`, `mandate_unusable`.
#[utoipa::path(post, path = "/v1/wallet/mandates/{mandate_id}/resume", operation_id = "resume_mandate", tag = "mandates",
    params(("mandate_id" = MandateId, Path)), responses((status = 200, description = "Active", body = Mandate)))]
pub(super) async fn resume(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path(id): Path<MandateId>,
) -> Answer<Mandate> {
    found(mandates::resume(&app, &actor, id).await?)
}

/// Ends a mandate for good. Done again, it changes nothing.
///
/// Problems: `not_found`.
#[utoipa::path(post, path = "/v1/wallet/mandates/{mandate_id}/revoke", operation_id = "revoke_mandate", tag = "mandates",
    params(("mandate_id" = MandateId, Path)), responses((status = 200, description = "Revoked", body = Mandate)))]
pub(super) async fn revoke(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path(id): Path<MandateId>,
) -> Answer<Mandate> {
    found(mandates::revoke(&app, &actor, id).await?)
}
