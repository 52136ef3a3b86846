//! Takes a request in: head and body within their bounds, whole before any work begins.
//!
//! A body that is too large is read to its end and thrown away, up to [`MOST_DISCARDED`], because a
//! caller who is still sending would not hear the answer. Signatures and idempotency both need the
//! bytes exactly as received, so everything behind this layer finds the body in memory.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use jialing_platform::{Code, Problem};

use crate::answer::Failed;
use crate::edge::Edge;
use crate::public::uploads;

/// Bytes of an oversized body that are read before the connection is given up.
pub(crate) const MOST_DISCARDED: usize = 16 << 20;

/// Routes that take a whole batch or file at once: larger bodies, and few of them at a time.
const LARGE: [&str; 3] = [
    "/v1/merchant/payouts",
    "/v1/merchant/payouts/files",
    "/v1/operator/applications/{application_id}/conformance",
];

/// Routes whose answer may wait for somebody else: a bank, the identity or notice service, a witness, or the payer of
/// an order that a page looks at.
const WAITING: [&str; 14] = [
    "/v1/public/cashier/{token}",
    "/v1/public/city/receipts/{transaction_id}",
    "/v1/merchant/receipts/{transaction_id}",
    "/v1/merchant/settlements",
    "/v1/wallet/codes",
    "/v1/wallet/codes/second-factor",
    "/v1/wallet/identity",
    "/v1/wallet/links",
    "/v1/wallet/links/{link_id}",
    "/v1/wallet/links/{link_id}/confirm",
    "/v1/wallet/organisations",
    "/v1/wallet/receipts/{transaction_id}",
    "/v1/wallet/topups",
    "/v1/wallet/withdrawals",
];

pub(crate) async fn intake(request: Request, next: Next) -> Response {
    let path = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let is_large = request.method() == Method::POST && LARGE.contains(&path);
    let waits = WAITING.contains(&path);
    let edge = Edge::of(request.extensions());
    // Held until the answer is made: what a large body becomes inside is large too.
    let _seat = match is_large.then(|| edge.large.try_acquire()).transpose() {
        Ok(seat) => seat,
        Err(_) => {
            let busy =
                Problem::new(Code::Overloaded).retry_after(5).detail("Other batches are being taken in.");
            return Failed(busy).into_response();
        }
    };
    match take(&edge, is_large, request).await {
        Ok(request) => {
            let places = if waits { &edge.waiting } else { &edge.in_flight };
            // Before a signature is checked: refusing must cost next to nothing.
            let Ok(_place) = places.try_acquire() else {
                return Failed(Problem::new(Code::Overloaded).retry_after(1)).into_response();
            };
            next.run(request).await
        }
        Err(problem) => Failed(problem).into_response(),
    }
}

async fn take(edge: &Edge, is_large: bool, request: Request) -> Result<Request, Problem> {
    let limits = &edge.config.limits;
    if head_bytes(&request) > limits.head_bytes {
        return Err(
            Problem::new(Code::HeadersTooLarge).detail(format!("At most {} bytes.", limits.head_bytes))
        );
    }
    // A file is written as it comes, and bounded there.
    if is_upload(&request) {
        return Ok(request);
    }
    let (parts, body) = request.into_parts();
    let (bytes, seconds) = match is_large {
        true => (limits.large_body_bytes, limits.large_body_seconds),
        false => (limits.body_bytes, limits.body_seconds),
    };
    let announced = announced(&parts.headers);
    if is_large && announced > bytes {
        return Err(Problem::new(Code::BodyTooLarge).detail(format!("At most {bytes} bytes.")));
    }
    // Taken at its word only as far as an ordinary body: the rest is asked for as it arrives.
    let reading = read(body, announced.min(limits.body_bytes), bytes);
    let body = tokio::time::timeout(Duration::from_secs(seconds), reading).await.map_err(|_| {
        Problem::new(Code::RequestTimeout).detail(format!("A body must arrive within {seconds} seconds."))
    })??;
    Ok(Request::from_parts(parts, Body::from(body)))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_that_is_treated_otherwise_is_there() {
        let api: serde_json::Value = serde_json::from_str(&crate::openapi()).expect("JSON");
        for route in LARGE.iter().chain(&WAITING) {
            assert!(!api["paths"][route].is_null(), "{route}");
        }
    }
}
