//! Refuses query parameters that the route does not document, so a misspelt filter is no filter.

use std::collections::{HashMap, HashSet};

use axum::extract::{MatchedPath, Request};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use jialing_platform::{Code, Problem};

use crate::answer::Failed;
use crate::edge::Edge;

/// The query parameters of each documented route.
#[derive(Clone, Debug, Default)]
pub(crate) struct QueryNames(pub(crate) HashMap<(Method, String), HashSet<String>>);

pub(crate) async fn known(request: Request, next: Next) -> Response {
    match check(&request) {
        Ok(()) => next.run(request).await,
        Err(problem) => Failed(problem).into_response(),
    }
}

fn check(request: &Request) -> Result<(), Problem> {
    let (Some(query), Some(route)) = (request.uri().query(), request.extensions().get::<MatchedPath>())
    else {
        return Ok(());
    };
    let edge = Edge::of(request.extensions());
    let method = if request.method() == Method::HEAD { Method::GET } else { request.method().clone() };
    let Some(known) = edge.queries.0.get(&(method, route.as_str().to_owned())) else { return Ok(()) };
    let name = |pair: &str| pair.split('=').next().unwrap_or_default().to_owned();
    match query.split('&').filter(|pair| !pair.is_empty()).map(name).find(|name| !known.contains(name)) {
        None => Ok(()),
        Some(name) => Err(Problem::new(Code::InvalidRequest)
            .field(shown(&name))
            .detail("This parameter is not known here.")),
    }
}

/// The start of a name that the caller chose, as it can be answered.
fn shown(name: &str) -> String {
    name.chars().filter(char::is_ascii_graphic).take(64).collect()
}
