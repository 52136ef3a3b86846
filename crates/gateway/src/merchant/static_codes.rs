//! Codes to print, as the merchant's server makes them.

use axum::extract::State;
use jialing_platform::id::StaticCodeId;
use jialing_platform::static_codes::{self, StaticCode, StaticCodeAsk};
use jialing_platform::{App, Page, PageAsk};

use super::orders::made;
use crate::answer::{Answer, found};
use crate::extract::{Json, Path, Query};
use crate::gates::Merchant;

/// Makes a code to print for a store or a till; the payer types the amount.
///
/// The same place again answers the code there is.
///
/// Problems: `invalid_request`, `merchant_inactive`, `conflict`.
#[utoipa::path(post, path = "/v1/merchant/static-codes", operation_id = "create_static_code", tag = "merchant orders",
    request_body = StaticCodeAsk, responses(
        (status = 201, description = "The code", body = StaticCode),
        (status = 200, description = "It was there", body = StaticCode),
    ))]
pub(super) async fn create(
    State(app): State<App>,
    Merchant(caller): Merchant,
    Json(ask): Json<StaticCodeAsk>,
) -> Answer<StaticCode> {
    made(static_codes::create(&app, caller.merchant, &caller.serial, ask).await?)
}

/// Lists your codes to print, newest first.
///
/// Problems: `invalid_request`.
#[utoipa::path(get, path = "/v1/merchant/static-codes", operation_id = "list_static_codes", tag = "merchant orders",
    params(PageAsk), responses((status = 200, description = "A page", body = Page<StaticCode>)))]
pub(super) async fn list(
    State(app): State<App>,
    Merchant(caller): Merchant,
    Query(page): Query<PageAsk>,
) -> Answer<Page<StaticCode>> {
    found(static_codes::list(&app, caller.merchant, &page).await?)
}

/// Reads a code to print.
///
/// Problems: `not_found`.
#[utoipa::path(get, path = "/v1/merchant/static-codes/{static_code_id}", operation_id = "read_static_code",
    tag = "merchant orders", params(("static_code_id" = StaticCodeId, Path)),
    responses((status = 200, description = "The code", body = StaticCode)))]
pub(super) async fn of(
    State(app): State<App>,
    Merchant(caller): Merchant,
    Path(id): Path<StaticCodeId>,
) -> Answer<StaticCode> {
    found(static_codes::of(&app, caller.merchant, id).await?)
}

/// Ends a printed code. Done again, it changes nothing.
///
/// Problems: `not_found`.
#[utoipa::path(post, path = "/v1/merchant/static-codes/{static_code_id}/revoke", operation_id = "revoke_static_code",
    tag = "merchant orders", params(("static_code_id" = StaticCodeId, Path)),
    responses((status = 200, description = "Revoked", body = StaticCode)))]
pub(super) async fn revoke(
    State(app): State<App>,
    Merchant(caller): Merchant,
    Path(id): Path<StaticCodeId>,
) -> Answer<StaticCode> {
    found(static_codes::revoke(&app, caller.merchant, &caller.serial, id).await?)
}
