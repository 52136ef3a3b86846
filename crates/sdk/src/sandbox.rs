//! A sandbox's own doors, and a receiver of its notices that needs no public address.
//!
//! [`Sandbox`] moves the clock, orders faults, triggers events. [`Listener`] fetches the notices that are
//! due, checks each one's signature, hands it to a function of yours, which may be your own receiver or a
//! call to it, and reports the status that this answers.

use std::collections::BTreeMap;

use jialing_crypto::PublicKey;
use jialing_crypto::http_signature::{CallbackSignature, is_fresh};
use reqwest::Method;
use reqwest::header::{AUTHORIZATION, HeaderValue};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::error::{Error, Result};
use crate::http::{Http, Request};
use crate::public::Public;

/// How far a notice's time may be from ours, seconds.
const WINDOW_S: u64 = 300;
/// How long one question waits for notices, milliseconds.
const WAIT_MS: u64 = 10_000;

/// A sandbox, for whoever has its token. Cheap to clone.
#[derive(Clone)]
pub struct Sandbox {
    http: Http,
    token: String,
}

/// A notice as it is to be delivered.
#[derive(Clone, Debug, Deserialize)]
pub struct Notice {
    /// Names it in the report.
    pub delivery_id: String,
    /// The event it tells of.
    pub event_id: String,
    /// The event's type.
    #[serde(rename = "type")]
    pub event: String,
    /// From 1.
    pub attempt: u32,
    /// What was ordered to be wrong with it.
    pub fault: Option<String>,
    /// The headers it is sent with.
    pub headers: BTreeMap<String, String>,
    /// The body, byte by byte what is signed.
    pub body: String,
    /// What the event tells of, open: for looking on, not for the receiver.
    #[serde(default)]
    pub resource: Value,
}

/// What a report settled.
#[derive(Clone, Debug, Deserialize)]
pub struct Reported {
    /// The event is delivered by this; otherwise it will be told again, or was not to be taken.
    pub acknowledged: bool,
}

impl Sandbox {
    /// The sandbox at this base address.
    #[must_use]
    pub fn new(base: &str, token: &str) -> Self {
        Self { http: Http::new(base), token: token.to_owned() }
    }

    /// Makes a sandbox at a server of sandboxes; the answer holds its `base_url`, `token`, `merchant`
    /// with test key, and `payers`. It is told once.
    ///
    /// # Errors
    /// `overloaded` when all places are taken.
    pub async fn create(server: &str, name: &str) -> Result<Value> {
        let ask = json!({ "name": name });
        Http::new(server).send(&Request::new(Method::POST, "/v1/sandbox", Some(&ask)), |_| None).await?.json()
    }

    /// The address in front of `/v1`.
    #[must_use]
    pub fn base(&self) -> &str {
        self.http.base()
    }

    /// Any of its doors, such as `GET /clock`; what they take and answer is in the reference of the
    /// sandbox.
    ///
    /// # Errors
    /// As the sandbox answers.
    pub async fn call(&self, method: Method, path: &str, ask: Option<&Value>) -> Result<Value> {
        let mut request = Request::new(method, format!("/v1/sandbox{path}"), ask);
        let bearer = HeaderValue::try_from(format!("Bearer {}", self.token));
        let bearer = bearer
            .map_err(|error| Error::Unacceptable { target: path.to_owned(), why: error.to_string() })?;
        request.headers.insert(AUTHORIZATION, bearer);
        self.http.send(&request, |_| None).await?.json()
    }

    /// Moves its clock forward.
    ///
    /// # Errors
    /// `invalid_request` beyond 360 days in all.
    pub async fn advance(&self, seconds: i64) -> Result<Value> {
        self.call(Method::POST, "/clock", Some(&json!({ "advance_s": seconds }))).await
    }

    /// The notices that are due now or within `wait_ms` milliseconds; each is this caller's for a minute.
    ///
    /// # Errors
    /// As every call.
    pub async fn notices(&self, wait_ms: u64) -> Result<Vec<Notice>> {
        let path = format!("/notices?wait_ms={wait_ms}");
        let mut answer = self.call(Method::GET, &path, None).await?;
        serde_json::from_value(answer["items"].take())
            .map_err(|error| Error::Unacceptable { target: path, why: error.to_string() })
    }

    /// Reports what the receiver answered to a notice; `None` where it did not answer.
    ///
    /// # Errors
    /// `not_found` for a notice that was reported before.
    pub async fn report(&self, notice: &Notice, status: Option<u16>) -> Result<Reported> {
        let path = format!("/notices/{}", notice.delivery_id);
        let answer = self.call(Method::POST, &path, Some(&json!({ "status": status }))).await?;
        serde_json::from_value(answer)
            .map_err(|error| Error::Unacceptable { target: path, why: error.to_string() })
    }
}

/// A notice that was handed over.
#[derive(Clone, Debug)]
pub struct Handed {
    /// The notice.
    pub notice: Notice,
    /// Why its signature is not to be believed; `None` for one that is fine.
    pub doubt: Option<String>,
    /// What the receiver answered.
    pub status: Option<u16>,
    /// The event is delivered by this.
    pub acknowledged: bool,
}

/// Receives a sandbox's notices without a public address.
pub struct Listener {
    sandbox: Sandbox,
    keys: BTreeMap<String, PublicKey>,
}

impl Listener {
    /// A listener; reads the platform's keys once, and again when an unknown one signs.
    ///
    /// # Errors
    /// No answer, or keys that cannot be read.
    pub async fn new(sandbox: Sandbox) -> Result<Self> {
        let keys = keys(&sandbox).await?;
        Ok(Self { sandbox, keys })
    }

    /// Waits for notices, hands each to `receive` with why it is not to be believed, if so, and reports
    /// the status that this answers. Answers what was handed over; empty when nothing came for a while.
    ///
    /// # Errors
    /// As every call.
    pub async fn next(
        &mut self,
        mut receive: impl AsyncFnMut(&Notice, Option<&str>) -> Option<u16>,
    ) -> Result<Vec<Handed>> {
        let mut handed = Vec::new();
        for notice in self.sandbox.notices(WAIT_MS).await? {
            let doubt = self.doubt(&notice).await?;
            let status = receive(&notice, doubt.as_deref()).await;
            let reported = self.sandbox.report(&notice, status).await?;
            handed.push(Handed { notice, doubt, status, acknowledged: reported.acknowledged });
        }
        Ok(handed)
    }

    /// Why a notice is not to be believed.
    async fn doubt(&mut self, notice: &Notice) -> Result<Option<String>> {
        let header = |name: &'static str| notice.headers.get(name).map(String::as_str);
        let signature = match CallbackSignature::from_headers(header) {
            Ok(signature) => signature,
            Err(error) => return Ok(Some(error.to_string())),
        };
        if !self.keys.contains_key(&signature.serial) {
            self.keys = keys(&self.sandbox).await?;
        }
        let Some(key) = self.keys.get(&signature.serial) else {
            return Ok(Some("signed by a key that is not the platform's".to_owned()));
        };
        if let Err(error) = signature.verify(key, notice.body.as_bytes()) {
            return Ok(Some(error.to_string()));
        }
        let fresh = is_fresh(signature.timestamp, jiff::Timestamp::now().as_second(), WINDOW_S);
        Ok((!fresh).then(|| "its time is more than 300 s from ours".to_owned()))
    }
}

async fn keys(sandbox: &Sandbox) -> Result<BTreeMap<String, PublicKey>> {
    let keys = Public::new(sandbox.base()).platform_keys().await?;
    Ok(keys.into_iter().map(|key| (key.id().to_owned(), key)).collect())
}
