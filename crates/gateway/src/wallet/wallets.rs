//! Wallets: opening, freezing, closing.

use axum::extract::State;
use jialing_platform::id::WalletId;
use jialing_platform::wallets::{self, CloseAsk, LiftAsk, OpenAsk, OwnLimits, OwnLimitsAsk, View};
use jialing_platform::{App, Page};

use crate::answer::{Answer, accepted, created, found};
use crate::extract::{Json, Path};
use crate::gates::{Once, Visitor, Wallet};

/// Opens a wallet at an operating bank.
///
/// Its class is what your identity level allows: IV for somebody known by phone alone.
///
/// Problems: `invalid_request`, `state_conflict` with as many wallets as are allowed.
#[utoipa::path(post, path = "/v1/wallet/wallets", operation_id = "open_wallet", tag = "wallets", request_body = OpenAsk,
    responses((status = 201, description = "Opened", body = View)))]
pub(super) async fn open(
    State(app): State<App>,
    Wallet(actor): Wallet,
    once: Once,
    Json(ask): Json<OpenAsk>,
) -> Answer<View> {
    created(wallets::open_as(&app, actor.person, once.id(), ask).await?)
}

/// Lists all of your wallets with their money, limits and what is left of them, newest first.
#[utoipa::path(get, path = "/v1/wallet/wallets", operation_id = "list_wallets", tag = "wallets",
    responses((status = 200, description = "All of them", body = Page<View>)))]
pub(super) async fn list(State(app): State<App>, Wallet(actor): Wallet) -> Answer<Page<View>> {
    found(Page { items: wallets::list(&app, actor.person).await?, has_more: false })
}

/// Shows a wallet: balance, limits and what is left of them, and the next class with what it needs.
///
/// Problems: `not_found`.
#[utoipa::path(get, path = "/v1/wallet/wallets/{wallet_id}", operation_id = "read_wallet", tag = "wallets",
    params(("wallet_id" = WalletId, Path)), responses((status = 200, description = "The wallet", body = View)))]
pub(super) async fn of(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path(wallet): Path<WalletId>,
) -> Answer<View> {
    found(wallets::view(&app, actor.person, wallet).await?)
}

/// Reports a wallet lost: nothing leaves it any more; money may still arrive.
///
/// Problems: `not_found`, `wallet_unavailable` once it is closed.
#[utoipa::path(post, path = "/v1/wallet/wallets/{wallet_id}/freeze", operation_id = "freeze_wallet", tag = "wallets",
    params(("wallet_id" = WalletId, Path)), responses((status = 200, description = "Frozen", body = View)))]
pub(super) async fn freeze(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path(wallet): Path<WalletId>,
) -> Answer<View> {
    found(wallets::freeze(&app, actor.person, wallet).await?)
}

/// Lifts a loss that you reported, with a second factor. What the operator has frozen stays frozen.
///
/// Problems: `not_found`, `second_factor_required`, `code_invalid`, `rate_limited`,
/// `wallet_unavailable` once it is closed.
#[utoipa::path(post, path = "/v1/wallet/wallets/{wallet_id}/lift", operation_id = "lift_wallet", tag = "wallets",
    params(("wallet_id" = WalletId, Path)), request_body = LiftAsk,
    responses((status = 200, description = "Lifted", body = View)))]
pub(super) async fn lift(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path(wallet): Path<WalletId>,
    Json(ask): Json<LiftAsk>,
) -> Answer<View> {
    found(wallets::lift(&app, &actor, wallet, ask).await?)
}

/// Closes a wallet. One that holds money is emptied into a linked account first.
///
/// The device signs the emptying like a withdrawal: action `withdraw`, payee the link's id, subject
/// the `out_withdrawal_no`. Until the bank has paid, the wallet is `closing` and takes no money.
///
/// Problems: `not_found`, `wallet_not_empty`, `wallet_unavailable`, `link_unusable`, and those of a
/// withdrawal.
#[utoipa::path(post, path = "/v1/wallet/wallets/{wallet_id}/close", operation_id = "close_wallet", tag = "wallets",
    params(("wallet_id" = WalletId, Path)), request_body = CloseAsk,
    responses(
        (status = 200, description = "Closed", body = View),
        (status = 202, description = "Being emptied", body = View),
    ))]
pub(super) async fn close(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path(wallet): Path<WalletId>,
    Json(ask): Json<CloseAsk>,
) -> Answer<View> {
    let view = wallets::close(&app, &actor, wallet, ask).await?;
    if view.closing { accepted(view) } else { found(view) }
}

/// Shows the limits that you set for a wallet, below those of its class.
///
/// Problems: `not_found`.
#[utoipa::path(get, path = "/v1/wallet/wallets/{wallet_id}/own-limits", operation_id = "read_own_limits", tag = "wallets",
    params(("wallet_id" = WalletId, Path)), responses((status = 200, description = "Your limits", body = OwnLimits)))]
pub(super) async fn own_limits(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path(wallet): Path<WalletId>,
) -> Answer<OwnLimits> {
    found(wallets::own_limits(&app, &actor, wallet).await?)
}

/// Sets limits for a wallet, below those of its class; one that is left out is none.
///
/// They count what you spend: payments, transfers and red packets. Withdrawals do not count.
///
/// What is lowered holds at once. What is raised or lifted holds at once with a second factor, else a day
/// later.
///
/// Problems: `not_found`, `amount_invalid`, `factor_invalid`, `code_invalid`, `rate_limited`.
#[utoipa::path(put, path = "/v1/wallet/wallets/{wallet_id}/own-limits", operation_id = "set_own_limits", tag = "wallets",
    params(("wallet_id" = WalletId, Path)), request_body = OwnLimitsAsk,
    responses((status = 200, description = "Your limits", body = OwnLimits)))]
pub(super) async fn set_own_limits(
    State(app): State<App>,
    Visitor(origin): Visitor,
    Wallet(actor): Wallet,
    Path(wallet): Path<WalletId>,
    Json(ask): Json<OwnLimitsAsk>,
) -> Answer<OwnLimits> {
    found(wallets::set_own_limits(&app, &actor, origin, wallet, ask).await?)
}
