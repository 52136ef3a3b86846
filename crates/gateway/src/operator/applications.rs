//! Applications, as operators review them.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use jialing_platform::applications::{self, Application, CorrectionsAsk, ListAsk, RefuseAsk, documents};
use jialing_platform::id::{ApplicationId, FileId};
use jialing_platform::{App, Page};

use crate::answer::{Answer, Failed, found};
use crate::download;
use crate::extract::{Json, Path, Query};
use crate::gates::Operator;

/// Lists applications, newest first; `state=SUBMITTED` for those that wait.
///
/// Problems: `invalid_request`.
#[utoipa::path(get, path = "/v1/operator/applications", operation_id = "list_applications_to_review", tag = "operators",
    params(ListAsk), responses((status = 200, description = "A page", body = Page<Application>)))]
pub(super) async fn list(
    State(app): State<App>,
    _operator: Operator,
    Query(ask): Query<ListAsk>,
) -> Answer<Page<Application>> {
    found(applications::all(&app, &ask).await?)
}

/// Shows an application.
///
/// Problems: `not_found`.
#[utoipa::path(get, path = "/v1/operator/applications/{application_id}", operation_id = "read_application_to_review",
    tag = "operators", params(("application_id" = ApplicationId, Path)),
    responses((status = 200, description = "The application", body = Application)))]
pub(super) async fn of(
    State(app): State<App>,
    _operator: Operator,
    Path(id): Path<ApplicationId>,
) -> Answer<Application> {
    found(applications::read(&app, id).await?)
}

/// Takes a submitted application to look at it. Done again, it changes nothing.
///
/// Problems: `not_found`, `state_conflict`.
#[utoipa::path(post, path = "/v1/operator/applications/{application_id}/take", operation_id = "take_application",
    tag = "operators", params(("application_id" = ApplicationId, Path)),
    responses((status = 200, description = "The application", body = Application)))]
pub(super) async fn take(
    State(app): State<App>,
    Operator(name): Operator,
    Path(id): Path<ApplicationId>,
) -> Answer<Application> {
    found(applications::take(&app, &name, id).await?)
}

/// Gives an application back, saying what to correct field by field.
///
/// Problems: `not_found`, `invalid_request`, `state_conflict`.
#[utoipa::path(post, path = "/v1/operator/applications/{application_id}/return", operation_id = "return_application",
    tag = "operators", params(("application_id" = ApplicationId, Path)), request_body = CorrectionsAsk,
    responses((status = 200, description = "The application", body = Application)))]
pub(super) async fn return_to(
    State(app): State<App>,
    Operator(name): Operator,
    Path(id): Path<ApplicationId>,
    Json(ask): Json<CorrectionsAsk>,
) -> Answer<Application> {
    found(applications::return_to(&app, &name, id, ask).await?)
}

/// Approves an application: two operators are needed. The same operator's again changes nothing.
///
/// Problems: `not_found`, `state_conflict`, `conflict`.
#[utoipa::path(post, path = "/v1/operator/applications/{application_id}/approve", operation_id = "approve_application",
    tag = "operators", params(("application_id" = ApplicationId, Path)),
    responses((status = 200, description = "The application", body = Application)))]
pub(super) async fn approve(
    State(app): State<App>,
    Operator(name): Operator,
    Path(id): Path<ApplicationId>,
) -> Answer<Application> {
    found(applications::approve(&app, &name, id).await?)
}

/// Refuses an application for good.
///
/// Problems: `not_found`, `invalid_request`, `state_conflict`.
#[utoipa::path(post, path = "/v1/operator/applications/{application_id}/refuse", operation_id = "refuse_application",
    tag = "operators", params(("application_id" = ApplicationId, Path)), request_body = RefuseAsk,
    responses((status = 200, description = "The application", body = Application)))]
pub(super) async fn refuse(
    State(app): State<App>,
    Operator(name): Operator,
    Path(id): Path<ApplicationId>,
    Json(ask): Json<RefuseAsk>,
) -> Answer<Application> {
    found(applications::refuse(&app, &name, id, ask).await?)
}

/// Fetches a document. That it was read is in the audit chain.
///
/// Problems: `not_found`, `invalid_request` for a part beyond the file.
#[utoipa::path(get, path = "/v1/operator/applications/{application_id}/documents/{document_id}/file",
    operation_id = "fetch_document", tag = "operators",
    params(("application_id" = ApplicationId, Path), ("document_id" = FileId, Path)), responses(
        (status = 200, description = "The file", body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 206, description = "The part asked for", body = Vec<u8>, content_type = "application/octet-stream"),
    ))]
pub(super) async fn document(
    State(app): State<App>,
    Operator(operator): Operator,
    Path((id, document)): Path<(ApplicationId, FileId)>,
    headers: HeaderMap,
) -> Result<Response, Failed> {
    let (name, content_type, sha256, reader) = documents::open(&app, &operator, id, document).await?;
    download::give(&headers, download::File { name, content_type, sha256, reader })
}
