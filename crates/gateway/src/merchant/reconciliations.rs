//! The merchant's own files, compared with the ledger, and what came of it.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use jialing_platform::id::{CaseId, ReconciliationId};
use jialing_platform::reconciliations::cases::{self, Case, ListAsk, NoteAsk, State as CaseState};
use jialing_platform::reconciliations::source::{self, SourceAsk, SourceShown};
use jialing_platform::reconciliations::{self, ReconcileAsk, Reconciliation};
use jialing_platform::{App, Page, PageAsk};

use crate::answer::{Answer, Failed, accepted, done, found};
use crate::download;
use crate::extract::{Json, Path, Query};
use crate::gates::{Merchant, Once};

/// Asks for a reconciliation of a day that is over with your own file.
///
/// Say which file you will send (size and SHA-256) and send it to the address in the answer; or leave it out,
/// and the file is fetched from the address that you registered. The event `reconciliation.done` tells when
/// every item has its outcome.
///
/// Problems: `not_found` while you have no wallet, `invalid_request`, `state_conflict`, `rate_limited`.
#[utoipa::path(post, path = "/v1/merchant/reconciliations", operation_id = "request_reconciliation", tag = "reconciliation",
    request_body = ReconcileAsk, responses((status = 202, description = "It will be made", body = Reconciliation)))]
pub(super) async fn ask(
    State(app): State<App>,
    Merchant(caller): Merchant,
    once: Once,
    Json(ask): Json<ReconcileAsk>,
) -> Answer<Reconciliation> {
    accepted(reconciliations::ask(&app, caller.merchant, once.id(), ask).await?)
}

/// Lists your reconciliations, newest first.
///
/// Problems: `invalid_request`.
#[utoipa::path(get, path = "/v1/merchant/reconciliations", operation_id = "list_reconciliations", tag = "reconciliation",
    params(PageAsk), responses((status = 200, description = "A page", body = Page<Reconciliation>)))]
pub(super) async fn list(
    State(app): State<App>,
    Merchant(caller): Merchant,
    Query(page): Query<PageAsk>,
) -> Answer<Page<Reconciliation>> {
    found(reconciliations::list(&app, caller.merchant, &page).await?)
}

/// Shows a reconciliation; while its file is awaited, with a fresh address to send it to.
///
/// Problems: `not_found`.
#[utoipa::path(get, path = "/v1/merchant/reconciliations/{reconciliation_id}", operation_id = "read_reconciliation",
    tag = "reconciliation", params(("reconciliation_id" = ReconciliationId, Path)),
    responses((status = 200, description = "The reconciliation", body = Reconciliation)))]
pub(super) async fn of(
    State(app): State<App>,
    Merchant(caller): Merchant,
    Path(id): Path<ReconciliationId>,
) -> Answer<Reconciliation> {
    found(reconciliations::get(&app, caller.merchant, id).await?)
}

/// Fetches the file with the outcome of every item, or a part of it with the header `Range`.
///
/// The file itself is not signed: its SHA-256 is in the reconciliation, whose answer is.
///
/// Problems: `not_found`, `state_conflict` unless it is done, `invalid_request` for a part beyond the file.
#[utoipa::path(get, path = "/v1/merchant/reconciliations/{reconciliation_id}/file", operation_id = "fetch_reconciliation",
    tag = "reconciliation", params(("reconciliation_id" = ReconciliationId, Path)), responses(
        (status = 200, description = "The file", body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 206, description = "The part asked for", body = Vec<u8>, content_type = "application/octet-stream"),
    ))]
pub(super) async fn file(
    State(app): State<App>,
    Merchant(caller): Merchant,
    Path(id): Path<ReconciliationId>,
    headers: HeaderMap,
) -> Result<Response, Failed> {
    let (name, sha256, reader) = reconciliations::result(&app, caller.merchant, id).await?;
    download::give(&headers, download::File { name, content_type: "application/gzip", sha256, reader })
}

