//! Applications to become a merchant or a service provider.

use axum::extract::State;
use jialing_platform::applications::agreement::{self, AcceptAsk, Agreement};
use jialing_platform::applications::{
    self, Application, ApplicationAsk, Business, Document, DocumentAsk, Requirements, documents,
};
use jialing_platform::id::{ApplicationId, FileId};
use jialing_platform::{App, Page, PageAsk};

use crate::answer::{Answer, created, done, found};
use crate::extract::{Json, Path, Query};
use crate::gates::{Once, Wallet};

/// Begins an application for an organisation that you represent.
///
/// Problems: `forbidden`, `not_found`, `invalid_request`, `amount_invalid`, `rate_limited`.
#[utoipa::path(post, path = "/v1/wallet/applications", operation_id = "begin_application", tag = "applications",
    request_body = ApplicationAsk, responses((status = 201, description = "The application", body = Application)))]
pub(super) async fn begin(
    State(app): State<App>,
    Wallet(actor): Wallet,
    once: Once,
    Json(ask): Json<ApplicationAsk>,
) -> Answer<Application> {
    created(applications::begin(&app, &actor, once.id(), ask).await?)
}

/// Lists your applications, newest first.
///
/// Problems: `invalid_request`.
#[utoipa::path(get, path = "/v1/wallet/applications", operation_id = "list_applications", tag = "applications",
    params(PageAsk), responses((status = 200, description = "A page", body = Page<Application>)))]
pub(super) async fn list(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Query(page): Query<PageAsk>,
) -> Answer<Page<Application>> {
    found(applications::list(&app, &actor, &page).await?)
}

/// Shows one of your applications: what to correct, and which agreement waits.
///
/// Problems: `not_found`.
#[utoipa::path(get, path = "/v1/wallet/applications/{application_id}", operation_id = "read_application", tag = "applications",
    params(("application_id" = ApplicationId, Path)),
    responses((status = 200, description = "The application", body = Application)))]
pub(super) async fn of(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path(id): Path<ApplicationId>,
) -> Answer<Application> {
    found(applications::get(&app, &actor, id).await?)
}

/// Changes the business of an application that is a draft or was returned: the whole of it is replaced.
///
/// Problems: `not_found`, `invalid_request`, `amount_invalid`, `state_conflict`.
#[utoipa::path(put, path = "/v1/wallet/applications/{application_id}", operation_id = "set_application", tag = "applications",
    params(("application_id" = ApplicationId, Path)), request_body = Business,
    responses((status = 200, description = "The application", body = Application)))]
pub(super) async fn set(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path(id): Path<ApplicationId>,
    Json(business): Json<Business>,
) -> Answer<Application> {
    found(applications::set(&app, &actor, id, business).await?)
}

/// Fills in what is to be connected, how much of it and when; the answer shows the platform choice that fits.
///
/// The whole form is replaced. It may be changed until the application is refused, also after the go-live.
///
/// Problems: `not_found`, `invalid_request`, `amount_invalid`, `state_conflict`.
#[utoipa::path(put, path = "/v1/wallet/applications/{application_id}/requirements", operation_id = "set_requirements",
    tag = "applications", params(("application_id" = ApplicationId, Path)), request_body = Requirements,
    responses((status = 200, description = "The application", body = Application)))]
pub(super) async fn require(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path(id): Path<ApplicationId>,
    Json(form): Json<Requirements>,
) -> Answer<Application> {
    found(applications::require(&app, &actor, id, form).await?)
}

/// Promises a document; the answer says where to send it.
///
/// Problems: `not_found`, `invalid_request`, `state_conflict`.
#[utoipa::path(post, path = "/v1/wallet/applications/{application_id}/documents", operation_id = "promise_document",
    tag = "applications", params(("application_id" = ApplicationId, Path)), request_body = DocumentAsk,
    responses((status = 201, description = "The document", body = Document)))]
pub(super) async fn promise(
    State(app): State<App>,
    Wallet(actor): Wallet,
    once: Once,
    Path(id): Path<ApplicationId>,
    Json(ask): Json<DocumentAsk>,
) -> Answer<Document> {
    created(documents::promise(&app, &actor, id, once.id(), ask).await?)
}

/// Removes a document and destroys its file. Done again, it changes nothing.
///
/// Problems: `not_found`, `state_conflict`.
#[utoipa::path(delete, path = "/v1/wallet/applications/{application_id}/documents/{document_id}", operation_id = "remove_document",
    tag = "applications", params(("application_id" = ApplicationId, Path), ("document_id" = FileId, Path)),
    responses((status = 204, description = "Removed")))]
pub(super) async fn remove(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path((id, document)): Path<(ApplicationId, FileId)>,
) -> Answer<()> {
    documents::remove(&app, &actor, id, document).await?;
    done()
}

/// Submits an application. Done again, it changes nothing.
///
/// Problems: `not_found`, `invalid_request` for a document that is missing, `state_conflict`.
#[utoipa::path(post, path = "/v1/wallet/applications/{application_id}/submit", operation_id = "submit_application",
    tag = "applications", params(("application_id" = ApplicationId, Path)),
    responses((status = 200, description = "The application", body = Application)))]
pub(super) async fn submit(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path(id): Path<ApplicationId>,
) -> Answer<Application> {
    found(applications::submit(&app, &actor, id).await?)
}

/// Gives the text of an agreement.
///
/// Problems: `not_found`.
#[utoipa::path(get, path = "/v1/wallet/agreements/{version}", operation_id = "read_agreement", tag = "applications",
    params(("version" = i64, Path)), responses((status = 200, description = "The agreement", body = Agreement)))]
pub(super) async fn agreement(_wallet: Wallet, Path(version): Path<i64>) -> Answer<Agreement> {
    found(agreement::text(version)?)
}

/// Accepts the agreement that is offered, signed by your device; then the merchant is active.
///
/// The device signs `JIALING-CONSENT-1` with the action `accept_agreement`, the application's id and the
/// agreement's hash.
///
/// Problems: `not_found`, `conflict`, `state_conflict`, `device_unknown`, `device_signature_invalid`, `evidence_expired`,
/// `nonce_reused`, `invalid_request`.
#[utoipa::path(post, path = "/v1/wallet/applications/{application_id}/agreement", operation_id = "accept_agreement",
    tag = "applications", params(("application_id" = ApplicationId, Path)), request_body = AcceptAsk,
    responses((status = 200, description = "The application", body = Application)))]
pub(super) async fn accept(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path(id): Path<ApplicationId>,
    Json(ask): Json<AcceptAsk>,
) -> Answer<Application> {
    found(agreement::accept(&app, &actor, id, ask).await?)
}
