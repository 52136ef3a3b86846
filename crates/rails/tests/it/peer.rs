//! A peer of loopback HTTP whose every answer is scripted, and which remembers what it was asked.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use jialing_crypto::http_signature::{CallbackSignature, RequestSignature};
use jialing_crypto::{SigningKey, Suite};
use jialing_rails::{BadPeer, CallLimits, Peer, SignedCaller};

/// What the peer does with the next request.
pub(crate) enum Play {
    /// Answers with this JSON, signed; `{reference}` is filled in from the request.
    Signed(String),
    /// Answers with this JSON, signed by a key nobody knows.
    SignedByStranger(String),
    /// Answers with this JSON and a signature made so many seconds ago.
    SignedLongAgo(String, i64),
    /// Answers with this JSON under a signature over another body.
    SignedOtherwise(String),
    /// Answers with this JSON, not signed.
    Plain(String),
    /// Answers with a status, signed.
    Status(u16),
    /// Never answers.
    Silence,
}

#[derive(Clone)]
pub(crate) struct Asked {
    pub(crate) method: Method,
    pub(crate) target: String,
    pub(crate) body: String,
}

struct Shared {
    key: SigningKey,
    caller: SigningKey,
    script: Mutex<VecDeque<Play>>,
    asked: Mutex<Vec<Asked>>,
}

pub(crate) struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    task: tokio::task::JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start(script: Vec<Play>) -> Self {
        Self::start_with(script, Suite::Ed25519).await
    }

    pub(crate) async fn start_with(script: Vec<Play>, suite: Suite) -> Self {
        let shared = Arc::new(Shared {
            key: SigningKey::generate(suite),
            caller: SigningKey::generate(suite),
            script: Mutex::new(script.into()),
            asked: Mutex::default(),
        });
        let router = Router::new().fallback(answer).with_state(shared.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, shared, task }
    }

    pub(crate) fn peer(&self) -> Peer {
        Peer {
            name: "bank_a".to_owned(),
            base_url: format!("http://{}", self.address),
            caller_id: "jialing".to_owned(),
            key: self.shared.caller.clone(),
            peer_keys: vec![self.shared.key.public().clone()],
            limits: CallLimits { answer_ms: 3_000, ..CallLimits::default() },
        }
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.shared.asked.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(
    State(shared): State<Arc<Shared>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let target = uri.path_and_query().unwrap().to_string();
    let header = headers["authorization"].to_str().unwrap();
    let signature = RequestSignature::parse(header).unwrap();
    assert_eq!(signature.mchid, "jialing");
    signature.verify(shared.caller.public(), method.as_str(), &target, &body).unwrap();
    shared.asked.lock().unwrap().push(Asked {
        method,
        target: target.clone(),
        body: String::from_utf8(body.to_vec()).unwrap(),
    });
    let play = shared.script.lock().unwrap().pop_front().expect("a play");
    let fill = |text: String| text.replace("{reference}", &reference_in(&target, &body));
    let now = jiff::Timestamp::now().as_second();
    match play {
        Play::Signed(text) => signed(&shared.key, StatusCode::OK, fill(text), now),
        Play::SignedByStranger(text) => {
            let stranger = SigningKey::generate(shared.key.suite());
            signed(&stranger, StatusCode::OK, fill(text), now)
        }
        Play::SignedLongAgo(text, seconds) => signed(&shared.key, StatusCode::OK, fill(text), now - seconds),
        Play::SignedOtherwise(text) => {
            let text = fill(text);
            let mut response = signed(&shared.key, StatusCode::OK, format!("{text} "), now);
            *response.body_mut() = text.into();
            response
        }
        Play::Plain(text) => fill(text).into_response(),
        Play::Status(status) => {
            let status = StatusCode::from_u16(status).unwrap();
            signed(&shared.key, status, "{}".to_owned(), now)
        }
        Play::Silence => std::future::pending().await,
    }
}

fn signed(key: &SigningKey, status: StatusCode, body: String, timestamp: i64) -> Response {
    let mut response = (status, body.clone()).into_response();
    for (name, value) in CallbackSignature::sign(key, body.as_bytes(), timestamp).headers() {
        response.headers_mut().insert(name, value.parse().unwrap());
    }
    response
}

/// From the JSON body, or the end of the path.
fn reference_in(target: &str, body: &[u8]) -> String {
    match serde_json::from_slice::<serde_json::Value>(body) {
        Ok(body) => body["reference"].as_str().unwrap_or_default().to_owned(),
        Err(_) => target.rsplit('/').next().unwrap().to_owned(),
    }
}

#[tokio::test]
async fn a_peer_that_cannot_be_called_safely_is_refused_at_once() {
    let server = Server::start(vec![]).await;
    let check = |change: fn(&mut Peer), expect: Result<(), BadPeer>| {
        let mut peer = server.peer();
        change(&mut peer);
        assert_eq!(SignedCaller::new(peer).map(|_| ()), expect);
    };
    check(|_| {}, Ok(()));
    check(|p| p.base_url = "http://localhost:1".into(), Ok(()));
    check(|p| p.base_url = "http://[::1]:1".into(), Ok(()));
    check(|p| p.base_url = "https://bank.example".into(), Ok(()));
    check(|p| p.base_url = "http://bank.example".into(), Err(BadPeer::NotEncrypted));
    check(|p| p.base_url = "http://10.0.0.1".into(), Err(BadPeer::NotEncrypted));
    check(|p| p.base_url = "http://127.0.0.1.example".into(), Err(BadPeer::NotEncrypted));
    for bad in [
        "",
        "bank.example",
        "ftp://127.0.0.1",
        "https://bank.example/api",
        "https://bank.example/?a",
        "https://user:pass@bank.example",
        "https://bank.example/#x",
        "file:///etc/passwd",
    ] {
        let mut peer = server.peer();
        peer.base_url = bad.to_owned();
        assert_eq!(SignedCaller::new(peer).err(), Some(BadPeer::BadUrl), "{bad}");
    }
    check(|p| p.caller_id = "a b".into(), Err(BadPeer::BadCallerId));
    check(|p| p.peer_keys.clear(), Err(BadPeer::NoPeerKey));
}
