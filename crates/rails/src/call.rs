//! A signed HTTP/JSON call to another institution, with every limit named.

use std::fmt;
use std::time::Duration;

use jialing_crypto::http_signature::{CallbackSignature, RequestSignature, is_fresh};
use jialing_crypto::{PublicKey, SigningKey, http_signature};
use reqwest::{Client, Method, Url, redirect};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Why;

/// The content type of most calls.
const JSON: &str = "application/json";

/// How long a call may take and how much it may bring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallLimits {
    /// Until the connection stands. Default 2 s.
    pub connect_ms: u64,
    /// From the first byte sent to the last byte received. Default 10 s.
    pub answer_ms: u64,
    /// The longest answer in bytes. Default 1 MiB.
    pub answer_bytes: usize,
    /// How far an answer's timestamp may be from our clock. Default 300 s.
    pub window_s: u64,
}

impl Default for CallLimits {
    fn default() -> Self {
        Self { connect_ms: 2_000, answer_ms: 10_000, answer_bytes: 1024 * 1024, window_s: 300 }
    }
}

/// Another institution, and who we are to it.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Its name in our logs, such as the bank's id.
    pub name: String,
    /// `https://host[:port]`, or `http://` for a loopback address. No path, no query.
    pub base_url: String,
    /// The id it knows us by; stands as `mchid` in the signature.
    pub caller_id: String,
    /// Our key, registered with it.
    pub key: SigningKey,
    /// Its keys: more than one while it changes from an old to a new one.
    pub peer_keys: Vec<PublicKey>,
    /// Limits of every call.
    pub limits: CallLimits,
}

/// Why a [`Peer`] cannot be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPeer {
    /// Not a URL, or one with a path, a query, or credentials.
    #[error("the base address must be https://host[:port] and nothing more")]
    BadUrl,
    /// Plain HTTP to another machine.
    #[error("plain http is allowed to a loopback address only")]
    NotEncrypted,
    /// The id cannot stand in a signature header.
    #[error("our id with the peer must be 1 to 64 of A-Z a-z 0-9 _ - .")]
    BadCallerId,
    /// The id, ours or the peer's, does not fit an ISO 20022 message.
    #[error("an id of more than 35 characters does not fit an ISO 20022 message")]
    IdTooLong,
    /// No key to check answers with.
    #[error("the peer has no public key, so none of its answers could be trusted")]
    NoPeerKey,
    /// The TLS library could not be started.
    #[error("the HTTP client could not be started")]
    NoClient,
}

/// Calls one [`Peer`]. Cloning shares its connections.
#[derive(Clone)]
pub struct SignedCaller {
    client: Client,
    peer: Peer,
    base: Url,
}

impl SignedCaller {
    /// Prepares calls; nothing is sent yet.
    ///
    /// # Errors
    /// [`BadPeer`].
    pub fn new(peer: Peer) -> Result<Self, BadPeer> {
        let base = Url::parse(&peer.base_url).map_err(|_| BadPeer::BadUrl)?;
        let bare = base.path() == "/"
            && base.query().is_none()
            && base.fragment().is_none()
            && base.username().is_empty()
            && base.password().is_none();
        if !bare {
            return Err(BadPeer::BadUrl);
        }
        match base.scheme() {
            "https" => {}
            "http" if is_loopback(&base) => {}
            "http" => return Err(BadPeer::NotEncrypted),
            _ => return Err(BadPeer::BadUrl),
        }
        if !http_signature::is_id(&peer.caller_id) {
            return Err(BadPeer::BadCallerId);
        }
        if peer.peer_keys.is_empty() {
            return Err(BadPeer::NoPeerKey);
        }
        let client = Client::builder()
            .connect_timeout(Duration::from_millis(peer.limits.connect_ms))
            .timeout(Duration::from_millis(peer.limits.answer_ms))
            .redirect(redirect::Policy::none())
            .no_proxy()
            .build()
            .map_err(|_| BadPeer::NoClient)?;
        Ok(Self { client, peer, base })
    }

    /// The peer's name in our logs.
    pub fn name(&self) -> &str {
        &self.peer.name
    }

    /// The id that the peer knows us by.
    pub fn caller_id(&self) -> &str {
        &self.peer.caller_id
    }

    /// Sends `ask` as JSON and reads the signed answer.
    ///
    /// # Errors
    /// [`Why`] the answer decides nothing.
    pub async fn post<A: Serialize, R: DeserializeOwned>(&self, target: &str, ask: &A) -> Result<R, Why> {
        let body = serde_json::to_vec(ask).map_err(|_| Why::Unreadable("our own request"))?;
        read_json(&self.call(Method::POST, target, JSON, body).await?)
    }

