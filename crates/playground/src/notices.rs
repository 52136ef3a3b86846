//! Notices on their way to an integrator's machine that nobody can reach from outside: a listener
//! fetches them, hands them to the local receiver, and reports what that answered.
//!
//! Each event of the sandbox's merchant becomes a notice: the body that a webhook endpoint would get,
//! sealed where the merchant has a key for it, signed afresh for each attempt. A
//! 2xx acknowledges the event; anything else is tried again after [`SCHEDULE_S`], on the sandbox's
//! clock. Notices about one event go one after the other. Nothing is kept here beyond memory: an event
//! that was not acknowledged is taken up again after a restart.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use jialing_crypto::http_signature::CallbackSignature;
use jialing_crypto::{SigningKey, random};
use jialing_platform::id::MerchantId;
use jialing_platform::outbox::{self, Event, EventsAsk};
use jialing_platform::{App, Code, Problem, Result, webhooks};
use serde::Serialize;
use serde_json::Value;

use crate::faults::{FaultKind, Faults};

/// Seconds between the attempts; after the last one only a resend brings the notice back.
pub const SCHEDULE_S: [i64; 27] = [
    15, 15, 30, 180, 600, 1_200, 1_800, 1_800, 1_800, 3_600, 10_800, 10_800, 10_800, 21_600, 21_600, 43_200,
    43_200, 43_200, 43_200, 43_200, 43_200, 43_200, 43_200, 43_200, 43_200, 43_200, 43_200,
];
/// How long a listener may keep a notice before another attempt is made, real time.
const LEASE: Duration = Duration::from_secs(60);
/// Notices handed out together.
const BATCH: usize = 20;
/// Notices that wait; further events stay undelivered and are taken up when there is room.
const MOST_WAITING: usize = 1_000;
/// Events remembered as taken up.
const MOST_KNOWN: usize = 20_000;
/// Pages of undelivered events that one look reads.
const PAGES: usize = 10;
/// How old a stale copy's signature is, seconds: twice what a receiver may accept.
const STALE_S: i64 = 600;
/// How long a notice that is to come out of order waits for one to overtake it, milliseconds.
const OVERTAKEN_MS: i64 = 60_000;

/// A notice as a listener receives it.
#[derive(Clone, Debug, Serialize)]
pub struct Notice {
    /// Names this attempt's notice in the report.
    pub delivery_id: String,
    /// The event it tells of.
    pub event_id: String,
    /// The event's type.
    #[serde(rename = "type")]
    pub event: String,
    /// From 1.
    pub attempt: usize,
    /// Why it is not a plain notice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<FaultKind>,
    /// What it is sent with.
    pub headers: BTreeMap<String, String>,
    /// The body, byte by byte what is signed.
    pub body: String,
    /// What the event tells of, open: for looking on, not for the receiver.
    pub resource: Value,
}

/// What a receiver answered; no status where it gave no answer.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Report {
    /// The HTTP status.
    #[serde(default)]
    pub(crate) status: Option<u16>,
}

impl Report {
    /// Whether the receiver took the notice.
    pub(crate) fn is_taken(&self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
    }
}

struct Waiting {
    delivery_id: String,
    event_id: String,
    event: String,
    body: String,
    resource: Value,
    attempts: usize,
    fault: Option<FaultKind>,
    due_at: i64,
    leased: Option<Instant>,
}

impl Waiting {
    /// Whether our receiver should take it; a forged or stale one should be refused.
    fn is_genuine(&self) -> bool {
        !matches!(self.fault, Some(FaultKind::ForgedNotice | FaultKind::StaleNotice))
    }
}

#[derive(Default)]
struct Desk {
    waiting: VecDeque<Waiting>,
    known: HashSet<String>,
    known_in_order: VecDeque<String>,
}

/// The notices of a sandbox.
#[derive(Default)]
pub(crate) struct Notices(Mutex<Desk>);

