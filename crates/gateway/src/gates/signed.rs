//! Merchants and banks: each request is signed, and so is each answer to one.
//!
//! Order of the checks: the header's form, the clock, the key, the signature over the bytes as
//! received, the rate, and last the nonce: only a request that its key signed uses one up. The suite
//! is the key's; a header that names another is refused before anything is verified.

use std::future::Future;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{FromRequestParts, Request};
use axum::http::{header, request::Parts};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use jialing_crypto::PublicKey;
use jialing_crypto::Suite;
use jialing_crypto::http_signature::{BadHeader, NotSigned, RequestSignature, is_fresh};
use jialing_platform::id::{InstitutionId, MerchantId};
use jialing_platform::{App, Code, Problem, Result, institutions, merchants, nonces};

use super::address::knock;
use super::once::Owner;
use crate::answer::{Failed, placed};
use crate::edge::Edge;
use crate::layers::frame::SignAnswer;
use crate::rates::Caller;

/// Seconds that a timestamp may lie before or after the server's clock.
pub const WINDOW_SECONDS: u64 = 300;
/// Characters of the text that the server verified which a failed answer shows outside the sandbox.
const SHOWN: usize = 64;

/// The problems that any signed route may answer.
pub(super) const PROBLEMS: [Code; 7] = [
    Code::SignatureMissing,
    Code::SignatureInvalid,
    Code::SignatureSuiteMismatch,
    Code::TimestampOutOfWindow,
    Code::NonceReused,
    Code::KeyUnknown,
    Code::RateLimited,
];

/// The merchant whose key signed the request.
#[derive(Clone, Debug)]
pub struct Merchant {
    /// Who.
    pub id: MerchantId,
    /// The serial of the key.
    pub serial: String,
    /// The key's suite.
    pub suite: Suite,
}

/// The bank whose key signed the request.
#[derive(Clone, Debug)]
pub struct Bank {
    /// Who.
    pub id: InstitutionId,
    /// The serial of the key.
    pub serial: String,
    /// The key's suite.
    pub suite: Suite,
}

impl<S: Sync> FromRequestParts<S> for Merchant {
    type Rejection = Failed;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failed> {
        placed(parts)
    }
}

impl<S: Sync> FromRequestParts<S> for Bank {
    type Rejection = Failed;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failed> {
        placed(parts)
    }
}

pub(super) async fn merchant_gate(request: Request, next: Next) -> Response {
    let find = |app: App, mchid: String, serial: String| async move { merchants::key(&app, &mchid, &serial).await };
    let pass = |request: &mut Request, id: MerchantId, signed: Signed| {
        request.extensions_mut().insert(Owner(id.to_string()));
        request.extensions_mut().insert(Merchant { id, serial: signed.serial, suite: signed.suite });
    };
    gate(request, next, find, pass).await
}

pub(super) async fn bank_gate(request: Request, next: Next) -> Response {
    let find = |app: App, code: String, serial: String| async move { institutions::key(&app, &code, &serial).await };
    let pass = |request: &mut Request, id: InstitutionId, signed: Signed| {
        request.extensions_mut().insert(Owner(id.to_string()));
        request.extensions_mut().insert(Bank { id, serial: signed.serial, suite: signed.suite });
    };
    gate(request, next, find, pass).await
}

/// What was proved.
struct Signed {
    serial: String,
    suite: Suite,
}

async fn gate<I, F>(request: Request, next: Next, find: impl Fn(App, String, String) -> F, pass: impl Fn(&mut Request, I, Signed)) -> Response
where
    F: Future<Output = Result<(I, PublicKey)>>,
{
    let edge = Edge::of(&request);
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, usize::MAX).await else { return Failed::from(Code::RequestTimeout).into_response() };
    let mut request = Request::from_parts(parts, Body::from(body.clone()));
    match admit(&edge, &request, &body, find).await {
        Ok((id, signed)) => {
            let suite = signed.suite;
            pass(&mut request, id, signed);
            let mut response = next.run(request).await;
            response.extensions_mut().insert(SignAnswer(suite));
            response
        }
        Err(problem) => Failed(knock(&edge, &request).err().unwrap_or(problem)).into_response(),
    }
}

async fn admit<I, F>(edge: &Edge, request: &Request, body: &Bytes, find: impl Fn(App, String, String) -> F) -> Result<(I, Signed)>
where
    F: Future<Output = Result<(I, PublicKey)>>,
{
    let signature = read(request)?;
    let now = edge.app.clock.millis() / 1000;
    if !is_fresh(signature.timestamp, now, WINDOW_SECONDS) {
        return Err(Problem::new(Code::TimestampOutOfWindow).with("server_time", now).with("window_seconds", WINDOW_SECONDS));
    }
    let (id, key) = find(edge.app.clone(), signature.mchid.clone(), signature.serial_no.clone()).await?;
    let method = request.method().as_str();
    let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
    signature.verify(&key, method, target, body).map_err(|refused| match refused {
        NotSigned::WrongSuite { key, .. } => Problem::new(Code::SignatureSuiteMismatch).detail(format!("This key belongs to {key}.")),
        _ => verified_over(edge, &signature, method, target, body),
    })?;
    let caller = format!("{}/{}", signature.mchid, signature.serial_no);
    edge.buckets.take(Caller::Key(caller.clone()), edge.config.limits.key)?;
    nonces::spend(&edge.app, &caller, &signature.nonce).await?;
    Ok((id, Signed { serial: signature.serial_no, suite: signature.suite }))
}

fn read(request: &Request) -> Result<RequestSignature> {
    let header = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let header = header.ok_or(Problem::new(Code::SignatureMissing))?;
    RequestSignature::parse(header).map_err(|fault| match fault {
        BadHeader::Scheme => Problem::new(Code::SignatureMissing).detail(sentence(&fault)),
        _ => Problem::new(Code::SignatureInvalid).detail(sentence(&fault)),
    })
}

fn sentence(fault: &BadHeader) -> String {
    let text = fault.to_string();
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).chain(['.']).collect()).unwrap_or_default()
}

/// A signature that does not fit: what the server verified, so that the caller can compare.
///
/// Outside the sandbox the text is cut before the body's: a body may hold personal data, and an
/// answer may be kept in a log of the caller's.
fn verified_over(edge: &Edge, signature: &RequestSignature, method: &str, target: &str, body: &[u8]) -> Problem {
    let text = signature.signed_text(method, target, body);
    let shown = if edge.app.settings.sandbox { &text[..] } else { &text[..text.len().min(SHOWN)] };
    Problem::new(Code::SignatureInvalid).with(
        "verified",
        serde_json::json!({
            "method": method,
            "path": target,
            "length": text.len(),
            "text": String::from_utf8_lossy(shown),
            "truncated": shown.len() < text.len(),
        }),
    )
}
