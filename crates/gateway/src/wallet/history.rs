//! What happened to a wallet, and the receipt of it.

use axum::extract::State;
use jialing_platform::history::{self, HistoryAsk, Movement};
use jialing_platform::id::{TransactionId, WalletId};
use jialing_platform::receipts::{self, Receipt, ReceiptAsk};
use jialing_platform::{App, Page};

use crate::answer::{Answer, found};
use crate::extract::{Path, Query};
use crate::gates::Wallet;

/// Lists what happened to one of your wallets, newest first.
///
/// A movement shows right after the request that made it was answered. Filters add up.
///
/// Problems: `not_found`, `invalid_request`.
#[utoipa::path(get, path = "/v1/wallet/wallets/{wallet_id}/history", operation_id = "read_history", tag = "history",
    params(("wallet_id" = WalletId, Path), HistoryAsk), responses((status = 200, description = "A page", body = Page<Movement>)))]
pub(super) async fn list(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path(wallet): Path<WalletId>,
    Query(ask): Query<HistoryAsk>,
) -> Answer<Page<Movement>> {
    found(history::of_wallet(&app, &actor, wallet, &ask).await?)
}

/// Gives the receipt of a transaction of one of your wallets.
///
/// It holds the ledger's record, its place in the log and the signed checkpoint: whoever has the
/// ledger's public key can check it offline. Where the operator has witnesses, it waits a short time for
/// their cosignatures, and says in `cosigned` how many there are.
///
/// Problems: `not_found`.
#[utoipa::path(get, path = "/v1/wallet/receipts/{transaction_id}", operation_id = "read_receipt", tag = "history",
    params(("transaction_id" = TransactionId, Path), ReceiptAsk), responses((status = 200, description = "The receipt", body = Receipt)))]
pub(super) async fn receipt(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path(transaction): Path<TransactionId>,
    Query(ask): Query<ReceiptAsk>,
) -> Answer<Receipt> {
    found(receipts::of_person(&app, &actor, transaction, &ask).await?)
}
