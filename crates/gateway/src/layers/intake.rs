//! Takes a request in: head and body within their bounds, whole before any work begins.
//!
//! A body that is too large is read to its end and thrown away, up to [`MOST_DISCARDED`], because a
//! caller who is still sending would not hear the answer. Signatures and idempotency both need the
//! bytes exactly as received, so everything behind this layer finds the body in memory.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use jialing_platform::{Code, Problem};

use crate::answer::Failed;
use crate::edge::Edge;
use crate::public::uploads;

/// Bytes of an oversized body that are read before the connection is given up.
pub(crate) const MOST_DISCARDED: usize = 16 << 20;

pub(crate) async fn intake(request: Request, next: Next) -> Response {
    match take(request).await {
        Ok((edge, request)) => {
            let Ok(_place) = edge.in_flight.try_acquire() else {
                return Failed(Problem::new(Code::Overloaded).retry_after(1)).into_response();
            };
            next.run(request).await
        }
        Err(problem) => Failed(problem).into_response(),
    }
}

async fn take(request: Request) -> Result<(Edge, Request), Problem> {
    let edge = Edge::of(request.extensions());
    let limits = &edge.config.limits;
    if head_bytes(&request) > limits.head_bytes {
        return Err(
            Problem::new(Code::HeadersTooLarge).detail(format!("At most {} bytes.", limits.head_bytes))
        );
    }
    // A file is written as it comes, and bounded there.
    if is_upload(&request) {
        return Ok((edge, request));
    }
    let (parts, body) = request.into_parts();
    let announced = announced(&parts.headers);
    let reading = read(body, announced, limits.body_bytes);
    let body =
        tokio::time::timeout(Duration::from_secs(limits.body_seconds), reading).await.map_err(|_| {
            Problem::new(Code::RequestTimeout)
                .detail(format!("A body must arrive within {} seconds.", limits.body_seconds))
        })??;
    let request = Request::from_parts(parts, Body::from(body));
    Ok((edge, request))
}

/// Whether the request sends a file to an address of its own.
pub(crate) fn is_upload(request: &Request) -> bool {
    request.extensions().get::<MatchedPath>().is_some_and(|path| path.as_str() == uploads::ROUTE)
}

/// The size of the request line and headers as sent, near enough.
fn head_bytes(request: &Request) -> usize {
    let line = request.uri().path_and_query().map_or(0, |target| target.as_str().len()) + 16;
    line + request.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum::<usize>()
}

fn announced(headers: &HeaderMap) -> usize {
    headers
        .get(header::CONTENT_LENGTH)
        .and_then(|n| n.to_str().ok())
        .and_then(|n| n.parse().ok())
        .unwrap_or(0)
}

async fn read(body: Body, announced: usize, limit: usize) -> Result<Bytes, Problem> {
    let mut chunks = body.into_data_stream();
    let mut kept = Vec::with_capacity(announced.min(limit));
    let mut seen = 0;
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| Problem::new(Code::RequestTimeout).detail("The body ended early."))?;
        seen += chunk.len();
        if seen <= limit {
            kept.extend_from_slice(&chunk);
        } else if seen > MOST_DISCARDED {
            break;
        }
    }
    if seen > limit {
        return Err(Problem::new(Code::BodyTooLarge).detail(format!("At most {limit} bytes.")));
    }
    Ok(kept.into())
}
