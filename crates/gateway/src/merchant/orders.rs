//! Orders, as the merchant's server makes them.

use axum::extract::State;
use jialing_platform::id::OrderId;
use jialing_platform::orders::{self, ListAsk, Made, Name, Order, OrderAsk};
use jialing_platform::{App, Page};

use crate::answer::{Answer, created, found};
use crate::extract::{Json, Path, Query};
use crate::gates::Merchant;

/// 201 for what this request made, 200 for what was there.
pub(super) fn made<T>(made: Made<T>) -> Answer<T> {
    if made.fresh { created(made.value) } else { found(made.value) }
}

/// Creates an order.
///
/// `out_trade_no` is yours for ever: the same parameters again answer the order there is, as it stands
/// now; others are refused, naming the field. Show `qr_code` as a QR code, or send your customer to
/// `cashier_url`.
///
/// Problems: `merchant_inactive`, `invalid_request`, `amount_invalid`, `conflict`.
#[utoipa::path(post, path = "/v1/merchant/orders", operation_id = "create_order", tag = "merchant orders",
    request_body = OrderAsk, responses(
        (status = 201, description = "The order", body = Order),
        (status = 200, description = "It was there", body = Order),
    ))]
pub(super) async fn create(
    State(app): State<App>,
    Merchant(caller): Merchant,
    Json(ask): Json<OrderAsk>,
) -> Answer<Order> {
    made(orders::create(&app, &caller, ask).await?)
}

/// Lists your orders, newest first.
///
/// Problems: `invalid_request`.
#[utoipa::path(get, path = "/v1/merchant/orders", operation_id = "list_orders", tag = "merchant orders", params(ListAsk),
    responses((status = 200, description = "A page", body = Page<Order>)))]
pub(super) async fn list(
    State(app): State<App>,
    Merchant(caller): Merchant,
    Query(ask): Query<ListAsk>,
) -> Answer<Page<Order>> {
    found(orders::list(&app, caller.merchant, &ask).await?)
}

/// Reads an order by its id.
///
/// Problems: `not_found`.
#[utoipa::path(get, path = "/v1/merchant/orders/{order_id}", operation_id = "read_order", tag = "merchant orders",
    params(("order_id" = OrderId, Path)), responses((status = 200, description = "The order", body = Order)))]
pub(super) async fn of(
    State(app): State<App>,
    Merchant(caller): Merchant,
    Path(id): Path<OrderId>,
) -> Answer<Order> {
    found(orders::of(&app, caller.merchant, &Name::Id(id)).await?)
}

/// Reads an order by your own number.
///
/// Problems: `not_found`.
#[utoipa::path(get, path = "/v1/merchant/orders/out-trade-no/{out_trade_no}", operation_id = "read_order_by_number",
    tag = "merchant orders", params(("out_trade_no" = String, Path)),
    responses((status = 200, description = "The order", body = Order)))]
pub(super) async fn numbered(
    State(app): State<App>,
    Merchant(caller): Merchant,
    Path(number): Path<String>,
) -> Answer<Order> {
    found(orders::of(&app, caller.merchant, &Name::OutTradeNo(number)).await?)
}

/// Closes an unpaid order. Done again, it changes nothing.
///
/// Problems: `not_found`, `in_progress`, `order_paid`, `state_conflict`.
#[utoipa::path(post, path = "/v1/merchant/orders/{order_id}/close", operation_id = "close_order", tag = "merchant orders",
    params(("order_id" = OrderId, Path)), responses((status = 200, description = "Closed", body = Order)))]
pub(super) async fn close(
    State(app): State<App>,
    Merchant(caller): Merchant,
    Path(id): Path<OrderId>,
) -> Answer<Order> {
    found(orders::close(&app, caller.merchant, Name::Id(id)).await?)
}

/// Takes back an order that you charged to a mandate or a payer's code: an unpaid one ends, a paid one
/// is refunded whole.
///
/// Problems: `not_found`, `in_progress`, `order_closed`, `state_conflict`.
#[utoipa::path(post, path = "/v1/merchant/orders/{order_id}/revoke", operation_id = "revoke_order", tag = "merchant orders",
    params(("order_id" = OrderId, Path)), responses((status = 200, description = "Revoked", body = Order)))]
pub(super) async fn revoke(
    State(app): State<App>,
    Merchant(caller): Merchant,
    Path(id): Path<OrderId>,
) -> Answer<Order> {
    found(orders::revoke(&app, &caller, Name::Id(id)).await?)
}
