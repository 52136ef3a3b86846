//! What you were told.

use axum::extract::State;
use jialing_platform::notices::{self, Notice, ReadAsk, Unread};
use jialing_platform::{App, Page, PageAsk};

use crate::answer::{Answer, found};
use crate::extract::{Json, Query};
use crate::gates::Wallet;

/// Lists your notices, newest first. A notice is a code with parameters; the words are the app's.
#[utoipa::path(get, path = "/v1/wallet/notices", operation_id = "list_notices", tag = "notices", params(PageAsk),
    responses((status = 200, description = "A page", body = Page<Notice>)))]
pub(super) async fn list(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Query(page): Query<PageAsk>,
) -> Answer<Page<Notice>> {
    found(notices::list(&app, &actor, &page).await?)
}

/// Says how many notices you have not read.
#[utoipa::path(get, path = "/v1/wallet/notices/unread", operation_id = "count_unread_notices", tag = "notices",
    responses((status = 200, description = "The number", body = Unread)))]
pub(super) async fn unread(State(app): State<App>, Wallet(actor): Wallet) -> Answer<Unread> {
    found(notices::unread(&app, &actor).await?)
}

/// Marks a notice and all before it as read. Done again, it changes nothing.
///
/// Problems: `not_found`.
#[utoipa::path(post, path = "/v1/wallet/notices/read", operation_id = "mark_notices_read", tag = "notices",
    request_body = ReadAsk, responses((status = 200, description = "How many are left unread", body = Unread)))]
pub(super) async fn read(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Json(ask): Json<ReadAsk>,
) -> Answer<Unread> {
    found(notices::mark_read(&app, &actor, &ask).await?)
}
