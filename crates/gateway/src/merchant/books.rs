//! Balances at any time, statements and exports of the merchant's wallet.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use jialing_platform::exports::{self, Export, ExportAsk, Owner};
use jialing_platform::history::{self, BalanceAsk, BalanceAt, Statement, StatementAsk, account};
use jialing_platform::id::ExportId;
use jialing_platform::{App, Page, PageAsk};

use crate::answer::{Answer, Failed, accepted, found};
use crate::download;
use crate::extract::{Json, Path, Query};
use crate::gates::{Merchant, Once};

/// Tells what your wallet held at any time.
///
/// The balance is that of the ledger's last record up to then. Once the answer is `settled`, it never
/// changes.
///
/// Problems: `not_found` while you have no wallet, `invalid_request`.
#[utoipa::path(get, path = "/v1/merchant/balance", operation_id = "read_own_balance_at", tag = "merchant statements",
    params(BalanceAsk), responses((status = 200, description = "The balance", body = BalanceAt)))]
pub(super) async fn balance(
    State(app): State<App>,
    Merchant(caller): Merchant,
    Query(ask): Query<BalanceAsk>,
) -> Answer<BalanceAt> {
    found(history::balance_at(&app, &account::merchant_wallet(&app, caller.merchant).await?, &ask).await?)
}

/// Gives your statement: a day, a month, a year, or any range.
///
/// Opening plus what came less what went is closing, checked against the ledger before it is answered.
///
/// Problems: `not_found` while you have no wallet, `invalid_request`.
#[utoipa::path(get, path = "/v1/merchant/statement", operation_id = "read_own_statement", tag = "merchant statements",
    params(StatementAsk), responses((status = 200, description = "The statement", body = Statement)))]
pub(super) async fn statement(
    State(app): State<App>,
    Merchant(caller): Merchant,
    Query(ask): Query<StatementAsk>,
) -> Answer<Statement> {
    found(history::statement(&app, &account::merchant_wallet(&app, caller.merchant).await?, &ask).await?)
}

/// Asks for your history as a file.
///
/// It is made in the background: ask for the export until it is `READY`, then fetch its file.
///
/// Problems: `not_found` while you have no wallet, `invalid_request`, `rate_limited` with as many exports as are
/// allowed.
#[utoipa::path(post, path = "/v1/merchant/exports", operation_id = "request_own_export", tag = "merchant exports",
    request_body = ExportAsk, responses((status = 202, description = "It will be made", body = Export)))]
pub(super) async fn export(
    State(app): State<App>,
    Merchant(caller): Merchant,
    once: Once,
    Json(ask): Json<ExportAsk>,
) -> Answer<Export> {
    let account = account::merchant_wallet(&app, caller.merchant).await?;
    accepted(exports::request(&app, &account, once.id(), ask).await?)
}

/// Lists your exports, newest first.
#[utoipa::path(get, path = "/v1/merchant/exports", operation_id = "list_own_exports", tag = "merchant exports", params(PageAsk),
    responses((status = 200, description = "A page", body = Page<Export>)))]
pub(super) async fn exports(
    State(app): State<App>,
    Merchant(caller): Merchant,
    Query(page): Query<PageAsk>,
) -> Answer<Page<Export>> {
    found(exports::list(&app, &Owner::merchant(caller.merchant), &page).await?)
}

/// Shows how far one of your exports has come; once it is `READY`, with its proof.
///
/// Problems: `not_found`.
#[utoipa::path(get, path = "/v1/merchant/exports/{export_id}", operation_id = "read_own_export", tag = "merchant exports",
    params(("export_id" = ExportId, Path)), responses((status = 200, description = "The export", body = Export)))]
pub(super) async fn export_of(
    State(app): State<App>,
    Merchant(caller): Merchant,
    Path(id): Path<ExportId>,
) -> Answer<Export> {
    found(exports::get(&app, &Owner::merchant(caller.merchant), id).await?)
}

/// Stops one of your exports, or destroys its file. Done again, it changes nothing.
///
/// Problems: `not_found`.
#[utoipa::path(delete, path = "/v1/merchant/exports/{export_id}", operation_id = "cancel_own_export", tag = "merchant exports",
    params(("export_id" = ExportId, Path)), responses((status = 200, description = "The export", body = Export)))]
pub(super) async fn cancel(
    State(app): State<App>,
    Merchant(caller): Merchant,
    Path(id): Path<ExportId>,
) -> Answer<Export> {
    found(exports::cancel(&app, &Owner::merchant(caller.merchant), id).await?)
}

/// Fetches the file of one of your exports, or a part of it with the header `Range`.
///
/// The file itself is not signed: its size and SHA-256 are in the export, whose answer is.
///
/// Problems: `not_found`, `state_conflict` unless it is ready, `invalid_request` for a part beyond the file.
#[utoipa::path(get, path = "/v1/merchant/exports/{export_id}/file", operation_id = "fetch_own_export", tag = "merchant exports",
    params(("export_id" = ExportId, Path)), responses(
        (status = 200, description = "The file", body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 206, description = "The part asked for", body = Vec<u8>, content_type = "application/octet-stream"),
    ))]
pub(super) async fn file(
    State(app): State<App>,
    Merchant(caller): Merchant,
    Path(id): Path<ExportId>,
    headers: HeaderMap,
) -> Result<Response, Failed> {
    let (export, reader) = exports::open(&app, &Owner::merchant(caller.merchant), id).await?;
    download::file(&headers, &export, reader)
}
