//! The proof that a bank's vault is counted in the money supply.

use axum::extract::State;
use jialing_platform::App;
use jialing_platform::supply::{self, BalanceProof, DayAsk};

use crate::answer::{Answer, found};
use crate::extract::Query;
use crate::gates::Bank;

/// Proves that what your vault holds is counted in a day's supply.
///
/// Problems: `not_found`, `invalid_request`.
#[utoipa::path(get, path = "/v1/bank/supply-proof", operation_id = "read_bank_supply_proof", tag = "issuance",
    params(DayAsk), responses((status = 200, description = "The proof", body = BalanceProof)))]
pub(super) async fn of(
    State(app): State<App>,
    bank: Bank,
    Query(ask): Query<DayAsk>,
) -> Answer<BalanceProof> {
    found(supply::of_vault(&app, bank.id, &ask).await?)
}
