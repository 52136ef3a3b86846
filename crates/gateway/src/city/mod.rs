//! The live view of a demonstration city: supply, pace, latest payments, newest checkpoint.
//!
//! One task reads the journal's feed from the beginning of the day, keeps what the view shows
//! ([`window`]), and tells all streams once a second. Nobody is named: a payment shows its kind, its
//! amount, its time and, where a shop took or gave back money, the shop.

mod view;
mod window;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use jialing_platform::id::TransactionId;
use jialing_platform::receipts::{self, Receipt};
use jialing_platform::{App, Code, Problem, Result};
use tokio::sync::watch;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::answer::{Answer, Failed, found};
use crate::connections::Working;
use crate::edge::Edge;
use crate::extract::Path;
use crate::gates::public_reads;

use view::City as View;
use window::Window;

/// Time between two views.
const EVERY: Duration = Duration::from_secs(1);
/// How long the first view may take.
const FIRST_WAIT: Duration = Duration::from_secs(5);
/// Records read together.
const BATCH: usize = 1000;

pub(crate) fn routes() -> OpenApiRouter<Edge> {
    public_reads(OpenApiRouter::new().routes(routes!(read)).routes(routes!(live)).routes(routes!(receipt)))
}

/// The newest view, told to whoever listens. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct City(watch::Sender<Option<Arc<View>>>);

impl Default for City {
    fn default() -> Self {
        Self(watch::Sender::new(None))
    }
}

impl City {
    /// Keeps the view up to date until it is aborted.
    pub(crate) async fn follow(self, app: App) {
        let mut window = Window::default();
        let mut next = None;
        let mut tick = tokio::time::interval(EVERY);
        loop {
            tick.tick().await;
            match step(&app, &mut window, next).await {
                Ok((read, view)) => {
                    next = Some(read);
                    if let Some(view) = view {
                        self.0.send_replace(Some(Arc::new(view)));
                    }
                }
                Err(problem) => {
                    tracing::warn!(
                        code = problem.code.text(),
                        fault = problem.internal.as_deref(),
                        "the city's view was not renewed"
                    );
                }
            }
        }
    }
}

/// Reads on from record `next`, or from the beginning of the day; where to read on, and the view.
async fn step(app: &App, window: &mut Window, next: Option<u64>) -> Result<(u64, Option<View>)> {
    let mut next = match next {
        Some(next) => next,
        None => first_of(app, window::start_of_day(app.clock.millis())).await?,
    };
    loop {
        let records = app.engine.feed(next, BATCH).await.map_err(Problem::internal)?;
        let Some(last) = records.last() else { break };
        next = last.seq + 1;
        records.iter().for_each(|record| window.take(record));
    }
    Ok((next, View::of(app, window).await?))
}

/// The first record at or after `millis`. The journal's times never go back, so it is found by halves.
async fn first_of(app: &App, millis: i64) -> Result<u64> {
    let mut high = *app.engine.durable().borrow();
    let mut low = 0;
    while low < high {
        let middle = low + (high - low) / 2;
        let records = app.engine.feed(middle, 1).await.map_err(Problem::internal)?;
        if records.first().is_some_and(|record| window::millis(record.time) < millis) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}

/// Shows the demonstration city: supply, pace, latest payments, newest checkpoint.
///
/// Problems: `not_found`, on a platform that shows no city.
#[utoipa::path(get, path = "/v1/public/city", operation_id = "read_city", tag = "demonstration",
    responses((status = 200, description = "The city now", body = View)))]
async fn read(State(edge): State<Edge>) -> Answer<View> {
    let mut views = edge.city.as_ref().ok_or(Code::NotFound)?.0.subscribe();
    let first = tokio::time::timeout(FIRST_WAIT, views.wait_for(Option::is_some)).await;
    let view = first.ok().and_then(std::result::Result::ok).and_then(|view| view.clone());
    found((*view.ok_or(Code::Overloaded)?).clone())
}

/// Streams the demonstration city as server-sent events: `city`, once a second.
///
/// Problems: `not_found`, on a platform that shows no city.
#[utoipa::path(get, path = "/v1/public/city/live", operation_id = "follow_city", tag = "demonstration",
    responses((status = 200, description = "Events named `city`, each with a City", body = String, content_type = "text/event-stream")))]
async fn live(State(edge): State<Edge>, working: Option<Extension<Working>>) -> Result<Response, Failed> {
    let views = edge.city.as_ref().ok_or(Code::NotFound)?.0.subscribe();
    let place =
        edge.streams.clone().try_acquire_owned().map_err(|_| {
            Problem::new(Code::Overloaded).retry_after(30).detail("All live streams are taken.")
        })?;
    // The place and the mark that the connection works are held as long as the stream lives.
    let listening = Listening {
        views,
        stopping: edge.stopping.clone(),
        _held: (place, working.map(|Extension(working)| working)),
    };
    let events = stream::unfold(listening, |mut listening| async {
        let view = listening.next().await?;
        let event = Event::default().event("city").json_data(&*view).ok()?;
        Some((Ok::<_, Infallible>(event), listening))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::default()).into_response())
}

struct Listening<H> {
    views: watch::Receiver<Option<Arc<View>>>,
    stopping: watch::Receiver<bool>,
    _held: H,
}

impl<H> Listening<H> {
    /// The next view; none when the server stops.
    async fn next(&mut self) -> Option<Arc<View>> {
        loop {
            tokio::select! {
                changed = self.views.changed() => changed.ok()?,
                _ = self.stopping.changed() => return None,
            }
            let view = self.views.borrow_and_update().clone();
            if view.is_some() {
                return view;
            }
        }
    }
}

/// Shows a transaction's receipt without names.
#[utoipa::path(get, path = "/v1/public/city/receipts/{transaction_id}", operation_id = "read_city_receipt", tag = "demonstration",
    params(("transaction_id" = TransactionId, Path)), responses((status = 200, description = "The receipt", body = Receipt)))]
async fn receipt(State(app): State<App>, Path(transaction): Path<TransactionId>) -> Answer<Receipt> {
    found(receipts::without_names(&app, transaction).await?)
}
