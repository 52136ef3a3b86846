//! Merchants and banks: each request is signed, and so is each answer to one.
//!
//! Order of the checks: the header's form, the clock, the key, the suite, the signature over the bytes as
//! received, where it comes from, what the key may do, the rate, and last the nonce: only a request that
//! its key signed uses one up. The suite is the key's; a header that names another is refused before
//! anything is verified.

use std::fmt::Display;
use std::future::Future;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{FromRequestParts, MatchedPath, Request};
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use jialing_crypto::PublicKey;
use jialing_crypto::hash::HashAlgorithm;
use jialing_crypto::http_signature::is_fresh;
use jialing_platform::id::{BadId, InstitutionId, MerchantId};
use jialing_platform::merchants::{Caller, KeyLimits};
use jialing_platform::{App, Code, Problem, Result, institutions, merchants, nonces};

use super::address::{address, knock};
use super::forms::{Form, How};
use super::heavy;
use super::once::Owner;
use super::scopes::{Needs, needs};
use super::sealed;
use crate::answer::{Failed, placed};
use crate::edge::Edge;
use crate::layers::notes::{Asker, Notes};
use crate::rates;

/// Seconds that a timestamp may lie before or after the server's clock.
pub(crate) const WINDOW_SECONDS: u64 = 300;

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
/// And those of keys that have limits, as merchants' may.
pub(super) const LIMITED: [Code; 2] = [Code::ScopeMissing, Code::AddressNotAllowed];

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

impl<S: Sync> FromRequestParts<S> for How {
    type Rejection = Failed;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failed> {
        placed(parts)
    }
}

pub(super) async fn merchant_gate(request: Request, next: Next) -> Response {
    let find = |app: App, mchid: String, serial: String| async move {
        let id: MerchantId =
            mchid.parse().map_err(|fault: BadId| key_unknown().field("mchid").detail(format!("{fault}.")))?;
        let key = merchants::door_key(&app, id, &serial).await?.ok_or_else(key_unknown)?;
        let ends = key.ends_soon.then_some(key.valid_to);
        let asker = Some(Asker { merchant: id, provider: None });
        Ok(Found { id, key: key.public_key, limits: key.limits, ends, asker })
    };
    let pass = |request: &mut Request, merchant: MerchantId, signed: Proof| {
        let Proof { serial, body_sha256 } = signed;
        request.extensions_mut().insert(Merchant(Caller { merchant, provider: None, serial, body_sha256 }));
    };
    gate(request, next, find, pass).await
}

pub(super) async fn bank_gate(request: Request, next: Next) -> Response {
    let find = |app: App, code: String, serial: String| async move {
        let key = institutions::key(&app, &code, &serial).await?;
        Ok(Found {
            id: key.institution,
            key: key.public_key,
            limits: KeyLimits::default(),
            ends: None,
            asker: None,
        })
    };
    let pass = |request: &mut Request, id: InstitutionId, signed: Proof| {
        let Proof { serial, body_sha256 } = signed;
        request.extensions_mut().insert(Bank { id, serial, body_sha256 });
    };
    gate(request, next, find, pass).await
}

pub(super) async fn operator_gate(request: Request, next: Next) -> Response {
    let operators = Edge::of(request.extensions()).config.operators.clone();
    let find = |_: App, name: String, serial: String| {
        let found = operators.iter().find(|known| known.name == name && known.key.id() == serial);
        let found = found.map(|known| Found {
            id: format!("operator/{}", known.name),
            key: known.key.clone(),
            limits: KeyLimits::default(),
            ends: None,
            asker: None,
        });
        async move { found.ok_or_else(key_unknown) }
    };
    let pass = |request: &mut Request, who: String, _: Proof| {
        let name = who.strip_prefix("operator/").unwrap_or_default().to_owned();
        request.extensions_mut().insert(Operator(name));
    };
    gate(request, next, find, pass).await
}

const fn key_unknown() -> Problem {
    Problem::new(Code::KeyUnknown)
}

/// The key that a request names.
struct Found<I> {
    id: I,
    key: PublicKey,
    limits: KeyLimits,
    /// When it ends, if that is near.
    ends: Option<i64>,
    /// Whose figures count the request, once the key is proved.
    asker: Option<Asker>,
}

