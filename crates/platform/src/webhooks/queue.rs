//! The tables of deliveries: what waits for which endpoint, and what came of each try.
//!
//! A worker takes an endpoint, not a delivery: [`claim`] leases the endpoint's queue to it, so that
//! one node at a time sends to one endpoint. A lease that nobody renews runs out, and what was on its
//! way is sent again.

use super::rules::Verdict;
use super::{Attempt, DeliveryState, DisabledReason, Source, Status, notify, rules, store};
use crate::id::{EventId, MerchantId, WebhookId};
use crate::outbox::{self, EventType};
use crate::{App, Result, Tx};

/// How long a worker has an endpoint; renewed with each batch. Longer than a try may take.
pub(super) const LEASE_MS: i64 = 30_000;

/// Which endpoints an event goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum To {
    /// All that want it.
    All,
    /// This one, whatever it wants.
    One(WebhookId),
}

/// An event on its way to the queues.
#[derive(Clone, Debug)]
pub(crate) struct Queued<'a> {
    pub(crate) merchant: MerchantId,
    pub(crate) id: EventId,
    pub(crate) event: EventType,
    pub(crate) notify_url: Option<&'a str>,
    /// Milliseconds.
    pub(crate) at: i64,
}

/// Puts an event into the queues of its merchant's endpoints, in the transaction that writes it or
/// asks for it again; how many. What is in a queue already stays as it is, unless it is asked for
/// `again`: then it is due at once.
///
/// # Errors
/// Any fault of the database.
pub(crate) async fn fan_out(tx: &mut Tx, event: Queued<'_>, to: To, again: bool) -> Result<u64> {
    let mine = store::of(tx, event.merchant).await?;
    let mut queued = 0;
    for row in &mine {
        let wanted = match to {
            To::One(id) => row.id == id,
            To::All => {
                row.source == Source::Registered
                    && row.status == Status::Active
                    && rules::passes(&row.events, event.event)
            }
        };
        if wanted && (row.source == Source::Registered || event.notify_url.is_some()) {
            let url = event.notify_url.filter(|_| row.source == Source::NotifyUrl);
            queued += put(tx, row.id, &event, url, again).await?;
        }
    }
    if let (To::All, Some(url)) = (to, event.notify_url) {
        let row = notify::endpoint(tx, &mine, event.merchant, url, event.at).await?;
        if row.status == Status::Active {
            queued += put(tx, row.id, &event, Some(url), again).await?;
        }
    }
    Ok(queued)
}

async fn put(
    tx: &mut Tx,
    webhook: WebhookId,
    event: &Queued<'_>,
    url: Option<&str>,
    again: bool,
) -> Result<u64> {
    let put = sqlx::query(if again {
        "INSERT INTO webhook_deliveries (webhook, event, type, url, state, tries, attempts, queued_at, due_at)
         VALUES ($1, $2, $6, $3, $4, 0, 0, $5, $5) ON CONFLICT (webhook, event) DO UPDATE
         SET state = $4, tries = 0, queued_at = $5, due_at = $5, finished_at = NULL"
    } else {
        "INSERT INTO webhook_deliveries (webhook, event, type, url, state, tries, attempts, queued_at, due_at)
         VALUES ($1, $2, $6, $3, $4, 0, 0, $5, $5) ON CONFLICT (webhook, event) DO NOTHING"
    })
    .bind(webhook)
    .bind(event.id)
    .bind(url)
    .bind(DeliveryState::Pending)
    .bind(event.at)
    .bind(event.event)
    .execute(&mut *tx)
    .await?;
    Ok(put.rows_affected())
}

/// How an endpoint's queue stands.
#[derive(Clone, Copy, Debug, sqlx::FromRow)]
pub(super) struct Standing {
    pub(super) failures: i64,
    pub(super) rests_until: i64,
    pub(super) failing_since: Option<i64>,
    pub(super) delivered_at: Option<i64>,
}

pub(super) async fn standing(tx: &mut Tx, webhook: WebhookId) -> Result<Standing> {
    Ok(sqlx::query_as(
        "SELECT failures, rests_until, failing_since, delivered_at FROM webhook_queues WHERE webhook = $1",
    )
    .bind(webhook)
    .fetch_one(&mut *tx)
    .await?)
}

