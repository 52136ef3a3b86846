//! One request: sent, repeated where that is safe, its answer read.

use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Client, Method, Response};
use serde_json::Value;

use crate::error::{Error, Problem, Result};

/// Time for one try.
const TIMEOUT: Duration = Duration::from_secs(15);
/// Tries in all, when the answer is lost or the service asks for patience.
const TRIES: u32 = 4;
/// The longest `Retry-After` that is waited for; a longer one is handed to the caller.
const MAX_PATIENCE_S: u64 = 5;

/// A connection pool to one platform.
#[derive(Clone, Debug)]
pub(crate) struct Http {
    client: Client,
    base: String,
}

/// A request before it is sent.
pub(crate) struct Request {
    pub(crate) method: Method,
    /// Path with query.
    pub(crate) target: String,
    pub(crate) body: Vec<u8>,
    pub(crate) headers: HeaderMap,
}

impl Request {
    pub(crate) fn new(method: Method, target: impl Into<String>, body: Option<&Value>) -> Self {
        let mut headers = HeaderMap::new();
        if body.is_some() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        Self {
            method,
            target: target.into(),
            body: body.map(|body| body.to_string().into_bytes()).unwrap_or_default(),
            headers,
        }
    }

    /// With a key that makes repeating it safe.
    pub(crate) fn idempotent(mut self, key: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(key) {
            self.headers.insert("idempotency-key", value);
        }
        self
    }

    fn name(&self) -> String {
        format!("{} {}", self.method, self.target.split('?').next().unwrap_or_default())
    }
}

/// An answer as it came.
pub(crate) struct Answer {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    pub(crate) target: String,
}

impl Answer {
    pub(crate) fn json<T: serde::de::DeserializeOwned>(&self) -> Result<T> {
        let body: &[u8] = if self.body.is_empty() { b"null" } else { &self.body };
        serde_json::from_slice(body).map_err(|error| self.unacceptable(error.to_string()))
    }

    pub(crate) fn unacceptable(&self, why: impl Into<String>) -> Error {
        Error::Unacceptable { target: self.target.clone(), why: why.into() }
    }
}

/// Who says whether the platform signed an answer: a forged or stale signature is an error, a missing one is not.
pub(crate) trait Judge: Sync {
    fn signed(&self, answer: &Answer) -> impl Future<Output = Result<bool>> + Send;
}

/// Believes everything and nothing.
struct Anybody;

impl Judge for Anybody {
    async fn signed(&self, _: &Answer) -> Result<bool> {
        Ok(false)
    }
}

impl Http {
    pub(crate) fn new(base: &str) -> Self {
        let client = Client::builder().timeout(TIMEOUT).redirect(reqwest::redirect::Policy::none()).build();
        Self { client: client.unwrap_or_default(), base: base.trim_end_matches('/').to_owned() }
    }

    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// Sends `request`, repeating it when no answer came or the answer says to try again. `sign` gives
    /// each try its `Authorization`, since a signature's nonce is used once.
    pub(crate) async fn send(
        &self,
        request: &Request,
        sign: impl Fn(&Request) -> Option<String>,
    ) -> Result<Answer> {
        self.send_checked(request, sign, &Anybody).await
    }

    /// The same; `judge` looks at every answer that came, a refusal's too.
    pub(crate) async fn send_checked(
        &self,
        request: &Request,
        sign: impl Fn(&Request) -> Option<String>,
        judge: &impl Judge,
    ) -> Result<Answer> {
        let mut tries = 0;
        loop {
            tries += 1;
            let answer = self.once(request, sign(request), judge).await;
            let wait = match &answer {
                Err(Error::Refused(problem)) if problem.retryable && tries < TRIES => problem.patience,
                Err(Error::Unknown { .. }) if tries < TRIES => Some(u64::from(tries) / 2),
                _ => None,
            };
            match wait {
                Some(seconds) if seconds <= MAX_PATIENCE_S => {
                    tokio::time::sleep(Duration::from_millis(seconds * 1000 + 100 * u64::from(tries))).await;
                }
                _ => return answer,
            }
        }
    }

    async fn once(
        &self,
        request: &Request,
        authorization: Option<String>,
        judge: &impl Judge,
    ) -> Result<Answer> {
        let unknown = |error: reqwest::Error| Error::Unknown { target: request.name(), why: cause(&error) };
        let mut building = self
            .client
            .request(request.method.clone(), format!("{}{}", self.base, request.target))
            .headers(request.headers.clone())
            .body(request.body.clone());
        if let Some(authorization) = authorization {
            building = building.header(AUTHORIZATION, authorization);
        }
        let response = building.send().await.map_err(unknown)?;
        let (status, headers) = (response.status(), response.headers().clone());
        let patience = patience(&response);
        let body = response.bytes().await.map_err(unknown)?.to_vec();
        let answer = Answer { headers, body, target: request.name() };
        let is_signed = judge.signed(&answer).await?;
        if status.is_success() {
            return Ok(answer);
        }
        match answer.json::<Problem>() {
            Ok(mut problem) => {
                problem.patience = patience.or(problem.retryable.then_some(1));
                problem.signed = is_signed;
                Err(Error::Refused(Box::new(problem)))
            }
            Err(_) if status.is_server_error() => {
                Err(Error::Unknown { target: answer.target, why: format!("status {status}") })
            }
            Err(_) => Err(answer.unacceptable(format!("status {status} without a problem document"))),
        }
    }
}

fn patience(response: &Response) -> Option<u64> {
    response.headers().get("retry-after")?.to_str().ok()?.parse().ok()
}

/// The innermost cause: the outer ones only say that sending failed, and name the address.
fn cause(error: &dyn std::error::Error) -> String {
    let mut inner = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    inner.to_string()
}
