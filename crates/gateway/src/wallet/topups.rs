//! From the bank account into the wallet.

use axum::extract::State;
use jialing_platform::id::TopUpId;
use jialing_platform::topups::{self, TopUp, TopUpAsk};
use jialing_platform::{App, Page, PageAsk};

use crate::answer::{Answer, accepted, created, found};
use crate::extract::{Json, Path, Query};
use crate::gates::Wallet;

/// Tops a wallet up from a linked bank account.
///
/// The device signs the evidence text with action `top_up`, payee and wallet the wallet's id, and the
/// `out_topup_no` as subject. `out_topup_no` is your key for ever: the same top-up again answers it
/// as it stands. A bank may take its time: read the top-up until its state is `SUCCESS`, `FAIL` or
/// `RETURNED`.
///
/// Problems: `amount_invalid`, `conflict`, `not_found`, `link_unusable`, `wallet_unavailable`,
/// `balance_too_high`, `over_single_limit`, `over_day_limit`, `over_year_limit`, `pin_required`,
/// `pin_invalid`, `pin_locked`, `pin_not_set`, `device_unknown`, `device_signature_invalid`,
/// `evidence_expired`, `nonce_reused`.
#[utoipa::path(post, path = "/v1/wallet/topups", operation_id = "request_top_up", tag = "top-ups", request_body = TopUpAsk,
    responses(
        (status = 201, description = "It has come to its end, good or bad", body = TopUp),
        (status = 202, description = "No outcome yet", body = TopUp),
    ))]
pub(super) async fn request(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Json(ask): Json<TopUpAsk>,
) -> Answer<TopUp> {
    let topup = topups::request(&app, &actor, ask).await?;
    if topup.state.is_open() { accepted(topup) } else { created(topup) }
}

/// Lists your top-ups, newest first.
#[utoipa::path(get, path = "/v1/wallet/topups", operation_id = "list_top_ups", tag = "top-ups", params(PageAsk),
    responses((status = 200, description = "A page", body = Page<TopUp>)))]
pub(super) async fn list(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Query(page): Query<PageAsk>,
) -> Answer<Page<TopUp>> {
    found(topups::list(&app, &actor, &page).await?)
}

/// Shows a top-up.
///
/// Problems: `not_found`.
#[utoipa::path(get, path = "/v1/wallet/topups/{topup_id}", operation_id = "read_top_up", tag = "top-ups",
    params(("topup_id" = TopUpId, Path)), responses((status = 200, description = "The top-up", body = TopUp)))]
pub(super) async fn of(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path(topup): Path<TopUpId>,
) -> Answer<TopUp> {
    found(topups::read(&app, &actor, topup).await?)
}
