//! Merchants and banks: each request is signed, and so is each answer to one.
//!
//! Order of the checks: the header's form, the clock, the key, the suite, the signature over the bytes as
//! received, the rate, and last the nonce: only a request that its key signed uses one up. The suite
//! is the key's; a header that names another is refused before anything is verified.

use std::future::Future;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{FromRequestParts, Request};
use axum::http::{header, request::Parts};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use jialing_crypto::hash::HashAlgorithm;
use jialing_crypto::http_signature::{BadHeader, NotSigned, RequestSignature, is_fresh};
use jialing_crypto::{PublicKey, Suite};
use jialing_platform::id::{BadId, InstitutionId, MerchantId};
use jialing_platform::merchants::Caller;
use jialing_platform::{App, Code, Problem, Result, institutions, merchants, nonces};

use super::address::knock;
use super::once::Owner;
use super::sub_merchant;
use crate::answer::{Failed, placed};
use crate::edge::Edge;
use crate::layers::frame::SignAnswer;
use crate::rates;

/// Seconds that a timestamp may lie before or after the server's clock.
pub(crate) const WINDOW_SECONDS: u64 = 300;
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
pub(crate) struct Merchant(pub Caller);

impl<S: Sync> FromRequestParts<S> for Merchant {
    type Rejection = Failed;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failed> {
        placed(parts)
    }
}

/// The bank whose key signed the request.
#[derive(Clone, Debug)]
pub(crate) struct Bank {
    /// Who.
    pub id: InstitutionId,
    /// The serial of the key.
    pub serial: String,
    /// SHA-256 of the request's body, bound into the ledger with what the request moves.
    pub body_sha256: [u8; 32],
}

impl Bank {
    /// The digest a ledger leg carries: the first 24 bytes of the body's.
    #[must_use]
    pub(crate) fn digest(&self) -> [u8; 24] {
        std::array::from_fn(|i| self.body_sha256[i])
    }
}

impl<S: Sync> FromRequestParts<S> for Bank {
    type Rejection = Failed;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failed> {
        placed(parts)
    }
}

/// The operator whose key signed the request, by name.
#[derive(Clone, Debug)]
pub(crate) struct Operator(pub String);

impl<S: Sync> FromRequestParts<S> for Operator {
    type Rejection = Failed;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failed> {
        placed(parts)
    }
}

pub(super) async fn operator_gate(request: Request, next: Next) -> Response {
    let operators = Edge::of(request.extensions()).config.operators.clone();
    let find = |_: App, name: String, serial: String| {
        let found = operators.iter().find(|known| known.name == name && known.key.id() == serial);
        let found = found.map(|known| (format!("operator/{}", known.name), known.key.clone()));
        async move { found.ok_or_else(key_unknown) }
    };
    let pass = |request: &mut Request, who: String, _: Signed| {
        let name = who.strip_prefix("operator/").unwrap_or_default().to_owned();
        request.extensions_mut().insert(Operator(name));
    };
    gate(request, next, find, pass).await
}

pub(super) async fn merchant_gate(request: Request, next: Next) -> Response {
    let find = |app: App, mchid: String, serial: String| async move {
        let id: MerchantId =
            mchid.parse().map_err(|fault: BadId| key_unknown().field("mchid").detail(format!("{fault}.")))?;
        Ok((id, merchants::key(&app, id, &serial).await?.ok_or_else(key_unknown)?))
    };
    let pass = |request: &mut Request, merchant: MerchantId, signed: Signed| {
        let Signed { serial, body_sha256 } = signed;
        request.extensions_mut().insert(Merchant(Caller { merchant, provider: None, serial, body_sha256 }));
    };
    gate(request, next, find, pass).await
}

pub(super) async fn bank_gate(request: Request, next: Next) -> Response {
    let find = |app: App, code: String, serial: String| async move {
        institutions::key(&app, &code, &serial).await.map(|key| (key.institution, key.public_key))
    };
    let pass = |request: &mut Request, id: InstitutionId, signed: Signed| {
        let Signed { serial, body_sha256 } = signed;
        request.extensions_mut().insert(Bank { id, serial, body_sha256 });
    };
    gate(request, next, find, pass).await
}

const fn key_unknown() -> Problem {
    Problem::new(Code::KeyUnknown)
}

/// What was proved.
struct Signed {
    serial: String,
    body_sha256: [u8; 32],
}

async fn gate<I: std::fmt::Display, F>(
    request: Request,
    next: Next,
    find: impl Fn(App, String, String) -> F,
    pass: impl Fn(&mut Request, I, Signed),
) -> Response
where
    F: Future<Output = Result<(I, PublicKey)>>,
{
    let (parts, body) = request.into_parts();
    let edge = Edge::of(&parts.extensions);
    let Ok(body) = to_bytes(body, usize::MAX).await else {
        return Failed::from(Code::RequestTimeout).into_response();
    };
    match admit(&edge, &parts, &body, find).await {
        Ok((id, suite, signed)) => {
            let mut request = Request::from_parts(parts, Body::from(body));
            request.extensions_mut().insert(Owner(id.to_string()));
            pass(&mut request, id, signed);
            let mut response = next.run(request).await;
            response.extensions_mut().insert(SignAnswer(suite));
            response
        }
        // Whoever guesses is slowed down by address; a caller with a key is counted by the key.
        Err(problem) if problem.code == Code::RateLimited => Failed(problem).into_response(),
        Err(problem) => Failed(knock(&edge, &parts).err().unwrap_or(problem)).into_response(),
    }
}

async fn admit<I: std::fmt::Display, F>(
    edge: &Edge,
    parts: &Parts,
    body: &Bytes,
    find: impl Fn(App, String, String) -> F,
) -> Result<(I, Suite, Signed)>
where
    F: Future<Output = Result<(I, PublicKey)>>,
{
    let signature = read(parts)?;
    let now = edge.app.clock.millis() / 1000;
    if !is_fresh(signature.timestamp, now, WINDOW_SECONDS) {
        return Err(Problem::new(Code::TimestampOutOfWindow)
            .with("server_time", now)
            .with("window_seconds", WINDOW_SECONDS));
    }
    let (id, key) = find(edge.app.clone(), signature.mchid.clone(), signature.serial_no.clone()).await?;
    let method = &*sub_merchant::signed_method(parts)?;
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
    signature.verify(&key, method, target, body).map_err(|refused| match refused {
        NotSigned::WrongSuite { key, .. } => {
            Problem::new(Code::SignatureSuiteMismatch).detail(format!("This key belongs to {key}."))
        }
        _ => verified_over(edge, &signature, method, target, body),
    })?;
    let caller = format!("{id}/{}", signature.serial_no);
    edge.buckets.take(rates::Caller::Key(caller.clone()), edge.config.limits.key)?;
    nonces::spend(&edge.app, &caller, &signature.nonce).await?;
    let body_sha256 = HashAlgorithm::Sha256.digest(body);
    Ok((id, signature.suite, Signed { serial: signature.serial_no, body_sha256 }))
}

fn read(parts: &Parts) -> Result<RequestSignature> {
    let header = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
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
fn verified_over(
    edge: &Edge,
    signature: &RequestSignature,
    method: &str,
    target: &str,
    body: &[u8],
) -> Problem {
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
