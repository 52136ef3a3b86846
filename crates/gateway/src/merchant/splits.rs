//! Split settlement, as the merchant's server asks for it.

use axum::extract::State;
use jialing_platform::id::{OrderId, SplitId, SplitReceiverId};
use jialing_platform::orders;
use jialing_platform::splits::{
    self, Name, Receiver, ReceiverAsk, Return, ReturnAsk, Split, SplitAsk, SplitOrder,
};
use jialing_platform::{App, Page, PageAsk};

use super::orders::made;
use crate::answer::{Answer, created, found};
use crate::extract::{Json, Path, Query};
use crate::gates::Merchant;

/// Registers a receiver of shares.
///
/// The same wallet again answers the receiver there is.
///
/// Problems: `merchant_inactive`, `invalid_request`, `payee_unknown`, `conflict`, `state_conflict`.
#[utoipa::path(post, path = "/v1/merchant/split-receivers", operation_id = "register_split_receiver", tag = "merchant splits",
    request_body = ReceiverAsk, responses((status = 201, description = "The receiver", body = Receiver)))]
pub(super) async fn register(
    State(app): State<App>,
    Merchant(caller): Merchant,
    Json(ask): Json<ReceiverAsk>,
) -> Answer<Receiver> {
    created(splits::register(&app, caller.merchant, ask).await?)
}

/// Lists your receivers, newest first.
///
/// Problems: `invalid_request`.
#[utoipa::path(get, path = "/v1/merchant/split-receivers", operation_id = "list_split_receivers", tag = "merchant splits",
    params(PageAsk), responses((status = 200, description = "A page", body = Page<Receiver>)))]
pub(super) async fn receivers(
    State(app): State<App>,
    Merchant(caller): Merchant,
    Query(page): Query<PageAsk>,
) -> Answer<Page<Receiver>> {
    found(splits::list(&app, caller.merchant, &page).await?)
}

/// Removes a receiver: it is given no further share. Done again, it changes nothing.
///
/// Problems: `not_found`.
#[utoipa::path(delete, path = "/v1/merchant/split-receivers/{receiver_id}", operation_id = "remove_split_receiver",
    tag = "merchant splits", params(("receiver_id" = SplitReceiverId, Path)),
    responses((status = 200, description = "The receiver", body = Receiver)))]
pub(super) async fn remove(
    State(app): State<App>,
    Merchant(caller): Merchant,
    Path(id): Path<SplitReceiverId>,
) -> Answer<Receiver> {
    found(splits::remove(&app, caller.merchant, id).await?)
}

/// Lists where you are the receiver of another merchant, newest first.
///
/// Problems: `invalid_request`.
#[utoipa::path(get, path = "/v1/merchant/split-agreements", operation_id = "list_split_agreements", tag = "merchant splits",
    params(PageAsk), responses((status = 200, description = "A page", body = Page<Receiver>)))]
pub(super) async fn agreements(
    State(app): State<App>,
    Merchant(caller): Merchant,
    Query(page): Query<PageAsk>,
) -> Answer<Page<Receiver>> {
    found(splits::received_by(&app, caller.merchant, &page).await?)
}

/// Lets the other merchant take back what it gives you. Done again, it changes nothing.
///
/// Problems: `not_found`.
#[utoipa::path(post, path = "/v1/merchant/split-agreements/{receiver_id}/agree", operation_id = "agree_to_split_returns",
    tag = "merchant splits", params(("receiver_id" = SplitReceiverId, Path)),
    responses((status = 200, description = "The receiver", body = Receiver)))]
pub(super) async fn agree(
    State(app): State<App>,
    Merchant(caller): Merchant,
    Path(id): Path<SplitReceiverId>,
) -> Answer<Receiver> {
    found(splits::agree(&app, caller.merchant, id, true).await?)
}

/// Lets it no longer. Done again, it changes nothing.
///
/// Problems: `not_found`.
#[utoipa::path(post, path = "/v1/merchant/split-agreements/{receiver_id}/refuse", operation_id = "refuse_split_returns",
    tag = "merchant splits", params(("receiver_id" = SplitReceiverId, Path)),
    responses((status = 200, description = "The receiver", body = Receiver)))]
pub(super) async fn refuse(
    State(app): State<App>,
    Merchant(caller): Merchant,
    Path(id): Path<SplitReceiverId>,
) -> Answer<Receiver> {
    found(splits::agree(&app, caller.merchant, id, false).await?)
}

