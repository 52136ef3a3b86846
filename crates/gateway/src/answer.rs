//! What handlers answer: a resource with its status, or a problem.
//!
//! A problem travels as an extension of the response; the outermost layer writes its body, because
//! only there the request id and the public address are known.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use jialing_platform::{Code, Problem};
use serde::Serialize;

/// What a handler answers.
pub(crate) type Answer<T> = Result<Reply<T>, Failed>;

/// A resource and the status it is answered with.
#[derive(Debug)]
pub(crate) struct Reply<T> {
    status: StatusCode,
    body: T,
}

/// 200: here it is.
///
/// # Errors
/// Never; the form lets a handler end with it.
pub(crate) const fn found<T>(body: T) -> Answer<T> {
    Ok(Reply { status: StatusCode::OK, body })
}

/// 201: it was made.
///
/// # Errors
/// Never.
pub(crate) const fn created<T>(body: T) -> Answer<T> {
    Ok(Reply { status: StatusCode::CREATED, body })
}

/// 202: accepted, but not final; ask again or wait for the event.
///
/// # Errors
/// Never.
pub(crate) const fn accepted<T>(body: T) -> Answer<T> {
    Ok(Reply { status: StatusCode::ACCEPTED, body })
}

/// 204: done, nothing to show.
///
/// # Errors
/// Never.
pub(crate) const fn done() -> Answer<()> {
    Ok(Reply { status: StatusCode::NO_CONTENT, body: () })
}

impl<T: Serialize> IntoResponse for Reply<T> {
    fn into_response(self) -> Response {
        if self.status == StatusCode::NO_CONTENT {
            return self.status.into_response();
        }
        match serde_json::to_vec(&self.body) {
            Ok(json) => (self.status, [(header::CONTENT_TYPE, "application/json")], json).into_response(),
            Err(fault) => Failed(Problem::internal(fault)).into_response(),
        }
    }
}

/// A problem on its way out. `?` makes it from a [`Problem`].
#[derive(Clone, Debug)]
pub(crate) struct Failed(pub Problem);

impl From<Problem> for Failed {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}

impl From<Code> for Failed {
    fn from(code: Code) -> Self {
        Self(Problem::new(code))
    }
}

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// An extractor's value was not put there by its gate: the route is registered in the wrong router.
pub(crate) fn placed<T: Clone + Send + Sync + 'static>(
    parts: &axum::http::request::Parts,
) -> Result<T, Failed> {
    let missing = || Failed(Problem::internal(format!("no {} on this route", std::any::type_name::<T>())));
    parts.extensions.get::<T>().cloned().ok_or_else(missing)
}
