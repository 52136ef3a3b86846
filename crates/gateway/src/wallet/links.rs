//! Linked bank accounts.

use axum::extract::State;
use jialing_platform::id::LinkId;
use jialing_platform::links::{self, ConfirmAsk, Link, LinkAsk};
use jialing_platform::{App, Page, PageAsk};

use crate::answer::{Answer, accepted, found};
use crate::extract::{Json, Path, Query};
use crate::gates::{Once, Wallet};

/// Starts linking a bank account: the bank sends a code to the phone it knows you by.
///
/// Problems: `forbidden` below wallet class III, `invalid_request`, `state_conflict`, `bank_refused`,
/// `bank_unavailable`.
#[utoipa::path(post, path = "/v1/wallet/links", operation_id = "start_link", tag = "links", request_body = LinkAsk,
    responses((status = 202, description = "The code is on its way", body = Link)))]
pub(super) async fn start(
    State(app): State<App>,
    Wallet(actor): Wallet,
    once: Once,
    Json(ask): Json<LinkAsk>,
) -> Answer<Link> {
    accepted(links::start_as(&app, &actor, once.id(), ask).await?)
}

/// Signs a link with the code that the bank has sent.
///
/// Problems: `not_found`, `link_unusable`, `code_invalid`, `bank_unavailable`.
#[utoipa::path(post, path = "/v1/wallet/links/{link_id}/confirm", operation_id = "confirm_link", tag = "links",
    params(("link_id" = LinkId, Path)), request_body = ConfirmAsk,
    responses((status = 200, description = "Signed", body = Link)))]
pub(super) async fn confirm(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path(link): Path<LinkId>,
    Json(ask): Json<ConfirmAsk>,
) -> Answer<Link> {
    found(links::confirm(&app, &actor, link, ask).await?)
}

/// Lists your links, newest first.
#[utoipa::path(get, path = "/v1/wallet/links", operation_id = "list_links", tag = "links", params(PageAsk),
    responses((status = 200, description = "A page", body = Page<Link>)))]
pub(super) async fn list(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Query(page): Query<PageAsk>,
) -> Answer<Page<Link>> {
    found(links::list(&app, actor.person, &page).await?)
}

/// Shows a link.
///
/// Problems: `not_found`.
#[utoipa::path(get, path = "/v1/wallet/links/{link_id}", operation_id = "read_link", tag = "links",
    params(("link_id" = LinkId, Path)), responses((status = 200, description = "The link", body = Link)))]
pub(super) async fn of(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path(link): Path<LinkId>,
) -> Answer<Link> {
    found(links::read(&app, actor.person, link).await?)
}

/// Ends a link. Ending an ended one changes nothing.
///
/// Problems: `not_found`, `state_conflict` while something over it has no outcome yet.
#[utoipa::path(delete, path = "/v1/wallet/links/{link_id}", operation_id = "end_link", tag = "links",
    params(("link_id" = LinkId, Path)), responses((status = 200, description = "Ended", body = Link)))]
pub(super) async fn end(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path(link): Path<LinkId>,
) -> Answer<Link> {
    found(links::end(&app, &actor, link).await?)
}
