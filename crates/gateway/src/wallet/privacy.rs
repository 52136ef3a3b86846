//! What one may know and decide about one's own data.

use axum::extract::State;
use jialing_platform::privacy::{self, Consents, ConsentsAsk, PersonalData, SeenBy};
use jialing_platform::{App, Page, PageAsk};

use crate::answer::{Answer, found};
use crate::extract::{Json, Query};
use crate::gates::Wallet;

/// Lists the merchants that you paid, and what each saw of you: never a name, a phone or a wallet.
#[utoipa::path(get, path = "/v1/wallet/privacy/merchants", operation_id = "list_merchants_that_saw", tag = "privacy",
    params(PageAsk), responses((status = 200, description = "A page", body = Page<SeenBy>)))]
pub(super) async fn merchants(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Query(page): Query<PageAsk>,
) -> Answer<Page<SeenBy>> {
    found(privacy::seen_by(&app, &actor, &page).await?)
}

/// Shows what you agreed to.
#[utoipa::path(get, path = "/v1/wallet/privacy/consents", operation_id = "read_consents", tag = "privacy",
    responses((status = 200, description = "What you agreed to", body = Consents)))]
pub(super) async fn consents(State(app): State<App>, Wallet(actor): Wallet) -> Answer<Consents> {
    found(privacy::consents(&app, &actor).await?)
}

/// Changes what you agree to; what is left out stays.
///
/// Problems: `invalid_request`.
#[utoipa::path(put, path = "/v1/wallet/privacy/consents", operation_id = "set_consents", tag = "privacy",
    request_body = ConsentsAsk, responses((status = 200, description = "What you agreed to", body = Consents)))]
pub(super) async fn set_consents(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Json(ask): Json<ConsentsAsk>,
) -> Answer<Consents> {
    found(privacy::set_consents(&app, &actor, ask).await?)
}

/// Gives you a copy of your data: what each part of the platform shows you, in one document.
///
/// Each list holds its newest 200 items, and `has_more` where there are more. Movements of money are in the
/// exports of your wallets.
///
/// Problems: `rate_limited`.
#[utoipa::path(get, path = "/v1/wallet/privacy/data", operation_id = "copy_data", tag = "privacy",
    responses((status = 200, description = "Your data", body = PersonalData)))]
pub(super) async fn copy(State(app): State<App>, Wallet(actor): Wallet) -> Answer<PersonalData> {
    found(privacy::copy(&app, &actor).await?)
}
