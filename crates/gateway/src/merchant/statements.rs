//! The merchant's statements of days that are over.

use axum::extract::State;
use jialing_platform::id::StatementId;
use jialing_platform::statements::{self, DayStatement, ListAsk, State as Progress, StatementAsk};
use jialing_platform::{App, Page};

use crate::answer::{Answer, accepted, found};
use crate::extract::{Json, Path, Query};
use crate::gates::Merchant;

/// Asks for the statement of a day that is over.
///
/// Statements of the last day are made by themselves soon after midnight where something happened, and told
/// by the event `statement.ready`. The same day, kind and format again answers the statement there is; a
/// file that was destroyed is made again. The answer has the file's hashes and, once it is `READY`, a link
/// that is good for a short time.
///
/// Problems: `not_found` while you have no wallet, `invalid_request`, `rate_limited`.
#[utoipa::path(post, path = "/v1/merchant/statements", operation_id = "request_day_statement", tag = "merchant statements",
    request_body = StatementAsk, responses(
        (status = 202, description = "It is being made", body = DayStatement),
        (status = 200, description = "It is there", body = DayStatement),
    ))]
pub(super) async fn ask(
    State(app): State<App>,
    Merchant(caller): Merchant,
    Json(ask): Json<StatementAsk>,
) -> Answer<DayStatement> {
    let statement = statements::ask(&app, caller.merchant, ask).await?;
    if statement.state == Progress::Making { accepted(statement) } else { found(statement) }
}

/// Lists your statements, the newest asked for first, without links.
///
/// Problems: `invalid_request`.
#[utoipa::path(get, path = "/v1/merchant/statements", operation_id = "list_day_statements", tag = "merchant statements",
    params(ListAsk), responses((status = 200, description = "A page", body = Page<DayStatement>)))]
pub(super) async fn list(
    State(app): State<App>,
    Merchant(caller): Merchant,
    Query(ask): Query<ListAsk>,
) -> Answer<Page<DayStatement>> {
    found(statements::list(&app, caller.merchant, &ask).await?)
}

/// Shows a statement; once it is `READY`, with a fresh link and what binds it to the ledger.
///
/// Problems: `not_found`.
#[utoipa::path(get, path = "/v1/merchant/statements/{statement_id}", operation_id = "read_day_statement",
    tag = "merchant statements", params(("statement_id" = StatementId, Path)),
    responses((status = 200, description = "The statement", body = DayStatement)))]
pub(super) async fn of(
    State(app): State<App>,
    Merchant(caller): Merchant,
    Path(id): Path<StatementId>,
) -> Answer<DayStatement> {
    found(statements::get(&app, caller.merchant, id).await?)
}
