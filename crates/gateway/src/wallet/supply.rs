//! The proof that a wallet's balance is counted in the money supply.

use axum::extract::State;
use jialing_platform::App;
use jialing_platform::id::WalletId;
use jialing_platform::supply::{self, BalanceProof, DayAsk};

use crate::answer::{Answer, found};
use crate::extract::{Path, Query};
use crate::gates::Wallet;

/// Proves that the balance of one of your wallets is counted in a day's supply.
///
/// The proof shows sums of strangers' balances on the way to the published total, and no account
/// number but yours. `jialing verify supply` checks it offline. Trees are kept for 35 days.
///
/// Problems: `not_found`, `invalid_request`.
#[utoipa::path(get, path = "/v1/wallet/wallets/{wallet_id}/supply-proof", operation_id = "read_wallet_supply_proof",
    tag = "wallets", params(("wallet_id" = WalletId, Path), DayAsk),
    responses((status = 200, description = "The proof", body = BalanceProof)))]
pub(super) async fn of(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path(wallet): Path<WalletId>,
    Query(ask): Query<DayAsk>,
) -> Answer<BalanceProof> {
    found(supply::of_wallet(&app, actor.person, wallet, &ask).await?)
}
