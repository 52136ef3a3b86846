//! An institution's accounts: history, balances at any time, statements and exports.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use jialing_platform::exports::{self, Export, ExportAsk, Owner};
use jialing_platform::history::{
    self, BalanceAsk, BalanceAt, HistoryAsk, InstitutionAccount, Line, Statement, StatementAsk, account,
};
use jialing_platform::id::ExportId;
use jialing_platform::{App, Page, PageAsk};

use crate::answer::{Answer, Failed, accepted, found};
use crate::download;
use crate::extract::{Json, Path, Query};
use crate::gates::{Bank, Once};

/// Lists what happened to one of your accounts, newest first.
///
/// `vault` is your central-bank money. `issuance` is what you owe the holders of wallets that are your own
/// liability: what you issue comes, what you take back goes, and the balance is what you owe. Filters add up.
///
/// Problems: `not_found`, `invalid_request`.
#[utoipa::path(get, path = "/v1/bank/accounts/{account}/transactions", operation_id = "list_account_transactions", tag = "bank accounts",
    params(("account" = InstitutionAccount, Path), HistoryAsk), responses((status = 200, description = "A page", body = Page<Line>)))]
pub(super) async fn list(
    State(app): State<App>,
    bank: Bank,
    Path(which): Path<InstitutionAccount>,
    Query(ask): Query<HistoryAsk>,
) -> Answer<Page<Line>> {
    let account = account::institution(&app, bank.id, which).await?;
    found(history::of_account(&app, &account, &ask).await?.map(Line::from))
}

/// Tells what one of your accounts held at any time; of `issuance`, what you owed.
///
/// Problems: `not_found`, `invalid_request`.
#[utoipa::path(get, path = "/v1/bank/accounts/{account}/balance", operation_id = "read_account_balance_at", tag = "bank accounts",
    params(("account" = InstitutionAccount, Path), BalanceAsk), responses((status = 200, description = "The balance", body = BalanceAt)))]
pub(super) async fn balance(
    State(app): State<App>,
    bank: Bank,
    Path(which): Path<InstitutionAccount>,
    Query(ask): Query<BalanceAsk>,
) -> Answer<BalanceAt> {
    found(history::balance_at(&app, &account::institution(&app, bank.id, which).await?, &ask).await?)
}

/// Gives the statement of one of your accounts: a day, a month, a year, or any range.
///
/// Opening plus what came less what went is closing, checked against the ledger before it is answered.
///
/// Problems: `not_found`, `invalid_request`.
#[utoipa::path(get, path = "/v1/bank/accounts/{account}/statement", operation_id = "read_account_statement", tag = "bank accounts",
    params(("account" = InstitutionAccount, Path), StatementAsk), responses((status = 200, description = "The statement", body = Statement)))]
pub(super) async fn statement(
    State(app): State<App>,
    bank: Bank,
    Path(which): Path<InstitutionAccount>,
    Query(ask): Query<StatementAsk>,
) -> Answer<Statement> {
    found(history::statement(&app, &account::institution(&app, bank.id, which).await?, &ask).await?)
}

/// Asks for the history of one of your accounts as a file.
///
/// It is made in the background: ask for the export until it is `READY`, then fetch its file.
///
/// Problems: `not_found`, `invalid_request`, `rate_limited` with as many exports as are allowed.
#[utoipa::path(post, path = "/v1/bank/accounts/{account}/exports", operation_id = "request_account_export", tag = "bank accounts",
    params(("account" = InstitutionAccount, Path)), request_body = ExportAsk,
    responses((status = 202, description = "It will be made", body = Export)))]
pub(super) async fn export(
    State(app): State<App>,
    bank: Bank,
    once: Once,
    Path(which): Path<InstitutionAccount>,
    Json(ask): Json<ExportAsk>,
) -> Answer<Export> {
    let account = account::institution(&app, bank.id, which).await?;
    accepted(exports::request(&app, &account, once.id(), ask).await?)
}

/// Lists your exports, newest first.
#[utoipa::path(get, path = "/v1/bank/exports", operation_id = "list_account_exports", tag = "bank accounts", params(PageAsk),
    responses((status = 200, description = "A page", body = Page<Export>)))]
pub(super) async fn exports(
    State(app): State<App>,
    bank: Bank,
    Query(page): Query<PageAsk>,
) -> Answer<Page<Export>> {
    found(exports::list(&app, &Owner::institution(bank.id), &page).await?)
}

/// Shows how far one of your exports has come; once it is `READY`, with its proof.
///
/// Problems: `not_found`.
#[utoipa::path(get, path = "/v1/bank/exports/{export_id}", operation_id = "read_account_export", tag = "bank accounts",
    params(("export_id" = ExportId, Path)), responses((status = 200, description = "The export", body = Export)))]
pub(super) async fn export_of(
    State(app): State<App>,
    bank: Bank,
    Path(id): Path<ExportId>,
) -> Answer<Export> {
    found(exports::get(&app, &Owner::institution(bank.id), id).await?)
}

/// Stops one of your exports, or destroys its file. Done again, it changes nothing.
///
/// Problems: `not_found`.
#[utoipa::path(delete, path = "/v1/bank/exports/{export_id}", operation_id = "cancel_account_export", tag = "bank accounts",
    params(("export_id" = ExportId, Path)), responses((status = 200, description = "The export", body = Export)))]
pub(super) async fn cancel(State(app): State<App>, bank: Bank, Path(id): Path<ExportId>) -> Answer<Export> {
    found(exports::cancel(&app, &Owner::institution(bank.id), id).await?)
}

/// Fetches the file of one of your exports, or a part of it with the header `Range`.
///
/// The file itself is not signed: its size and SHA-256 are in the export, whose answer is.
///
/// Problems: `not_found`, `state_conflict` unless it is ready, `invalid_request` for a part beyond the file.
#[utoipa::path(get, path = "/v1/bank/exports/{export_id}/file", operation_id = "fetch_account_export", tag = "bank accounts",
    params(("export_id" = ExportId, Path)), responses(
        (status = 200, description = "The file", body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 206, description = "The part asked for", body = Vec<u8>, content_type = "application/octet-stream"),
    ))]
pub(super) async fn file(
    State(app): State<App>,
    bank: Bank,
    Path(id): Path<ExportId>,
    headers: HeaderMap,
) -> Result<Response, Failed> {
    let (export, reader) = exports::open(&app, &Owner::institution(bank.id), id).await?;
    download::file(&headers, &export, reader)
}
