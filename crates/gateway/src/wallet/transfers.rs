//! Sending money to a person.

use axum::extract::State;
use jialing_platform::transfers::{self, LookupAsk, Payee, Transfer, TransferAsk};
use jialing_platform::{App, Page, PageAsk};

use crate::answer::{Answer, created, found};
use crate::extract::{Json, Path, Query};
use crate::gates::Wallet;

/// Finds who receives under a phone number.
///
/// The answer shows a masked name and a token that stands for the payee's wallet for ten minutes.
/// A look-up that finds somebody costs 1 point of your 100, one that finds nobody 20; a payment to
/// somebody found gives 1 back, and 2 come back each minute. Who is unknown and who does not want to
/// be found is answered alike.
///
/// Problems: `payee_unknown`, `rate_limited`, `invalid_request`.
#[utoipa::path(post, path = "/v1/wallet/payees/lookup", operation_id = "look_up_payee", tag = "transfers",
    request_body = LookupAsk, responses((status = 200, description = "The payee", body = Payee)))]
pub(super) async fn lookup(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Json(ask): Json<LookupAsk>,
) -> Answer<Payee> {
    found(transfers::lookup(&app, &actor, &ask).await?)
}

/// Sends money to a person.
///
/// The device signs the evidence text with action `transfer`, the payee as sent, the amount, the
/// `out_transfer_no` as subject and the paying wallet. `out_transfer_no` is your key for ever: the
/// same transfer again answers it as it stands, and money moves once. With a `delay` the action is
/// `transfer_delayed`: the money is set aside and arrives then, and until then you can take it back.
///
/// Problems: `amount_invalid`, `passkey_invalid`, `conflict`, `not_found`, `payee_unknown`, `wallet_unavailable`,
/// `balance_too_low`, `balance_too_high`, `over_single_limit`, `over_day_limit`, `over_year_limit`,
/// `pin_required`, `pin_invalid`, `pin_locked`, `pin_not_set`, `device_unknown`,
/// `device_signature_invalid`, `evidence_expired`, `nonce_reused`, `ledger_refused`.
#[utoipa::path(post, path = "/v1/wallet/transfers", operation_id = "send_transfer", tag = "transfers",
    request_body = TransferAsk, responses((status = 201, description = "The transfer", body = Transfer)))]
pub(super) async fn send(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Json(ask): Json<TransferAsk>,
) -> Answer<Transfer> {
    created(transfers::send(&app, &actor, ask).await?)
}

/// Lists your transfers, newest first.
#[utoipa::path(get, path = "/v1/wallet/transfers", operation_id = "list_transfers", tag = "transfers", params(PageAsk),
    responses((status = 200, description = "A page", body = Page<Transfer>)))]
pub(super) async fn list(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Query(page): Query<PageAsk>,
) -> Answer<Page<Transfer>> {
    found(transfers::list(&app, &actor, &page).await?)
}

/// Shows one of your transfers, by its id or by your own number of it.
///
/// Problems: `not_found`.
#[utoipa::path(get, path = "/v1/wallet/transfers/{transfer}", operation_id = "read_transfer", tag = "transfers",
    params(("transfer" = String, Path, description = "Its id or your `out_transfer_no`")),
    responses((status = 200, description = "The transfer", body = Transfer)))]
pub(super) async fn of(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path(name): Path<String>,
) -> Answer<Transfer> {
    found(transfers::get(&app, &actor, &name).await?)
}

/// Takes a transfer back that has not arrived, by its id or by your own number of it. Done again, it changes
/// nothing.
///
/// Problems: `not_found`, `state_conflict`.
#[utoipa::path(post, path = "/v1/wallet/transfers/{transfer}/revoke", operation_id = "revoke_transfer", tag = "transfers",
    params(("transfer" = String, Path, description = "Its id or your `out_transfer_no`")),
    responses((status = 200, description = "The transfer", body = Transfer)))]
pub(super) async fn revoke(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path(name): Path<String>,
) -> Answer<Transfer> {
    found(transfers::revoke(&app, &actor, &name).await?)
}
