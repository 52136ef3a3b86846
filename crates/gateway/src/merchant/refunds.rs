//! Refunds, as the merchant's server asks for them.

use axum::extract::State;
use jialing_platform::id::RefundId;
use jialing_platform::refunds::{self, ListAsk, Name, Refund, RefundAsk, RejectAsk};
use jialing_platform::{App, Page};

use super::orders::made;
use crate::answer::{Answer, found};
use crate::extract::{Json, Path, Query};
use crate::gates::Merchant;

/// Asks for a refund, whole or in part.
///
/// `out_refund_no` is yours for ever: the same parameters again answer the refund there is, as it
/// stands now. Look at `state`: a refund may be made at once, wait for your owner's approval, or be
/// `CLOSED` or `ABNORMAL` with what stands in the way in `problem`.
///
/// Problems: `invalid_request`, `amount_invalid`, `not_found`, `state_conflict`,
/// `refund_window_closed`, `refund_exceeds_paid`, `conflict`.
#[utoipa::path(post, path = "/v1/merchant/refunds", operation_id = "request_refund", tag = "merchant refunds",
    request_body = RefundAsk, responses(
        (status = 201, description = "The refund", body = Refund),
        (status = 200, description = "It was there", body = Refund),
    ))]
pub(super) async fn request(
    State(app): State<App>,
    Merchant(caller): Merchant,
    Json(ask): Json<RefundAsk>,
) -> Answer<Refund> {
    made(refunds::request(&app, &caller, ask).await?)
}

/// Lists your refunds, newest first.
///
/// Problems: `invalid_request`.
#[utoipa::path(get, path = "/v1/merchant/refunds", operation_id = "list_refunds", tag = "merchant refunds", params(ListAsk),
    responses((status = 200, description = "A page", body = Page<Refund>)))]
pub(super) async fn list(
    State(app): State<App>,
    Merchant(caller): Merchant,
    Query(ask): Query<ListAsk>,
) -> Answer<Page<Refund>> {
    found(refunds::list(&app, caller.merchant, &ask).await?)
}

/// Reads a refund by its id.
///
/// Problems: `not_found`.
#[utoipa::path(get, path = "/v1/merchant/refunds/{refund_id}", operation_id = "read_refund", tag = "merchant refunds",
    params(("refund_id" = RefundId, Path)), responses((status = 200, description = "The refund", body = Refund)))]
pub(super) async fn of(
    State(app): State<App>,
    Merchant(caller): Merchant,
    Path(id): Path<RefundId>,
) -> Answer<Refund> {
    found(refunds::of(&app, caller.merchant, &Name::Id(id)).await?)
}

/// Reads a refund by your own number.
///
/// Problems: `not_found`.
#[utoipa::path(get, path = "/v1/merchant/refunds/out-refund-no/{out_refund_no}", operation_id = "read_refund_by_number",
    tag = "merchant refunds", params(("out_refund_no" = String, Path)),
    responses((status = 200, description = "The refund", body = Refund)))]
pub(super) async fn numbered(
    State(app): State<App>,
    Merchant(caller): Merchant,
    Path(number): Path<String>,
) -> Answer<Refund> {
    found(refunds::of(&app, caller.merchant, &Name::OutRefundNo(number)).await?)
}

/// Tries an `ABNORMAL` refund again.
///
/// Problems: `not_found`, `state_conflict`.
#[utoipa::path(post, path = "/v1/merchant/refunds/{refund_id}/retry", operation_id = "retry_refund", tag = "merchant refunds",
    params(("refund_id" = RefundId, Path)), responses((status = 200, description = "The refund", body = Refund)))]
pub(super) async fn retry(
    State(app): State<App>,
    Merchant(caller): Merchant,
    Path(id): Path<RefundId>,
) -> Answer<Refund> {
    found(refunds::retry(&app, caller.merchant, Name::Id(id)).await?)
}

/// Sends an `ABNORMAL` refund to another wallet of its payer's.
///
/// For refunds that the wallet which paid will never take: it was closed, or cannot hold the amount. You
/// never learn which wallet takes it. What is frozen is not paid around.
///
/// Problems: `not_found`, `state_conflict`.
#[utoipa::path(post, path = "/v1/merchant/refunds/{refund_id}/redirect", operation_id = "redirect_refund",
    tag = "merchant refunds", params(("refund_id" = RefundId, Path)),
    responses((status = 200, description = "The refund", body = Refund)))]
pub(super) async fn redirect(
    State(app): State<App>,
    Merchant(caller): Merchant,
    Path(id): Path<RefundId>,
) -> Answer<Refund> {
    found(refunds::redirect(&app, &caller, Name::Id(id)).await?)
}

/// Gives up an `ABNORMAL` refund that you asked for, such as one paid back by other means. Done again, it
/// changes nothing.
///
/// Problems: `not_found`, `invalid_request`, `state_conflict`.
#[utoipa::path(post, path = "/v1/merchant/refunds/{refund_id}/close", operation_id = "close_refund",
    tag = "merchant refunds", params(("refund_id" = RefundId, Path)), request_body = RejectAsk,
    responses((status = 200, description = "Closed", body = Refund)))]
pub(super) async fn close(
    State(app): State<App>,
    Merchant(caller): Merchant,
    Path(id): Path<RefundId>,
    Json(ask): Json<RejectAsk>,
) -> Answer<Refund> {
    found(refunds::close(&app, &caller, Name::Id(id), &ask).await?)
}
