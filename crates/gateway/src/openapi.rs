//! The API's description, made from the handlers.
//!
//! A handler says what it takes and gives in `#[utoipa::path]` and, in a paragraph of its documentation,
//! which problems of its own it may answer: ``Problems: `order_closed`, `balance_too_low`.`` Gates
//! and [`complete`] add those that follow from where a route stands and what it takes. The document
//! is checked in at `docs/openapi.json`; a test compares.

use std::collections::HashSet;

use axum::http::Method;
use jialing_platform::Code;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::openapi::path::{Operation, ParameterIn, PathItem, Paths};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{Components, Content, OpenApi, Ref, RefOr, Response};
use utoipa::{PartialSchema, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use crate::edge::Edge;
use crate::layers::query::QueryNames;

const PROBLEM_JSON: &str = "application/problem+json";

/// An error as it is answered, RFC 9457, with further members where the code has them.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
#[allow(dead_code)]
struct ProblemBody {
    /// A page about the code.
    #[serde(rename = "type")]
    #[schema(example = "https://pay.example.gov.cn/docs/errors#balance_too_low")]
    kind: String,
    /// A short title.
    title: String,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// The stable code.
    #[schema(example = "balance_too_low")]
    code: String,
    /// What happened here.
    detail: String,
    /// The field at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    /// The request, as in the header `Request-Id`.
    request_id: String,
    /// Whether the same request may succeed later.
    retryable: bool,
    /// Seconds to wait before that, as in the header `Retry-After`.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u64>,
}

/// What gates and registration say about an operation.
pub(crate) trait Described {
    /// It may answer these problems.
    fn may_answer(&mut self, codes: &[Code]);
    /// It asks for this.
    fn secured_by(&mut self, requirement: SecurityRequirement);
}

impl Described for Operation {
    fn may_answer(&mut self, codes: &[Code]) {
        for code in codes {
            let status = code.status().to_string();
            let entry =
                self.responses.responses.entry(status).or_insert_with(|| RefOr::T(Response::default()));
            let RefOr::T(response) = entry else { continue };
            let name = format!("`{}`", code.text());
            if !response.description.contains(&name) {
                let comma = if response.description.is_empty() { "" } else { ", " };
                response.description.push_str(&format!("{comma}{name}"));
            }
            let schema = RefOr::<utoipa::openapi::Schema>::Ref(Ref::from_schema_name("Problem"));
            response
                .content
                .entry(PROBLEM_JSON.into())
                .or_insert_with(|| RefOr::T(Content::new(Some(schema))));
        }
    }

    fn secured_by(&mut self, requirement: SecurityRequirement) {
        self.security.get_or_insert_default().push(requirement);
    }
}

pub(crate) fn each_operation(api: &mut OpenApi, change: impl FnMut(&mut Operation)) {
    each_path_operation(&mut api.paths, change);
}

pub(crate) fn each_path_operation(paths: &mut Paths, mut change: impl FnMut(&mut Operation)) {
    for item in paths.paths.values_mut() {
        for (_, operation) in operations(item) {
            change(operation);
        }
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = (Method, &mut Operation)> {
    let PathItem { get, put, post, delete, patch, .. } = item;
    [
        (Method::GET, get),
        (Method::PUT, put),
        (Method::POST, post),
        (Method::DELETE, delete),
        (Method::PATCH, patch),
    ]
    .into_iter()
    .filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

/// The whole API's description as JSON, the same text for the same code.
#[must_use]
pub fn openapi() -> String {
    let mut router = crate::routes(true);
    let mut api = described(&mut router);
    // A parameter that takes the rest of the path, slashes too, is written like any other.
    let paths = std::mem::take(&mut api.paths.paths);
    api.paths.paths = paths.into_iter().map(|(path, item)| (path.replace("{*", "{"), item)).collect();
    let mut text = api.to_pretty_json().expect("a description is JSON");
    text.push('\n');
    text
}

/// Completes the description of `router` and takes it out.
///
/// # Panics
/// When a handler's documentation names a code that the registry does not have.
pub(crate) fn described(router: &mut OpenApiRouter<Edge>) -> OpenApi {
    let mut api = router.to_openapi();
    api.info.title = "Jialing".into();
    api.info.description = Some(include_str!("openapi.md").trim().into());
    api.info.contact = None;
    let money = Monied::of(&api);
    each_operation(&mut api, |operation| {
        if money.is_in(operation) {
            operation.may_answer(&[Code::AmountInvalid, Code::CurrencyUnsupported]);
        }
        complete(operation);
    });
    let components = api.components.get_or_insert_with(Components::new);
    components.schemas.insert("Problem".into(), ProblemBody::schema());
    components.add_security_scheme(
        "session",
        SecurityScheme::Http(
            HttpBuilder::new()
                .scheme(HttpAuthScheme::Bearer)
                .description(Some("The token that signing in answered."))
                .build(),
        ),
    );
    components.add_security_scheme(
        "signature",
        SecurityScheme::ApiKey(utoipa::openapi::security::ApiKey::Header(utoipa::openapi::security::ApiKeyValue::with_description(
            "Authorization",
            "`JIALING1-<ALG> mchid=\"…\",serial_no=\"…\",timestamp=\"…\",nonce_str=\"…\",signature=\"…\"`: see the guide on signing requests. HTTP Message Signatures (RFC 9421) are taken as well: `Signature-Input`, `Signature` and `Content-Digest`.",
        ))),
    );
    api
}

/// The schemas that have money somewhere in them.
struct Monied(Map<String, Value>);

impl Monied {
    fn of(api: &OpenApi) -> Self {
        let schemas = api.components.as_ref().map(|components| &components.schemas);
        match serde_json::to_value(schemas) {
            Ok(Value::Object(schemas)) => Self(schemas),
            _ => Self(Map::new()),
        }
    }

    /// Whether money is in what an operation takes.
    fn is_in(&self, operation: &Operation) -> bool {
        let body = serde_json::to_value(&operation.request_body).unwrap_or_default();
        self.has(&body, &mut HashSet::new())
    }

    fn has<'a>(&'a self, part: &'a Value, seen: &mut HashSet<&'a str>) -> bool {
        match part {
            Value::Object(members) => members.iter().any(|(name, value)| {
                let schema = value.as_str().filter(|_| name == "$ref");
                match schema.and_then(|schema| schema.rsplit('/').next()) {
                    Some("Money") => true,
                    Some(schema) if seen.insert(schema) => {
                        self.0.get(schema).is_some_and(|inner| self.has(inner, seen))
                    }
                    Some(_) => false,
                    None => self.has(value, seen),
                }
            }),
            Value::Array(parts) => parts.iter().any(|part| self.has(part, seen)),
            _ => false,
        }
    }
}

/// Adds the problems that follow from what an operation takes, and those its documentation names.
fn complete(operation: &mut Operation) {
    let name = operation.operation_id.clone().unwrap_or_default();
    if let Some(text) = operation.description.take() {
        let (named, rest): (Vec<&str>, Vec<&str>) =
            text.split("\n\n").partition(|part| part.starts_with("Problems:"));
        let codes: Vec<Code> = named
            .iter()
            .flat_map(|part| part.split('`').skip(1).step_by(2))
            .map(|code| code_named(code, &name))
            .collect();
        operation.may_answer(&codes);
        let rest = rest.join("\n\n").trim().to_owned();
        operation.description = (!rest.is_empty()).then_some(rest);
    }
    let in_path = operation.parameters.iter().flatten().any(|parameter| match parameter {
        RefOr::T(parameter) => matches!(parameter.parameter_in, ParameterIn::Path),
        RefOr::Ref(_) => false,
    });
    if in_path {
        operation.may_answer(&[Code::NotFound]);
    }
    // A parameter that is not known, and a body that is too large or too slow, are refused on every route,
    // those too that take none.
    operation.may_answer(&[Code::InvalidRequest, Code::RequestTimeout, Code::BodyTooLarge]);
    if operation.request_body.is_some() {
        operation.may_answer(&[Code::UnsupportedMediaType]);
    }
    operation.may_answer(&[Code::Overloaded, Code::Internal, Code::OutcomeUnknown]);
}

fn code_named(text: &str, operation: &str) -> Code {
    let found = Code::ALL.iter().copied().find(|code| code.text() == text);
    found.unwrap_or_else(|| panic!("{operation} documents the code {text}, which the registry does not have"))
}

/// The query parameters of each operation.
pub(crate) fn query_names(api: &mut OpenApi) -> QueryNames {
    let mut known = QueryNames::default();
    for (path, item) in &mut api.paths.paths {
        for (method, operation) in operations(item) {
            let names: HashSet<String> = operation
                .parameters
                .iter()
                .flatten()
                .filter_map(|parameter| match parameter {
                    RefOr::T(parameter) if matches!(parameter.parameter_in, ParameterIn::Query) => {
                        Some(parameter.name.clone())
                    }
                    _ => None,
                })
                .collect();
            known.0.insert((method, path.clone()), names);
        }
    }
    known
}
