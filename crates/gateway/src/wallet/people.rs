//! Signing up, and what people see and set of themselves.

use axum::extract::State;
use jialing_platform::App;
use jialing_platform::people::{self, AliasAsk, CloseAccountAsk, Profile, SignUpAsk};
use jialing_platform::sessions::{self, RecoverAsk, SignedIn};

use crate::answer::{Answer, created, done, found};
use crate::extract::Json;
use crate::gates::{Visitor, Wallet};

/// Opens an account and signs in.
///
/// Problems: `password_weak`, `code_invalid`, `phone_taken`, `proof_of_possession_invalid`, `conflict`,
/// `rate_limited`.
#[utoipa::path(post, path = "/v1/wallet/people", operation_id = "sign_up", tag = "people", request_body = SignUpAsk,
    responses((status = 201, description = "Signed up and in", body = SignedIn)))]
pub(super) async fn sign_up(State(app): State<App>, Json(ask): Json<SignUpAsk>) -> Answer<SignedIn> {
    created(people::sign_up(&app, ask).await?)
}

/// Chooses a new password and ends every session.
///
/// Problems: `password_weak`, `sign_in_failed`, `rate_limited`.
#[utoipa::path(post, path = "/v1/wallet/people/recover", operation_id = "recover", tag = "people",
    request_body = RecoverAsk, responses((status = 204, description = "The new password holds")))]
pub(super) async fn recover(
    State(app): State<App>,
    Visitor(origin): Visitor,
    Json(ask): Json<RecoverAsk>,
) -> Answer<()> {
    sessions::recover(&app, origin, ask).await?;
    done()
}

/// Shows yourself, masked.
#[utoipa::path(get, path = "/v1/wallet/me", operation_id = "me", tag = "people",
    responses((status = 200, description = "You", body = Profile)))]
pub(super) async fn me(State(app): State<App>, Wallet(actor): Wallet) -> Answer<Profile> {
    found(people::me(&app, &actor).await?)
}

/// Lets others find you by phone and see your masked name, or not.
#[utoipa::path(put, path = "/v1/wallet/me/alias", operation_id = "set_alias", tag = "people", request_body = AliasAsk,
    responses((status = 200, description = "You", body = Profile)))]
pub(super) async fn set_alias(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Json(ask): Json<AliasAsk>,
) -> Answer<Profile> {
    found(people::set_alias(&app, &actor, ask).await?)
}

/// Closes your account for good: your personal data is erased, sessions, devices and factors end.
///
/// Movements stay in the ledger, which never held personal data. Close your wallets first.
///
/// Problems: `state_conflict`, `second_factor_required`, `factor_invalid`, `code_invalid`, `rate_limited`.
#[utoipa::path(post, path = "/v1/wallet/me/close", operation_id = "close_account", tag = "people",
    request_body = CloseAccountAsk, responses((status = 204, description = "Closed and erased")))]
pub(super) async fn close(
    State(app): State<App>,
    Visitor(origin): Visitor,
    Wallet(actor): Wallet,
    Json(ask): Json<CloseAccountAsk>,
) -> Answer<()> {
    people::close_account(&app, &actor, origin, ask).await?;
    done()
}