/// What a report settled.
pub(crate) struct Settled {
    pub(crate) event_id: String,
    pub(crate) event: String,
    /// The id of what the event is about.
    pub(crate) object: String,
    pub(crate) fault: Option<FaultKind>,
    /// The platform signed it, and it was no replay.
    pub(crate) genuine: bool,
    pub(crate) attempts: usize,
    /// The event is acknowledged by this.
    pub(crate) acknowledges: bool,
}

impl Notices {
    /// Takes up the merchant's events that nobody acknowledged yet; the ids of what those are about
    /// whose notices are to be lost.
    pub(crate) async fn take_up(
        &self,
        app: &App,
        merchant: MerchantId,
        faults: &Faults,
    ) -> Result<Vec<String>> {
        let mut fresh = Vec::new();
        let mut ask = EventsAsk { delivered: Some(false), limit: Some(100), ..EventsAsk::default() };
        for _ in 0..PAGES {
            let page = outbox::list(app, merchant, ask.clone()).await?;
            ask.after = page.items.last().map(|event| event.id.to_string());
            fresh.extend(page.items);
            if !page.has_more {
                break;
            }
        }
        let mut told = Vec::new();
        for event in fresh.into_iter().rev() {
            if !self.knows(&event) {
                told.push((body_of(app, merchant, &event).await?, event));
            }
        }
        let now = app.clock.millis();
        let (mut desk, mut lost) = (self.lock(), Vec::new());
        for (body, event) in told {
            if desk.waiting.len() < MOST_WAITING && desk.is_new(&event) {
                let fault = faults.of_notice(event.event.text());
                if fault.as_ref().is_some_and(|order| order.kind == FaultKind::LostNotice) {
                    lost.extend(event.resource["id"].as_str().map(str::to_owned));
                }
                desk.enqueue(&event, &body, fault.map(|order| (order.kind, order.delay_s())), now)?;
            }
        }
        Ok(lost)
    }

    /// Puts an event there again, whatever became of it before.
    pub(crate) async fn resend(&self, app: &App, merchant: MerchantId, event: &Event) -> Result<()> {
        let body = body_of(app, merchant, event).await?;
        let mut desk = self.lock();
        desk.is_new(event);
        desk.enqueue(event, &body, None, app.clock.millis())
    }

    /// The notices that are due, signed now; each is this caller's for a minute.
    pub(crate) fn claim(&self, app: &App, key: &SigningKey) -> Vec<Notice> {
        let (now, real) = (app.clock.millis(), Instant::now());
        let mut desk = self.lock();
        let mut busy: HashSet<String> = HashSet::new();
        let mut claimed = Vec::new();
        for waiting in &mut desk.waiting {
            // Of each event only the first notice may be on its way.
            let first = busy.insert(waiting.event_id.clone());
            let free = waiting.leased.is_none_or(|until| until <= real);
            if first && free && waiting.due_at <= now && claimed.len() < BATCH {
                waiting.leased = Some(real + LEASE);
                waiting.attempts += 1;
                claimed.push(signed(waiting, key, app.clock.wire() / 1000));
            }
        }
        claimed
    }

    /// Hears what a receiver answered.
    pub(crate) fn report(&self, app: &App, delivery_id: &str, report: &Report) -> Result<Settled> {
        let now = app.clock.millis();
        let mut desk = self.lock();
        let place = desk.waiting.iter().position(|waiting| waiting.delivery_id == delivery_id);
        let place = place.ok_or(Problem::new(Code::NotFound))?;
        let waiting = &mut desk.waiting[place];
        let genuine = waiting.is_genuine();
        let settled = Settled {
            event_id: waiting.event_id.clone(),
            event: waiting.event.clone(),
            object: waiting.resource["id"].as_str().unwrap_or_default().to_owned(),
            fault: waiting.fault,
            genuine,
            attempts: waiting.attempts,
            acknowledges: genuine && report.is_taken(),
        };
        let pause = SCHEDULE_S.get(waiting.attempts.saturating_sub(1));
        match pause {
            Some(pause) if genuine && !report.is_taken() => {
                waiting.due_at = now + pause * 1000;
                waiting.leased = None;
            }
            _ => {
                desk.waiting.remove(place);
            }
        }
        // Another notice has passed: those that were to be overtaken may go.
        for held in &mut desk.waiting {
            let other = held.event_id != settled.event_id;
            if other && held.fault == Some(FaultKind::OutOfOrderNotice) && held.attempts == 0 {
                held.due_at = held.due_at.min(now);
            }
        }
        Ok(settled)
    }

