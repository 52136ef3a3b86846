//! From the wallet to the bank account.

use axum::extract::State;
use jialing_platform::id::WithdrawalId;
use jialing_platform::withdrawals::{self, Withdrawal, WithdrawalAsk};
use jialing_platform::{App, Page, PageAsk};

use crate::answer::{Answer, accepted, created, found};
use crate::extract::{Json, Path, Query};
use crate::gates::Wallet;

/// Withdraws money to a linked bank account.
///
/// The device signs the evidence text with action `withdraw`, payee the link's id, the
/// `out_withdrawal_no` as subject and the wallet. `out_withdrawal_no` is your key for ever: the same
/// withdrawal again answers it as it stands. The money is set aside at once and leaves when the bank
/// has paid; until then the withdrawal has no outcome.
///
/// Problems: `amount_invalid`, `conflict`, `not_found`, `link_unusable`, `wallet_unavailable`,
/// `balance_too_low`, `over_single_limit`, `over_day_limit`, `over_year_limit`, `pin_required`,
/// `pin_invalid`, `pin_locked`, `pin_not_set`, `device_unknown`, `device_signature_invalid`,
/// `evidence_expired`, `nonce_reused`, `ledger_refused`.
#[utoipa::path(post, path = "/v1/wallet/withdrawals", operation_id = "request_withdrawal", tag = "withdrawals",
    request_body = WithdrawalAsk,
    responses(
        (status = 201, description = "It has come to its end, good or bad", body = Withdrawal),
        (status = 202, description = "No outcome yet", body = Withdrawal),
    ))]
pub(super) async fn request(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Json(ask): Json<WithdrawalAsk>,
) -> Answer<Withdrawal> {
    let withdrawal = withdrawals::request(&app, &actor, ask).await?;
    if withdrawal.state.is_open() { accepted(withdrawal) } else { created(withdrawal) }
}

/// Lists your withdrawals, newest first.
#[utoipa::path(get, path = "/v1/wallet/withdrawals", operation_id = "list_withdrawals", tag = "withdrawals",
    params(PageAsk), responses((status = 200, description = "A page", body = Page<Withdrawal>)))]
pub(super) async fn list(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Query(page): Query<PageAsk>,
) -> Answer<Page<Withdrawal>> {
    found(withdrawals::list(&app, &actor, &page).await?)
}

/// Shows a withdrawal.
///
/// Problems: `not_found`.
#[utoipa::path(get, path = "/v1/wallet/withdrawals/{withdrawal_id}", operation_id = "read_withdrawal",
    tag = "withdrawals", params(("withdrawal_id" = WithdrawalId, Path)),
    responses((status = 200, description = "The withdrawal", body = Withdrawal)))]
pub(super) async fn of(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path(withdrawal): Path<WithdrawalId>,
) -> Answer<Withdrawal> {
    found(withdrawals::read(&app, &actor, withdrawal).await?)
}
