//! The worker: sends what is due, endpoint by endpoint.
//!
//! An endpoint is served by one task at a time, on one node ([`super::queue`]). A task needs a place
//! in one of two lanes: endpoints that answered last share [`WELL`] places, those that failed last
//! share [`FAILING`]. So however many endpoints hang, they hold places among themselves, and the
//! others go on. A task begins with one message and sends more side by side only as they are taken;
//! what it sends beyond the first comes out of [`EXTRA`] for all together, which bounds connections.
//!
//! What came of a batch is written in one transaction. A process that dies between an endpoint's
//! answer and that transaction sends the batch again once the lease has run out: at least once, never
//! less.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use jialing_crypto::random;
use jialing_rails::webhook::{NotSent, SendLimits, Sent, SystemResolver, WebhookSender};
use tokio::sync::{OnceCell, OwnedSemaphorePermit, Semaphore};
use tokio::task::{JoinHandle, JoinSet};

use super::envelope::{MerchantSeals, Seals, Signers};
use super::queue::{self, Due, Tried, Waiting};
use super::{DisabledReason, Status, rules, store};
use crate::id::{MerchantId, NoticeId, WebhookId};
use crate::notices::{self, NoticeCode};
use crate::outbox::{self, EventType, NewEvent};
use crate::{App, Code, Problem, Result, Tx, merchants};

/// Endpoints that answered last and are served at the same time.
pub const WELL: usize = 768;
/// Endpoints that failed last and are served at the same time.
pub const FAILING: usize = 128;
/// Messages under way at the same time beyond the first of each endpoint.
pub const EXTRA: usize = 256;
/// Messages under way to one endpoint.
pub const PER_ENDPOINT: usize = 16;
/// Tasks that read from the database at the same time: requests wait behind a few of them, not behind
/// all.
const READING: usize = 4;
/// Batches that a task sends before it gives its place up.
const BATCHES: usize = 50;
/// Between two looks for what is due.
const LOOK: Duration = Duration::from_millis(200);

/// Delivers for as long as the handle lives. `signers` are the platform's keys that sign answers.
///
/// # Errors
/// `internal` when the TLS library cannot be started.
pub fn keep(app: &App, signers: Signers) -> Result<JoinHandle<()>> {
    let sender = WebhookSender::new(SystemResolver, SendLimits::default(), app.settings.sandbox)
        .map_err(Problem::internal)?;
    let worker = Arc::new(Worker::new(app, sender, signers));
    Ok(tokio::spawn(async move {
        let mut tasks = JoinSet::new();
        let mut looks = tokio::time::interval(LOOK);
        looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = looks.tick() => {
                    if let Err(problem) = worker.clone().look(&mut tasks).await {
                        tracing::error!(%problem, fault = problem.internal.as_deref(), "webhooks could not be looked for and will be again");
                    }
                }
                Some(_) = tasks.join_next() => {}
            }
        }
    }))
}

/// Sends what is due now and waits until it is done; how many endpoints were served. For tests and
/// the sandbox, where time does not pass by itself.
///
/// # Errors
/// Any fault of the database.
pub async fn deliver_due(app: &App, sender: &WebhookSender, signers: &Signers) -> Result<usize> {
    let worker = Arc::new(Worker::new(app, sender.clone(), signers.clone()));
    let mut tasks = JoinSet::new();
    let mut served = 0;
    loop {
        let found = worker.clone().look(&mut tasks).await?;
        while tasks.join_next().await.is_some() {}
        if found == 0 {
            return Ok(served);
        }
        served += found;
    }
}

/// Which endpoints are served by this process, so that a clock that is moved forward does not let a
/// lease run out under a task that holds it.
type Busy = Arc<Mutex<HashSet<WebhookId>>>;

/// What the endpoints of one merchant that are served together share.
type Shared = Arc<OnceCell<MerchantSeals>>;

/// An endpoint's place among those that are served; given back when dropped.
struct Place {
    webhook: WebhookId,
    busy: Busy,
    _lane: OwnedSemaphorePermit,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.webhook);
    }
}

struct Worker {
    app: App,
    sender: WebhookSender,
    signers: Signers,
    busy: Busy,
    well: Arc<Semaphore>,
    failing: Arc<Semaphore>,
    extra: Arc<Semaphore>,
    reading: Semaphore,
}

impl Worker {
    fn new(app: &App, sender: WebhookSender, signers: Signers) -> Self {
        Self {
            app: app.clone(),
            sender,
            signers,
            busy: Busy::default(),
            well: Arc::new(Semaphore::new(WELL)),
            failing: Arc::new(Semaphore::new(FAILING)),
            extra: Arc::new(Semaphore::new(EXTRA)),
            reading: Semaphore::new(READING),
        }
    }

    /// Starts a task for each endpoint for which something is due; how many.
    async fn look(self: Arc<Self>, tasks: &mut JoinSet<()>) -> Result<usize> {
        let mut places = Vec::new();
        for (failing, lane) in [(false, &self.well), (true, &self.failing)] {
            let free = lane.available_permits();
            if free == 0 {
                continue;
            }
            for due in queue::due_endpoints(&self.app, failing, free).await? {
                if let Some(place) = self.place(due.webhook, lane) {
                    places.push((due, place));
                }
            }
        }
        if places.is_empty() {
            return Ok(0);
        }
        let wanted = places.iter().map(|(due, _)| due.webhook).collect();
        let mine: HashSet<WebhookId> = queue::claim(&self.app, wanted).await?.into_iter().collect();
        let mut seals: HashMap<MerchantId, Shared> = HashMap::new();
        for (due, place) in places.into_iter().filter(|(due, _)| mine.contains(&due.webhook)) {
            let shared = seals.entry(due.merchant).or_default().clone();
            tasks.spawn(self.clone().serve(due, shared, place));
        }
        Ok(mine.len())
    }

