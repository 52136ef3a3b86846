//! The outermost layer: what every answer has, whatever happened inside.
//!
//! Work runs in its own task: a caller who goes away does not stop it half way, and a panic becomes
//! an `internal` answer. The access log names the route's pattern, never the path, the query, the
//! body, a header or the address.

use std::future::Future;
use std::time::{Duration, Instant};

use axum::body::{Body, to_bytes};
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use jialing_crypto::Suite;
use jialing_crypto::http_signature::CallbackSignature;
use jialing_platform::{Code, Problem, id};
use serde_json::{Map, Value, json};

use crate::answer::Failed;
use crate::download::Streamed;
use crate::edge::Edge;
use crate::layers::intake::is_upload;
use crate::layers::notes::Notes;

/// The header that names the request.
const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");

pub(crate) async fn frame(State(edge): State<Edge>, mut request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let request_id = format!("req_{}", id::digits(id::EventId::new(edge.app.clock.millis()).number()));
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map_or("none", |path| path.as_str()).to_owned();
    request.extensions_mut().insert(edge.clone());
    // Shared with the request, so that it holds also when the work is not waited for to its end.
    let notes = Notes::default();
    request.extensions_mut().insert(notes.clone());

    let mut response = work(&edge, &request_id, request, next).await;
    let code = write_problem(&edge, &request_id, &mut response);
    let streamed = response.extensions_mut().remove::<Streamed>().is_some();
    if let Some(suite) = notes.suite()
        && !streamed
    {
        response = signed(&edge, suite, response).await;
    }
    let headers = response.headers_mut();
    notes.tell(headers);
    headers.insert(REQUEST_ID, HeaderValue::try_from(&request_id).expect("an id is ASCII"));
    secure(headers, edge.app.settings.public_url.starts_with("https://"));
    record(&method, &route, &request_id, response.status(), code, begun.elapsed());
    response
}

/// Runs the rest apart from the connection, and says in the log when it did not finish.
async fn work(edge: &Edge, request_id: &str, request: Request, next: Next) -> Response {
    let Some(working) = edge.working.upgrade() else {
        let stopping = Problem::new(Code::Overloaded).retry_after(1).detail("The server is stopping.");
        return Failed(stopping).into_response();
    };
    let limits = &edge.config.limits;
    let seconds = if is_upload(&request) { limits.upload_seconds } else { limits.work_seconds };
    let limit = Duration::from_secs(seconds);
    let work = async move {
        let response = next.run(request).await;
        drop(working);
        response
    };
    apart(work, limit).await.unwrap_or_else(|problem| {
        tracing::error!(request_id, code = problem.code.text(), "a request was not answered by its handler");
        Failed(problem).into_response()
    })
}

/// Runs `work` in its own task: whoever waits for it may go away. It is waited for at most `limit`;
/// then it goes on unheard.
async fn apart<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
    limit: Duration,
) -> Result<T, Problem> {
    match tokio::time::timeout(limit, tokio::spawn(work)).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(_panic)) => Err(Problem::new(Code::Internal)),
        Err(_) => Err(Problem::new(Code::OutcomeUnknown).retry_after(5)),
    }
}

/// Gives a problem its body and returns its code. Errors that came from below without a problem,
/// such as a path that no route has, get the one of their status.
fn write_problem(edge: &Edge, request_id: &str, response: &mut Response) -> Option<Code> {
    let problem = match response.extensions_mut().remove::<Failed>() {
        Some(Failed(problem)) => problem,
        None => Problem::new(bare(response.status())?),
    };
    let code = problem.code;
    if let Some(fault) = &problem.internal {
        tracing::error!(request_id, code = code.text(), fault, "a request failed inside");
    }
    let body = problem_body(&edge.app.settings.public_url, request_id, &problem);
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_LENGTH);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    if let Some(seconds) =
        problem.retry_after.or((code == Code::Overloaded || code == Code::InProgress).then_some(1))
    {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    *response.body_mut() = Body::from(body.to_string());
    Some(code)
}

/// The code of an error answer that carries no problem.
pub(crate) fn bare(status: StatusCode) -> Option<Code> {
    match status.as_u16() {
        0..400 => None,
        404 => Some(Code::NotFound),
        405 => Some(Code::MethodNotAllowed),
        413 => Some(Code::BodyTooLarge),
        415 => Some(Code::UnsupportedMediaType),
        431 => Some(Code::HeadersTooLarge),
        408 => Some(Code::RequestTimeout),
        503 => Some(Code::Overloaded),
        400..500 => Some(Code::InvalidRequest),
        _ => Some(Code::Internal),
    }
}

/// RFC 9457. Members of the registry's own come last and cannot be replaced by further ones.
pub(crate) fn problem_body(public_url: &str, request_id: &str, problem: &Problem) -> Value {
    let code = problem.code;
    let mut body: Map<String, Value> = problem.extra.as_deref().cloned().unwrap_or_default();
    body.insert(
        "type".into(),
        json!(format!("{}/docs/errors#{}", public_url.trim_end_matches('/'), code.text())),
    );
    body.insert("title".into(), json!(code.title()));
    body.insert("status".into(), json!(code.status()));
    body.insert("code".into(), json!(code.text()));
    body.insert("detail".into(), json!(problem.detail.as_deref().unwrap_or(code.cause())));
    body.insert("request_id".into(), json!(request_id));
    body.insert("retryable".into(), json!(code.retryable()));
    if let Some(field) = &problem.field {
        body.insert("field".into(), json!(field));
    }
    if let Some(seconds) = problem.retry_after {
        body.insert("retry_after".into(), json!(seconds));
    }
    Value::Object(body)
}

