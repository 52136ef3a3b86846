//! Identity levels.

use axum::extract::State;
use jialing_platform::App;
use jialing_platform::people::{self, CheckState, IdentityAsk, IdentityCheck};

use crate::answer::{Answer, accepted, created, found};
use crate::extract::Json;
use crate::gates::{Once, Wallet};

/// Asks for a higher identity level; the class of your wallets follows.
///
/// Without an outcome of the identity service the check stays `PENDING` and goes on by itself.
///
/// Problems: `identity_mismatch`, `identity_taken`, `link_unusable`, `state_conflict`, `in_progress`,
/// `forbidden`, `rate_limited`.
#[utoipa::path(post, path = "/v1/wallet/identity", operation_id = "raise_identity", tag = "identity",
    request_body = IdentityAsk,
    responses(
        (status = 201, description = "Confirmed", body = IdentityCheck),
        (status = 202, description = "No outcome yet", body = IdentityCheck),
    ))]
pub(super) async fn submit(
    State(app): State<App>,
    Wallet(actor): Wallet,
    once: Once,
    Json(ask): Json<IdentityAsk>,
) -> Answer<IdentityCheck> {
    let check = people::submit(&app, &actor, once.id(), ask).await?;
    if check.state == CheckState::Pending { accepted(check) } else { created(check) }
}

/// Shows your newest identity check.
///
/// Problems: `not_found`.
#[utoipa::path(get, path = "/v1/wallet/identity", operation_id = "read_identity", tag = "identity",
    responses((status = 200, description = "The check", body = IdentityCheck)))]
pub(super) async fn latest(State(app): State<App>, Wallet(actor): Wallet) -> Answer<IdentityCheck> {
    found(people::latest(&app, &actor).await?)
}
