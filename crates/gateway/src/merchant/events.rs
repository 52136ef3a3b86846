//! Events: what the merchant's server is to know.

use axum::extract::State;
use jialing_platform::id::EventId;
use jialing_platform::outbox::{self, Event, EventsAsk};
use jialing_platform::{App, Page};

use crate::answer::{Answer, found};
use crate::extract::{Path, Query};
use crate::gates::Merchant;

/// Lists your events, newest first; `delivered=false` for those you have not acknowledged.
///
/// Events are kept 30 days. `object_version` grows per object: of two events about one object the
/// higher one is newer, in whatever order they arrive.
///
/// Problems: `invalid_request`.
#[utoipa::path(get, path = "/v1/merchant/events", operation_id = "list_events", tag = "events", params(EventsAsk),
    responses((status = 200, description = "A page", body = Page<Event>)))]
pub(super) async fn list(
    State(app): State<App>,
    Merchant(caller): Merchant,
    Query(ask): Query<EventsAsk>,
) -> Answer<Page<Event>> {
    found(outbox::list(&app, caller.merchant, ask).await?)
}

/// Shows one of your events.
///
/// Problems: `not_found`.
#[utoipa::path(get, path = "/v1/merchant/events/{event_id}", operation_id = "read_event", tag = "events",
    params(("event_id" = EventId, Path)), responses((status = 200, description = "The event", body = Event)))]
pub(super) async fn of(
    State(app): State<App>,
    Merchant(caller): Merchant,
    Path(event): Path<EventId>,
) -> Answer<Event> {
    found(outbox::get(&app, caller.merchant, event).await?)
}

/// Acknowledges an event: it is delivered. Done again, it changes nothing.
///
/// Problems: `not_found`.
#[utoipa::path(post, path = "/v1/merchant/events/{event_id}/ack", operation_id = "acknowledge_event", tag = "events",
    params(("event_id" = EventId, Path)), responses((status = 200, description = "The event", body = Event)))]
pub(super) async fn acknowledge(
    State(app): State<App>,
    Merchant(caller): Merchant,
    Path(event): Path<EventId>,
) -> Answer<Event> {
    found(outbox::acknowledge(&app, caller.merchant, event).await?)
}
