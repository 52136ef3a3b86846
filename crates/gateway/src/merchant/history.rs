//! What happened to the merchant's wallet, and the receipt of it.

use axum::extract::State;
use jialing_platform::history::{self, HistoryAsk, Movement};
use jialing_platform::id::TransactionId;
use jialing_platform::receipts::{self, CosignaturesAsk, Receipt};
use jialing_platform::{App, Page};

use crate::answer::{Answer, found};
use crate::extract::{Path, Query};
use crate::gates::Merchant;

/// Lists what happened to your wallet, newest first.
///
/// Who paid is not told: `counterparty.reference` is the same for the same payer and says nothing
/// elsewhere. Filters add up.
///
/// Problems: `invalid_request`.
#[utoipa::path(get, path = "/v1/merchant/transactions", operation_id = "list_transactions", tag = "merchant transactions",
    params(HistoryAsk), responses((status = 200, description = "A page", body = Page<Movement>)))]
pub(super) async fn list(
    State(app): State<App>,
    Merchant(caller): Merchant,
    Query(ask): Query<HistoryAsk>,
) -> Answer<Page<Movement>> {
    found(history::of_merchant(&app, caller.merchant, &ask).await?)
}

/// Gives the receipt of one of your transactions.
///
/// It holds the ledger's record, its place in the log and the signed checkpoint: whoever has the
/// ledger's public key can check it offline. Where the operator has witnesses, it waits a short time for
/// their cosignatures, and says in `cosigned` how many there are.
///
/// Problems: `not_found`.
#[utoipa::path(get, path = "/v1/merchant/receipts/{transaction_id}", operation_id = "read_merchant_receipt",
    tag = "merchant transactions", params(("transaction_id" = TransactionId, Path), CosignaturesAsk),
    responses((status = 200, description = "The receipt", body = Receipt)))]
pub(super) async fn receipt(
    State(app): State<App>,
    Merchant(caller): Merchant,
    Path(transaction): Path<TransactionId>,
    Query(ask): Query<CosignaturesAsk>,
) -> Answer<Receipt> {
    found(receipts::of_merchant(&app, caller.merchant, transaction, &ask).await?)
}
