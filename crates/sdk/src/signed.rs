//! Requests signed by an institution or a merchant, and answers whose signature is checked.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{SystemTime, UNIX_EPOCH};

use jialing_crypto::http_signature::{CallbackSignature, RequestSignature, is_fresh, names};
use jialing_crypto::{PublicKey, SigningKey};
use reqwest::Method;
use serde_json::Value;

use crate::code::Code;
use crate::error::{Error, Result};
use crate::http::{Answer, Http, Judge, Request};
use crate::public::Public;

/// How far an answer's time may be from ours, seconds.
const WINDOW_S: u64 = 300;

/// A caller that signs. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Signed {
    http: Http,
    id: String,
    key: SigningKey,
    platform: Arc<Platform>,
}

/// Whose signatures are believed.
struct Platform {
    keys: RwLock<BTreeMap<String, PublicKey>>,
    /// Whether a key that is not among them is looked for in the directory.
    believes_directory: bool,
}

impl Signed {
    /// Reads the platform's keys over the connection it was given: at the start, and when an answer is signed
    /// by a new one.
    pub(crate) async fn connect(base: &str, id: &str, key: SigningKey) -> Result<Self> {
        let keys = Public::new(base).platform_keys().await?;
        Ok(Self::believing(base, id, key, keys, true))
    }

    /// Believes answers that one of `keys` signed.
    pub(crate) fn pinned(
        base: &str,
        id: &str,
        key: SigningKey,
        keys: impl IntoIterator<Item = PublicKey>,
    ) -> Self {
        Self::believing(base, id, key, keys, false)
    }

    fn believing(
        base: &str,
        id: &str,
        key: SigningKey,
        keys: impl IntoIterator<Item = PublicKey>,
        believes_directory: bool,
    ) -> Self {
        let keys = RwLock::new(by_serial(keys));
        let platform = Arc::new(Platform { keys, believes_directory });
        Self { http: Http::new(base), id: id.to_owned(), key, platform }
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    pub(crate) async fn get(&self, target: &str) -> Result<Answer> {
        self.send(Request::new(Method::GET, target, None)).await
    }

    pub(crate) async fn post(&self, target: &str, ask: &Value) -> Result<Answer> {
        self.send(Request::new(Method::POST, target, Some(ask))).await
    }

    pub(crate) async fn post_once(&self, target: &str, ask: &Value, idempotency_key: &str) -> Result<Answer> {
        self.send(Request::new(Method::POST, target, Some(ask)).idempotent(idempotency_key)).await
    }

    async fn send(&self, request: Request) -> Result<Answer> {
        let sign = |request: &Request| {
            let signed = RequestSignature::sign(
                &self.key,
                &self.id,
                request.method.as_str(),
                &request.target,
                &request.body,
                now(),
            );
            Some(signed.to_header())
        };
        // A refusal is believed signed too, unless it came before there was a signature to answer.
        let answer = self.http.send_checked(&request, sign, self).await;
        match answer {
            Ok(answer) if answer.headers.contains_key(names::SIGNATURE) => Ok(answer),
            Ok(answer) => Err(answer.unacceptable("it is not signed")),
            Err(Error::Refused(problem)) if !problem.signed && !Code::is_before_the_gate(&problem.code) => {
                let target = format!("{} {}", request.method, request.target);
                Err(Error::Unacceptable {
                    target,
                    why: format!("it says {} and is not signed", problem.code),
                })
            }
            Err(error) => Err(error),
        }
    }

    fn known(&self, serial: &str) -> Option<PublicKey> {
        self.platform.keys.read().unwrap_or_else(PoisonError::into_inner).get(serial).cloned()
    }

    /// Reads the directory again, for a key of later; those it no longer has are no longer believed.
    async fn renewed(&self, serial: &str) -> Option<PublicKey> {
        let keys = by_serial(Public::new(self.http.base()).platform_keys().await.ok()?);
        *self.platform.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
        self.known(serial)
    }
}

impl Judge for Signed {
    async fn signed(&self, answer: &Answer) -> Result<bool> {
        let header = |name: &'static str| answer.headers.get(name).and_then(|value| value.to_str().ok());
        if !answer.headers.contains_key(names::SIGNATURE) {
            return Ok(false);
        }
        let signature = CallbackSignature::from_headers(header)
            .map_err(|error| answer.unacceptable(error.to_string()))?;
        let unacceptable =
            |why: &str| Error::Unacceptable { target: answer.target.clone(), why: why.to_owned() };
        let key = match self.known(&signature.serial) {
            None if self.platform.believes_directory => self.renewed(&signature.serial).await,
            known => known,
        };
        let key = key.ok_or_else(|| unacceptable("signed by a key that is not the platform's"))?;
        signature.verify(&key, &answer.body).map_err(|error| unacceptable(&error.to_string()))?;
        if is_fresh(signature.timestamp, now(), WINDOW_S) {
            Ok(true)
        } else {
            Err(unacceptable("its time is more than 300 s from ours"))
        }
    }
}

fn by_serial(keys: impl IntoIterator<Item = PublicKey>) -> BTreeMap<String, PublicKey> {
    keys.into_iter().map(|key| (key.id().to_owned(), key)).collect()
}

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() as i64)
}
