//! Organisations that a person represents.

use axum::extract::State;
use jialing_platform::id::OrganisationId;
use jialing_platform::people::{self, Organisation, OrganisationAsk};
use jialing_platform::{App, Page, PageAsk};

use crate::answer::{Answer, created, found};
use crate::extract::{Json, Path, Query};
use crate::gates::Wallet;

/// Registers an organisation that you represent.
///
/// The licence number is its natural key: the same registration again answers the organisation there is.
///
/// Problems: `forbidden`, `invalid_request`, `conflict`, `state_conflict`.
#[utoipa::path(post, path = "/v1/wallet/organisations", operation_id = "register_organisation", tag = "organisations",
    request_body = OrganisationAsk, responses((status = 201, description = "The organisation", body = Organisation)))]
pub(super) async fn register(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Json(ask): Json<OrganisationAsk>,
) -> Answer<Organisation> {
    created(people::register(&app, &actor, ask).await?)
}

/// Lists the organisations that you represent, newest first.
#[utoipa::path(get, path = "/v1/wallet/organisations", operation_id = "list_organisations", tag = "organisations",
    params(PageAsk), responses((status = 200, description = "A page", body = Page<Organisation>)))]
pub(super) async fn list(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Query(ask): Query<PageAsk>,
) -> Answer<Page<Organisation>> {
    found(people::organisations(&app, &actor, &ask).await?)
}

/// Shows one of the organisations that you represent.
///
/// Problems: `not_found`.
#[utoipa::path(get, path = "/v1/wallet/organisations/{organisation_id}", operation_id = "read_organisation",
    tag = "organisations", params(("organisation_id" = OrganisationId, Path)),
    responses((status = 200, description = "The organisation", body = Organisation)))]
pub(super) async fn of(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path(id): Path<OrganisationId>,
) -> Answer<Organisation> {
    found(people::organisation(&app, &actor, id).await?)
}
