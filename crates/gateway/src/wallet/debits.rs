//! Debit agreements, as the payer approves and ends them.

use axum::extract::State;
use jialing_platform::debits::{self, ApproveAsk, Debit, PayerAgreement};
use jialing_platform::id::DebitAgreementId;
use jialing_platform::{App, Page, PageAsk};

use crate::answer::{Answer, found};
use crate::extract::{Json, Path, Query};
use crate::gates::Wallet;

/// Lists the debit agreements that you approved, newest first.
///
/// Problems: `invalid_request`.
#[utoipa::path(get, path = "/v1/wallet/debit-agreements", operation_id = "list_own_debit_agreements", tag = "debits",
    params(PageAsk), responses((status = 200, description = "A page", body = Page<PayerAgreement>)))]
pub(super) async fn list(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Query(page): Query<PageAsk>,
) -> Answer<Page<PayerAgreement>> {
    found(debits::list_own(&app, &actor, &page).await?)
}

/// Shows a debit agreement that was proposed, or that you approved.
///
/// Problems: `not_found`.
#[utoipa::path(get, path = "/v1/wallet/debit-agreements/{debit_agreement_id}",
    operation_id = "read_own_debit_agreement", tag = "debits",
    params(("debit_agreement_id" = DebitAgreementId, Path)),
    responses((status = 200, description = "The agreement", body = PayerAgreement)))]
pub(super) async fn view(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path(id): Path<DebitAgreementId>,
) -> Answer<PayerAgreement> {
    found(debits::view(&app, &actor, id).await?)
}

/// Approves a debit agreement.
///
/// The device signs the evidence text with action `debit_agreement`, the merchant's id as payee, the
/// most that one debit takes as amount and the agreement's `subject`. Done again, it answers the
/// agreement.
///
/// Problems: `not_found`, `debit_agreement_unusable`, `merchant_inactive`, `wallet_unavailable`,
/// `state_conflict`, `pin_invalid`, `pin_locked`, `pin_not_set`, `device_unknown`,
/// `device_signature_invalid`, `evidence_expired`, `nonce_reused`.
#[utoipa::path(post, path = "/v1/wallet/debit-agreements/{debit_agreement_id}/approve",
    operation_id = "approve_debit_agreement", tag = "debits",
    params(("debit_agreement_id" = DebitAgreementId, Path)), request_body = ApproveAsk,
    responses((status = 200, description = "Approved", body = PayerAgreement)))]
pub(super) async fn approve(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path(id): Path<DebitAgreementId>,
    Json(ask): Json<ApproveAsk>,
) -> Answer<PayerAgreement> {
    found(debits::approve(&app, &actor, id, ask).await?)
}

/// Says no to a debit agreement that was proposed. Done again, it changes nothing.
///
/// Problems: `not_found`, `debit_agreement_unusable`.
#[utoipa::path(post, path = "/v1/wallet/debit-agreements/{debit_agreement_id}/refuse",
    operation_id = "refuse_debit_agreement", tag = "debits",
    params(("debit_agreement_id" = DebitAgreementId, Path)),
    responses((status = 200, description = "Refused", body = PayerAgreement)))]
pub(super) async fn refuse(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path(id): Path<DebitAgreementId>,
) -> Answer<PayerAgreement> {
    found(debits::refuse(&app, &actor, id).await?)
}

/// Ends a debit agreement of yours, and with it the debits that wait. Done again, it changes nothing.
///
/// Problems: `not_found`, `debit_agreement_unusable`.
#[utoipa::path(post, path = "/v1/wallet/debit-agreements/{debit_agreement_id}/cancel",
    operation_id = "cancel_own_debit_agreement", tag = "debits",
    params(("debit_agreement_id" = DebitAgreementId, Path)),
    responses((status = 200, description = "Cancelled", body = PayerAgreement)))]
pub(super) async fn cancel(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path(id): Path<DebitAgreementId>,
) -> Answer<PayerAgreement> {
    found(debits::cancel_own(&app, &actor, id).await?)
}

/// Lists the debits under an agreement of yours, newest first: those made, and those to come.
///
/// Problems: `not_found`, `invalid_request`.
#[utoipa::path(get, path = "/v1/wallet/debit-agreements/{debit_agreement_id}/debits",
    operation_id = "list_own_debits", tag = "debits",
    params(("debit_agreement_id" = DebitAgreementId, Path), PageAsk),
    responses((status = 200, description = "A page", body = Page<Debit>)))]
pub(super) async fn debits(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path(id): Path<DebitAgreementId>,
    Query(page): Query<PageAsk>,
) -> Answer<Page<Debit>> {
    found(debits::debits_own(&app, &actor, id, &page).await?)
}
