//! Orders, as a payer sees and pays them.

use axum::extract::State;
use jialing_platform::App;
use jialing_platform::id::OrderId;
use jialing_platform::orders;
use jialing_platform::payments::{self, PayAsk, PayerOrder, ScanAsk, Scanned};

use crate::answer::{Answer, accepted, found};
use crate::extract::{Json, Path};
use crate::gates::Wallet;

/// Reads a merchant's QR code, or the link that opened the app.
///
/// A code for one payment answers its order. A code that never changes answers its place, with
/// `static_code_id`: the payer types the amount and pays `POST /v1/wallet/static-codes/{id}/payments`.
///
/// Problems: `invalid_request` for what is no code of this scheme, `not_found`.
#[utoipa::path(post, path = "/v1/wallet/scans", operation_id = "scan_code", tag = "orders", request_body = ScanAsk,
    responses((status = 200, description = "The order in the code, or its place", body = Scanned)))]
pub(super) async fn scan(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Json(ask): Json<ScanAsk>,
) -> Answer<Scanned> {
    found(payments::scan(&app, &actor, &ask).await?)
}

/// Shows an order to somebody who may pay it or has paid it.
///
/// Problems: `not_found`.
#[utoipa::path(get, path = "/v1/wallet/orders/{order_id}", operation_id = "read_order_to_pay", tag = "orders",
    params(("order_id" = OrderId, Path)), responses((status = 200, description = "The order", body = PayerOrder)))]
pub(super) async fn view(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path(order): Path<OrderId>,
) -> Answer<PayerOrder> {
    found(payments::view(&app, &actor, order).await?)
}

/// Pays an order.
///
/// The device signs the evidence text with action `pay`, the merchant's id as payee and the order's id
/// as subject. Sending the same request again, after a lost answer, answers the paid order: money moves
/// once. A status of 202 means that the outcome is not known yet: read the order again.
///
/// Problems: `order_paid`, `order_closed`, `in_progress`, `state_conflict`, `amount_mismatch`, `pin_required`, `pin_invalid`, `pin_locked`,
/// `pin_not_set`, `device_unknown`, `device_signature_invalid`, `evidence_expired`, `nonce_reused`,
/// `wallet_unavailable`, `merchant_inactive`, `balance_too_low`, `balance_too_high`,
/// `over_single_limit`, `over_day_limit`, `over_year_limit`, `ledger_refused`, `overloaded`, `amount_invalid`.
#[utoipa::path(post, path = "/v1/wallet/orders/{order_id}/payments", operation_id = "pay_order", tag = "orders",
    params(("order_id" = OrderId, Path)), request_body = PayAsk,
    responses(
        (status = 200, description = "Paid", body = PayerOrder),
        (status = 202, description = "The outcome is not known yet", body = PayerOrder),
    ))]
pub(super) async fn pay(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path(order): Path<OrderId>,
    Json(ask): Json<PayAsk>,
) -> Answer<PayerOrder> {
    let order = payments::pay(&app, &actor, order, ask).await?;
    if order.state == orders::State::UserPaying { accepted(order) } else { found(order) }
}
