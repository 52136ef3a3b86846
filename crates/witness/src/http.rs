//! The HTTP side: `POST /add-checkpoint` as C2SP `tlog-witness` says, and what anybody may read.
//!
//! | route | answer |
//! |---|---|
//! | `POST /add-checkpoint` | 200 and the cosignature line; or 400, 403, 404, 409, 413, 422, 500 and why |
//! | `GET /checkpoint?origin=…` | the newest checkpoint cosigned for that log |
//! | `GET /` | the witness's verifier key and its logs, as text |
//!
//! The answer to another old size than the one cosigned last is 409 with that size alone, in
//! `text/x.tlog.size`; the header `reason` says `rollback` when the checkpoint was smaller. A fork is 409
//! in plain text.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Query, Request, State};
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde::Deserialize;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tower::ServiceExt;

use crate::Witness;
use crate::rules::{MAX_REQUEST, Refusal};

/// Connections open at once; further ones wait.
pub const MAX_CONNECTIONS: usize = 256;
/// Time for a request's head to come, and for an idle connection.
pub const IDLE: Duration = Duration::from_secs(30);
/// Time for a request's body to come.
pub const BODY: Duration = Duration::from_secs(10);
/// Time that a stop waits for requests.
const DRAIN: Duration = Duration::from_secs(10);
/// After the system refused a connection.
const PAUSE: Duration = Duration::from_millis(50);

const PLAIN: &str = "text/plain; charset=utf-8";
const SIZE: &str = "text/x.tlog.size";
const REASON: HeaderName = HeaderName::from_static("reason");

/// The witness's routes.
pub fn router(witness: Arc<Witness>) -> Router {
    Router::new()
        .route("/add-checkpoint", post(add))
        .route("/checkpoint", get(checkpoint))
        .route("/", get(about))
        .with_state(witness)
}

async fn add(State(witness): State<Arc<Witness>>, request: Request) -> Response {
    let read = axum::body::to_bytes(request.into_body(), MAX_REQUEST);
    let body = match tokio::time::timeout(BODY, read).await {
        Ok(Ok(body)) => body,
        Ok(Err(_)) => return plain(StatusCode::PAYLOAD_TOO_LARGE, "the request is longer than 68 KiB\n"),
        Err(_) => return plain(StatusCode::REQUEST_TIMEOUT, "the request did not arrive in time\n"),
    };
    let decided = tokio::task::spawn_blocking(move || witness.add(&body)).await;
    match decided {
        Ok(Ok(line)) => plain(StatusCode::OK, line),
        Ok(Err(refusal)) => refused(&refusal),
        Err(fault) => {
            tracing::error!(%fault, "a request ended in a panic");
            plain(StatusCode::INTERNAL_SERVER_ERROR, "a fault of the witness\n")
        }
    }
}

fn refused(refusal: &Refusal) -> Response {
    let status = match refusal {
        Refusal::OtherSize { latest, rollback } => {
            let reason = if *rollback { "rollback" } else { "other-size" };
            let headers = [(header::CONTENT_TYPE, SIZE), (REASON, reason)];
            return (StatusCode::CONFLICT, headers, format!("{latest}\n")).into_response();
        }
        Refusal::Malformed(_) | Refusal::Backwards { .. } => StatusCode::BAD_REQUEST,
        Refusal::UnknownLog => StatusCode::NOT_FOUND,
        Refusal::NotSigned => StatusCode::FORBIDDEN,
        Refusal::Fork { .. } => StatusCode::CONFLICT,
        Refusal::NotConsistent(_) => StatusCode::UNPROCESSABLE_ENTITY,
        Refusal::Storage(_) => StatusCode::INTERNAL_SERVER_ERROR,
    };
    plain(status, format!("{refusal}\n"))
}

#[derive(Deserialize)]
struct Which {
    origin: String,
}

async fn checkpoint(State(witness): State<Arc<Witness>>, Query(which): Query<Which>) -> Response {
    match witness.checkpoint(&which.origin) {
        Some(note) => plain(StatusCode::OK, note),
        None => plain(StatusCode::NOT_FOUND, "nothing of this origin was cosigned here\n"),
    }
}

async fn about(State(witness): State<Arc<Witness>>) -> Response {
    let mut text = format!("witness {}\n", witness.verifier_key());
    for (log, seen) in witness.logs() {
        let size = seen.map_or_else(|| "nothing yet".to_owned(), |seen| format!("{} records", seen.size));
        text += &format!("log {} {size}\n", log.to_vkey());
    }
    plain(StatusCode::OK, text)
}

fn plain(status: StatusCode, text: impl Into<String>) -> Response {
    let headers = [(header::CONTENT_TYPE, PLAIN), (header::CACHE_CONTROL, "no-store")];
    (status, headers, text.into()).into_response()
}

/// A witness that serves. Dropped, it stops at once; [`Running::stop`] lets requests end.
#[derive(Debug)]
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    stop: watch::Sender<bool>,
    task: tokio::task::JoinHandle<()>,
}

/// Serves `witness` on `listener`.
///
/// # Errors
/// When the listener has no address.
pub fn serve(witness: Arc<Witness>, listener: TcpListener) -> std::io::Result<Running> {
    let address = listener.local_addr()?;
    let (stop, stopping) = watch::channel(false);
    let task = tokio::spawn(accept(router(witness), listener, stopping));
    Ok(Running { address, stop, task })
}

impl Running {
    /// Takes no further connection and waits, not for ever, for the requests under way.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        if tokio::time::timeout(DRAIN, &mut self.task).await.is_err() {
            tracing::warn!("requests were still under way at the stop");
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(router: Router, listener: TcpListener, mut stopping: watch::Receiver<bool>) {
    let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut serving = JoinSet::new();
    let asked = stopping.clone();
    loop {
        let place = tokio::select! {
            _ = stopping.wait_for(|stop| *stop) => break,
            Some(_) = serving.join_next() => continue,
            place = room.clone().acquire_owned() => place,
        };
        let (Ok(place), accepted) = (
            place,
            tokio::select! {
                _ = stopping.wait_for(|stop| *stop) => break,
                accepted = listener.accept() => accepted,
            },
        ) else {
            break;
        };
        match accepted {
            Ok((stream, _)) => {
                let (router, mut asked) = (router.clone(), asked.clone());
                serving.spawn(async move {
                    let _place = place;
                    let service = hyper::service::service_fn(move |request: hyper::Request<_>| {
                        router.clone().oneshot(request.map(Body::new))
                    });
                    let connection = http1::Builder::new()
                        .timer(TokioTimer::new())
                        .header_read_timeout(IDLE)
                        .half_close(false)
                        .serve_connection(TokioIo::new(stream), service);
                    tokio::pin!(connection);
                    tokio::select! {
                        _ = connection.as_mut() => return,
                        _ = asked.wait_for(|stop| *stop) => connection.as_mut().graceful_shutdown(),
                    }
                    let _ = connection.await;
                });
            }
            Err(fault) => {
                tracing::warn!(%fault, "a connection was not accepted");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
    drop(listener);
    while serving.join_next().await.is_some() {}
}