/// Signs the answer's bytes with the platform's key.
async fn signed(edge: &Edge, suite: Suite, response: Response) -> Response {
    let keys = &edge.config.answer_keys;
    let Some(key) = keys.iter().find(|key| key.suite() == suite).or(keys.first()) else { return response };
    let (mut parts, body) = response.into_parts();
    let Ok(body) = to_bytes(body, usize::MAX).await else {
        return Failed::from(Code::Internal).into_response();
    };
    let signature = CallbackSignature::sign(key, &body, edge.app.clock.wire() / 1000);
    for (name, value) in signature.headers() {
        if let Ok(value) = HeaderValue::try_from(value) {
            parts.headers.insert(HeaderName::from_static(name), value);
        }
    }
    Response::from_parts(parts, Body::from(body))
}

/// Headers that tell a browser to do nothing of its own with an answer. What a handler set stays.
fn secure(headers: &mut HeaderMap, https: bool) {
    let mut set = |name, value| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::CACHE_CONTROL, "no-store");
    set(header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'");
    set(header::X_FRAME_OPTIONS, "DENY");
    set(header::REFERRER_POLICY, "no-referrer");
    set(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    if https {
        set(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000; includeSubDomains");
    }
}

/// One line in the access log and two figures.
fn record(
    method: &Method,
    route: &str,
    request_id: &str,
    status: StatusCode,
    code: Option<Code>,
    took: Duration,
) {
    let status = status.as_u16();
    let method = if is_usual(method) { method.as_str() } else { "OTHER" }.to_owned();
    tracing::info!(
        target: "jialing::access",
        request_id,
        method,
        route,
        status,
        code = code.map(Code::text),
        took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
        "answered"
    );
    let labels = [("method", method), ("route", route.to_owned()), ("status", status.to_string())];
    metrics::counter!("jialing_http_requests_total", &labels).increment(1);
    metrics::histogram!("jialing_http_request_seconds", &labels[..2]).record(took.as_secs_f64());
    if let Some(code) = code {
        metrics::counter!("jialing_http_problems_total", "code" => code.text()).increment(1);
    }
}

/// Methods that may label a figure; any other text is the caller's.
fn is_usual(method: &Method) -> bool {
    [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::HEAD, Method::OPTIONS]
        .contains(method)
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use tokio::sync::oneshot;

    #[tokio::test]
    async fn a_panic_is_an_internal_problem_and_not_the_end_of_the_server() {
        let boom = async { panic!("on purpose") };
        let problem = apart::<()>(boom, Duration::from_secs(60)).await.expect_err("it panicked");
        assert_eq!(problem.code, Code::Internal);
        assert_eq!(apart(async { 7 }, Duration::from_secs(60)).await.expect("it did not"), 7);
    }

    #[tokio::test]
    async fn work_that_takes_too_long_goes_on_unheard() {
        let (go_on, wait) = oneshot::channel::<()>();
        let (finish, finished) = oneshot::channel();
        let work = async move {
            let _ = wait.await;
            let _ = finish.send("done");
        };
        let problem = apart(work, Duration::ZERO).await.expect_err("nobody waits that long");
        assert_eq!(problem.code, Code::OutcomeUnknown);
        go_on.send(()).expect("the work still waits");
        assert_eq!(finished.await, Ok("done"));
    }

    #[tokio::test]
    async fn work_goes_on_when_whoever_asked_goes_away() {
        let (go_on, wait) = oneshot::channel::<()>();
        let (finish, finished) = oneshot::channel();
        let work = async move {
            let _ = wait.await;
            let _ = finish.send("done");
        };
        let asked = apart(work, Duration::from_secs(60));
        assert!(asked.now_or_never().is_none(), "it waits, and is dropped");
        go_on.send(()).expect("the work still waits");
        assert_eq!(finished.await, Ok("done"));
    }

    #[test]
    fn a_problem_shows_what_the_registry_says_whatever_its_further_members_claim() {
        let problem = Problem::new(Code::RateLimited).retry_after(7).with("status", 200).with("left", 3);
        let body = problem_body("https://pay.example/", "req_1", &problem);
        assert_eq!(body["type"], "https://pay.example/docs/errors#rate_limited");
        let shown =
            (&body["status"], &body["left"], &body["retry_after"], &body["retryable"], &body["field"]);
        assert_eq!(shown, (&json!(429), &json!(3), &json!(7), &json!(true), &Value::Null));
    }

    #[test]
    fn only_an_https_address_asks_browsers_to_stay_on_https() {
        let shown = |https| {
            let mut headers =
                HeaderMap::from_iter([(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"))]);
            secure(&mut headers, https);
            (headers.contains_key(header::STRICT_TRANSPORT_SECURITY), headers[header::CACHE_CONTROL].clone())
        };
        assert_eq!(shown(true), (true, HeaderValue::from_static("no-cache")), "what a handler set stays");
        assert!(!shown(false).0);
    }
}
