//! The authenticator application and its recovery codes.

use axum::extract::State;
use jialing_platform::App;
use jialing_platform::factors::{
    self, Authenticator, AuthenticatorAsk, ConfirmAsk, Enrolment, RecoveryCodes, StepUpAsk,
};

use crate::answer::{Answer, created, done, found};
use crate::extract::Json;
use crate::gates::{Visitor, Wallet};

/// Shows whether you have an authenticator, and how many recovery codes are left.
#[utoipa::path(get, path = "/v1/wallet/authenticator", operation_id = "read_authenticator", tag = "factors",
    responses((status = 200, description = "Its state", body = Authenticator)))]
pub(super) async fn state(State(app): State<App>, Wallet(actor): Wallet) -> Answer<Authenticator> {
    found(factors::read(&app, &actor).await?)
}

/// Makes a secret for your authenticator application. It counts once you have confirmed it.
///
/// Problems: `state_conflict`, `second_factor_required`, `factor_invalid`, `code_invalid`, `rate_limited`.
#[utoipa::path(post, path = "/v1/wallet/authenticator", operation_id = "enrol_authenticator", tag = "factors",
    request_body = AuthenticatorAsk, responses((status = 201, description = "The secret, shown once", body = Enrolment)))]
pub(super) async fn enrol(
    State(app): State<App>,
    Visitor(origin): Visitor,
    Wallet(actor): Wallet,
    Json(ask): Json<AuthenticatorAsk>,
) -> Answer<Enrolment> {
    created(factors::enrol(&app, &actor, origin, ask).await?)
}

/// Confirms your authenticator by a first code.
///
/// Problems: `factor_invalid`, `state_conflict`, `rate_limited`.
#[utoipa::path(post, path = "/v1/wallet/authenticator/confirm", operation_id = "confirm_authenticator", tag = "factors",
    request_body = ConfirmAsk, responses((status = 200, description = "Recovery codes, shown once", body = RecoveryCodes)))]
pub(super) async fn confirm(
    State(app): State<App>,
    Visitor(origin): Visitor,
    Wallet(actor): Wallet,
    Json(ask): Json<ConfirmAsk>,
) -> Answer<RecoveryCodes> {
    found(factors::confirm(&app, &actor, origin, ask).await?)
}

/// Takes your authenticator away, and its recovery codes with it.
///
/// Problems: `not_found`, `second_factor_required`, `factor_invalid`, `code_invalid`, `rate_limited`.
#[utoipa::path(post, path = "/v1/wallet/authenticator/remove", operation_id = "remove_authenticator", tag = "factors",
    request_body = StepUpAsk, responses((status = 204, description = "Removed")))]
pub(super) async fn remove(
    State(app): State<App>,
    Visitor(origin): Visitor,
    Wallet(actor): Wallet,
    Json(ask): Json<StepUpAsk>,
) -> Answer<()> {
    factors::remove(&app, &actor, origin, ask).await?;
    done()
}

/// Makes new recovery codes; the old ones end.
///
/// Problems: `state_conflict`, `second_factor_required`, `factor_invalid`, `code_invalid`, `rate_limited`.
#[utoipa::path(post, path = "/v1/wallet/authenticator/recovery-codes", operation_id = "renew_recovery_codes",
    tag = "factors", request_body = StepUpAsk,
    responses((status = 200, description = "Recovery codes, shown once", body = RecoveryCodes)))]
pub(super) async fn renew(
    State(app): State<App>,
    Visitor(origin): Visitor,
    Wallet(actor): Wallet,
    Json(ask): Json<StepUpAsk>,
) -> Answer<RecoveryCodes> {
    found(factors::renew_recovery_codes(&app, &actor, origin, ask).await?)
}
