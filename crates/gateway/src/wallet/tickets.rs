//! Tickets: questions, complaints, payments that are contested.

use axum::extract::State;
use jialing_platform::id::TicketId;
use jialing_platform::tickets::{self, MessageAsk, Ticket, TicketAsk};
use jialing_platform::{App, Page, PageAsk};

use crate::answer::{Answer, created, found};
use crate::extract::{Json, Path, Query};
use crate::gates::{Once, Wallet};

/// Opens a ticket.
///
/// To contest a payment or ask for a refund, `subject` names a payment of yours.
///
/// Problems: `invalid_request`, `state_conflict`, `rate_limited`.
#[utoipa::path(post, path = "/v1/wallet/tickets", operation_id = "open_ticket", tag = "tickets",
    request_body = TicketAsk, responses((status = 201, description = "The ticket", body = Ticket)))]
pub(super) async fn open(
    State(app): State<App>,
    Wallet(actor): Wallet,
    once: Once,
    Json(ask): Json<TicketAsk>,
) -> Answer<Ticket> {
    created(tickets::open(&app, &actor, once.id(), ask).await?)
}

/// Lists your tickets, newest first, without what was written.
#[utoipa::path(get, path = "/v1/wallet/tickets", operation_id = "list_tickets", tag = "tickets", params(PageAsk),
    responses((status = 200, description = "A page", body = Page<Ticket>)))]
pub(super) async fn list(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Query(page): Query<PageAsk>,
) -> Answer<Page<Ticket>> {
    found(tickets::list(&app, &actor, &page).await?)
}

/// Shows one of your tickets with what was written.
///
/// Problems: `not_found`.
#[utoipa::path(get, path = "/v1/wallet/tickets/{ticket_id}", operation_id = "read_ticket", tag = "tickets",
    params(("ticket_id" = TicketId, Path)), responses((status = 200, description = "The ticket", body = Ticket)))]
pub(super) async fn of(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path(id): Path<TicketId>,
) -> Answer<Ticket> {
    found(tickets::get(&app, &actor, id).await?)
}

/// Writes on in a ticket, which is then open again. Your last message again changes nothing.
///
/// Problems: `invalid_request`, `not_found`, `state_conflict`, `rate_limited`.
#[utoipa::path(post, path = "/v1/wallet/tickets/{ticket_id}/messages", operation_id = "write_in_ticket",
    tag = "tickets", params(("ticket_id" = TicketId, Path)), request_body = MessageAsk,
    responses((status = 200, description = "The ticket", body = Ticket)))]
pub(super) async fn say(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path(id): Path<TicketId>,
    Json(ask): Json<MessageAsk>,
) -> Answer<Ticket> {
    found(tickets::say(&app, &actor, id, ask).await?)
}

/// Closes a ticket. Done again, it changes nothing.
///
/// Problems: `not_found`.
#[utoipa::path(post, path = "/v1/wallet/tickets/{ticket_id}/close", operation_id = "close_ticket", tag = "tickets",
    params(("ticket_id" = TicketId, Path)), responses((status = 200, description = "The ticket", body = Ticket)))]
pub(super) async fn close(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path(id): Path<TicketId>,
) -> Answer<Ticket> {
    found(tickets::close(&app, &actor, id).await?)
}