    /// Asks for `target` (path and query) and reads the signed answer.
    ///
    /// # Errors
    /// [`Why`] the answer decides nothing.
    pub async fn get<R: DeserializeOwned>(&self, target: &str) -> Result<R, Why> {
        read_json(&self.call(Method::GET, target, JSON, Vec::new()).await?)
    }

    /// Sends `body`, which is of `content_type`, and gives the signed answer as it came.
    ///
    /// # Errors
    /// [`Why`] the answer decides nothing.
    pub async fn post_bytes(
        &self,
        target: &str,
        content_type: &'static str,
        body: Vec<u8>,
    ) -> Result<Vec<u8>, Why> {
        self.call(Method::POST, target, content_type, body).await
    }

    /// Asks for `target` and gives the signed answer as it came.
    ///
    /// # Errors
    /// [`Why`] the answer decides nothing.
    pub async fn get_bytes(&self, target: &str, content_type: &'static str) -> Result<Vec<u8>, Why> {
        self.call(Method::GET, target, content_type, Vec::new()).await
    }

    async fn call(
        &self,
        method: Method,
        target: &str,
        content_type: &'static str,
        body: Vec<u8>,
    ) -> Result<Vec<u8>, Why> {
        let path = target.split('?').next().unwrap_or_default().to_owned();
        let result = self.exchange(method, target, content_type, body).await;
        match &result {
            Ok(_) => tracing::debug!(peer = self.peer.name, path, "answered"),
            Err(why) => tracing::warn!(peer = self.peer.name, path, %why, "outcome unknown"),
        }
        result
    }

    async fn exchange(
        &self,
        method: Method,
        target: &str,
        content_type: &'static str,
        body: Vec<u8>,
    ) -> Result<Vec<u8>, Why> {
        let url = self.base.join(target).map_err(|_| Why::Unreadable("our own address"))?;
        // What is signed must be what travels, and joining may normalise it.
        let target = match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        };
        let signature = RequestSignature::sign(
            &self.peer.key,
            &self.peer.caller_id,
            method.as_str(),
            &target,
            &body,
            now(),
        );
        let mut request = self
            .client
            .request(method.clone(), url)
            .header("authorization", signature.to_header())
            .header("accept", content_type);
        if method != Method::GET {
            request = request.header("content-type", content_type).body(body);
        }
        let mut response = request.send().await.map_err(why)?;
        let status = response.status();
        let claimed = CallbackSignature::from_headers(|name| {
            response.headers().get(name).and_then(|v| v.to_str().ok())
        });
        let mut answer = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(why)? {
            if answer.len() + chunk.len() > self.peer.limits.answer_bytes {
                return Err(Why::Unreadable("longer than the limit"));
            }
            answer.extend_from_slice(&chunk);
        }
        if !status.is_success() {
            return Err(Why::Status(status.as_u16()));
        }
        self.check(&claimed.map_err(|_| Why::Unsigned)?, &answer)?;
        Ok(answer)
    }

    fn check(&self, claimed: &CallbackSignature, answer: &[u8]) -> Result<(), Why> {
        let key = self.peer.peer_keys.iter().find(|key| key.id() == claimed.serial).ok_or(Why::Unsigned)?;
        if !is_fresh(claimed.timestamp, now(), self.peer.limits.window_s) {
            return Err(Why::Unsigned);
        }
        claimed.verify(key, answer).map_err(|_| Why::Unsigned)
    }
}

impl fmt::Debug for SignedCaller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SignedCaller({} at {})", self.peer.name, self.base)
    }
}

fn read_json<R: DeserializeOwned>(answer: &[u8]) -> Result<R, Why> {
    serde_json::from_slice(answer).map_err(|_| Why::Unreadable("not the JSON we expect"))
}

fn why(error: reqwest::Error) -> Why {
    if error.is_timeout() { Why::TimedOut } else { Why::Disconnected }
}

/// `127.0.0.0/8`, `[::1]` or `localhost`.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host_str() {
        Some("localhost") => true,
        Some(host) => host
            .trim_start_matches('[')
            .trim_end_matches(']')
            .parse::<std::net::IpAddr>()
            .is_ok_and(|ip| ip.is_loopback()),
        None => false,
    }
}

/// Unix time in seconds.
fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}
