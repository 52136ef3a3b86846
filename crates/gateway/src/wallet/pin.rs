//! The payment PIN.

use axum::extract::State;
use jialing_platform::App;
use jialing_platform::pins::{self, PinAsk, PinState};

use crate::answer::{Answer, found};
use crate::extract::Json;
use crate::gates::Wallet;

/// Shows whether a PIN is set, and how long it is locked.
#[utoipa::path(get, path = "/v1/wallet/pin", operation_id = "read_pin", tag = "pin",
    responses((status = 200, description = "Its state", body = PinState)))]
pub(super) async fn state(State(app): State<App>, Wallet(actor): Wallet) -> Answer<PinState> {
    found(pins::state(&app, &actor).await?)
}

/// Sets the first PIN, or changes it with a second factor, which also ends a lock.
///
/// Problems: `pin_weak`, `second_factor_required`, `code_invalid`, `rate_limited`.
#[utoipa::path(put, path = "/v1/wallet/pin", operation_id = "set_pin", tag = "pin", request_body = PinAsk,
    responses((status = 200, description = "Its state", body = PinState)))]
pub(super) async fn set(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Json(ask): Json<PinAsk>,
) -> Answer<PinState> {
    found(pins::set(&app, &actor, ask).await?)
}
