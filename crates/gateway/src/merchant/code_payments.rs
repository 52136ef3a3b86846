//! Charging the code that a payer shows.

use axum::extract::State;
use jialing_platform::App;
use jialing_platform::codes::{self, CodePaymentAsk};
use jialing_platform::orders::{self, Order};

use super::orders::made;
use crate::answer::{Answer, accepted};
use crate::extract::Json;
use crate::gates::Merchant;

/// Charges the code that a payer shows.
///
/// Answers 201 or 200 with the paid order, or 202 with one that waits for the payer's PIN
/// (`USERPAYING`): read it again after `ask_again_after` seconds, as each answer says; from 15 seconds on
/// you may revoke it, and what nobody pays in 120 seconds is revoked by itself. The same parameters
/// again answer the order as it stands. If an attempt failed, charge a fresh code under the same number.
///
/// Problems: `payment_code_invalid`, `payment_code_expired`, `payment_code_used`, `merchant_inactive`,
/// `invalid_request`, `amount_invalid`, `conflict`, `order_closed`, `balance_too_low`,
/// `balance_too_high`, `over_single_limit`, `over_day_limit`, `over_year_limit`,
/// `wallet_unavailable`, `ledger_refused`, `overloaded`.
#[utoipa::path(post, path = "/v1/merchant/orders/code-payments", operation_id = "charge_payment_code",
    tag = "merchant orders", request_body = CodePaymentAsk, responses(
        (status = 201, description = "The order", body = Order),
        (status = 200, description = "It was there", body = Order),
        (status = 202, description = "The payer is asked for the PIN", body = Order),
    ))]
pub(super) async fn charge(
    State(app): State<App>,
    Merchant(caller): Merchant,
    Json(ask): Json<CodePaymentAsk>,
) -> Answer<Order> {
    let order = codes::charge(&app, &caller, ask).await?;
    if order.value.state == orders::State::UserPaying { accepted(order.value) } else { made(order) }
}