    /// How many wait.
    pub(crate) fn waiting(&self) -> usize {
        self.lock().waiting.len()
    }

    fn knows(&self, event: &Event) -> bool {
        self.lock().known.contains(&event.id.to_string())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Desk> {
        self.0.lock().expect("no holder panics")
    }
}

impl Desk {
    fn is_new(&mut self, event: &Event) -> bool {
        let id = event.id.to_string();
        if !self.known.insert(id.clone()) {
            return false;
        }
        self.known_in_order.push_back(id);
        if self.known_in_order.len() > MOST_KNOWN
            && let Some(oldest) = self.known_in_order.pop_front()
        {
            self.known.remove(&oldest);
        }
        true
    }

    fn enqueue(
        &mut self,
        event: &Event,
        body: &str,
        fault: Option<(FaultKind, u32)>,
        now: i64,
    ) -> Result<()> {
        let mut put = |fault: Option<FaultKind>, due_at: i64| {
            self.waiting.push_back(Waiting {
                delivery_id: format!("dlv_{}", random::nonce()),
                event_id: event.id.to_string(),
                event: event.event.text().to_owned(),
                body: body.to_owned(),
                resource: event.resource.clone(),
                attempts: 0,
                fault,
                due_at,
                leased: None,
            });
        };
        match fault {
            Some((FaultKind::LostNotice, _)) => {}
            Some((kind @ (FaultKind::ForgedNotice | FaultKind::StaleNotice), _)) => {
                put(Some(kind), now);
                put(None, now);
            }
            Some((kind @ FaultKind::DuplicateNotice, _)) => {
                put(Some(kind), now);
                put(Some(kind), now);
            }
            Some((kind @ FaultKind::OutOfOrderNotice, _)) => put(Some(kind), now + OVERTAKEN_MS),
            Some((kind @ FaultKind::LateNotice, delay_s)) => {
                // Late by the event's own time, whenever somebody begins to listen.
                let at = event.created_at.parse::<jiff::Timestamp>().map_err(Problem::internal)?;
                put(Some(kind), at.as_millisecond() + i64::from(delay_s) * 1000);
            }
            _ => put(None, now),
        }
        Ok(())
    }
}

/// The body that one of the merchant's endpoints would get.
async fn body_of(app: &App, merchant: MerchantId, event: &Event) -> Result<String> {
    String::from_utf8(webhooks::told(app, merchant, event).await?).map_err(Problem::internal)
}

/// The notice with its signature of this moment.
fn signed(waiting: &Waiting, key: &SigningKey, now: i64) -> Notice {
    let at = if waiting.fault == Some(FaultKind::StaleNotice) { now - STALE_S } else { now };
    let mut signature = CallbackSignature::sign(key, waiting.body.as_bytes(), at);
    if waiting.fault == Some(FaultKind::ForgedNotice) {
        // It claims to be signed by the platform's key, and is signed by another of the same suite.
        let stranger = SigningKey::generate(key.suite());
        signature = CallbackSignature {
            serial: key.public().id().to_owned(),
            ..CallbackSignature::sign(&stranger, waiting.body.as_bytes(), at)
        };
    }
    let mut headers: BTreeMap<_, _> =
        signature.headers().into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    headers.insert("content-type".to_owned(), "application/json".to_owned());
    Notice {
        delivery_id: waiting.delivery_id.clone(),
        event_id: waiting.event_id.clone(),
        event: waiting.event.clone(),
        attempt: waiting.attempts,
        fault: waiting.fault,
        headers,
        body: waiting.body.clone(),
        resource: waiting.resource.clone(),
    }
}
