//! Listens, accepts, serves, and stops without dropping anybody's work.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use jialing_platform::webhooks::{Signers, deliver};
use jialing_platform::{App, idempotency, monitoring, nonces};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};
use tower::ServiceExt;

use crate::connections::{Connections, Place};
use crate::edge::Edge;
use crate::gates::{CLEAN_EVERY, Peer};
use crate::{EdgeConfig, build};

/// Pause after the system refused a connection, for instance for want of files.
const PAUSE_AFTER_REFUSAL: Duration = Duration::from_millis(50);

/// The HTTP edge.
#[derive(Debug)]
pub struct Gateway;

/// A gateway that serves. Dropping it stops it without draining; [`Running::stop`] drains.
#[derive(Debug)]
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    stop: watch::Sender<bool>,
    edge: Edge,
    accepting: Option<JoinHandle<()>>,
    helpers: Vec<JoinHandle<()>>,
    worked: mpsc::Receiver<()>,
}

impl Gateway {
    /// Listens on `config.listen` and serves `app`.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub async fn serve(app: App, config: EdgeConfig) -> std::io::Result<Running> {
        let listener = TcpListener::bind(config.listen).await?;
        Self::serve_on(app, config, listener)
    }

    /// Serves `app` on `listener`; `config.listen` is not read.
    ///
    /// # Errors
    /// When the listener has no address.
    pub fn serve_on(app: App, config: EdgeConfig, listener: TcpListener) -> std::io::Result<Running> {
        let address = listener.local_addr()?;
        let connections = Connections::new(config.limits.connections);
        let (working, worked) = mpsc::channel(1);
        let (stop, stopping) = watch::channel(false);
        let signers = Signers::new(config.answer_keys.clone());
        let (edge, router) = build(app, config, &working, &stopping);
        let telling = deliver::keep(&edge.app, signers).map_err(std::io::Error::other)?;
        let mut helpers = vec![tokio::spawn(clean(edge.clone())), telling, writing(&edge)];
        helpers.extend(edge.city.clone().map(|city| tokio::spawn(city.follow(edge.app.clone()))));
        let accepting = Accepting { listener, router, edge: edge.clone(), connections, stopping, working };
        let accepting = Some(tokio::spawn(accepting.run()));
        Ok(Running { address, stop, edge, accepting, helpers, worked })
    }
}

impl Running {
    /// Stops: takes no further connection, closes the idle ones, and waits for the requests that are
    /// being worked on, at most `limits.drain_seconds`.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        let drained = async {
            if let Some(accepting) = self.accepting.as_mut() {
                let _ = accepting.await;
            }
            // Ends when the last request's task has let go of its sender.
            while self.worked.recv().await.is_some() {}
        };
        let limit = Duration::from_secs(self.edge.config.limits.drain_seconds);
        if tokio::time::timeout(limit, drained).await.is_err() {
            tracing::warn!("requests were still being worked on when the time to drain was over");
        }
        write_rest(&self.edge).await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        self.helpers.iter().chain(&self.accepting).for_each(JoinHandle::abort);
    }
}

impl std::fmt::Debug for Edge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Edge")
    }
}

struct Accepting {
    listener: TcpListener,
    router: Router,
    edge: Edge,
    connections: Connections,
    stopping: watch::Receiver<bool>,
    /// Kept while connections are served: requests borrow it to say that they are being worked on.
    working: mpsc::Sender<()>,
}

impl Accepting {
    async fn run(self) {
        let mut stopping = self.stopping.clone();
        let mut serving = JoinSet::new();
        loop {
            tokio::select! {
                () = asked(&mut stopping) => break,
                Some(_) = serving.join_next() => {}
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, peer)) => self.admit(&mut serving, stream, peer),
                    Err(fault) => {
                        tracing::warn!(%fault, "a connection was not accepted");
                        tokio::time::sleep(PAUSE_AFTER_REFUSAL).await;
                    }
                },
            }
            metrics::gauge!("jialing_http_connections").set(self.connections.count() as f64);
        }
        drop(self.listener);
        while serving.join_next().await.is_some() {}
        drop(self.working);
    }

    fn admit(&self, serving: &mut JoinSet<()>, stream: TcpStream, peer: SocketAddr) {
        let Some(place) = self.connections.enter() else {
            metrics::counter!("jialing_http_connections_refused_total").increment(1);
            return;
        };
        // Answers are small and awaited: nothing is gained by holding them back.
        let _ = stream.set_nodelay(true);
        serving.spawn(converse(
            self.edge.clone(),
            self.router.clone(),
            stream,
            peer,
            place,
            self.stopping.clone(),
        ));
    }
}

