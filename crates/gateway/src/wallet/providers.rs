//! Service providers that a merchant's owner lets act for it.

use axum::extract::State;
use jialing_platform::App;
use jialing_platform::id::MerchantId;
use jialing_platform::merchants::providers::{self, Grant, GrantAsk};

use crate::answer::{Answer, found};
use crate::extract::{Json, Path};
use crate::gates::Wallet;

/// Lets a service provider act for your merchant: the whole set of scopes is replaced.
///
/// Problems: `not_found`, `invalid_request`.
#[utoipa::path(put, path = "/v1/wallet/merchants/{merchant_id}/providers/{provider_id}", operation_id = "grant_provider",
    tag = "service providers", params(("merchant_id" = MerchantId, Path), ("provider_id" = MerchantId, Path)),
    request_body = GrantAsk, responses((status = 200, description = "The grant", body = Grant)))]
pub(super) async fn grant(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path((merchant, provider)): Path<(MerchantId, MerchantId)>,
    Json(ask): Json<GrantAsk>,
) -> Answer<Grant> {
    found(providers::grant(&app, &actor, merchant, provider, ask).await?)
}

/// Takes back what a service provider may do; its next request is refused. Done again, it changes nothing.
///
/// Problems: `not_found`.
#[utoipa::path(delete, path = "/v1/wallet/merchants/{merchant_id}/providers/{provider_id}", operation_id = "revoke_provider",
    tag = "service providers", params(("merchant_id" = MerchantId, Path), ("provider_id" = MerchantId, Path)),
    responses((status = 200, description = "The grant", body = Grant)))]
pub(super) async fn revoke(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path((merchant, provider)): Path<(MerchantId, MerchantId)>,
) -> Answer<Grant> {
    found(providers::revoke(&app, &actor, merchant, provider).await?)
}

/// Lists the service providers that your merchant ever let act for it.
///
/// Problems: `not_found`.
#[utoipa::path(get, path = "/v1/wallet/merchants/{merchant_id}/providers", operation_id = "list_providers",
    tag = "service providers", params(("merchant_id" = MerchantId, Path)),
    responses((status = 200, description = "The grants", body = [Grant])))]
pub(super) async fn list(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path(merchant): Path<MerchantId>,
) -> Answer<Vec<Grant>> {
    found(providers::grants(&app, &actor, merchant).await?)
}
