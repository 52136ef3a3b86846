//! Service providers that act for a merchant: the header `Jialing-Sub-Merchant`.
//!
//! The header is signed with the request: its value stands after the method in the signed text, with one
//! space between them, so it can be neither added nor taken away on the way. Behind the signature the
//! merchant's grant is asked for; then the request is the merchant's, and says which provider made it. A route
//! that no scope covers is closed to providers.

use std::borrow::Cow;

use axum::extract::{MatchedPath, Request};
use axum::http::Method;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use jialing_platform::id::MerchantId;
use jialing_platform::merchants::Scope;
use jialing_platform::merchants::providers::{self, SUB_MERCHANT};
use jialing_platform::{Code, Problem, Result};
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::{ObjectBuilder, Required, schema::Type};

use super::once::Owner;
use super::scopes::{Needs, needs};
use super::signed::Merchant;
use crate::answer::Failed;
use crate::edge::Edge;
use crate::layers::notes::{Asker, Notes};
use crate::openapi::Described;

/// The merchant that the header names, if there is one.
fn named(headers: &axum::http::HeaderMap) -> Result<Option<MerchantId>> {
    let mut values = headers.get_all(SUB_MERCHANT).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let id = value.to_str().ok().and_then(|text| text.parse().ok());
    match (id, values.next()) {
        (Some(id), None) => Ok(Some(id)),
        _ => Err(Problem::new(Code::InvalidRequest)
            .field(SUB_MERCHANT)
            .detail("The header names one merchant by its id.")),
    }
}

/// The first line of the signed text: the method, and the merchant acted for where there is one.
pub(super) fn signed_method(parts: &Parts) -> Result<Cow<'_, str>> {
    Ok(match named(&parts.headers)? {
        None => parts.method.as_str().into(),
        Some(merchant) => format!("{} {merchant}", parts.method).into(),
    })
}

/// Turns a provider's request into one of the merchant that it may act for.
pub(super) async fn act(request: Request, next: Next) -> Response {
    match acting(request).await {
        Ok(request) => next.run(request).await,
        Err(problem) => Failed(problem).into_response(),
    }
}

async fn acting(mut request: Request) -> Result<Request> {
    let Some(merchant) = named(request.headers())? else { return Ok(request) };
    let edge = Edge::of(request.extensions());
    let Some(Merchant(mut caller)) = request.extensions().get::<Merchant>().cloned() else {
        return Err(Problem::internal("a route for providers stands outside the gate of merchants"));
    };
    let route = request.extensions().get::<MatchedPath>().map_or("", |path| path.as_str());
    let scope = scope(request.method(), route).ok_or_else(|| {
        Problem::new(Code::Forbidden)
            .field(SUB_MERCHANT)
            .detail("A service provider does this for itself only: leave the header out.")
    })?;
    let provider = caller.merchant;
    providers::may(&edge.app, provider, merchant, scope).await?;
    // A provider without a grant does not reach the merchant's figures.
    Notes::of(request.extensions()).asks(Asker { merchant, provider: Some(provider) });
    (caller.merchant, caller.provider) = (merchant, Some(provider));
    // A provider's keys of idempotency and the merchant's own never meet.
    request.extensions_mut().insert(Owner(format!("{merchant}/{provider}")));
    request.extensions_mut().insert(Merchant(caller));
    Ok(request)
}

/// What a merchant does itself, whatever it granted: where its files are fetched, its keys that seal, with
/// whom it shares, and what it gives back of a share.
const OWN: [&str; 5] = [
    "/v1/merchant/reconciliation-source",
    "/v1/merchant/api-keys",
    "/v1/merchant/split-receivers",
    "/v1/merchant/split-agreements",
    "/v1/merchant/split-returns",
];

/// The scope that a route asks for; none where a provider may not act for others.
fn scope(method: &Method, route: &str) -> Option<Scope> {
    if OWN.iter().any(|own| route.starts_with(own)) {
        return None;
    }
    match needs(method, route) {
        Needs::Scope(scope) => Some(scope),
        Needs::Nothing | Needs::Everything => None,
    }
}

/// Documents the header on an operation of merchants.
pub(super) fn describe(operation: &mut Operation) {
    operation.parameters.get_or_insert_default().push(parameter().into());
    operation.may_answer(&[Code::Forbidden, Code::InvalidRequest]);
}

fn parameter() -> Parameter {
    ParameterBuilder::new()
        .name(SUB_MERCHANT)
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some("Service providers only: the merchant that you act for. Signed with the request."))
        .schema(Some(ObjectBuilder::new().schema_type(Type::String).build()))
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_asks_for_the_scope_of_its_noun_and_others_are_closed() {
        let check = |method: Method, route: &str, expect: Option<&str>| {
            assert_eq!(scope(&method, route).map(String::from).as_deref(), expect, "{method} {route}");
        };
        check(Method::GET, "/v1/merchant/orders", Some("orders:read"));
        check(Method::POST, "/v1/merchant/orders/{order_id}/close", Some("orders:write"));
        check(Method::GET, "/v1/merchant/orders/{order_id}/split", Some("splits:read"));
        check(Method::POST, "/v1/merchant/orders/{order_id}/unfreeze", Some("splits:write"));
        check(Method::POST, "/v1/merchant/split-receivers", None);
        check(Method::POST, "/v1/merchant/split-agreements/{receiver_id}/agree", None);
        check(Method::POST, "/v1/merchant/split-returns", None);
        check(Method::HEAD, "/v1/merchant/events/{event_id}", Some("events:read"));
        check(Method::DELETE, "/v1/merchant/exports/{export_id}", Some("statements:write"));
        check(Method::GET, "/v1/merchant/cases/{case_id}", Some("reconciliations:read"));
        check(Method::PUT, "/v1/merchant/reconciliation-source", None);
        check(Method::POST, "/v1/merchant/api-keys", None);
        check(Method::POST, "/v1/merchant/security/echo", None);
        check(Method::GET, "/v1/merchant/sub-merchants", None);
        check(Method::GET, "/v1/bank/accounts", None);
    }
}
