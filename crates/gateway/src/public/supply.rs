//! The money supply, the institutions, and the numbers in force.

use axum::extract::State;
use jialing_platform::institutions::{self, Listed, Supply};
use jialing_platform::policies::{self, Policy};
use jialing_platform::{App, Page};

use crate::answer::{Answer, found};

/// Shows the money supply: issued, redeemed, in vaults and in wallets, per liability holder, with the
/// equation that must hold.
#[utoipa::path(get, path = "/v1/public/supply", operation_id = "read_supply", tag = "public",
    responses((status = 200, description = "The money supply", body = Supply)))]
pub(super) async fn read(State(app): State<App>) -> Answer<Supply> {
    found(institutions::supply(&app).await?)
}

/// Lists the institutions.
#[utoipa::path(get, path = "/v1/public/institutions", operation_id = "list_institutions", tag = "public",
    responses((status = 200, description = "All of them", body = Page<Listed>)))]
pub(super) async fn institutions(State(app): State<App>) -> Answer<Page<Listed>> {
    found(Page { items: institutions::list(&app).await?, has_more: false })
}

/// Lists every version of every number that regulators and the operator set, with date and source.
#[utoipa::path(get, path = "/v1/public/policies", operation_id = "list_policies", tag = "public",
    responses((status = 200, description = "All of them", body = Page<Policy>)))]
pub(super) async fn policies(State(app): State<App>) -> Answer<Page<Policy>> {
    found(Page { items: policies::all(&app).await?.to_vec(), has_more: false })
}
