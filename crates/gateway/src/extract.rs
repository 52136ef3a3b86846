//! What handlers take from a request: the JSON body, the query, the path.
//!
//! Each refusal is a problem that says which field, what is wrong with it and what was expected.
//! Values are never repeated in it: they may be secrets.

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Request, path::ErrorKind};
use axum::http::{HeaderMap, header, request::Parts};
use jialing_platform::{Code, Problem};
use serde::de::{DeserializeOwned, IgnoredAny};

use crate::answer::Failed;

/// The JSON body. Unknown fields are refused where `T` says `deny_unknown_fields`, as all asks do.
#[derive(Debug)]
pub(crate) struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Failed;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failed> {
        let named = is_json(request.headers());
        let body = axum::body::Bytes::from_request(request, state)
            .await
            .map_err(|_| Failed::from(Code::RequestTimeout))?;
        if body.is_empty() {
            return Err(Problem::new(Code::InvalidRequest).detail("A JSON body is expected.").into());
        }
        if !named {
            return Err(Code::UnsupportedMediaType.into());
        }
        Ok(Self(parse(&body)?))
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

/// Reads `body` as JSON.
///
/// # Errors
/// `invalid_request`, `amount_invalid` or `currency_unsupported` with the field at fault.
pub(crate) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let mut reader = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        let path = if path == "." { "" } else { &path };
        let error = error.into_inner();
        // A value of another kind where one of a few words is expected counts as bad syntax to serde.
        if error.is_syntax() && serde_json::from_slice::<IgnoredAny>(body).is_ok() {
            return problem_at(path, None, "Invalid type.");
        }
        misfit(path, &error)
    })?;
    reader.end().map_err(|error| misfit("", &error))?;
    Ok(value)
}

/// The problem for JSON that does not fit at `path`.
fn misfit(path: &str, error: &serde_json::Error) -> Problem {
    let message = error.to_string();
    if !error.is_data() {
        return Problem::new(Code::InvalidRequest).detail(format!(
            "The body is not JSON at line {}, column {}.",
            error.line(),
            error.column()
        ));
    }
    let field = match quoted_name(&message) {
        Some(name) if path.is_empty() => name.to_owned(),
        // An unknown field's path already ends with its name; a missing one's ends with its parent.
        Some(name) if message.starts_with("missing field") => format!("{path}.{name}"),
        _ => path.to_owned(),
    };
    let shape =
        ["missing field", "unknown field", "duplicate field"].iter().any(|start| message.starts_with(start));
    let code = shape.then_some(Code::InvalidRequest);
    problem_at(&field, code, &without_value(&message))
}

/// The problem of a field: by what the field is, unless its code is known already.
fn problem_at(field: &str, code: Option<Code>, detail: &str) -> Problem {
    let code = code.unwrap_or(match field.rsplit('.').next() {
        Some("amount") => Code::AmountInvalid,
        Some("currency") => Code::CurrencyUnsupported,
        _ => Code::InvalidRequest,
    });
    let problem = Problem::new(code).detail(detail);
    if field.is_empty() { problem } else { problem.field(field) }
}

/// The name in "missing field `name`", "unknown field `name`, …" and "duplicate field `name`".
fn quoted_name(message: &str) -> Option<&str> {
    let rest = message.split_once(" field `")?.1;
    rest.split_once('`').map(|(name, _)| name)
}

/// serde's message without the value it repeats and without the position in the text.
fn without_value(message: &str) -> String {
    let message = message.rsplit_once(" at line ").map_or(message, |(text, _)| text);
    let what = ["invalid type: ", "invalid value: ", "invalid length: "]
        .iter()
        .find(|start| message.starts_with(**start));
    let text = match (what, message.rsplit_once(", expected ")) {
        (Some(start), Some((value, expected))) => {
            let kind = value[start.len()..].split([' ', '`', '"']).next().unwrap_or_default();
            format!("{start}{kind}, expected {expected}")
        }
        _ => {
            match message.strip_prefix("unknown variant `").and_then(|rest| rest.rsplit_once("`, expected "))
            {
                Some((_, expected)) => format!("unknown value, expected {expected}"),
                None => message.to_owned(),
            }
        }
    };
    sentence(&text)
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|c| c.to_ascii_uppercase());
    first.into_iter().chain(letters).chain(['.']).collect()
}

/// The query string. Which parameters a route knows is read from its documentation; others were
/// refused before, so two of these may stand side by side in a handler.
#[derive(Debug)]
pub(crate) struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Failed;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failed> {
        let read = axum::extract::Query::<T>::try_from_uri(&parts.uri);
        read.map(|query| Self(query.0)).map_err(|error| bad_query(&error).into())
    }
}

