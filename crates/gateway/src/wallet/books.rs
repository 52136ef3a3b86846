//! Balances at any time, statements and exports of your wallets and of your merchants' wallets.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use jialing_platform::exports::{self, Export, ExportAsk, Owner};
use jialing_platform::history::{self, BalanceAsk, BalanceAt, Statement, StatementAsk, account};
use jialing_platform::id::{ExportId, MerchantId, WalletId};
use jialing_platform::{App, Page, PageAsk};

use crate::answer::{Answer, Failed, accepted, found};
use crate::download;
use crate::extract::{Json, Path, Query};
use crate::gates::{Once, Wallet};

/// Tells what one of your wallets held at any time.
///
/// The balance is that of the ledger's last record up to then. Once the answer is `settled`, it never
/// changes.
///
/// Problems: `not_found`, `invalid_request`.
#[utoipa::path(get, path = "/v1/wallet/wallets/{wallet_id}/balance", operation_id = "read_balance_at", tag = "statements",
    params(("wallet_id" = WalletId, Path), BalanceAsk), responses((status = 200, description = "The balance", body = BalanceAt)))]
pub(super) async fn balance(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path(wallet): Path<WalletId>,
    Query(ask): Query<BalanceAsk>,
) -> Answer<BalanceAt> {
    found(history::balance_at(&app, &account::own_wallet(&app, &actor, wallet).await?, &ask).await?)
}

/// Gives the statement of one of your wallets: a day, a month, a year, or any range.
///
/// Opening plus what came less what went is closing, checked against the ledger before it is answered.
///
/// Problems: `not_found`, `invalid_request`.
#[utoipa::path(get, path = "/v1/wallet/wallets/{wallet_id}/statement", operation_id = "read_statement", tag = "statements",
    params(("wallet_id" = WalletId, Path), StatementAsk), responses((status = 200, description = "The statement", body = Statement)))]
pub(super) async fn statement(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path(wallet): Path<WalletId>,
    Query(ask): Query<StatementAsk>,
) -> Answer<Statement> {
    found(history::statement(&app, &account::own_wallet(&app, &actor, wallet).await?, &ask).await?)
}

/// Asks for the history of one of your wallets as a file.
///
/// It is made in the background: ask for the export until it is `READY`, then fetch its file.
///
/// Problems: `not_found`, `invalid_request`, `rate_limited` with as many exports as are allowed.
#[utoipa::path(post, path = "/v1/wallet/wallets/{wallet_id}/exports", operation_id = "request_export", tag = "exports",
    params(("wallet_id" = WalletId, Path)), request_body = ExportAsk,
    responses((status = 202, description = "It will be made", body = Export)))]
pub(super) async fn export(
    State(app): State<App>,
    Wallet(actor): Wallet,
    once: Once,
    Path(wallet): Path<WalletId>,
    Json(ask): Json<ExportAsk>,
) -> Answer<Export> {
    let account = account::own_wallet(&app, &actor, wallet).await?;
    accepted(exports::request(&app, &account, once.id(), ask).await?)
}

/// Tells what the wallet of one of your merchants held at any time.
///
/// Problems: `not_found`, `invalid_request`.
#[utoipa::path(get, path = "/v1/wallet/merchants/{merchant_id}/balance", operation_id = "read_merchant_balance_at", tag = "statements",
    params(("merchant_id" = MerchantId, Path), BalanceAsk), responses((status = 200, description = "The balance", body = BalanceAt)))]
pub(super) async fn merchant_balance(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path(merchant): Path<MerchantId>,
    Query(ask): Query<BalanceAsk>,
) -> Answer<BalanceAt> {
    found(history::balance_at(&app, &account::owned_merchant(&app, &actor, merchant).await?, &ask).await?)
}

/// Gives the statement of the wallet of one of your merchants.
///
/// Problems: `not_found`, `invalid_request`.
#[utoipa::path(get, path = "/v1/wallet/merchants/{merchant_id}/statement", operation_id = "read_merchant_statement", tag = "statements",
    params(("merchant_id" = MerchantId, Path), StatementAsk), responses((status = 200, description = "The statement", body = Statement)))]
pub(super) async fn merchant_statement(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path(merchant): Path<MerchantId>,
    Query(ask): Query<StatementAsk>,
) -> Answer<Statement> {
    found(history::statement(&app, &account::owned_merchant(&app, &actor, merchant).await?, &ask).await?)
}

/// Asks for the history of the wallet of one of your merchants as a file; it is among your exports.
///
/// Problems: `not_found`, `invalid_request`, `rate_limited` with as many exports as are allowed.
#[utoipa::path(post, path = "/v1/wallet/merchants/{merchant_id}/exports", operation_id = "request_merchant_export", tag = "exports",
    params(("merchant_id" = MerchantId, Path)), request_body = ExportAsk,
    responses((status = 202, description = "It will be made", body = Export)))]
pub(super) async fn merchant_export(
    State(app): State<App>,
    Wallet(actor): Wallet,
    once: Once,
    Path(merchant): Path<MerchantId>,
    Json(ask): Json<ExportAsk>,
) -> Answer<Export> {
    let account = account::owned_merchant(&app, &actor, merchant).await?;
    accepted(exports::request(&app, &account, once.id(), ask).await?)
}

/// Lists your exports, newest first.
#[utoipa::path(get, path = "/v1/wallet/exports", operation_id = "list_exports", tag = "exports", params(PageAsk),
    responses((status = 200, description = "A page", body = Page<Export>)))]
pub(super) async fn exports(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Query(page): Query<PageAsk>,
) -> Answer<Page<Export>> {
    found(exports::list(&app, &Owner::person(&actor), &page).await?)
}

/// Shows how far one of your exports has come; once it is `READY`, with its proof.
///
/// Problems: `not_found`.
#[utoipa::path(get, path = "/v1/wallet/exports/{export_id}", operation_id = "read_export", tag = "exports",
    params(("export_id" = ExportId, Path)), responses((status = 200, description = "The export", body = Export)))]
pub(super) async fn export_of(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path(id): Path<ExportId>,
) -> Answer<Export> {
    found(exports::get(&app, &Owner::person(&actor), id).await?)
}

/// Stops one of your exports, or destroys its file. Done again, it changes nothing.
///
/// Problems: `not_found`.
#[utoipa::path(delete, path = "/v1/wallet/exports/{export_id}", operation_id = "cancel_export", tag = "exports",
    params(("export_id" = ExportId, Path)), responses((status = 200, description = "The export", body = Export)))]
pub(super) async fn cancel(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path(id): Path<ExportId>,
) -> Answer<Export> {
    found(exports::cancel(&app, &Owner::person(&actor), id).await?)
}

/// Fetches the file of one of your exports, or a part of it with the header `Range`.
///
/// Problems: `not_found`, `state_conflict` unless it is ready, `invalid_request` for a part beyond the file.
#[utoipa::path(get, path = "/v1/wallet/exports/{export_id}/file", operation_id = "fetch_export", tag = "exports",
    params(("export_id" = ExportId, Path)), responses(
        (status = 200, description = "The file", body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 206, description = "The part asked for", body = Vec<u8>, content_type = "application/octet-stream"),
    ))]
pub(super) async fn file(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path(id): Path<ExportId>,
    headers: HeaderMap,
) -> Result<Response, Failed> {
    let (export, reader) = exports::open(&app, &Owner::person(&actor), id).await?;
    download::file(&headers, &export, reader)
}