/// How many deliveries wait for an endpoint.
pub(super) async fn pending(tx: &mut Tx, webhook: WebhookId) -> Result<i64> {
    Ok(sqlx::query_scalar("SELECT COUNT(*) FROM webhook_deliveries WHERE webhook = $1 AND state = $2")
        .bind(webhook)
        .bind(DeliveryState::Pending)
        .fetch_one(&mut *tx)
        .await?)
}

/// The queue forgets its failures: what waits is due now.
pub(super) async fn refresh(tx: &mut Tx, webhook: WebhookId) -> Result<()> {
    sqlx::query(
        "UPDATE webhook_queues SET failures = 0, rests_until = 0, failing_since = NULL WHERE webhook = $1",
    )
    .bind(webhook)
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// A queue that rests is tried at once.
pub(super) async fn wake(tx: &mut Tx, webhook: WebhookId) -> Result<()> {
    sqlx::query("UPDATE webhook_queues SET rests_until = 0 WHERE webhook = $1")
        .bind(webhook)
        .execute(&mut *tx)
        .await?;
    Ok(())
}

/// An endpoint for which something is due.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct Due {
    pub(super) webhook: WebhookId,
    pub(super) merchant: MerchantId,
    pub(super) url: String,
    pub(super) source: Source,
}

/// Endpoints for which something is due, the longest unserved first: those that answered last, or
/// those that `failing` says failed.
pub(super) async fn due_endpoints(app: &App, failing: bool, limit: usize) -> Result<Vec<Due>> {
    let sql = if failing {
        "SELECT q.webhook, w.merchant, w.url, w.source
         FROM webhook_queues q JOIN webhooks w ON w.id = q.webhook
         WHERE q.rests_until <= $1 AND q.leased_until <= $1 AND q.failures > 0 AND w.status = $2 AND EXISTS
         (SELECT 1 FROM webhook_deliveries d WHERE d.webhook = q.webhook AND d.state = $3 AND d.due_at <= $1)
         ORDER BY q.leased_until LIMIT $4"
    } else {
        "SELECT q.webhook, w.merchant, w.url, w.source
         FROM webhook_queues q JOIN webhooks w ON w.id = q.webhook
         WHERE q.rests_until <= $1 AND q.leased_until <= $1 AND q.failures = 0 AND w.status = $2 AND EXISTS
         (SELECT 1 FROM webhook_deliveries d WHERE d.webhook = q.webhook AND d.state = $3 AND d.due_at <= $1)
         ORDER BY q.leased_until LIMIT $4"
    };
    Ok(sqlx::query_as(sql)
        .bind(app.clock.millis())
        .bind(Status::Active)
        .bind(DeliveryState::Pending)
        .bind(limit as i64)
        .fetch_all(app.db.read())
        .await?)
}

/// Leases these endpoints; those that nobody else had.
pub(super) async fn claim(app: &App, wanted: Vec<WebhookId>) -> Result<Vec<WebhookId>> {
    let now = app.clock.millis();
    app.db
        .write(async move |tx: &mut Tx| {
            let mut mine = Vec::with_capacity(wanted.len());
            for webhook in &wanted {
                let taken = sqlx::query(
                    "UPDATE webhook_queues SET leased_until = $2 WHERE webhook = $1 AND leased_until <= $3",
                )
                .bind(*webhook)
                .bind(now + LEASE_MS)
                .bind(now)
                .execute(&mut *tx)
                .await?;
                if taken.rows_affected() == 1 {
                    mine.push(*webhook);
                }
            }
            Ok(mine)
        })
        .await
}

/// Gives an endpoint back.
pub(super) async fn release(app: &App, webhook: WebhookId) -> Result<()> {
    let now = app.clock.millis();
    app.db
        .write(async move |tx: &mut Tx| {
            sqlx::query("UPDATE webhook_queues SET leased_until = $2 WHERE webhook = $1")
                .bind(webhook)
                .bind(now)
                .execute(&mut *tx)
                .await?;
            Ok(())
        })
        .await
}

/// A delivery to try.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct Waiting {
    pub(super) event: EventId,
    pub(super) url: Option<String>,
    pub(super) tries: i64,
    pub(super) attempts: i64,
    pub(super) queued_at: i64,
}

