//! The merchants that a service provider may act for.

use axum::extract::State;
use jialing_platform::merchants::providers::{self, Grant};
use jialing_platform::{App, Page, PageAsk};

use crate::answer::{Answer, found};
use crate::extract::Query;
use crate::gates::Merchant;

/// Lists the merchants that let you act for them now, with the scopes. Cursors are ids of merchants.
///
/// Problems: `invalid_request`.
#[utoipa::path(get, path = "/v1/merchant/sub-merchants", operation_id = "list_sub_merchants", tag = "service providers",
    params(PageAsk), responses((status = 200, description = "A page", body = Page<Grant>)))]
pub(super) async fn sub_merchants(
    State(app): State<App>,
    Merchant(caller): Merchant,
    Query(page): Query<PageAsk>,
) -> Answer<Page<Grant>> {
    found(providers::sub_merchants(&app, caller.merchant, &page).await?)
}
