//! Where a request comes from, and the rates that count per address.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{FromRequestParts, Request};
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use jialing_platform::Problem;
use jialing_platform::sessions::Origin;

use super::once::Owner;
use crate::answer::Failed;
use crate::edge::Edge;
use crate::layers::notes::Notes;
use crate::rates::{Caller, network};

/// The other end of the connection; put into each request by the server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// Where the request came from, for limits that a domain keeps per address.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Visitor(pub Origin);

impl FromRequestParts<Edge> for Visitor {
    type Rejection = Failed;

    async fn from_request_parts(parts: &mut Parts, edge: &Edge) -> Result<Self, Failed> {
        Ok(Self(Origin::of(address(edge, parts))))
    }
}

/// The network that a request counts for: the peer's, or what the outermost trusted proxy saw.
pub(super) fn address(edge: &Edge, parts: &Parts) -> IpAddr {
    let peer = parts.extensions.get::<Peer>().map_or(IpAddr::from([0, 0, 0, 0]), |peer| peer.0.ip());
    let hops = usize::from(edge.config.trusted_proxies);
    let forwarded = parts.headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
    let chain: Vec<&str> = forwarded.flat_map(|value| value.split(',')).map(str::trim).collect();
    seen(peer, &chain, hops)
}

/// Each proxy appends whom it saw, so the last `hops` entries are ours and the first of them counts.
fn seen(peer: IpAddr, chain: &[&str], hops: usize) -> IpAddr {
    let place = chain.len().checked_sub(hops).filter(|_| hops > 0);
    place.and_then(|place| chain.get(place)?.parse().ok()).unwrap_or(peer)
}

/// Takes one from the door's bucket of the caller's address: also for failed authentication.
///
/// # Errors
/// `rate_limited`.
pub(crate) fn knock(edge: &Edge, parts: &Parts) -> Result<(), Problem> {
    let notes = Notes::of(&parts.extensions);
    edge.buckets.count(&notes, Caller::Door(network(address(edge, parts))), edge.config.limits.doors)
}

pub(crate) async fn door(request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    match knock(&Edge::of(&parts.extensions), &parts) {
        Ok(()) => next.run(Request::from_parts(parts, body)).await,
        Err(problem) => Failed(problem).into_response(),
    }
}

/// The same for writes with an `Idempotency-Key`: the key belongs to the address, which is personal data and
/// so stands in the table as a keyed hash.
pub(crate) async fn letter_box(request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let edge = Edge::of(&parts.extensions);
    match knock(&edge, &parts) {
        Ok(()) => {
            let from = network(address(&edge, &parts)).to_string();
            parts
                .extensions
                .insert(Owner(format!("visitor/{}", edge.app.blind.of("idempotency_keys.owner", &from))));
            next.run(Request::from_parts(parts, body)).await
        }
        Err(problem) => Failed(problem).into_response(),
    }
}

pub(crate) async fn public(request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let edge = Edge::of(&parts.extensions);
    let notes = Notes::of(&parts.extensions);
    let caller = Caller::Public(network(address(&edge, &parts)));
    match edge.buckets.count(&notes, caller, edge.config.limits.public) {
        Ok(()) => next.run(Request::from_parts(parts, body)).await,
        Err(problem) => Failed(problem).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_as_many_proxies_are_believed_as_are_ours() {
        let check = |chain: &[&str], hops, expect: &str| {
            let peer = "192.0.2.1".parse().expect("an address");
            assert_eq!(seen(peer, chain, hops).to_string(), expect, "{chain:?} {hops}");
        };
        check(&[], 0, "192.0.2.1");
        check(&["203.0.113.9"], 0, "192.0.2.1");
        check(&["203.0.113.9"], 1, "203.0.113.9");
        check(&["1.1.1.1", "203.0.113.9"], 1, "203.0.113.9");
        check(&["1.1.1.1", "203.0.113.9", "10.0.0.1"], 2, "203.0.113.9");
        check(&["203.0.113.9"], 2, "192.0.2.1");
        check(&["nonsense"], 1, "192.0.2.1");
    }
}
