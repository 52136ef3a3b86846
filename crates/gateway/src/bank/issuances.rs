//! Issue and redemption between the central bank and an operating bank.

use axum::extract::State;
use jialing_platform::id::IssuanceId;
use jialing_platform::institutions::{self, Direction, Issuance, IssuanceAsk, IssuanceState};
use jialing_platform::{App, Page, PageAsk};

use crate::answer::{Answer, accepted, created, found};
use crate::extract::{Json, Path, Query};
use crate::gates::Bank;

/// Asks the central bank to issue digital yuan into your vault.
///
/// `out_issuance_no` is your key for ever: the same request again answers what became of it. What
/// exceeds the authorised amount is `REFUSED` with the reason `over_authorised`.
///
/// Problems: `amount_invalid`, `conflict`, `forbidden`, `invalid_request`.
#[utoipa::path(post, path = "/v1/bank/issuances", operation_id = "request_issuance", tag = "issuance",
    request_body = IssuanceAsk,
    responses(
        (status = 201, description = "Issued, or refused", body = Issuance),
        (status = 202, description = "No outcome yet", body = Issuance),
    ))]
pub(super) async fn issue(
    State(app): State<App>,
    bank: Bank,
    Json(ask): Json<IssuanceAsk>,
) -> Answer<Issuance> {
    request(&app, &bank, Direction::Issue, ask).await
}

/// Gives digital yuan from your vault back to the central bank.
///
/// `out_issuance_no` is your key for ever, and shared with issues: the same request again answers
/// what became of it. What the vault does not hold is `REFUSED` with the reason `balance_too_low`.
///
/// Problems: `amount_invalid`, `conflict`, `forbidden`, `invalid_request`.
#[utoipa::path(post, path = "/v1/bank/redemptions", operation_id = "request_redemption", tag = "issuance",
    request_body = IssuanceAsk,
    responses(
        (status = 201, description = "Redeemed, or refused", body = Issuance),
        (status = 202, description = "No outcome yet", body = Issuance),
    ))]
pub(super) async fn redeem(
    State(app): State<App>,
    bank: Bank,
    Json(ask): Json<IssuanceAsk>,
) -> Answer<Issuance> {
    request(&app, &bank, Direction::Redeem, ask).await
}

async fn request(app: &App, bank: &Bank, direction: Direction, ask: IssuanceAsk) -> Answer<Issuance> {
    let issuance = institutions::request(app, bank.id, direction, ask, bank.digest()).await?;
    if issuance.state == IssuanceState::Processing { accepted(issuance) } else { created(issuance) }
}

/// Lists your issues and redemptions, newest first.
#[utoipa::path(get, path = "/v1/bank/issuances", operation_id = "list_issuances", tag = "issuance", params(PageAsk),
    responses((status = 200, description = "A page", body = Page<Issuance>)))]
pub(super) async fn list(
    State(app): State<App>,
    bank: Bank,
    Query(page): Query<PageAsk>,
) -> Answer<Page<Issuance>> {
    found(institutions::issuances(&app, bank.id, &page).await?)
}

/// Shows one of your issues or redemptions.
///
/// Problems: `not_found`.
#[utoipa::path(get, path = "/v1/bank/issuances/{issuance_id}", operation_id = "read_issuance", tag = "issuance",
    params(("issuance_id" = IssuanceId, Path)),
    responses((status = 200, description = "The issue or redemption", body = Issuance)))]
pub(super) async fn of(State(app): State<App>, bank: Bank, Path(id): Path<IssuanceId>) -> Answer<Issuance> {
    found(institutions::read(&app, bank.id, id).await?)
}
