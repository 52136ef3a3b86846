//! Passkeys.

use axum::extract::State;
use jialing_platform::id::PasskeyId;
use jialing_platform::passkeys::{self, Passkey, PasskeyAsk, PasskeyOptions, RemoveAsk};
use jialing_platform::{App, Page, PageAsk};

use crate::answer::{Answer, created, done, found};
use crate::extract::{Json, Path, Query};
use crate::gates::{Visitor, Wallet};

/// Shows what a browser needs to make a passkey of yours.
#[utoipa::path(get, path = "/v1/wallet/passkeys/options", operation_id = "read_passkey_options", tag = "factors",
    responses((status = 200, description = "The options", body = PasskeyOptions)))]
pub(super) async fn options(State(app): State<App>, Wallet(actor): Wallet) -> Answer<PasskeyOptions> {
    found(passkeys::options(&app, &actor).await?)
}

/// Registers a passkey.
///
/// Its challenge is the SHA-256 of `JIALING-PASSKEY-1`, `action:register`, `challenge:` and `nonce:`, each
/// line ended by a line feed, with a challenge drawn at `/v1/wallet/devices/challenges`.
///
/// Problems: `invalid_request`, `passkey_invalid`, `second_factor_required`, `factor_invalid`,
/// `code_invalid`, `conflict`, `state_conflict`, `rate_limited`.
#[utoipa::path(post, path = "/v1/wallet/passkeys", operation_id = "register_passkey", tag = "factors",
    request_body = PasskeyAsk, responses((status = 201, description = "The passkey", body = Passkey)))]
pub(super) async fn register(
    State(app): State<App>,
    Visitor(origin): Visitor,
    Wallet(actor): Wallet,
    Json(ask): Json<PasskeyAsk>,
) -> Answer<Passkey> {
    created(passkeys::register(&app, &actor, origin, ask).await?)
}

/// Lists your passkeys, newest first.
#[utoipa::path(get, path = "/v1/wallet/passkeys", operation_id = "list_passkeys", tag = "factors", params(PageAsk),
    responses((status = 200, description = "A page", body = Page<Passkey>)))]
pub(super) async fn list(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Query(ask): Query<PageAsk>,
) -> Answer<Page<Passkey>> {
    found(passkeys::list(&app, &actor, &ask).await?)
}

/// Takes one of your passkeys away.
///
/// Problems: `not_found`, `second_factor_required`, `factor_invalid`, `code_invalid`, `rate_limited`.
#[utoipa::path(post, path = "/v1/wallet/passkeys/{passkey_id}/remove", operation_id = "remove_passkey", tag = "factors",
    params(("passkey_id" = PasskeyId, Path)), request_body = RemoveAsk,
    responses((status = 204, description = "Removed")))]
pub(super) async fn remove(
    State(app): State<App>,
    Visitor(origin): Visitor,
    Wallet(actor): Wallet,
    Path(passkey): Path<PasskeyId>,
    Json(ask): Json<RemoveAsk>,
) -> Answer<()> {
    passkeys::remove(&app, &actor, origin, passkey, ask).await?;
    done()
}