/// What was proved.
struct Proof {
    serial: String,
    body_sha256: [u8; 32],
}

async fn gate<I: Display, F>(
    request: Request,
    next: Next,
    find: impl Fn(App, String, String) -> F,
    pass: impl Fn(&mut Request, I, Proof),
) -> Response
where
    F: Future<Output = Result<Found<I>>>,
{
    let (parts, body) = request.into_parts();
    let edge = Edge::of(&parts.extensions);
    let Ok(body) = to_bytes(body, usize::MAX).await else {
        return Failed::from(Code::RequestTimeout).into_response();
    };
    match admit(&edge, &parts, &body, find).await {
        Ok((id, how, proof)) => {
            let body = match sealed::opened(&edge, &parts, body).await {
                Ok(body) => body,
                Err(problem) => return Failed(problem).into_response(),
            };
            let mut request = Request::from_parts(parts, Body::from(body));
            request.extensions_mut().insert(Owner(id.to_string()));
            request.extensions_mut().insert(how);
            pass(&mut request, id, proof);
            next.run(request).await
        }
        // Whoever guesses is slowed down by address; a caller with a key is counted by the key.
        Err(problem) if is_known(&problem) => Failed(problem).into_response(),
        Err(problem) => Failed(knock(&edge, &parts).err().unwrap_or(problem)).into_response(),
    }
}

/// Whether the caller proved its key, though it is not let through.
fn is_known(problem: &Problem) -> bool {
    problem.code == Code::RateLimited || LIMITED.contains(&problem.code)
}

async fn admit<I: Display, F>(
    edge: &Edge,
    parts: &Parts,
    body: &Bytes,
    find: impl Fn(App, String, String) -> F,
) -> Result<(I, How, Proof)>
where
    F: Future<Output = Result<Found<I>>>,
{
    let form = Form::read(parts, !body.is_empty())?;
    let now = edge.app.clock.wire() / 1000;
    let expired = form.expires().is_some_and(|expires| expires < now);
    if expired || !is_fresh(form.timestamp(), now, WINDOW_SECONDS) {
        return Err(Problem::new(Code::TimestampOutOfWindow)
            .with("server_time", now)
            .with("window_seconds", WINDOW_SECONDS));
    }
    let found = find(edge.app.clone(), form.caller().to_owned(), form.serial().to_owned()).await?;
    form.verify(edge, &found.key, parts, body)?;
    let notes = Notes::of(&parts.extensions);
    notes.sign(found.key.suite());
    if let Some(ends) = found.ends {
        notes.key_ends(ends);
    }
    // Whoever only claims to be a merchant changes nothing of its figures.
    if let Some(asker) = found.asker {
        notes.asks(asker);
    }
    let caller = format!("{}/{}", found.id, form.serial());
    edge.buckets.count(&notes, rates::Caller::Key(caller.clone()), edge.config.limits.key)?;
    within_limits(edge, parts, &found.limits)?;
    if let Some(route) = heavy::route(parts) {
        let bucket = rates::Caller::Heavy(caller.clone(), route);
        edge.buckets.count(&notes, bucket, edge.config.limits.heavy)?;
    }
    nonces::spend(&edge.app, &caller, form.nonce()).await?;
    let proof = Proof { serial: form.serial().to_owned(), body_sha256: HashAlgorithm::Sha256.digest(body) };
    Ok((found.id, form.how(), proof))
}

/// Whether a key with these limits may be used from here, for this route.
fn within_limits(edge: &Edge, parts: &Parts, limits: &KeyLimits) -> Result<()> {
    if !limits.allow_from(address(edge, parts)) {
        return Err(Problem::new(Code::AddressNotAllowed));
    }
    let route = parts.extensions.get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let missing = match needs(&parts.method, route) {
        Needs::Nothing => return Ok(()),
        Needs::Scope(scope) if limits.allow(Some(scope)) => return Ok(()),
        Needs::Everything if limits.allow(None) => return Ok(()),
        Needs::Scope(scope) => scope.to_string(),
        Needs::Everything => "a key without scopes".to_owned(),
    };
    Err(Problem::new(Code::ScopeMissing).with("needed", missing))
}
