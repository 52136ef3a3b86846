//! Requests to pay, and bills that are split.

use axum::extract::State;
use jialing_platform::id::{BillSplitId, PaymentRequestId};
use jialing_platform::payment_requests::{
    self, BillSplit, BillSplitAsk, PayRequestAsk, PaymentRequest, PaymentRequestAsk, RequestsAsk,
};
use jialing_platform::transfers::Transfer;
use jialing_platform::{App, Page, PageAsk};

use crate::answer::{Answer, created, found};
use crate::extract::{Json, Path, Query};
use crate::gates::Wallet;

/// Asks a person for money.
///
/// It waits for seven days. `out_request_no` is your key for ever: the same request again answers the one
/// there is.
///
/// Problems: `invalid_request`, `amount_invalid`, `conflict`, `not_found`, `payee_unknown`,
/// `wallet_unavailable`, `rate_limited`.
#[utoipa::path(post, path = "/v1/wallet/payment-requests", operation_id = "request_payment", tag = "requests",
    request_body = PaymentRequestAsk, responses((status = 201, description = "The request", body = PaymentRequest)))]
pub(super) async fn ask(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Json(ask): Json<PaymentRequestAsk>,
) -> Answer<PaymentRequest> {
    created(payment_requests::ask(&app, &actor, ask).await?)
}

/// Lists the requests that you sent or received, newest first.
#[utoipa::path(get, path = "/v1/wallet/payment-requests", operation_id = "list_payment_requests", tag = "requests",
    params(RequestsAsk), responses((status = 200, description = "A page", body = Page<PaymentRequest>)))]
pub(super) async fn list(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Query(ask): Query<RequestsAsk>,
) -> Answer<Page<PaymentRequest>> {
    found(payment_requests::list(&app, &actor, &ask).await?)
}

/// Shows a request that you sent or received.
///
/// Problems: `not_found`.
#[utoipa::path(get, path = "/v1/wallet/payment-requests/{payment_request_id}", operation_id = "read_payment_request",
    tag = "requests", params(("payment_request_id" = PaymentRequestId, Path)),
    responses((status = 200, description = "The request", body = PaymentRequest)))]
pub(super) async fn of(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path(id): Path<PaymentRequestId>,
) -> Answer<PaymentRequest> {
    found(payment_requests::get(&app, &actor, id).await?)
}

/// Pays a request.
///
/// The device signs the evidence text with action `transfer`, the request's `payee`, its amount, its id as
/// subject and the paying wallet. Sent again it answers the transfer as it stands; money moves once.
///
/// Problems: `not_found`, `state_conflict`, `wallet_unavailable`, `balance_too_low`, `balance_too_high`,
/// `over_single_limit`, `over_day_limit`, `over_year_limit`, `pin_required`, `pin_invalid`, `pin_locked`,
/// `pin_not_set`, `passkey_invalid`, `device_unknown`, `device_signature_invalid`, `evidence_expired`,
/// `nonce_reused`, `ledger_refused`.
#[utoipa::path(post, path = "/v1/wallet/payment-requests/{payment_request_id}/pay",
    operation_id = "pay_payment_request", tag = "requests", params(("payment_request_id" = PaymentRequestId, Path)),
    request_body = PayRequestAsk, responses((status = 201, description = "The transfer", body = Transfer)))]
pub(super) async fn pay(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path(id): Path<PaymentRequestId>,
    Json(ask): Json<PayRequestAsk>,
) -> Answer<Transfer> {
    created(payment_requests::pay(&app, &actor, id, ask).await?)
}

/// Says that you will not pay. Done again, it changes nothing.
///
/// Problems: `not_found`, `state_conflict`.
#[utoipa::path(post, path = "/v1/wallet/payment-requests/{payment_request_id}/decline",
    operation_id = "decline_payment_request", tag = "requests",
    params(("payment_request_id" = PaymentRequestId, Path)),
    responses((status = 200, description = "The request", body = PaymentRequest)))]
pub(super) async fn decline(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path(id): Path<PaymentRequestId>,
) -> Answer<PaymentRequest> {
    found(payment_requests::decline(&app, &actor, id).await?)
}

/// Takes your request back. Done again, it changes nothing.
///
/// Problems: `not_found`, `state_conflict`.
#[utoipa::path(post, path = "/v1/wallet/payment-requests/{payment_request_id}/cancel",
    operation_id = "cancel_payment_request", tag = "requests",
    params(("payment_request_id" = PaymentRequestId, Path)),
    responses((status = 200, description = "The request", body = PaymentRequest)))]
pub(super) async fn cancel(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path(id): Path<PaymentRequestId>,
) -> Answer<PaymentRequest> {
    found(payment_requests::cancel(&app, &actor, id).await?)
}

/// Splits a bill: asks several people for their parts, all of them or none.
///
/// Problems: `invalid_request`, `amount_invalid`, `conflict`, `not_found`, `payee_unknown`,
/// `wallet_unavailable`, `rate_limited`.
#[utoipa::path(post, path = "/v1/wallet/bill-splits", operation_id = "split_bill", tag = "requests",
    request_body = BillSplitAsk, responses((status = 201, description = "The bill", body = BillSplit)))]
pub(super) async fn split(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Json(ask): Json<BillSplitAsk>,
) -> Answer<BillSplit> {
    created(payment_requests::split(&app, &actor, ask).await?)
}

/// Lists the bills that you split, newest first.
#[utoipa::path(get, path = "/v1/wallet/bill-splits", operation_id = "list_bill_splits", tag = "requests",
    params(PageAsk), responses((status = 200, description = "A page", body = Page<BillSplit>)))]
pub(super) async fn splits(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Query(page): Query<PageAsk>,
) -> Answer<Page<BillSplit>> {
    found(payment_requests::list_splits(&app, &actor, &page).await?)
}

/// Shows one of your bills with its requests.
///
/// Problems: `not_found`.
#[utoipa::path(get, path = "/v1/wallet/bill-splits/{bill_split_id}", operation_id = "read_bill_split", tag = "requests",
    params(("bill_split_id" = BillSplitId, Path)), responses((status = 200, description = "The bill", body = BillSplit)))]
pub(super) async fn split_of(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path(id): Path<BillSplitId>,
) -> Answer<BillSplit> {
    found(payment_requests::split_of(&app, &actor, id).await?)
}

/// Takes back every request of a bill that waits. Done again, it changes nothing.
///
/// Problems: `not_found`.
#[utoipa::path(post, path = "/v1/wallet/bill-splits/{bill_split_id}/cancel", operation_id = "cancel_bill_split",
    tag = "requests", params(("bill_split_id" = BillSplitId, Path)),
    responses((status = 200, description = "The bill", body = BillSplit)))]
pub(super) async fn cancel_split(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path(id): Path<BillSplitId>,
) -> Answer<BillSplit> {
    found(payment_requests::cancel_split(&app, &actor, id).await?)
}
