//! Signing in and out.

use axum::extract::State;
use jialing_platform::id::SessionId;
use jialing_platform::sessions::{self, Session, SignInAsk, SignedIn};
use jialing_platform::{App, Page, PageAsk};

use crate::answer::{Answer, created, done, found};
use crate::extract::{Json, Path, Query};
use crate::gates::{Visitor, Wallet};

/// Signs in with phone, password and a second factor: a one-time code, or in `factor` the code of an
/// authenticator, a recovery code, or what a passkey signed.
///
/// Problems: `invalid_request`, `sign_in_failed`, `rate_limited`.
#[utoipa::path(post, path = "/v1/wallet/sessions", operation_id = "sign_in", tag = "sessions", request_body = SignInAsk,
    responses((status = 201, description = "Signed in", body = SignedIn)))]
pub(super) async fn sign_in(
    State(app): State<App>,
    Visitor(origin): Visitor,
    Json(ask): Json<SignInAsk>,
) -> Answer<SignedIn> {
    created(sessions::sign_in(&app, origin, ask).await?)
}

/// Lists your live sessions, newest first.
#[utoipa::path(get, path = "/v1/wallet/sessions", operation_id = "list_sessions", tag = "sessions", params(PageAsk),
    responses((status = 200, description = "A page", body = Page<Session>)))]
pub(super) async fn list(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Query(ask): Query<PageAsk>,
) -> Answer<Page<Session>> {
    found(sessions::list(&app, &actor, &ask).await?)
}

/// Ends one of your sessions. Ending an ended one changes nothing.
#[utoipa::path(delete, path = "/v1/wallet/sessions/{session_id}", operation_id = "end_session", tag = "sessions",
    params(("session_id" = SessionId, Path)), responses((status = 204, description = "Ended")))]
pub(super) async fn end(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path(session): Path<SessionId>,
) -> Answer<()> {
    sessions::end(&app, &actor, session).await?;
    done()
}

/// Ends all of your sessions, this one too.
#[utoipa::path(delete, path = "/v1/wallet/sessions", operation_id = "end_all_sessions", tag = "sessions",
    responses((status = 204, description = "Ended")))]
pub(super) async fn end_all(State(app): State<App>, Wallet(actor): Wallet) -> Answer<()> {
    sessions::end_all(&app, &actor).await?;
    done()
}
