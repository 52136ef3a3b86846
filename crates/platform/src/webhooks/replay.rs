//! Events are delivered again, one or many, and endpoints are tried.

use jiff::Timestamp;

use super::deliveries::delivery;
use super::queue::{self, Queued, To, fan_out};
use super::{Delivery, MAX_REPLAYED, Manager, RedeliverAsk, RedeliverManyAsk, Redelivered, Status, store};
use crate::audit::{self, Entry};
use crate::id::{EventId, WebhookId};
use crate::outbox::{self, EventType, NewEvent, Picked};
use crate::{App, Code, Problem, Result, Tx};

/// Delivers an event again: to one endpoint, or to all that are told of it.
///
/// # Errors
/// `not_found` for the event or the endpoint.
pub async fn redeliver(app: &App, by: &Manager, event: EventId, ask: RedeliverAsk) -> Result<Redelivered> {
    let (by, now) = (by.clone(), app.clock.millis());
    app.db
        .write(async move |tx: &mut Tx| {
            let to = target(tx, &by, ask.webhook_id).await?;
            let picked = outbox::pick(tx, by.merchant, event).await?.ok_or(Problem::new(Code::NotFound))?;
            let queued = fan_out(tx, queued(&by, &picked, now), to, true).await?;
            let entry = Entry::new(&by.who, "event.redeliver", event, now);
            audit::log(tx, entry.after(queued)).await?;
            Ok(Redelivered { queued, last: Some(event), has_more: false })
        })
        .await
}

/// Delivers events again, the oldest first, [`MAX_REPLAYED`] at a time.
///
/// # Errors
/// `invalid_request` for a bad time; `not_found` for the endpoint.
pub async fn redeliver_many(app: &App, by: &Manager, ask: RedeliverManyAsk) -> Result<Redelivered> {
    let pick = outbox::Pick {
        event: ask.event,
        since: time("since", ask.since.as_deref())?,
        until: time("until", ask.until.as_deref())?,
        delivered: ask.delivered,
        after: ask.after,
        limit: MAX_REPLAYED,
    };
    let (by, now) = (by.clone(), app.clock.millis());
    app.db
        .write(async move |tx: &mut Tx| {
            let to = target(tx, &by, ask.webhook_id).await?;
            let mut picked = outbox::pick_many(tx, by.merchant, &pick).await?;
            let has_more = picked.len() as i64 > MAX_REPLAYED;
            picked.truncate(MAX_REPLAYED as usize);
            let mut all = 0;
            for one in &picked {
                all += fan_out(tx, queued(&by, one, now), to, true).await?;
            }
            let entry = Entry::new(&by.who, "event.redeliver_many", by.merchant, now);
            audit::log(tx, entry.after(all)).await?;
            Ok(Redelivered { queued: all, last: picked.last().map(|one| one.id), has_more })
        })
        .await
}

fn time(field: &'static str, text: Option<&str>) -> Result<Option<i64>> {
    let parse = |text: &str| {
        text.parse::<Timestamp>().map(Timestamp::as_millisecond).map_err(|_| {
            Problem::new(Code::InvalidRequest).field(field).detail(format!("`{field}` is an RFC 3339 time."))
        })
    };
    text.map(parse).transpose()
}

async fn target(tx: &mut Tx, by: &Manager, webhook: Option<WebhookId>) -> Result<To> {
    match webhook {
        Some(id) => store::find(tx, by.merchant, id).await.map(|row| To::One(row.id)),
        None => Ok(To::All),
    }
}

fn queued<'a>(by: &Manager, picked: &'a Picked, now: i64) -> Queued<'a> {
    Queued {
        merchant: by.merchant,
        id: picked.id,
        event: picked.event,
        notify_url: picked.notify_url.as_deref(),
        at: now,
    }
}

/// Sends an endpoint an event of the type `webhook.ping`, through its queue like any other; a queue
/// that rests is woken.
///
/// # Errors
/// `not_found`; `state_conflict` for a disabled endpoint.
pub async fn ping(app: &App, by: &Manager, webhook: WebhookId) -> Result<Delivery> {
    let (by, now) = (by.clone(), app.clock.millis());
    app.db
        .write(async move |tx: &mut Tx| {
            let row = store::find(tx, by.merchant, webhook).await?;
            if row.status != Status::Active {
                return Err(Problem::new(Code::StateConflict)
                    .detail("The endpoint is disabled; set its status to ACTIVE first."));
            }
            let event = NewEvent {
                merchant: by.merchant,
                event: EventType::WebhookPing,
                object: webhook.to_string(),
                object_version: now,
                occasion: now,
                resource: serde_json::json!({ "webhook_id": webhook }),
                notify_url: Some(row.url.clone()),
                at: now,
            };
            let id = outbox::write_for(tx, event, webhook).await?;
            queue::wake(tx, webhook).await?;
            delivery(tx, webhook, id).await
        })
        .await
}
