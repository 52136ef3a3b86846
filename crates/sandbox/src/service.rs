//! What every service of the city has: a key, callers it knows, faults, and a way to stop.

use std::collections::{HashSet, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use jialing_crypto::http_signature::{CallbackSignature, RequestSignature, is_fresh};
use jialing_crypto::{PublicKey, SigningKey};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::clock::CityClock;
use crate::fault::{Fault, FaultKind, Faults};

/// How far a caller's timestamp may be from our clock, in seconds of real time.
const WINDOW_S: u64 = 300;

/// How long a nonce is remembered, in seconds of real time.
const NONCE_S: i64 = 600;

/// The longest request body, in bytes.
const BODY_BYTES: usize = 64 * 1024;

/// How long a request that is never answered is held open.
const HOLD: Duration = Duration::from_secs(120);

/// The common part of a service.
#[derive(Debug)]
pub(crate) struct Desk {
    /// Its name in answers and files: `identity`, `notice`, or an institution.
    pub(crate) name: String,
    /// Its key.
    pub(crate) key: SigningKey,
    /// A key nobody knows, for the fault of that name.
    stranger: SigningKey,
    /// The id the platform calls by.
    caller_id: String,
    /// The platform's keys.
    callers: Vec<PublicKey>,
    /// The city's clock.
    pub(crate) clock: CityClock,
    /// What goes wrong next.
    pub(crate) faults: Faults,
    nonces: Mutex<Nonces>,
    stop: watch::Receiver<bool>,
}

/// A request of the rail whose signature was checked.
pub(crate) struct Asked {
    /// Path with query.
    pub(crate) target: String,
    /// The body.
    pub(crate) body: Bytes,
    /// What shall go wrong with it.
    pub(crate) fault: Option<Fault>,
}

impl Asked {
    /// The body as `T`; otherwise status 400.
    pub(crate) fn read<T: for<'de> Deserialize<'de>>(&self) -> Result<T, StatusCode> {
        serde_json::from_slice(&self.body).map_err(|_| StatusCode::BAD_REQUEST)
    }

    /// Whether the fault is of this kind.
    pub(crate) fn suffers(&self, kind: FaultKind) -> bool {
        self.fault.as_ref().is_some_and(|fault| fault.kind == kind)
    }
}

impl Desk {
    pub(crate) fn new(
        name: &str,
        key: SigningKey,
        caller_id: &str,
        callers: &[PublicKey],
        clock: CityClock,
        stop: watch::Receiver<bool>,
    ) -> Self {
        Self {
            name: name.to_owned(),
            stranger: SigningKey::generate(key.suite()),
            key,
            caller_id: caller_id.to_owned(),
            callers: callers.to_vec(),
            clock,
            faults: Faults::default(),
            nonces: Mutex::default(),
            stop,
        }
    }

    /// The id the platform calls by.
    pub(crate) fn caller_id(&self) -> &str {
        &self.caller_id
    }

    /// Carries a request of the rail through: who calls, what goes wrong, what `act` answers.
    ///
    /// `act` decides and has its effect at once; it must not wait.
    pub(crate) async fn serve(
        &self,
        method: Method,
        uri: Uri,
        headers: HeaderMap,
        body: Bytes,
        act: impl FnOnce(&Asked) -> Result<Value, StatusCode>,
    ) -> Response {
        self.serve_with((method, uri, headers, body), |_, _| None, |asked| act(asked).map(Reply::json)).await
    }

    /// The same; where no fault was ordered, `magic` may find one in the request itself.
    pub(crate) async fn serve_with(
        &self,
        (method, uri, headers, body): (Method, Uri, HeaderMap, Bytes),
        magic: impl FnOnce(&str, &[u8]) -> Option<Fault>,
        act: impl FnOnce(&Asked) -> Result<Reply, StatusCode>,
    ) -> Response {
        let target = uri.path_and_query().map_or("/", |target| target.as_str()).to_owned();
        if let Err(why) = self.admit(&method, &target, &headers, &body) {
            return (StatusCode::UNAUTHORIZED, Json(json!({ "detail": why }))).into_response();
        }
        let ordered = self.faults.take(&target, &String::from_utf8_lossy(&body));
        let fault = ordered.or_else(|| magic(&target, &body));
        let asked = Asked { target, body, fault };
        match asked.fault.as_ref().map(|fault| fault.kind) {
            Some(FaultKind::TimeoutBefore) => return self.hold().await,
            Some(FaultKind::Error500) => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
            _ => {}
        }
        let answer = match act(&asked) {
            Ok(answer) => answer,
            Err(status) => return status.into_response(),
        };
        match asked.fault.map(|fault| fault.kind) {
            Some(FaultKind::Timeout) => self.hold().await,
            Some(FaultKind::Error500After) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
            Some(FaultKind::Torn) => torn(&answer),
            Some(FaultKind::BadSignature) => signed(&self.stranger, answer),
            _ => signed(&self.key, answer),
        }
    }

    /// Checks the caller's signature, its time and that its nonce is new.
    fn admit(
        &self,
        method: &Method,
        target: &str,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<(), &'static str> {
        let header = headers
            .get("authorization")
            .and_then(|value| value.to_str().ok())
            .ok_or("there is no Authorization header")?;
        let signature =
            RequestSignature::parse(header).map_err(|_| "the Authorization header is not ours")?;
        if signature.mchid != self.caller_id {
            return Err("the caller is not known");
        }
        let key = self
            .callers
            .iter()
            .find(|key| key.id() == signature.serial_no)
            .ok_or("the caller's key is not known")?;
        signature
            .verify(key, method.as_str(), target, body)
            .map_err(|_| "the signature does not fit the request")?;
        let now = Timestamp::now().as_second();
        if !is_fresh(signature.timestamp, now, WINDOW_S) {
            return Err("the timestamp is too far from our clock");
        }
        let mut nonces = self.nonces.lock().expect("no holder panics");
        if !nonces.remember(signature.nonce, now) {
            return Err("the nonce was used before");
        }
        Ok(())
    }

    /// Never answers, until the caller gives up or the service stops.
    async fn hold(&self) -> Response {
        let mut stop = self.stop.clone();
        tokio::select! {
            () = tokio::time::sleep(HOLD) => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
        StatusCode::GATEWAY_TIMEOUT.into_response()
    }

    /// Completes when the service stops.
    pub(crate) async fn stopped(&self) {
        let mut stop = self.stop.clone();
        // A dropped sender stops as well.
        let _ = stop.wait_for(|stop| *stop).await;
    }
}

/// The nonces of the last [`NONCE_S`] seconds.
#[derive(Debug, Default)]
struct Nonces {
    by_age: VecDeque<(i64, String)>,
    seen: HashSet<String>,
}

impl Nonces {
    /// False when the nonce is remembered already.
    fn remember(&mut self, nonce: String, now: i64) -> bool {
        while self.by_age.front().is_some_and(|(until, _)| *until < now) {
            if let Some((_, old)) = self.by_age.pop_front() {
                self.seen.remove(&old);
            }
        }
        if !self.seen.insert(nonce.clone()) {
            return false;
        }
        self.by_age.push_back((now + NONCE_S, nonce));
        true
    }
}

/// What a service answers, before anything goes wrong with it.
pub(crate) struct Reply {
    content_type: &'static str,
    body: Vec<u8>,
}

impl Reply {
    pub(crate) fn json(value: Value) -> Self {
        Self { content_type: "application/json; charset=utf-8", body: value.to_string().into_bytes() }
    }

    pub(crate) fn xml(body: Vec<u8>) -> Self {
        Self { content_type: jialing_rails::iso20022::CONTENT_TYPE, body }
    }
}

/// A signed answer.
fn signed(key: &SigningKey, reply: Reply) -> Response {
    let now = Timestamp::now().as_second();
    let headers = CallbackSignature::sign(key, &reply.body, now).headers();
    let mut response = ([("content-type", reply.content_type)], reply.body).into_response();
    for (name, value) in headers {
        if let Ok(value) = value.parse() {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// The first half of an answer, then a broken connection.
fn torn(answer: &Reply) -> Response {
    let half = Bytes::copy_from_slice(&answer.body[..answer.body.len() / 2]);
    let broken = io::Error::new(io::ErrorKind::ConnectionAborted, "torn on order");
    let body = Body::from_stream(futures_util::stream::iter([Ok(half), Err(broken)]));
    ([("content-type", answer.content_type)], body).into_response()
}

/// A service that is listening.
pub(crate) struct Listening {
    pub(crate) address: SocketAddr,
    pub(crate) task: tokio::task::JoinHandle<()>,
}

/// Binds a loopback port (0 for any) and serves `router` beside the doors every service has.
pub(crate) async fn listen(port: u16, desk: Arc<Desk>, router: axum::Router) -> io::Result<Listening> {
    let listener = TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, port)).await?;
    let address = listener.local_addr()?;
    let common = axum::Router::new()
        .route("/", get(index))
        .route("/clock", get(read_clock).post(move_clock))
        .route("/faults", get(list_faults).post(order_fault).delete(clear_faults))
        .with_state(desk.clone());
    let router = common.merge(router).layer(DefaultBodyLimit::max(BODY_BYTES));
    let task = tokio::spawn(async move {
        let stopping = async move { desk.stopped().await };
        if let Err(error) = axum::serve(listener, router).with_graceful_shutdown(stopping).await {
            tracing::error!(%error, "a sandbox service stopped");
        }
    });
    Ok(Listening { address, task })
}

/// `GET /`
async fn index(State(desk): State<Arc<Desk>>) -> Json<Value> {
    Json(json!({
        "sandbox": desk.name,
        "now": desk.clock.now(),
        "key_id": desk.key.public().id(),
        "public_key": desk.key.public().to_pem(),
    }))
}

/// `GET /clock`
async fn read_clock(State(desk): State<Arc<Desk>>) -> Json<Value> {
    Json(clock(&desk))
}

fn clock(desk: &Desk) -> Value {
    json!({
        "now": desk.clock.now(),
        "day": desk.clock.today(),
        "offset_s": desk.clock.offset_s(),
    })
}

/// How the clock is moved: by seconds, or to a time.
#[derive(Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum MoveClock {
    Advance { advance_s: i64 },
    Set { set: Timestamp },
}

/// `POST /clock`
async fn move_clock(State(desk): State<Arc<Desk>>, Json(ask): Json<MoveClock>) -> Json<Value> {
    let seconds = match ask {
        MoveClock::Advance { advance_s } => advance_s,
        MoveClock::Set { set } => set.as_second() - desk.clock.now().as_second(),
    };
    desk.clock.advance(seconds);
    Json(clock(&desk))
}

/// `GET /faults`
async fn list_faults(State(desk): State<Arc<Desk>>) -> Json<Vec<Fault>> {
    Json(desk.faults.waiting())
}

/// `POST /faults`
async fn order_fault(State(desk): State<Arc<Desk>>, Json(fault): Json<Fault>) -> Response {
    if desk.faults.order(fault) {
        (StatusCode::CREATED, Json(desk.faults.waiting())).into_response()
    } else {
        StatusCode::TOO_MANY_REQUESTS.into_response()
    }
}

/// `DELETE /faults`
async fn clear_faults(State(desk): State<Arc<Desk>>) -> StatusCode {
    desk.faults.clear();
    StatusCode::NO_CONTENT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_is_remembered_for_ten_minutes() {
        let mut nonces = Nonces::default();
        let mut check = |nonce: &str, now, expect| assert_eq!(nonces.remember(nonce.to_owned(), now), expect);
        check("a", 0, true);
        check("a", NONCE_S, false);
        check("b", NONCE_S, true);
        check("a", NONCE_S + 1, true);
        check("b", NONCE_S + 1, false);
    }
}
