//! Notices as they come: server-sent events, a bounded number of streams per person.
//!
//! A stream looks for new notices once a second, so it sees what any node wrote. A notice is dated by what
//! it tells, which may be a moment older than one that was told before; so each look reaches some seconds
//! back, and what was told is remembered for as long. A stream ends after [`LONGEST`], with its session and
//! with the server; whoever listens comes back with `Last-Event-ID`.

use std::collections::{HashMap, HashSet, VecDeque};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Extension;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use jialing_platform::id::{NoticeId, PersonId};
use jialing_platform::notices::{self, Notice};
use jialing_platform::sessions::{self, Actor};
use jialing_platform::{App, Code, Problem, Result};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::Interval;

use crate::answer::Failed;
use crate::connections::Working;
use crate::edge::Edge;
use crate::gates::Wallet;

/// Streams of one person at once.
pub(crate) const PER_PERSON: usize = 3;
/// How long one stream lasts.
const LONGEST: Duration = Duration::from_secs(600);
/// Between two looks.
const EVERY: Duration = Duration::from_secs(1);
/// Between two comments that keep the connection.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How far back each look reaches, milliseconds: far longer than a notice takes to be written.
const OVERLAP_MS: i64 = 30_000;
/// How far back a stream goes on at most, milliseconds: a day.
const OLDEST_MS: i64 = 86_400_000;
/// Notices told in one look.
const BATCH: u32 = 100;

/// How many streams each person has.
#[derive(Clone, Debug, Default)]
pub(crate) struct Listeners(Arc<Mutex<HashMap<PersonId, usize>>>);

/// A person's place among the streams, given back when dropped.
#[derive(Debug)]
struct Seat {
    listeners: Listeners,
    person: PersonId,
}

impl Listeners {
    fn sit(&self, person: PersonId) -> Option<Seat> {
        let mut seats = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = seats.entry(person).or_default();
        if *taken >= PER_PERSON {
            return None;
        }
        *taken += 1;
        Some(Seat { listeners: self.clone(), person })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut seats = self.listeners.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(taken) = seats.get_mut(&self.person) {
            *taken -= 1;
            if *taken == 0 {
                seats.remove(&self.person);
            }
        }
    }
}

/// Streams your notices as they come, as server-sent events named `notice`; the id of each is the notice's.
///
/// With `Last-Event-ID` it goes on after that notice, at most a day back. A person has at most three streams;
/// one ends after ten minutes and with its session. A browser's `EventSource` sends no bearer token: read
/// the stream with `fetch`.
///
/// Problems: `invalid_request`, `rate_limited`, `overloaded`.
#[utoipa::path(get, path = "/v1/wallet/notices/stream", operation_id = "follow_notices", tag = "notices",
    params(("Last-Event-ID" = Option<String>, Header, description = "The id of the last notice that was heard")),
    responses((status = 200, description = "Events named `notice`, each with a Notice", body = String,
        content_type = "text/event-stream")))]
pub(super) async fn stream(
    State(edge): State<Edge>,
    Wallet(actor): Wallet,
    headers: HeaderMap,
    working: Option<Extension<Working>>,
) -> Result<Response, Failed> {
    let now = edge.app.clock.millis();
    let after = match headers.get("last-event-id") {
        Some(value) => value.to_str().ok().and_then(|text| text.parse().ok()).ok_or_else(|| {
            Problem::new(Code::InvalidRequest)
                .field("Last-Event-ID")
                .detail("It is the id of a notice, as the stream sent it.")
        })?,
        None => start_of(now),
    };
    let seat = edge.listeners.sit(actor.person).ok_or_else(|| {
        Problem::new(Code::RateLimited)
            .retry_after(30)
            .detail(format!("You listen on {PER_PERSON} streams already. Close one."))
    })?;
    let place =
        edge.streams.clone().try_acquire_owned().map_err(|_| {
            Problem::new(Code::Overloaded).retry_after(30).detail("All live streams are taken.")
        })?;
    let listening = Listening {
        app: edge.app.clone(),
        actor,
        window: Window::new(after.max(start_of(now - OLDEST_MS))),
        waiting: VecDeque::new(),
        looks: tokio::time::interval(EVERY),
        until: Instant::now() + LONGEST,
        stopping: edge.stopping.clone(),
        _held: (seat, place, working.map(|Extension(working)| working)),
    };
    let events = stream::unfold(listening, |mut listening| async {
        let notice = listening.next().await?;
        let event = Event::default().id(notice.id.to_string()).event("notice").json_data(&notice).ok()?;
        Some((Ok::<_, Infallible>(event), listening))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::default().interval(HEARTBEAT)).into_response())
}

/// The lowest id of a notice of `millis`.
const fn start_of(millis: i64) -> NoticeId {
    NoticeId::from_parts(millis, 0)
}

