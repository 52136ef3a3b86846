//! Routes that cost much, each with a bucket of its own per key.

use axum::extract::MatchedPath;
use axum::http::{Method, request::Parts};

/// Files, sums over long times, and work for many events at once.
const ROUTES: [&str; 9] = [
    "/v1/merchant/events/redeliver",
    "/v1/merchant/exports",
    "/v1/merchant/exports/{export_id}/file",
    "/v1/merchant/monitoring",
    "/v1/merchant/statement",
    "/v1/merchant/webhooks/{webhook_id}/ping",
    "/v1/bank/accounts/{account}/exports",
    "/v1/bank/exports/{export_id}/file",
    "/v1/bank/accounts/{account}/statement",
];

/// The route of the request, if it is one of these. Listing what was made costs little.
pub(super) fn route(parts: &Parts) -> Option<&'static str> {
    let route = parts.extensions.get::<MatchedPath>()?;
    let listing = parts.method == Method::GET && route.as_str().ends_with("/exports");
    ROUTES.into_iter().find(|known| *known == route.as_str()).filter(|_| !listing)
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_line_is_a_route() {
        let api: serde_json::Value = serde_json::from_str(&crate::openapi()).expect("JSON");
        for route in super::ROUTES {
            assert!(api["paths"].get(route).is_some(), "{route} is not there");
        }
    }
}