/// Serves one connection until it ends, makes room, or the server stops.
async fn converse(
    edge: Edge,
    router: Router,
    stream: TcpStream,
    peer: SocketAddr,
    place: Place,
    mut stopping: watch::Receiver<bool>,
) {
    let limits = &edge.config.limits;
    let place = Arc::new(place);
    let inner = place.clone();
    let service = hyper::service::service_fn(move |request: hyper::Request<Incoming>| {
        let working = inner.work();
        let mut request: Request = request.map(Body::new);
        request.extensions_mut().insert(Peer(peer));
        request.extensions_mut().insert(working.clone());
        let answered = router.clone().oneshot(request);
        async move {
            let response = answered.await;
            drop(working);
            response
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(limits.idle_seconds))
        // The layer inside refuses with a problem; this bound is for those who go far beyond.
        .max_buf_size((2 * limits.head_bytes).max(32 << 10))
        .half_close(false)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => return,
        () = place.connection.evicted.notified() => return,
        () = asked(&mut stopping) => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

/// An edge without a listener: whoever stands in front hands it the requests, one by one. Cheap to
/// clone; clones are one.
#[derive(Clone)]
pub struct Mounted {
    router: Router,
    edge: Edge,
    held: Arc<Held>,
}

/// What a mounted edge holds while requests may come.
struct Held {
    stop: watch::Sender<bool>,
    /// Requests borrow it to say that they are being worked on; taken away by the stop.
    working: Mutex<Option<mpsc::Sender<()>>>,
    worked: tokio::sync::Mutex<mpsc::Receiver<()>>,
    helpers: [JoinHandle<()>; 2],
}

impl Gateway {
    /// Puts an edge for `app` together that does not listen; `config.listen` is not read.
    #[must_use]
    pub fn mount(app: App, config: EdgeConfig) -> Mounted {
        let (working, worked) = mpsc::channel(1);
        let (stop, stopping) = watch::channel(false);
        let (edge, router) = build(app, config, &working, &stopping);
        let helpers = [tokio::spawn(clean(edge.clone())), writing(&edge)];
        let held = Held {
            stop,
            working: Mutex::new(Some(working)),
            worked: tokio::sync::Mutex::new(worked),
            helpers,
        };
        Mounted { router, edge, held: Arc::new(held) }
    }
}

impl Mounted {
    /// Answers `request`, which came from `peer`. Its path is the edge's own: `/v1/…`.
    pub async fn answer(&self, peer: SocketAddr, mut request: Request) -> Response {
        request.extensions_mut().insert(Peer(peer));
        self.router.clone().oneshot(request).await.into_response()
    }

    /// Stops: takes no further request and waits for those that are being worked on, at most
    /// `limits.drain_seconds`.
    pub async fn stop(&self) {
        self.held.stop.send_replace(true);
        self.held.working.lock().expect("no holder panics").take();
        let drained = async { while self.held.worked.lock().await.recv().await.is_some() {} };
        let limit = Duration::from_secs(self.edge.config.limits.drain_seconds);
        if tokio::time::timeout(limit, drained).await.is_err() {
            tracing::warn!("requests were still being worked on when the time to drain was over");
        }
        write_rest(&self.edge).await;
        self.held.helpers.iter().for_each(JoinHandle::abort);
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.helpers.iter().for_each(JoinHandle::abort);
    }
}

impl std::fmt::Debug for Mounted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Mounted")
    }
}

/// Waits until a stop is asked for.
async fn asked(stopping: &mut watch::Receiver<bool>) {
    let _ = stopping.wait_for(|stop| *stop).await;
}

/// Writes what merchants' servers asked, minute by minute.
fn writing(edge: &Edge) -> JoinHandle<()> {
    monitoring::keep_writing(&edge.app, edge.meter.clone())
}

/// Writes what the last minute counted, when nothing more is counted.
async fn write_rest(edge: &Edge) {
    if let Err(problem) = monitoring::flush(&edge.app, &edge.meter).await {
        tracing::warn!(
            code = problem.code.text(),
            fault = problem.internal.as_deref(),
            "the last minute of integrators' figures was not written"
        );
    }
}

/// Cleans away what the edge keeps for a time.
async fn clean(edge: Edge) {
    loop {
        tokio::time::sleep(CLEAN_EVERY).await;
        let hours = edge.config.limits.idempotency_hours;
        for cleaned in [idempotency::clean(&edge.app, hours).await, nonces::clean(&edge.app).await] {
            if let Err(problem) = cleaned {
                tracing::warn!(
                    code = problem.code.text(),
                    fault = problem.internal.as_deref(),
                    "cleaning failed and will be tried again"
                );
            }
        }
    }
}
