//! The proof that the merchant's balance is counted in the money supply.

use axum::extract::State;
use jialing_platform::App;
use jialing_platform::supply::{self, BalanceProof, DayAsk};

use crate::answer::{Answer, found};
use crate::extract::Query;
use crate::gates::Merchant;

/// Proves that the balance of your wallet is counted in a day's supply.
///
/// Problems: `not_found`, `invalid_request`.
#[utoipa::path(get, path = "/v1/merchant/supply-proof", operation_id = "read_merchant_supply_proof",
    tag = "merchant transactions", params(DayAsk),
    responses((status = 200, description = "The proof", body = BalanceProof)))]
pub(super) async fn of(
    State(app): State<App>,
    Merchant(caller): Merchant,
    Query(ask): Query<DayAsk>,
) -> Answer<BalanceProof> {
    found(supply::of_merchant(&app, caller.merchant, &ask).await?)
}
