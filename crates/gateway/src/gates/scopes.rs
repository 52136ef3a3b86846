//! What a merchant's key, or a service provider that acts for a merchant, must be allowed for each route.
//!
//! One table from the beginning of a path to an area, the longest that fits; reading is GET, anything
//! else changes. A route that no line covers is closed to keys with scopes, so that a new one is not
//! open by forgetting; a test asks that every route has its line.

use axum::http::Method;
use jialing_platform::merchants::{Area, Scope};

/// Routes that every key may use: they only speak of the key itself and of whom it may act for.
const FREE: [&str; 2] = ["/v1/merchant/security/", "/v1/merchant/sub-merchants"];

const TABLE: &[(&str, Area)] = &[
    ("/v1/merchant/orders", Area::Orders),
    ("/v1/merchant/refunds", Area::Refunds),
    ("/v1/merchant/static-codes", Area::Orders),
    ("/v1/merchant/mandates", Area::Mandates),
    ("/v1/merchant/debit-agreements", Area::Mandates),
    ("/v1/merchant/debits", Area::Mandates),
    ("/v1/merchant/splits", Area::Splits),
    ("/v1/merchant/split-receivers", Area::Splits),
    ("/v1/merchant/split-agreements", Area::Splits),
    ("/v1/merchant/split-returns", Area::Splits),
    ("/v1/merchant/orders/{order_id}/split", Area::Splits),
    ("/v1/merchant/orders/{order_id}/unfreeze", Area::Splits),
    ("/v1/merchant/payouts", Area::Payouts),
    ("/v1/merchant/settlements", Area::Settlements),
    ("/v1/merchant/statement", Area::Statements),
    ("/v1/merchant/statements", Area::Statements),
    ("/v1/merchant/reconciliations", Area::Reconciliations),
    ("/v1/merchant/reconciliation-source", Area::Reconciliations),
    ("/v1/merchant/cases", Area::Reconciliations),
    ("/v1/merchant/exports", Area::Statements),
    ("/v1/merchant/balance", Area::Statements),
    ("/v1/merchant/transactions", Area::Statements),
    ("/v1/merchant/supply-proof", Area::Statements),
    ("/v1/merchant/webhooks", Area::Webhooks),
    ("/v1/merchant/api-keys", Area::Webhooks),
    ("/v1/merchant/events", Area::Events),
    ("/v1/merchant/receipts", Area::Receipts),
    ("/v1/merchant/monitoring", Area::Monitoring),
    ("/v1/merchant/feedback", Area::Monitoring),
];

/// What a route asks of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Needs {
    /// Nothing.
    Nothing,
    /// This scope.
    Scope(Scope),
    /// A key without scopes.
    Everything,
}

/// What this route asks of a key. `route` is its pattern.
pub(crate) fn needs(method: &Method, route: &str) -> Needs {
    if FREE.iter().any(|start| route.starts_with(start)) {
        return Needs::Nothing;
    }
    let fits =
        |start: &str| route.strip_prefix(start).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let write = !matches!(*method, Method::GET | Method::HEAD);
    TABLE
        .iter()
        .filter(|(start, _)| fits(start))
        .max_by_key(|(start, _)| start.len())
        .map_or(Needs::Everything, |&(_, area)| Needs::Scope(Scope { area, write }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_needs_the_area_that_its_path_begins_with() {
        let check = |method: Method, route: &str, expect: &str| {
            let needed = match needs(&method, route) {
                Needs::Nothing => "nothing".to_owned(),
                Needs::Scope(scope) => scope.to_string(),
                Needs::Everything => "everything".to_owned(),
            };
            assert_eq!(needed, expect, "{method} {route}");
        };
        check(Method::POST, "/v1/merchant/orders", "orders:write");
        check(Method::GET, "/v1/merchant/orders/{order_id}", "orders:read");
        check(Method::GET, "/v1/merchant/orders/{order_id}/split", "splits:read");
        check(Method::POST, "/v1/merchant/orders/{order_id}/unfreeze", "splits:write");
        check(Method::POST, "/v1/merchant/split-returns", "splits:write");
        check(Method::POST, "/v1/merchant/settlements/{settlement_id}/recheck", "settlements:write");
        check(Method::POST, "/v1/merchant/mandates/{token}/orders", "mandates:write");
        check(Method::DELETE, "/v1/merchant/webhooks/{webhook_id}", "webhooks:write");
        check(Method::POST, "/v1/merchant/security/echo", "nothing");
        check(Method::GET, "/v1/merchant/monitoring", "monitoring:read");
        check(Method::POST, "/v1/merchant/feedback", "monitoring:write");
        check(Method::GET, "/v1/merchant/ordersandmore", "everything");
        check(Method::GET, "/v1/merchant/new", "everything");
    }

    #[test]
    fn every_merchant_route_has_its_line() {
        let api: serde_json::Value = serde_json::from_str(&crate::openapi()).expect("JSON");
        let paths = api["paths"].as_object().expect("paths");
        let open: Vec<&String> = paths
            .keys()
            .filter(|path| path.starts_with("/v1/merchant/"))
            .filter(|path| needs(&Method::GET, path) == Needs::Everything)
            .collect();
        assert!(open.is_empty(), "give these a line in gates/scopes.rs: {open:?}");
    }
}
