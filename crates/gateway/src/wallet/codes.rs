//! One-time codes.

use axum::extract::State;
use jialing_platform::App;
use jialing_platform::notices::codes::{self, CodeAsk, CodeSent, SecondFactorAsk};

use crate::answer::{Answer, accepted};
use crate::extract::Json;
use crate::gates::{Visitor, Wallet};

/// Sends a one-time code to a phone.
///
/// The answer is the same whether or not the phone has an account. A newer code replaces the older.
///
/// Problems: `invalid_request`, `rate_limited`, `notice_unavailable`.
#[utoipa::path(post, path = "/v1/wallet/codes", operation_id = "send_code", tag = "sessions", request_body = CodeAsk,
    responses((status = 202, description = "On its way", body = CodeSent)))]
pub(super) async fn send(
    State(app): State<App>,
    Visitor(origin): Visitor,
    Json(ask): Json<CodeAsk>,
) -> Answer<CodeSent> {
    accepted(codes::send(&app, origin, ask).await?)
}

/// Sends yourself a code that confirms a change: another device, a new PIN.
///
/// Problems: `rate_limited`, `notice_unavailable`.
#[utoipa::path(post, path = "/v1/wallet/codes/second-factor", operation_id = "send_second_factor", tag = "sessions",
    request_body = SecondFactorAsk, responses((status = 202, description = "On its way", body = CodeSent)))]
pub(super) async fn second_factor(
    State(app): State<App>,
    Visitor(origin): Visitor,
    Wallet(actor): Wallet,
    Json(ask): Json<SecondFactorAsk>,
) -> Answer<CodeSent> {
    accepted(codes::send_second_factor(&app, &actor, origin, ask.language).await?)
}
