//! Codes that the payer shows, and what waits for the payer's PIN.

use axum::extract::State;
use jialing_platform::codes::{self, CodeStatus, PaymentCodes, PaymentCodesAsk};
use jialing_platform::id::{OrderId, PaymentCodeId};
use jialing_platform::payments::PayerOrder;
use jialing_platform::{App, Page};

use crate::answer::{Answer, created, found};
use crate::extract::{Json, Path};
use crate::gates::Wallet;

/// Draws codes to show to merchants.
///
/// The device signs the evidence text with action `payment_codes`, payee `whoever scans it`, amount
/// `pin_free_up_to` and subject `count:` with the count. `code` can be shown for 60 seconds; later the
/// app makes the code itself, without network, from `number` and `key`. Of each device the newest 15
/// codes stay good. A code is told once: draw others if the answer was lost.
///
/// Problems: `invalid_request`, `amount_invalid`, `not_found`, `wallet_unavailable`, `rate_limited`,
/// `device_unknown`, `device_signature_invalid`, `evidence_expired`, `nonce_reused`.
#[utoipa::path(post, path = "/v1/wallet/payment-codes", operation_id = "draw_payment_codes", tag = "payment codes",
    request_body = PaymentCodesAsk, responses((status = 201, description = "The codes", body = PaymentCodes)))]
pub(super) async fn draw(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Json(ask): Json<PaymentCodesAsk>,
) -> Answer<PaymentCodes> {
    created(codes::draw(&app, &actor, ask).await?)
}

/// Shows what became of a code.
///
/// Problems: `not_found`.
#[utoipa::path(get, path = "/v1/wallet/payment-codes/{payment_code_id}", operation_id = "read_payment_code",
    tag = "payment codes", params(("payment_code_id" = PaymentCodeId, Path)),
    responses((status = 200, description = "What became of it", body = CodeStatus)))]
pub(super) async fn status(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path(id): Path<PaymentCodeId>,
) -> Answer<CodeStatus> {
    found(codes::status(&app, &actor, id).await?)
}

/// Lists the orders for which you are asked for the PIN, newest first.
///
/// Pay one by `POST /v1/wallet/orders/{order_id}/payments`, with the PIN and the device that showed the
/// code, or refuse it.
#[utoipa::path(get, path = "/v1/wallet/confirmations", operation_id = "list_confirmations", tag = "payment codes",
    responses((status = 200, description = "All of them", body = Page<PayerOrder>)))]
pub(super) async fn confirmations(State(app): State<App>, Wallet(actor): Wallet) -> Answer<Page<PayerOrder>> {
    found(codes::confirmations(&app, &actor).await?)
}

/// Says no to an order for which you are asked for the PIN. Done again, it changes nothing.
///
/// Problems: `not_found`, `in_progress`, `order_paid`, `order_closed`.
#[utoipa::path(post, path = "/v1/wallet/orders/{order_id}/refuse", operation_id = "refuse_order", tag = "payment codes",
    params(("order_id" = OrderId, Path)), responses((status = 200, description = "Refused", body = PayerOrder)))]
pub(super) async fn refuse(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path(id): Path<OrderId>,
) -> Answer<PayerOrder> {
    found(codes::refuse(&app, &actor, id).await?)
}
