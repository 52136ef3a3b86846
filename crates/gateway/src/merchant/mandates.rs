//! Mandates that people pushed to the merchant.

use axum::extract::State;
use jialing_platform::mandates::{self, ChargeAsk, MandateToken};
use jialing_platform::orders::Order;
use jialing_platform::{App, Page, PageAsk};

use super::orders::made;
use crate::answer::{Answer, found};
use crate::extract::{Json, Path, Query};
use crate::gates::Merchant;

/// Lists the mandates pushed to you, newest first. Cursors are tokens.
///
/// Problems: `invalid_request`.
#[utoipa::path(get, path = "/v1/merchant/mandates", operation_id = "list_mandate_tokens", tag = "merchant mandates",
    params(PageAsk), responses((status = 200, description = "A page", body = Page<MandateToken>)))]
pub(super) async fn list(
    State(app): State<App>,
    Merchant(caller): Merchant,
    Query(page): Query<PageAsk>,
) -> Answer<Page<MandateToken>> {
    found(mandates::list_of_merchant(&app, caller.merchant, &page).await?)
}

/// Reads a mandate by its token.
///
/// Problems: `not_found`.
#[utoipa::path(get, path = "/v1/merchant/mandates/{token}", operation_id = "read_mandate_token", tag = "merchant mandates",
    params(("token" = String, Path)), responses((status = 200, description = "The mandate", body = MandateToken)))]
pub(super) async fn of(
    State(app): State<App>,
    Merchant(caller): Merchant,
    Path(token): Path<String>,
) -> Answer<MandateToken> {
    found(mandates::of_merchant(&app, caller.merchant, &token).await?)
}

/// Charges a mandate: creates an order and pays it.
///
/// The same parameters again answer the paid order, or try again one that was refused. You never learn
/// whose wallet pays, nor what is in it.
///
/// Problems: `not_found`, `mandate_unusable`, `merchant_inactive`, `invalid_request`,
/// `amount_invalid`, `conflict`, `in_progress`, `order_closed`, `balance_too_low`,
/// `balance_too_high`, `over_single_limit`, `over_day_limit`, `over_year_limit`,
/// `wallet_unavailable`, `ledger_refused`, `overloaded`.
#[utoipa::path(post, path = "/v1/merchant/mandates/{token}/orders", operation_id = "charge_mandate", tag = "merchant mandates",
    params(("token" = String, Path)), request_body = ChargeAsk, responses(
        (status = 201, description = "The paid order", body = Order),
        (status = 200, description = "It was there", body = Order),
    ))]
pub(super) async fn charge(
    State(app): State<App>,
    Merchant(caller): Merchant,
    Path(token): Path<String>,
    Json(ask): Json<ChargeAsk>,
) -> Answer<Order> {
    made(mandates::charge(&app, &caller, &token, ask).await?)
}
