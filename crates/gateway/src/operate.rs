//! For operators: is it alive, may it take traffic, what does it count. Not part of the API.

use std::sync::OnceLock;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use jialing_crypto::random;
use jialing_platform::follow::Follower;
use jialing_platform::witnesses::Standing;
use jialing_platform::{App, Code, Problem};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use serde_json::{Value, json};

use crate::answer::Failed;
use crate::edge::Edge;
use crate::gates::{Peer, bearer};

/// Records that a follower may lag behind before this node asks not to be sent traffic.
const MOST_LAG: u64 = 50_000;
/// How long the database may take to say that it is there.
const DATABASE_WAIT: Duration = Duration::from_secs(2);
/// Bounds of the histogram of request times, seconds.
const BOUNDS: [f64; 12] = [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

pub(crate) fn routes() -> Router<Edge> {
    // The recorder must stand before the first figure is counted.
    recorder();
    Router::new()
        .route("/healthz", get(async || Json(json!({ "status": "ok" }))))
        .route("/readyz", get(ready))
        .route("/metrics", get(figures))
        .route("/openapi.json", get(async || ([(header::CONTENT_TYPE, "application/json")], description())))
}

/// The API's description, made once.
fn description() -> &'static str {
    static DESCRIPTION: OnceLock<String> = OnceLock::new();
    DESCRIPTION.get_or_init(crate::openapi)
}

/// Ready: the ledger runs, the database answers, the followers keep up, and no stop was asked for.
async fn ready(State(edge): State<Edge>) -> Response {
    match readiness(&edge).await {
        Ok(body) => Json(body).into_response(),
        Err(problem) => Failed(problem).into_response(),
    }
}

async fn readiness(edge: &Edge) -> Result<Value, Problem> {
    let not_ready = |why: &str| Problem::new(Code::Overloaded).detail(why).retry_after(1);
    if *edge.stopping.borrow() {
        return Err(not_ready("The server is stopping."));
    }
    edge.app.engine.totals().await.map_err(|_| not_ready("The ledger has stopped."))?;
    match tokio::time::timeout(DATABASE_WAIT, edge.app.db.ping()).await {
        Ok(Ok(())) => {}
        _ => return Err(not_ready("The database does not answer.")),
    }
    let records = *edge.app.engine.durable().borrow();
    let lag = lags(&edge.app, records);
    let most = lag.iter().map(|(_, lag)| *lag).max().unwrap_or(0);
    let body = json!({
        "status": "ready",
        "records": records,
        "lag": lag.iter().map(|(name, lag)| ((*name).to_owned(), json!(lag))).collect::<serde_json::Map<_, _>>(),
        "uptime_seconds": edge.started.elapsed().as_secs(),
    });
    if most > MOST_LAG {
        Err(not_ready("A follower lags behind the journal.").with("lag", most))
    } else {
        Ok(body)
    }
}

fn lags(app: &App, records: u64) -> Vec<(&'static str, u64)> {
    Follower::ALL
        .into_iter()
        .map(|follower| (follower.name(), records.saturating_sub(app.progress.of(follower))))
        .collect()
}

/// Prometheus text. Only for whoever has the token or, without one, for loopback callers.
async fn figures(State(edge): State<Edge>, request: Request) -> Response {
    if !may_read(&edge, &request) {
        return Failed::from(Code::NotFound).into_response();
    }
    measure(&edge.app);
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], recorder().render()).into_response()
}

fn may_read(edge: &Edge, request: &Request) -> bool {
    match &edge.config.metrics_token {
        Some(token) => {
            bearer(request.headers()).is_some_and(|given| random::same(given.as_bytes(), token.as_bytes()))
        }
        None => {
            edge.config.trusted_proxies == 0
                && request.extensions().get::<Peer>().is_some_and(|peer| peer.0.ip().is_loopback())
        }
    }
}

/// Sets the figures that are read rather than counted.
fn measure(app: &App) {
    let stats = app.engine.stats();
    for (name, value) in [
        ("jialing_ledger_records", stats.records),
        ("jialing_ledger_accounts", stats.accounts),
        ("jialing_ledger_done", stats.done),
        ("jialing_ledger_refused", stats.refused),
        ("jialing_ledger_already", stats.already),
        ("jialing_ledger_batches", stats.batches),
        ("jialing_ledger_queued", stats.queued),
        ("jialing_ledger_flush_max_us", stats.flush_max_us),
        ("jialing_ledger_bytes", stats.bytes),
    ] {
        metrics::gauge!(name).set(value as f64);
    }
    for (follower, lag) in lags(app, stats.records) {
        metrics::gauge!("jialing_follower_lag_records", "follower" => follower).set(lag as f64);
    }
    for (asked, standing) in app.witnesses.all() {
        let cosigns = f64::from(u8::from(matches!(standing, Standing::Cosigned(_))));
        metrics::gauge!("jialing_witness_cosigns", "witness" => asked.key.name().to_owned()).set(cosigns);
    }
    recorder().run_upkeep();
}

/// The process's recorder; all gateways of a process share it.
fn recorder() -> &'static PrometheusHandle {
    static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();
    RECORDER.get_or_init(|| {
        let builder = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Full("jialing_http_request_seconds".into()), &BOUNDS)
            .expect("the bounds are not empty");
        let recorder = builder.build_recorder();
        let handle = recorder.handle();
        if metrics::set_global_recorder(recorder).is_err() {
            tracing::warn!("another recorder of figures is installed: /metrics shows none of ours");
        }
        handle
    })
}
