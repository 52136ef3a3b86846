//! People: a bearer token that names a session.

use axum::extract::{FromRequestParts, Request};
use axum::http::{HeaderMap, header, request::Parts};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use jialing_platform::sessions::{self, Actor};
use jialing_platform::{Code, Problem};

use super::address::knock;
use super::once::Owner;
use crate::answer::{Failed, placed};
use crate::edge::Edge;
use crate::layers::notes::Notes;
use crate::rates::Caller;

/// The person who is signed in.
#[derive(Clone, Debug)]
pub(crate) struct Wallet(pub Actor);

impl<S: Sync> FromRequestParts<S> for Wallet {
    type Rejection = Failed;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failed> {
        placed(parts)
    }
}

pub(super) async fn gate(request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let edge = Edge::of(&parts.extensions);
    match admit(&edge, &parts).await {
        Ok(actor) => {
            parts.extensions.insert(Owner(actor.person.to_string()));
            parts.extensions.insert(Wallet(actor));
            next.run(Request::from_parts(parts, body)).await
        }
        Err(problem) => Failed(problem).into_response(),
    }
}

async fn admit(edge: &Edge, parts: &Parts) -> Result<Actor, Problem> {
    let Some(token) = bearer(&parts.headers) else {
        return Err(Problem::new(Code::Unauthenticated).detail("Send the header `Authorization: Bearer …`."));
    };
    let actor = match sessions::authenticate(&edge.app, token).await {
        Ok(actor) => actor,
        // Whoever guesses tokens is slowed down like one who guesses passwords.
        Err(problem) => {
            knock(edge, parts)?;
            return Err(problem);
        }
    };
    let notes = Notes::of(&parts.extensions);
    edge.buckets.count(&notes, Caller::Session(actor.session.number()), edge.config.limits.session)?;
    Ok(actor)
}

/// The token in `Authorization: Bearer …`.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}
