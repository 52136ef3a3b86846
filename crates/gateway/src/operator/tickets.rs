//! Tickets of people, as operators read and answer them.

use axum::extract::State;
use jialing_platform::id::TicketId;
use jialing_platform::page::ListAsk;
use jialing_platform::tickets::{self, DeskTicket, MessageAsk};
use jialing_platform::{App, Page};

use crate::answer::{Answer, found};
use crate::extract::{Json, Path, Query};
use crate::gates::Operator;

/// Lists tickets, newest first, without what was written; `state=OPEN` for what waits for an answer.
///
/// Problems: `invalid_request`.
#[utoipa::path(get, path = "/v1/operator/tickets", operation_id = "list_tickets_of_people", tag = "operators",
    params(ListAsk<tickets::State>), responses((status = 200, description = "A page", body = Page<DeskTicket>)))]
pub(super) async fn list(
    State(app): State<App>,
    _operator: Operator,
    Query(ask): Query<ListAsk<tickets::State>>,
) -> Answer<Page<DeskTicket>> {
    found(tickets::all(&app, &ask).await?)
}

/// Shows a ticket with what was written. That you read it is written down.
///
/// Problems: `not_found`.
#[utoipa::path(get, path = "/v1/operator/tickets/{ticket_id}", operation_id = "read_ticket_to_answer",
    tag = "operators", params(("ticket_id" = TicketId, Path)),
    responses((status = 200, description = "The ticket", body = DeskTicket)))]
pub(super) async fn of(
    State(app): State<App>,
    Operator(name): Operator,
    Path(id): Path<TicketId>,
) -> Answer<DeskTicket> {
    found(tickets::read_for(&app, &name, id).await?)
}

/// Answers a ticket; the person is told that there is an answer. The last answer again changes nothing.
///
/// Problems: `not_found`, `invalid_request`, `state_conflict` once it is closed or full.
#[utoipa::path(post, path = "/v1/operator/tickets/{ticket_id}/answer", operation_id = "answer_ticket",
    tag = "operators", params(("ticket_id" = TicketId, Path)), request_body = MessageAsk,
    responses((status = 200, description = "The ticket", body = DeskTicket)))]
pub(super) async fn answer(
    State(app): State<App>,
    Operator(name): Operator,
    Path(id): Path<TicketId>,
    Json(ask): Json<MessageAsk>,
) -> Answer<DeskTicket> {
    found(tickets::answer(&app, &name, id, ask).await?)
}

/// Closes a ticket. Done again, it changes nothing.
///
/// Problems: `not_found`.
#[utoipa::path(post, path = "/v1/operator/tickets/{ticket_id}/close", operation_id = "close_ticket_of_person",
    tag = "operators", params(("ticket_id" = TicketId, Path)),
    responses((status = 200, description = "The ticket", body = DeskTicket)))]
pub(super) async fn close(
    State(app): State<App>,
    Operator(name): Operator,
    Path(id): Path<TicketId>,
) -> Answer<DeskTicket> {
    found(tickets::close_for(&app, &name, id).await?)
}
