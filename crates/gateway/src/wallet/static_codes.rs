//! Codes that never change: paid by people, printed for one's own merchant.

use axum::extract::State;
use jialing_platform::id::{MerchantId, StaticCodeId};
use jialing_platform::orders;
use jialing_platform::payments::PayerOrder;
use jialing_platform::static_codes::{self, StaticCode, StaticCodeAsk, StaticPayAsk};
use jialing_platform::{App, Page, PageAsk};

use crate::answer::{Answer, accepted, created, found};
use crate::extract::{Json, Path, Query};
use crate::gates::Wallet;

/// Pays a code that never changes, with the amount that the payer typed.
///
/// It makes an order of its own. The device signs the evidence text with action `pay_static`, the
/// merchant's id as payee, the amount and the static code's id as subject. The same signed request
/// again answers the order there is: money moves once.
///
/// Problems: `amount_invalid`, `not_found`, `merchant_inactive`, `order_closed`, `in_progress`,
/// `pin_required`, `pin_invalid`, `pin_locked`, `pin_not_set`, `device_unknown`,
/// `device_signature_invalid`, `evidence_expired`, `nonce_reused`, `wallet_unavailable`,
/// `balance_too_low`, `balance_too_high`, `over_single_limit`, `over_day_limit`, `over_year_limit`,
/// `ledger_refused`, `overloaded`.
#[utoipa::path(post, path = "/v1/wallet/static-codes/{static_code_id}/payments", operation_id = "pay_static_code",
    tag = "orders", params(("static_code_id" = StaticCodeId, Path)), request_body = StaticPayAsk,
    responses(
        (status = 200, description = "Paid", body = PayerOrder),
        (status = 202, description = "The outcome is not known yet", body = PayerOrder),
    ))]
pub(super) async fn pay(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path(id): Path<StaticCodeId>,
    Json(ask): Json<StaticPayAsk>,
) -> Answer<PayerOrder> {
    let order = static_codes::pay(&app, &actor, id, ask).await?;
    if order.state == orders::State::UserPaying { accepted(order) } else { found(order) }
}

/// Makes a code to print for a place of your merchant's.
///
/// The same place again answers the code there is.
///
/// Problems: `not_found`, `invalid_request`, `merchant_inactive`, `conflict`.
#[utoipa::path(post, path = "/v1/wallet/merchants/{merchant_id}/static-codes", operation_id = "create_own_static_code",
    tag = "merchants", params(("merchant_id" = MerchantId, Path)), request_body = StaticCodeAsk, responses(
        (status = 201, description = "The code", body = StaticCode),
        (status = 200, description = "It was there", body = StaticCode),
    ))]
pub(super) async fn create(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path(merchant): Path<MerchantId>,
    Json(ask): Json<StaticCodeAsk>,
) -> Answer<StaticCode> {
    let made = static_codes::create_owned(&app, &actor, merchant, ask).await?;
    if made.fresh { created(made.value) } else { found(made.value) }
}

/// Lists your merchant's codes to print, newest first.
///
/// Problems: `not_found`, `invalid_request`.
#[utoipa::path(get, path = "/v1/wallet/merchants/{merchant_id}/static-codes", operation_id = "list_own_static_codes",
    tag = "merchants", params(("merchant_id" = MerchantId, Path), PageAsk),
    responses((status = 200, description = "A page", body = Page<StaticCode>)))]
pub(super) async fn list(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path(merchant): Path<MerchantId>,
    Query(page): Query<PageAsk>,
) -> Answer<Page<StaticCode>> {
    found(static_codes::list_owned(&app, &actor, merchant, &page).await?)
}

/// Ends a printed code of your merchant's. Done again, it changes nothing.
///
/// Problems: `not_found`.
#[utoipa::path(post, path = "/v1/wallet/merchants/{merchant_id}/static-codes/{static_code_id}/revoke",
    operation_id = "revoke_own_static_code", tag = "merchants",
    params(("merchant_id" = MerchantId, Path), ("static_code_id" = StaticCodeId, Path)),
    responses((status = 200, description = "Revoked", body = StaticCode)))]
pub(super) async fn revoke(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path((merchant, id)): Path<(MerchantId, StaticCodeId)>,
) -> Answer<StaticCode> {
    found(static_codes::revoke_owned(&app, &actor, merchant, id).await?)
}