/// What is due for an endpoint, the oldest first, and whether that is all.
pub(super) async fn waiting(app: &App, webhook: WebhookId, limit: usize) -> Result<(Vec<Waiting>, bool)> {
    let mut rows: Vec<Waiting> = sqlx::query_as(
        "SELECT event, url, tries, attempts, queued_at FROM webhook_deliveries
         WHERE webhook = $1 AND state = $2 AND due_at <= $3 ORDER BY due_at, event LIMIT $4",
    )
    .bind(webhook)
    .bind(DeliveryState::Pending)
    .bind(app.clock.millis())
    .bind(limit as i64 + 1)
    .fetch_all(app.db.read())
    .await?;
    let all = rows.len() <= limit;
    rows.truncate(limit);
    Ok((rows, all))
}

/// What came of one try.
#[derive(Clone, Debug)]
pub(super) struct Tried {
    pub(super) delivery: Waiting,
    pub(super) attempt: Attempt,
    pub(super) verdict: Verdict,
    /// From 0 to 255.
    pub(super) chance: u8,
}

/// Writes down what came of a batch, in one transaction with everything that follows from it; whether
/// to go on. Where that was all, or nothing may be sent now, the endpoint is given back with it.
pub(super) async fn record(app: &App, due: &Due, tried: Vec<Tried>, all: bool) -> Result<bool> {
    let (app_, due, now) = (app.clone(), due.clone(), app.clock.millis());
    app.db
        .write(async move |tx: &mut Tx| {
            let mut disable = None;
            for one in &tried {
                keep_attempt(tx, due.webhook, one).await?;
                if let Some(reason) = conclude(tx, &due, one, now).await? {
                    disable = Some(reason);
                }
            }
            let before = standing(tx, due.webhook).await?;
            let after = stand(&before, &tried, now);
            let failing = after.failing_since.is_some_and(|since| now - since >= rules::DISABLE_MS);
            let disable = disable.or(failing.then_some(DisabledReason::Failing));
            let go_on = !all && disable.is_none() && after.rests_until <= now;
            sqlx::query(
                "UPDATE webhook_queues SET failures = $2, rests_until = $3, failing_since = $4,
                 delivered_at = $5, leased_until = $6 WHERE webhook = $1",
            )
            .bind(due.webhook)
            .bind(after.failures)
            .bind(after.rests_until)
            .bind(after.failing_since)
            .bind(after.delivered_at)
            .bind(if go_on { now + LEASE_MS } else { now })
            .execute(&mut *tx)
            .await?;
            if let Some(reason) = disable {
                super::deliver::disable(&app_, tx, &due, reason, now).await?;
            }
            Ok(go_on)
        })
        .await
}

/// How the queue stands after a batch. One success says that the endpoint is well; failures in one
/// batch count once, since they were sent together.
fn stand(before: &Standing, tried: &[Tried], now: i64) -> Standing {
    let mut after = *before;
    let taken = tried.iter().any(|one| one.verdict == Verdict::Delivered);
    let failed = tried.iter().any(|one| one.verdict != Verdict::Delivered);
    let down = tried.iter().any(|one| matches!(one.verdict, Verdict::Down(_)));
    if taken {
        (after.failures, after.failing_since, after.delivered_at) = (0, None, Some(now));
    } else if failed {
        after.failing_since = before.failing_since.or(Some(now));
    }
    if down && !taken {
        after.failures += 1;
        after.rests_until = now + rules::rest_ms(after.failures);
    }
    let asked = tried.iter().filter_map(|one| match one.verdict {
        Verdict::Down(wait) | Verdict::Refused(wait) => wait,
        Verdict::Delivered | Verdict::Gone => None,
    });
    if let Some(seconds) = asked.max() {
        after.rests_until = after.rests_until.max(now + seconds as i64 * 1_000);
    }
    after
}

