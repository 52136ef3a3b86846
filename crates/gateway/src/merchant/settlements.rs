//! Settlement to the bank account, as the merchant's server sees it.

use axum::extract::State;
use jialing_platform::id::SettlementId;
use jialing_platform::settlements::{self, ListAsk, Name, RequestAsk, Settlement};
use jialing_platform::{App, Page};

use super::orders::made;
use crate::answer::{Answer, found};
use crate::extract::{Json, Path, Query};
use crate::gates::Merchant;

/// Cuts your batch now: what your wallet holds goes to the settlement account.
///
/// `out_settlement_no` is yours for ever: sent again it answers the batch it cut. The owner chooses the
/// account in the wallet app.
///
/// Problems: `invalid_request`, `not_found`, `state_conflict`, `settlement_too_small`.
#[utoipa::path(post, path = "/v1/merchant/settlements", operation_id = "request_settlement", tag = "merchant settlements",
    request_body = RequestAsk, responses(
        (status = 201, description = "The batch", body = Settlement),
        (status = 200, description = "It was there", body = Settlement),
    ))]
pub(super) async fn request(
    State(app): State<App>,
    Merchant(caller): Merchant,
    Json(ask): Json<RequestAsk>,
) -> Answer<Settlement> {
    made(settlements::request(&app, &caller, ask).await?)
}

/// Lists your batches, newest first; the first one, `OPEN`, gathers.
///
/// Problems: `invalid_request`.
#[utoipa::path(get, path = "/v1/merchant/settlements", operation_id = "list_settlements", tag = "merchant settlements",
    params(ListAsk), responses((status = 200, description = "A page", body = Page<Settlement>)))]
pub(super) async fn list(
    State(app): State<App>,
    Merchant(caller): Merchant,
    Query(ask): Query<ListAsk>,
) -> Answer<Page<Settlement>> {
    found(settlements::list(&app, caller.merchant, &ask).await?)
}

/// Reads a batch by its id.
///
/// Problems: `not_found`.
#[utoipa::path(get, path = "/v1/merchant/settlements/{settlement_id}", operation_id = "read_settlement",
    tag = "merchant settlements", params(("settlement_id" = SettlementId, Path)),
    responses((status = 200, description = "The batch", body = Settlement)))]
pub(super) async fn of(
    State(app): State<App>,
    Merchant(caller): Merchant,
    Path(id): Path<SettlementId>,
) -> Answer<Settlement> {
    found(settlements::of(&app, caller.merchant, &Name::Id(id)).await?)
}

/// Reads a batch by your own number.
///
/// Problems: `not_found`.
#[utoipa::path(get, path = "/v1/merchant/settlements/out-settlement-no/{out_settlement_no}",
    operation_id = "read_settlement_by_number", tag = "merchant settlements", params(("out_settlement_no" = String, Path)),
    responses((status = 200, description = "The batch", body = Settlement)))]
pub(super) async fn numbered(
    State(app): State<App>,
    Merchant(caller): Merchant,
    Path(number): Path<String>,
) -> Answer<Settlement> {
    found(settlements::of(&app, caller.merchant, &Name::OutSettlementNo(number)).await?)
}

/// Has an `EXCEPTION` reconciled anew, once what differed is put right.
///
/// Problems: `not_found`, `state_conflict`.
#[utoipa::path(post, path = "/v1/merchant/settlements/{settlement_id}/recheck", operation_id = "recheck_settlement",
    tag = "merchant settlements", params(("settlement_id" = SettlementId, Path)),
    responses((status = 200, description = "The batch", body = Settlement)))]
pub(super) async fn recheck(
    State(app): State<App>,
    Merchant(caller): Merchant,
    Path(id): Path<SettlementId>,
) -> Answer<Settlement> {
    found(settlements::recheck(&app, caller.merchant, &Name::Id(id)).await?)
}