/// Shares the frozen money of a paid order out.
///
/// `out_split_no` is yours for ever: the same parameters again answer the split there is. Shares that
/// the ledger refuses are `CLOSED` with the code, and what they would have taken is left for another try.
///
/// Problems: `merchant_inactive`, `invalid_request`, `amount_invalid`, `not_found`, `state_conflict`,
/// `split_exceeds_left`, `split_share_too_high`, `conflict`.
#[utoipa::path(post, path = "/v1/merchant/splits", operation_id = "request_split", tag = "merchant splits",
    request_body = SplitAsk, responses(
        (status = 201, description = "The split", body = Split),
        (status = 200, description = "It was there", body = Split),
    ))]
pub(super) async fn request(
    State(app): State<App>,
    Merchant(caller): Merchant,
    Json(ask): Json<SplitAsk>,
) -> Answer<Split> {
    made(splits::split(&app, &caller, ask).await?)
}

/// Reads a split by its id.
///
/// Problems: `not_found`.
#[utoipa::path(get, path = "/v1/merchant/splits/{split_id}", operation_id = "read_split", tag = "merchant splits",
    params(("split_id" = SplitId, Path)), responses((status = 200, description = "The split", body = Split)))]
pub(super) async fn of(
    State(app): State<App>,
    Merchant(caller): Merchant,
    Path(id): Path<SplitId>,
) -> Answer<Split> {
    found(splits::of(&app, caller.merchant, &Name::Id(id)).await?)
}

/// Reads a split by your own number.
///
/// Problems: `not_found`.
#[utoipa::path(get, path = "/v1/merchant/splits/out-split-no/{out_split_no}", operation_id = "read_split_by_number",
    tag = "merchant splits", params(("out_split_no" = String, Path)),
    responses((status = 200, description = "The split", body = Split)))]
pub(super) async fn numbered(
    State(app): State<App>,
    Merchant(caller): Merchant,
    Path(number): Path<String>,
) -> Answer<Split> {
    found(splits::of(&app, caller.merchant, &Name::OutSplitNo(number)).await?)
}

/// Shows how much of an order's money is frozen.
///
/// Problems: `not_found` for an order that is not split.
#[utoipa::path(get, path = "/v1/merchant/orders/{order_id}/split", operation_id = "read_split_of_order", tag = "merchant splits",
    params(("order_id" = OrderId, Path)), responses((status = 200, description = "The frozen money", body = SplitOrder)))]
pub(super) async fn order(
    State(app): State<App>,
    Merchant(caller): Merchant,
    Path(id): Path<OrderId>,
) -> Answer<SplitOrder> {
    found(splits::order(&app, caller.merchant, &orders::Name::Id(id)).await?)
}

/// Gives you what is left of an order's frozen money. Where nothing is left it changes nothing.
///
/// Problems: `not_found`, `state_conflict`.
#[utoipa::path(post, path = "/v1/merchant/orders/{order_id}/unfreeze", operation_id = "unfreeze_order", tag = "merchant splits",
    params(("order_id" = OrderId, Path)), responses((status = 200, description = "The frozen money", body = SplitOrder)))]
pub(super) async fn unfreeze(
    State(app): State<App>,
    Merchant(caller): Merchant,
    Path(id): Path<OrderId>,
) -> Answer<SplitOrder> {
    found(splits::unfreeze(&app, &caller, orders::Name::Id(id)).await?)
}

/// Takes a share back from a merchant that agreed to returns.
///
/// Problems: `invalid_request`, `amount_invalid`, `not_found`, `forbidden`, `split_exceeds_left`, `conflict`.
#[utoipa::path(post, path = "/v1/merchant/split-returns", operation_id = "return_split_share", tag = "merchant splits",
    request_body = ReturnAsk, responses(
        (status = 201, description = "The return", body = Return),
        (status = 200, description = "It was there", body = Return),
    ))]
pub(super) async fn give_back(
    State(app): State<App>,
    Merchant(caller): Merchant,
    Json(ask): Json<ReturnAsk>,
) -> Answer<Return> {
    made(splits::give_back(&app, &caller, ask).await?)
}

/// Reads a return by your own number.
///
/// Problems: `not_found`.
#[utoipa::path(get, path = "/v1/merchant/split-returns/out-return-no/{out_return_no}", operation_id = "read_split_return",
    tag = "merchant splits", params(("out_return_no" = String, Path)),
    responses((status = 200, description = "The return", body = Return)))]
pub(super) async fn return_of(
    State(app): State<App>,
    Merchant(caller): Merchant,
    Path(number): Path<String>,
) -> Answer<Return> {
    found(splits::return_of(&app, caller.merchant, &number).await?)
}