/// What was told, as far back as anything may still come.
#[derive(Debug)]
struct Window {
    from: NoticeId,
    told: HashSet<NoticeId>,
}

impl Window {
    fn new(from: NoticeId) -> Self {
        Self { from, told: HashSet::new() }
    }

    /// Those of `found`, all there are above the window's beginning up to a limit, that are news. The window
    /// moves on to `settled`, before which nothing comes any more, or to the last one of a full look.
    fn news(&mut self, found: Vec<Notice>, is_full: bool, settled: NoticeId) -> Vec<Notice> {
        let last = found.last().map(|notice| notice.id);
        let news: Vec<Notice> = found.into_iter().filter(|notice| self.told.insert(notice.id)).collect();
        let settled = match last {
            Some(last) if is_full => last.min(settled),
            _ => settled,
        };
        self.from = self.from.max(settled);
        // A full look within the overlap goes on behind itself.
        if is_full
            && let Some(last) = last
            && news.is_empty()
        {
            self.from = self.from.max(last);
        }
        self.told.retain(|id| *id > self.from);
        news
    }
}

struct Listening<H> {
    app: App,
    actor: Actor,
    window: Window,
    waiting: VecDeque<Notice>,
    looks: Interval,
    until: Instant,
    stopping: watch::Receiver<bool>,
    _held: H,
}

impl Listening<(Seat, OwnedSemaphorePermit, Option<Working>)> {
    /// The next notice; none when the stream ends.
    async fn next(&mut self) -> Option<Notice> {
        loop {
            if let Some(notice) = self.waiting.pop_front() {
                return Some(notice);
            }
            tokio::select! {
                _ = self.looks.tick() => {}
                _ = self.stopping.changed() => return None,
            }
            if Instant::now() >= self.until {
                return None;
            }
            match self.look().await {
                Ok(news) => self.waiting = news.into(),
                Err(problem) if problem.code == Code::Unauthenticated => return None,
                Err(problem) => {
                    tracing::warn!(code = problem.code.text(), "a stream of notices could not look and ends");
                    return None;
                }
            }
        }
    }

    async fn look(&mut self) -> Result<Vec<Notice>> {
        sessions::require_live(&self.app, &self.actor).await?;
        let found = notices::since(&self.app, &self.actor, self.window.from, BATCH).await?;
        let is_full = found.len() >= BATCH as usize;
        let settled = start_of(self.app.clock.millis() - OVERLAP_MS);
        Ok(self.window.news(found, is_full, settled))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notice(at: i64) -> Notice {
        let code = notices::NoticeCode::TransferReceived;
        let (params, subject) = (serde_json::Value::Null, String::new());
        Notice { id: start_of(at), code, params, subject, created_at: String::new(), read_at: None }
    }

    fn times(news: &[Notice]) -> Vec<NoticeId> {
        news.iter().map(|notice| notice.id).collect()
    }

    #[test]
    fn each_notice_is_told_once_even_one_that_was_written_late() {
        let mut window = Window::new(start_of(100));
        let settled = start_of(90);
        assert_eq!(times(&window.news(vec![notice(110)], false, settled)), [start_of(110)]);
        // Dated before the last that was told, and written after it.
        let found = vec![notice(105), notice(110)];
        assert_eq!(times(&window.news(found.clone(), false, settled)), [start_of(105)]);
        assert!(window.news(found, false, settled).is_empty());
        assert!(window.news(Vec::new(), false, start_of(120)).is_empty());
        assert_eq!((window.from, window.told.len()), (start_of(120), 0), "what is settled is forgotten");
    }

    #[test]
    fn a_full_look_goes_on_behind_itself() {
        let mut window = Window::new(start_of(0));
        assert_eq!(window.news(vec![notice(1), notice(2)], true, start_of(100)).len(), 2);
        assert_eq!(window.from, start_of(2));
        assert_eq!(window.news(vec![notice(3), notice(4)], true, start_of(1)).len(), 2);
        assert!(window.news(vec![notice(3), notice(4)], true, start_of(1)).is_empty());
        assert_eq!(window.from, start_of(4));
    }

    #[test]
    fn a_person_has_three_places_and_gets_them_back() {
        let listeners = Listeners::default();
        let (one, other) = (PersonId::from_number(16), PersonId::from_number(32));
        let seats: Vec<_> = (0..PER_PERSON).filter_map(|_| listeners.sit(one)).collect();
        assert_eq!(seats.len(), PER_PERSON);
        assert!(listeners.sit(one).is_none());
        assert!(listeners.sit(other).is_some());
        drop(seats);
        assert!(listeners.sit(one).is_some());
        assert_eq!(listeners.0.lock().expect("the lock").len(), 0, "who is gone is forgotten");
    }
}