/// Registers the address from which your files are fetched, in place of the one before.
///
/// `{day}` in it becomes the day. It is kept sealed and only its host is ever shown again. Addresses of
/// private networks are refused, also those that a name leads to later.
///
/// Problems: `invalid_request`.
#[utoipa::path(put, path = "/v1/merchant/reconciliation-source", operation_id = "set_reconciliation_source",
    tag = "reconciliation", request_body = SourceAsk,
    responses((status = 200, description = "As far as it is shown", body = SourceShown)))]
pub(super) async fn set_source(
    State(app): State<App>,
    Merchant(caller): Merchant,
    Json(ask): Json<SourceAsk>,
) -> Answer<SourceShown> {
    found(source::set(&app, &caller, ask).await?)
}

/// Shows the host of the registered address.
///
/// Problems: `not_found`.
#[utoipa::path(get, path = "/v1/merchant/reconciliation-source", operation_id = "read_reconciliation_source",
    tag = "reconciliation", responses((status = 200, description = "As far as it is shown", body = SourceShown)))]
pub(super) async fn read_source(State(app): State<App>, Merchant(caller): Merchant) -> Answer<SourceShown> {
    found(source::get(&app, caller.merchant).await?)
}

/// Forgets the registered address. Done again, it changes nothing.
#[utoipa::path(delete, path = "/v1/merchant/reconciliation-source", operation_id = "remove_reconciliation_source",
    tag = "reconciliation", responses((status = 204, description = "Forgotten")))]
pub(super) async fn remove_source(State(app): State<App>, Merchant(caller): Merchant) -> Answer<()> {
    source::remove(&app, &caller).await?;
    done()
}

/// Lists breaks that reconciliations found, newest first. Filters add up.
///
/// Problems: `invalid_request`.
#[utoipa::path(get, path = "/v1/merchant/cases", operation_id = "list_cases", tag = "reconciliation", params(ListAsk),
    responses((status = 200, description = "A page", body = Page<Case>)))]
pub(super) async fn cases_of(
    State(app): State<App>,
    Merchant(caller): Merchant,
    Query(ask): Query<ListAsk>,
) -> Answer<Page<Case>> {
    found(cases::list(&app, caller.merchant, &ask).await?)
}

/// Shows a break, with both sides beside each other.
///
/// Problems: `not_found`.
#[utoipa::path(get, path = "/v1/merchant/cases/{case_id}", operation_id = "read_case", tag = "reconciliation",
    params(("case_id" = CaseId, Path)), responses((status = 200, description = "The case", body = Case)))]
pub(super) async fn case(
    State(app): State<App>,
    Merchant(caller): Merchant,
    Path(id): Path<CaseId>,
) -> Answer<Case> {
    found(cases::get(&app, caller.merchant, id).await?)
}

/// Says why a break is as it is. The same again changes nothing.
///
/// Problems: `not_found`, `invalid_request`, `state_conflict`.
#[utoipa::path(post, path = "/v1/merchant/cases/{case_id}/explain", operation_id = "explain_case", tag = "reconciliation",
    params(("case_id" = CaseId, Path)), request_body = NoteAsk,
    responses((status = 200, description = "The case", body = Case)))]
pub(super) async fn explain(
    State(app): State<App>,
    Merchant(caller): Merchant,
    Path(id): Path<CaseId>,
    Json(ask): Json<NoteAsk>,
) -> Answer<Case> {
    found(cases::decide(&app, &caller, id, CaseState::Explained, ask).await?)
}

/// Ends a case: it is put right, or needs nothing. The same again changes nothing.
///
/// Problems: `not_found`, `invalid_request`, `state_conflict`.
#[utoipa::path(post, path = "/v1/merchant/cases/{case_id}/resolve", operation_id = "resolve_case", tag = "reconciliation",
    params(("case_id" = CaseId, Path)), request_body = NoteAsk,
    responses((status = 200, description = "The case", body = Case)))]
pub(super) async fn resolve(
    State(app): State<App>,
    Merchant(caller): Merchant,
    Path(id): Path<CaseId>,
    Json(ask): Json<NoteAsk>,
) -> Answer<Case> {
    found(cases::decide(&app, &caller, id, CaseState::Resolved, ask).await?)
}