fn bad_query(error: &QueryRejection) -> Problem {
    let text = error.body_text();
    let text = text.strip_prefix("Failed to deserialize query string: ").unwrap_or(&text);
    let problem = Problem::new(Code::InvalidRequest);
    match text.split_once(": ") {
        Some((field, reason)) if !field.contains(' ') => problem.field(field).detail(without_value(reason)),
        _ => match quoted_name(text) {
            Some(name) => problem.field(name).detail(without_value(text)),
            None => problem.detail(without_value(text)),
        },
    }
}

/// The path's parameters.
#[derive(Debug)]
pub(crate) struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Failed;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failed> {
        let read = axum::extract::Path::<T>::from_request_parts(parts, state).await;
        read.map(|path| Self(path.0)).map_err(|error| bad_path(error).into())
    }
}

/// What is no id names nothing: the answer is the same as for an id that is unknown.
fn bad_path(error: PathRejection) -> Problem {
    let PathRejection::FailedToDeserializePathParams(error) = error else {
        return Problem::internal("the route has no path parameters");
    };
    let problem = Problem::new(Code::NotFound);
    match error.into_kind() {
        ErrorKind::DeserializeError { key, message, .. } => {
            problem.field(key).detail(without_value(&message))
        }
        ErrorKind::ParseErrorAtKey { key, expected_type, .. } => {
            problem.field(key).detail(format!("Expected {expected_type}."))
        }
        ErrorKind::InvalidUtf8InPathParam { key } => problem.field(key).detail("It is not UTF-8."),
        ErrorKind::Message(message) => problem.detail(without_value(&message)),
        _ => problem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jialing_platform::Money;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Ask {
        total: Money,
        note: Option<String>,
    }

    fn check(body: &str, code: Code, field: Option<&str>) -> String {
        let problem = parse::<Ask>(body.as_bytes()).expect_err(body);
        assert_eq!((problem.code, problem.field.as_deref()), (code, field), "{body}: {problem}");
        problem.detail.unwrap_or_default()
    }

    #[test]
    fn a_body_that_does_not_fit_says_which_field_and_why() {
        use Code::{AmountInvalid, CurrencyUnsupported, InvalidRequest};
        check("{", InvalidRequest, None);
        check("{} x", InvalidRequest, Some("total"));
        check(r#"{"total":{"amount":1,"currency":"CNY"}} x"#, InvalidRequest, None);
        check(r#"{"total":{"amount":1}}"#, InvalidRequest, Some("total.currency"));
        check(r#"{"total":{"amount":-1,"currency":"CNY"}}"#, AmountInvalid, Some("total.amount"));
        check(r#"{"total":{"amount":1.5,"currency":"CNY"}}"#, AmountInvalid, Some("total.amount"));
        check(r#"{"total":{"amount":"1","currency":"CNY"}}"#, AmountInvalid, Some("total.amount"));
        check(
            r#"{"total":{"amount":99999999999999999999,"currency":"CNY"}}"#,
            AmountInvalid,
            Some("total.amount"),
        );
        check(r#"{"total":{"amount":1,"currency":156}}"#, CurrencyUnsupported, Some("total.currency"));
        check(r#"{"total":{"amount":1,"currency":156}"#, InvalidRequest, None);
        check(r#"{"total":{"amount":1,"currency":"USD"}}"#, CurrencyUnsupported, Some("total.currency"));
        check(r#"{"total":{"amount":1,"currency":"CNY","tip":1}}"#, InvalidRequest, Some("total.tip"));
        check(r#"{"total":{"amount":1,"currency":"CNY"},"tip":1}"#, InvalidRequest, Some("tip"));
        check(
            r#"{"total":{"amount":1,"currency":"CNY"},"note":"a","note":"b"}"#,
            InvalidRequest,
            Some("note"),
        );
    }

    #[test]
    fn a_problem_never_repeats_the_value() {
        let total = r#""total":{"amount":1,"currency":"CNY"}"#;
        let detail =
            check(&format!(r#"{{{total},"note":{{"secret":1}}}}"#), Code::InvalidRequest, Some("note"));
        assert_eq!(detail, "Invalid type: map, expected a string.");
        let detail = check(r#"{"total":"se\"cret, expected x"}"#, Code::InvalidRequest, Some("total"));
        assert!(!detail.contains("cret"), "{detail}");
        let detail = check(
            r#"{"total":{"amount":1,"currency":"se`, cret"}}"#,
            Code::CurrencyUnsupported,
            Some("total.currency"),
        );
        assert!(!detail.contains("se`"), "{detail}");
    }
}