    fn place(&self, webhook: WebhookId, lane: &Arc<Semaphore>) -> Option<Place> {
        let permit = lane.clone().try_acquire_owned().ok()?;
        let fresh = self.busy.lock().unwrap_or_else(PoisonError::into_inner).insert(webhook);
        fresh.then(|| Place { webhook, busy: self.busy.clone(), _lane: permit })
    }

    async fn serve(self: Arc<Self>, due: Due, shared: Shared, place: Place) {
        let webhook = due.webhook;
        let served = self.batches(&due, &shared).await;
        let released = match served {
            Ok(true) => Ok(()),
            _ => queue::release(&self.app, webhook).await,
        };
        for problem in [served.err(), released.err()].into_iter().flatten() {
            tracing::error!(%webhook, %problem, fault = problem.internal.as_deref(), "a webhook was not served and will be again");
        }
        drop(place);
    }

    /// Sends what is due; true if the endpoint was given back with the last batch.
    async fn batches(&self, due: &Due, shared: &Shared) -> Result<bool> {
        let (merchant, seals);
        {
            let _turn = self.reading.acquire().await.map_err(Problem::internal)?;
            merchant = shared.get_or_try_init(|| MerchantSeals::of(&self.app, due.merchant)).await?;
            seals = Seals::of(&self.app, merchant, due.webhook).await?;
        }
        let mut wide = 1;
        for _ in 0..BATCHES {
            let more = self.extra.clone().try_acquire_many_owned(u32::try_from(wide - 1).unwrap_or(0)).ok();
            let limit = if more.is_some() { wide } else { 1 };
            let turn = self.reading.acquire().await.map_err(Problem::internal)?;
            let (waiting, all) = queue::waiting(&self.app, due.webhook, limit).await?;
            drop(turn);
            if waiting.is_empty() {
                return Ok(false);
            }
            let tried = join_all(waiting.into_iter().map(|one| self.attempt(due, &seals, one))).await;
            let tried: Vec<Tried> =
                tried.into_iter().collect::<Result<Vec<_>>>()?.into_iter().flatten().collect();
            let all_taken = tried.iter().all(|one| one.verdict == rules::Verdict::Delivered);
            if !queue::record(&self.app, due, tried, all).await? {
                return Ok(true);
            }
            wide = if all_taken { (2 * wide).min(PER_ENDPOINT) } else { 1 };
        }
        Ok(false)
    }

    /// One try; nothing if the event is forgotten, whose delivery is then given up.
    async fn attempt(&self, due: &Due, seals: &Seals<'_>, delivery: Waiting) -> Result<Option<Tried>> {
        let turn = self.reading.acquire().await.map_err(Problem::internal)?;
        let found = outbox::get(&self.app, due.merchant, delivery.event).await;
        drop(turn);
        let event = match found {
            Err(problem) if problem.code == Code::NotFound => {
                queue::give_up(&self.app, due.webhook, delivery.event).await?;
                return Ok(None);
            }
            found => found?,
        };
        let now = self.app.clock.millis();
        let body = seals.body(&event)?;
        let headers = seals.headers(&self.signers, event.id, &body, now / 1_000);
        let begun = std::time::Instant::now();
        let url = delivery.url.as_deref().unwrap_or(&due.url);
        let outcome: std::result::Result<Sent, NotSent> = self.sender.send(url, &headers, body).await;
        let took_ms = i64::try_from(begun.elapsed().as_millis()).unwrap_or(i64::MAX);
        let [chance] = random::bytes::<1>();
        let verdict = rules::verdict(&outcome);
        Ok(Some(Tried { delivery, attempt: rules::attempt(now, took_ms, &outcome), verdict, chance }))
    }
}

/// Disables an endpoint that failed or said 410: its merchant's other endpoints and its owner are
/// told.
pub(super) async fn disable(
    app: &App,
    tx: &mut Tx,
    due: &Due,
    reason: DisabledReason,
    now: i64,
) -> Result<()> {
    let mut row = store::find(tx, due.merchant, due.webhook).await?;
    if row.status == Status::Disabled {
        return Ok(());
    }
    (row.status, row.disabled_reason, row.disabled_at) = (Status::Disabled, Some(reason), Some(now));
    store::update(tx, &row).await?;
    let host = rules::origin(&row.url);
    let merchant = merchants::store::find(tx, due.merchant)
        .await?
        .ok_or_else(|| Problem::internal("a webhook without its merchant"))?;
    let event = NewEvent {
        merchant: due.merchant,
        event: EventType::WebhookDisabled,
        object: row.id.to_string(),
        object_version: now,
        occasion: now,
        resource: serde_json::json!({
            "webhook_id": row.id, "host": host, "reason": reason, "disabled_at": crate::clock::rfc3339(now),
        }),
        notify_url: None,
        at: now,
    };
    outbox::publish(tx, event).await?;
    let params = serde_json::json!({
        "merchant": merchant.name_zh, "merchant_en": merchant.name_en, "host": host, "reason": reason,
    });
    notices::tell_once(
        tx,
        NoticeId::new(app.clock.millis()),
        merchant.owner,
        NoticeCode::WebhookDisabled,
        &params,
        row.id.to_string(),
        now,
    )
    .await?;
    tracing::warn!(webhook = %row.id, %reason, "a webhook was disabled");
    Ok(())
}
