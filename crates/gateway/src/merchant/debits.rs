//! Debit agreements and debits, as the merchant's server makes them.

use axum::extract::State;
use jialing_platform::debits::{self, AgreementAsk, Debit, DebitAgreement, DebitAsk, Name};
use jialing_platform::id::{DebitAgreementId, DebitId};
use jialing_platform::{App, Page, PageAsk};

use super::orders::made;
use crate::answer::{Answer, found};
use crate::extract::{Json, Path, Query};
use crate::gates::Merchant;

/// Proposes a debit agreement.
///
/// Show or send `approval_link` to your customer, who approves it in the app. `out_agreement_no` is
/// yours for ever: the same parameters again answer the agreement there is.
///
/// Problems: `merchant_inactive`, `invalid_request`, `amount_invalid`, `conflict`.
#[utoipa::path(post, path = "/v1/merchant/debit-agreements", operation_id = "propose_debit_agreement",
    tag = "merchant debits", request_body = AgreementAsk, responses(
        (status = 201, description = "The agreement", body = DebitAgreement),
        (status = 200, description = "It was there", body = DebitAgreement),
    ))]
pub(super) async fn propose(
    State(app): State<App>,
    Merchant(caller): Merchant,
    Json(ask): Json<AgreementAsk>,
) -> Answer<DebitAgreement> {
    made(debits::propose(&app, &caller, ask).await?)
}

/// Lists your debit agreements, newest first.
///
/// Problems: `invalid_request`.
#[utoipa::path(get, path = "/v1/merchant/debit-agreements", operation_id = "list_debit_agreements",
    tag = "merchant debits", params(PageAsk),
    responses((status = 200, description = "A page", body = Page<DebitAgreement>)))]
pub(super) async fn list(
    State(app): State<App>,
    Merchant(caller): Merchant,
    Query(page): Query<PageAsk>,
) -> Answer<Page<DebitAgreement>> {
    found(debits::list(&app, caller.merchant, &page).await?)
}

/// Reads a debit agreement by its id.
///
/// Problems: `not_found`.
#[utoipa::path(get, path = "/v1/merchant/debit-agreements/{debit_agreement_id}", operation_id = "read_debit_agreement",
    tag = "merchant debits", params(("debit_agreement_id" = DebitAgreementId, Path)),
    responses((status = 200, description = "The agreement", body = DebitAgreement)))]
pub(super) async fn of(
    State(app): State<App>,
    Merchant(caller): Merchant,
    Path(id): Path<DebitAgreementId>,
) -> Answer<DebitAgreement> {
    found(debits::of(&app, caller.merchant, &Name::Id(id)).await?)
}

/// Reads a debit agreement by your own number.
///
/// Problems: `not_found`.
#[utoipa::path(get, path = "/v1/merchant/debit-agreements/out-agreement-no/{out_agreement_no}",
    operation_id = "read_debit_agreement_by_number", tag = "merchant debits",
    params(("out_agreement_no" = String, Path)),
    responses((status = 200, description = "The agreement", body = DebitAgreement)))]
pub(super) async fn numbered(
    State(app): State<App>,
    Merchant(caller): Merchant,
    Path(number): Path<String>,
) -> Answer<DebitAgreement> {
    found(debits::of(&app, caller.merchant, &Name::OutAgreementNo(number)).await?)
}

/// Ends a debit agreement, and with it the debits that wait. Done again, it changes nothing.
///
/// Problems: `not_found`, `debit_agreement_unusable`.
#[utoipa::path(post, path = "/v1/merchant/debit-agreements/{debit_agreement_id}/cancel",
    operation_id = "cancel_debit_agreement", tag = "merchant debits",
    params(("debit_agreement_id" = DebitAgreementId, Path)),
    responses((status = 200, description = "Cancelled", body = DebitAgreement)))]
pub(super) async fn cancel(
    State(app): State<App>,
    Merchant(caller): Merchant,
    Path(id): Path<DebitAgreementId>,
) -> Answer<DebitAgreement> {
    found(debits::cancel(&app, caller.merchant, Name::Id(id)).await?)
}

/// Announces a debit.
///
/// The payer is told now; the debit is made when its time has come, and you hear `debit.paid`,
/// `debit.retrying` or `debit.failed`. It makes an order of its own. The same parameters again answer
/// the debit as it stands.
///
/// Problems: `not_found`, `debit_agreement_unusable`, `over_single_limit`, `state_conflict`,
/// `merchant_inactive`, `invalid_request`, `amount_invalid`, `conflict`.
#[utoipa::path(post, path = "/v1/merchant/debit-agreements/{debit_agreement_id}/debits",
    operation_id = "announce_debit", tag = "merchant debits",
    params(("debit_agreement_id" = DebitAgreementId, Path)), request_body = DebitAsk, responses(
        (status = 201, description = "The debit", body = Debit),
        (status = 200, description = "It was there", body = Debit),
    ))]
pub(super) async fn announce(
    State(app): State<App>,
    Merchant(caller): Merchant,
    Path(id): Path<DebitAgreementId>,
    Json(ask): Json<DebitAsk>,
) -> Answer<Debit> {
    made(debits::announce(&app, &caller, id, ask).await?)
}

/// Lists the debits under an agreement, newest first.
///
/// Problems: `not_found`, `invalid_request`.
#[utoipa::path(get, path = "/v1/merchant/debit-agreements/{debit_agreement_id}/debits",
    operation_id = "list_debits", tag = "merchant debits",
    params(("debit_agreement_id" = DebitAgreementId, Path), PageAsk),
    responses((status = 200, description = "A page", body = Page<Debit>)))]
pub(super) async fn debits(
    State(app): State<App>,
    Merchant(caller): Merchant,
    Path(id): Path<DebitAgreementId>,
    Query(page): Query<PageAsk>,
) -> Answer<Page<Debit>> {
    found(debits::debits(&app, caller.merchant, id, &page).await?)
}

/// Reads a debit.
///
/// Problems: `not_found`.
#[utoipa::path(get, path = "/v1/merchant/debits/{debit_id}", operation_id = "read_debit", tag = "merchant debits",
    params(("debit_id" = DebitId, Path)), responses((status = 200, description = "The debit", body = Debit)))]
pub(super) async fn debit(
    State(app): State<App>,
    Merchant(caller): Merchant,
    Path(id): Path<DebitId>,
) -> Answer<Debit> {
    found(debits::debit(&app, caller.merchant, id).await?)
}

/// Takes back a debit that waits. Done again, it changes nothing.
///
/// Problems: `not_found`, `in_progress`, `order_paid`, `state_conflict`.
#[utoipa::path(post, path = "/v1/merchant/debits/{debit_id}/cancel", operation_id = "cancel_debit",
    tag = "merchant debits", params(("debit_id" = DebitId, Path)),
    responses((status = 200, description = "Cancelled", body = Debit)))]
pub(super) async fn cancel_debit(
    State(app): State<App>,
    Merchant(caller): Merchant,
    Path(id): Path<DebitId>,
) -> Answer<Debit> {
    found(debits::cancel_debit(&app, caller.merchant, id).await?)
}