async fn keep_attempt(tx: &mut Tx, webhook: WebhookId, one: &Tried) -> Result<()> {
    sqlx::query(
        "INSERT INTO webhook_attempts (webhook, event, number, at, took_ms, status, fault, answer)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (webhook, event, number) DO NOTHING",
    )
    .bind(webhook)
    .bind(one.delivery.event)
    .bind(one.delivery.attempts + 1)
    .bind(one.attempt.at)
    .bind(one.attempt.took_ms)
    .bind(one.attempt.status)
    .bind(one.attempt.fault.as_deref())
    .bind(one.attempt.answer.as_deref())
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// Moves a delivery on; why the endpoint is to be disabled, if it is.
async fn conclude(tx: &mut Tx, due: &Due, one: &Tried, now: i64) -> Result<Option<DisabledReason>> {
    let delivery = &one.delivery;
    let tries = delivery.tries + 1;
    let (wait, gone) = match one.verdict {
        Verdict::Delivered => {
            finish(tx, due.webhook, one, DeliveryState::Delivered, now).await?;
            outbox::took(tx, delivery.event, now).await?;
            return Ok(None);
        }
        Verdict::Gone => (None, true),
        Verdict::Refused(wait) | Verdict::Down(wait) => (wait, false),
    };
    let pause = rules::jittered(rules::pause_ms(tries), one.chance).max(wait.unwrap_or(0) as i64 * 1_000);
    if gone || now + pause >= delivery.queued_at + rules::GIVE_UP_MS {
        finish(tx, due.webhook, one, DeliveryState::Failed, now).await?;
    } else {
        sqlx::query(
            "UPDATE webhook_deliveries SET tries = $3, attempts = attempts + 1, due_at = $4
             WHERE webhook = $1 AND event = $2",
        )
        .bind(due.webhook)
        .bind(delivery.event)
        .bind(tries)
        .bind(now + pause)
        .execute(&mut *tx)
        .await?;
    }
    // One order's address may be gone while others of its host are not.
    Ok((gone && due.source == Source::Registered).then_some(DisabledReason::Gone))
}

async fn finish(tx: &mut Tx, webhook: WebhookId, one: &Tried, state: DeliveryState, now: i64) -> Result<()> {
    sqlx::query(
        "UPDATE webhook_deliveries SET state = $3, tries = $4, attempts = attempts + 1, finished_at = $5
         WHERE webhook = $1 AND event = $2",
    )
    .bind(webhook)
    .bind(one.delivery.event)
    .bind(state)
    .bind(one.delivery.tries + 1)
    .bind(now)
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// Gives up a delivery whose event is forgotten.
pub(super) async fn give_up(app: &App, webhook: WebhookId, event: EventId) -> Result<()> {
    let now = app.clock.millis();
    app.db
        .write(async move |tx: &mut Tx| {
            sqlx::query(
                "UPDATE webhook_deliveries SET state = $3, finished_at = $4 WHERE webhook = $1 AND event = $2",
            )
            .bind(webhook)
            .bind(event)
            .bind(DeliveryState::Failed)
            .bind(now)
            .execute(&mut *tx)
            .await?;
            Ok(())
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    const WELL: Standing = Standing { failures: 0, rests_until: 0, failing_since: None, delivered_at: None };

    fn tried(verdict: Verdict) -> Tried {
        let delivery =
            Waiting { event: EventId::from_number(16), url: None, tries: 0, attempts: 0, queued_at: 0 };
        let attempt = Attempt { number: 0, at: 0, took_ms: 0, status: None, fault: None, answer: None };
        Tried { delivery, attempt, verdict, chance: 0 }
    }

    fn check(before: Standing, verdicts: &[Verdict], failures: i64, rest_ms: i64, failing: bool) {
        let all: Vec<Tried> = verdicts.iter().map(|&verdict| tried(verdict)).collect();
        let after = stand(&before, &all, 1_000);
        assert_eq!(
            (after.failures, (after.rests_until - 1_000).max(0), after.failing_since.is_some()),
            (failures, rest_ms, failing),
            "{verdicts:?}"
        );
    }

    #[test]
    fn a_queue_rests_when_its_endpoint_is_down_and_not_because_of_one_event() {
        use Verdict::{Delivered, Down, Gone, Refused};
        let failing = Standing { failures: 3, failing_since: Some(1), ..WELL };
        check(WELL, &[Delivered], 0, 0, false);
        check(WELL, &[Refused(None)], 0, 0, true);
        check(WELL, &[Gone], 0, 0, true);
        check(WELL, &[Down(None)], 1, 15_000, true);
        check(WELL, &[Down(None), Down(None)], 1, 15_000, true);
        check(failing, &[Down(None)], 4, 60_000, true);
        check(failing, &[Delivered], 0, 0, false);
        check(failing, &[Down(None), Delivered], 0, 0, false);
    }

    #[test]
    fn a_queue_rests_as_long_as_its_endpoint_asks() {
        use Verdict::{Delivered, Down, Refused};
        check(WELL, &[Down(Some(90))], 1, 90_000, true);
        check(WELL, &[Down(Some(1))], 1, 15_000, true);
        check(WELL, &[Refused(Some(40)), Delivered], 0, 40_000, false);
    }
}
