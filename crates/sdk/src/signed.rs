//! Requests signed by an institution or a merchant, and answers whose signature is checked.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use jialing_crypto::http_signature::{CallbackSignature, RequestSignature, is_fresh};
use jialing_crypto::{PublicKey, SigningKey};
use reqwest::Method;
use serde_json::Value;

use crate::error::{Error, Result};
use crate::http::{Answer, Http, Request};
use crate::public::Public;

/// How far an answer's time may be from ours, seconds.
const WINDOW_S: u64 = 300;

/// A caller that signs. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Signed {
    http: Http,
    id: String,
    key: SigningKey,
    platform: Arc<BTreeMap<String, PublicKey>>,
}

impl Signed {
    /// Reads the platform's keys once, over the connection it was given.
    pub(crate) async fn connect(base: &str, id: &str, key: SigningKey) -> Result<Self> {
        let keys = Public::new(base).platform_keys().await?;
        let platform = keys.into_iter().map(|key| (key.id().to_owned(), key)).collect();
        let http = Http::new(base);
        Ok(Self { http, id: id.to_owned(), key, platform: Arc::new(platform) })
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
        let answer = self.http.send(&request, sign).await?;
        self.check(&answer)?;
        Ok(answer)
    }

    /// The platform's signature over an answer: forged or stale ones are not believed.
    fn check(&self, answer: &Answer) -> Result<()> {
        let header = |name: &'static str| answer.headers.get(name).and_then(|value| value.to_str().ok());
        let signature = CallbackSignature::from_headers(header)
            .map_err(|error| answer.unacceptable(error.to_string()))?;
        let unacceptable =
            |why: &str| Error::Unacceptable { target: answer.target.clone(), why: why.to_owned() };
        let key = self
            .platform
            .get(&signature.serial)
            .ok_or_else(|| unacceptable("signed by a key that is not the platform's"))?;
        signature.verify(key, &answer.body).map_err(|error| unacceptable(&error.to_string()))?;
        if is_fresh(signature.timestamp, now(), WINDOW_S) {
            Ok(())
        } else {
            Err(unacceptable("its time is more than 300 s from ours"))
        }
    }
}

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() as i64)
}
