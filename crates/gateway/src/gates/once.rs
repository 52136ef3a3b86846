//! Writes that are carried out once: the `Idempotency-Key`.
//!
//! The key belongs to the person, merchant or bank and to one request: method, path and body. Its
//! first use fixes a *work id*, and the handler makes its resource under that id; whoever repeats the
//! request after a crash goes on under the same id, so the ledger and the tables see one and the same
//! thing. A success is kept and answered again. A refusal is not: nothing was done, and the key is
//! free for another try.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{FromRequestParts, Request};
use axum::http::{HeaderName, HeaderValue, StatusCode, header, request::Parts};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use jialing_crypto::hash::HashAlgorithm;
use jialing_platform::id::Id;
use jialing_platform::idempotency::{self, Begun, Ended, Key};
use jialing_platform::{Code, Problem, Tag};
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::{ObjectBuilder, Required, schema::Type};
use utoipa_axum::router::{UtoipaMethodRouter, UtoipaMethodRouterExt};

use crate::answer::{Failed, placed};
use crate::edge::Edge;
use crate::openapi::{Described, each_path_operation};

/// Characters of an `Idempotency-Key` at most.
pub(crate) const MAX_KEY: usize = 64;
const HEADER: &str = "idempotency-key";
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// Whom a key belongs to; put there by the gates.
#[derive(Clone, Debug)]
pub(super) struct Owner(pub(super) String);

/// The work that this request does, or goes on with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Once {
    work: u128,
}

impl Once {
    /// The id under which the request's resource is to be made: the same for every repetition.
    #[must_use]
    pub(crate) const fn id<T: Tag>(&self) -> Id<T> {
        Id::from_number(self.work)
    }
}

impl<S: Sync> FromRequestParts<S> for Once {
    type Rejection = Failed;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failed> {
        placed(parts)
    }
}

/// Puts the `Idempotency-Key` before `routes` and into their documentation. The routes belong into a
/// gated router.
pub(crate) fn once(mut routes: UtoipaMethodRouter<Edge>) -> UtoipaMethodRouter<Edge> {
    each_path_operation(&mut routes.1, |operation| {
        operation.parameters.get_or_insert_default().push(parameter().into());
        operation.may_answer(&[Code::IdempotencyKeyMissing, Code::IdempotencyKeyReused, Code::InProgress]);
    });
    routes.layer(from_fn(layer))
}

fn parameter() -> Parameter {
    ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .required(Required::True)
        .description(Some("Made by the caller before the first try and the same in every repetition: 1 to 64 visible ASCII characters."))
        .schema(Some(ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(MAX_KEY)).build()))
        .build()
}

async fn layer(request: Request, next: Next) -> Response {
    match run(request, next).await {
        Ok(response) => response,
        Err(problem) => Failed(problem).into_response(),
    }
}

async fn run(request: Request, next: Next) -> Result<Response, Problem> {
    let edge = Edge::of(request.extensions());
    let Some(Owner(owner)) = request.extensions().get::<Owner>().cloned() else {
        return Err(Problem::internal("a route with an idempotency key stands outside every gate"));
    };
    let key = Key { owner, key: key_of(&request)? };
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.map_err(|_| Problem::new(Code::RequestTimeout))?;
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
    let print = HashAlgorithm::Sha256.digest_parts(&[
        parts.method.as_str().as_bytes(),
        b"\n",
        target.as_bytes(),
        b"\n",
        &body,
    ]);
    let mut request = Request::from_parts(parts, Body::from(body));
    let begun = match idempotency::begin(&edge.app, &key, &print).await? {
        Begun::Done { status, answer } => return Ok(replay(status, answer)),
        Begun::Work(work) => work,
    };
    request.extensions_mut().insert(Once { work: begun.id });
    let response = next.run(request).await;
    match response.extensions().get::<Failed>() {
        None if response.status().is_success() => keep(&edge, &key, response).await,
        Some(Failed(problem)) => {
            let ended = if problem.code.status() < 500 { Ended::Refused } else { Ended::Unknown };
            idempotency::release(&edge.app, &key, begun.run, ended).await?;
            Ok(response)
        }
        None => {
            idempotency::release(&edge.app, &key, begun.run, Ended::Unknown).await?;
            Ok(response)
        }
    }
}

fn key_of(request: &Request) -> Result<String, Problem> {
    let mut values = request.headers().get_all(HEADER).iter();
    let value = values.next().ok_or(Problem::new(Code::IdempotencyKeyMissing))?;
    let text = value
        .to_str()
        .ok()
        .filter(|text| (1..=MAX_KEY).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic()));
    match (text, values.next()) {
        (Some(text), None) => Ok(text.to_owned()),
        _ => Err(Problem::new(Code::InvalidRequest)
            .field("Idempotency-Key")
            .detail("Send the header once, with 1 to 64 visible ASCII characters.")),
    }
}

/// Stores a success before it is answered. Should storing fail, the caller still hears of the success:
/// a repetition goes on under the same work id and finds it.
async fn keep(edge: &Edge, key: &Key, response: Response) -> Result<Response, Problem> {
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.map_err(Problem::internal)?;
    if let Err(problem) = idempotency::done(&edge.app, key, parts.status.as_u16(), &body).await {
        tracing::warn!(
            code = problem.code.text(),
            fault = problem.internal.as_deref(),
            "a success was not kept under its idempotency key"
        );
    }
    Ok(Response::from_parts(parts, Body::from(body)))
}

fn replay(status: u16, answer: Vec<u8>) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    let mut response = (status, answer).into_response();
    let headers = response.headers_mut();
    if status == StatusCode::NO_CONTENT {
        headers.remove(header::CONTENT_TYPE);
    } else {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    headers.insert(REPLAYED, HeaderValue::from_static("true"));
    response
}

/// How often what is kept beyond its time is cleaned away.
pub(crate) const CLEAN_EVERY: Duration = Duration::from_secs(60);
