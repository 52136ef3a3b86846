//! A problem as it is answered by the sandbox's own doors: the same form and the same codes as the API.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jialing_crypto::random;
use jialing_platform::{Code, Problem};
use serde_json::json;

/// A problem on its way out. `?` makes it from a [`Problem`].
#[derive(Debug)]
pub(crate) struct Refused(pub(crate) Problem);

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}

impl From<Code> for Refused {
    fn from(code: Code) -> Self {
        Self(Problem::new(code))
    }
}

/// Something that went wrong inside, for the log; whoever asked hears `internal`.
pub(crate) fn inside(fault: String) -> Refused {
    tracing::error!(fault, "a sandbox failed inside");
    Refused(Problem::new(Code::Internal).detail(fault))
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let Self(problem) = self;
        let code = problem.code;
        let mut body = json!({
            "type": format!("/docs/errors#{}", code.text()),
            "title": code.title(),
            "status": code.status(),
            "code": code.text(),
            "detail": problem.detail.as_deref().unwrap_or(code.cause()),
            "request_id": format!("req_{}", random::nonce()),
            "retryable": code.retryable(),
        });
        if let Some(field) = &problem.field {
            body["field"] = json!(field);
        }
        let mut response = Response::new(Body::from(body.to_string()));
        *response.status_mut() =
            StatusCode::from_u16(code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = problem.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
