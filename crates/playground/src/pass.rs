//! A request on its way to a sandbox's edge: what goes wrong with it on order, what is noted of it, and
//! what the payers hear.
//!
//! The work is done in a task of its own, so that a caller who gave up waiting does not undo an effect
//! that the fault promised.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, header, request::Parts};
use axum::response::{IntoResponse, Response};
use futures_util::{StreamExt, stream};
use jialing_platform::{Code, Problem};
use serde::Deserialize;
use serde_json::Value;

use crate::faults::{FaultKind, FaultOrder};
use crate::journal::{Asked, Became, is_of_signatures};
use crate::payers::Ordered;
use crate::refused::Refused;
use crate::yard::Yard;

/// The longest request body, in bytes: files of payments are the longest that the API takes.
pub(crate) const BODY_BYTES: usize = 32 << 20;
/// The longest answer that is looked into; longer ones and streams are passed on as they come.
const ANSWER_BYTES: u64 = 1 << 20;
/// How long a request that is never answered is held open.
const HOLD: Duration = Duration::from_secs(30);

/// Until a connection that is to break breaks.
const BREAKS_AFTER: Duration = Duration::from_millis(50);

/// Who stands behind a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Behind {
    /// An integrator: noted, faults apply, payers attend to the orders.
    Integrator,
    /// The sandbox itself on somebody's order: noted only.
    Trigger,
    /// The sandbox's own people and bank: not even noted.
    House,
}

/// Answers a request whose path is the edge's own.
pub(crate) async fn pass(yard: Arc<Yard>, peer: SocketAddr, behind: Behind, request: Request) -> Response {
    if behind == Behind::House {
        return yard.answer(peer, request).await;
    }
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, BODY_BYTES).await else {
        return Refused::from(Code::BodyTooLarge).into_response();
    };
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let fault = match behind {
        Behind::Integrator => yard.around.faults.of_call(&parts.headers, parts.method.as_str(), &path),
        _ => Ok(None),
    };
    let fault = match fault {
        Ok(fault) => fault,
        Err(problem) => return Refused(problem).into_response(),
    };
    let asked = Asked::of(&parts.method, &path, &yard.prefix, &parts.headers, &body);
    let passing = Passing { yard, peer, behind, parts, body, fault, begun: Instant::now() };
    let answered = tokio::spawn(passing.answer(asked)).await;
    let (response, held) =
        answered.unwrap_or_else(|_| (Refused::from(Code::Internal).into_response(), false));
    if held {
        tokio::time::sleep(HOLD).await;
    }
    response
}

/// A request that is being answered.
struct Passing {
    yard: Arc<Yard>,
    peer: SocketAddr,
    behind: Behind,
    parts: Parts,
    body: Bytes,
    fault: Option<FaultOrder>,
    begun: Instant,
}

impl Passing {
    /// The answer, and whether it is held back until the caller has gone.
    async fn answer(self, asked: Asked) -> (Response, bool) {
        let kind = self.fault.as_ref().map(|fault| fault.kind);
        if let Some(response) = self.before(kind) {
            let status = (kind != Some(FaultKind::TimeoutBefore)).then(|| response.status().as_u16());
            let became = Became {
                status,
                code: code_of(kind),
                took: self.begun.elapsed(),
                fault: kind,
                ..Became::default()
            };
            self.yard.around.journal.write(asked, became);
            self.watch(kind, 0, &Value::Null);
            return (response, kind == Some(FaultKind::TimeoutBefore));
        }
        let answer = self.ask().await;
        if !answer.code.as_deref().is_some_and(is_of_signatures) {
            self.watch(kind, answer.response.status().as_u16(), &answer.value);
        }
        let (response, code, held) = spoil(kind, answer.response, answer.code);
        let became = Became {
            status: (!held).then(|| response.status().as_u16()),
            code,
            request_id: answer.request_id,
            took: self.begun.elapsed(),
            fault: kind,
            checked: true,
        };
        self.yard.around.journal.write(asked, became);
        (response, held)
    }

    /// Lets the sandbox's watch hear of the call.
    fn watch(&self, kind: Option<FaultKind>, status: u16, answer: &Value) {
        if self.behind != Behind::Integrator || !self.parts.uri.path().starts_with("/v1/merchant/") {
            return;
        }
        let call = jialing_conform::Call {
            method: self.parts.method.as_str(),
            path: self.parts.uri.path(),
            body: &self.body,
            status,
            answer,
            lost: kind.is_some_and(FaultKind::takes_the_answer),
        };
        self.yard.watch(|watch, at| watch.call(&call, at));
    }

    /// The answer of faults that leave no effect now.
    fn before(&self, kind: Option<FaultKind>) -> Option<Response> {
        let problem = match kind? {
            FaultKind::TimeoutBefore => return Some(torn(&Bytes::new())),
            FaultKind::Error => {
                Problem::new(Code::Internal).detail("Ordered in the sandbox; nothing was done.")
            }
            FaultKind::Overloaded => Problem::new(Code::Overloaded).retry_after(1),
            FaultKind::RateLimited => Problem::new(Code::RateLimited).retry_after(1),
            FaultKind::LateSuccess => {
                self.later();
                unknown()
            }
            _ => return None,
        };
        Some(Refused(problem).into_response())
    }

    /// Does the work after the delay, unheard.
    fn later(&self) {
        let delay = Duration::from_secs(self.fault.as_ref().map_or(0, FaultOrder::delay_s).into());
        let late = Passing {
            yard: self.yard.clone(),
            peer: self.peer,
            behind: self.behind,
            parts: self.parts.clone(),
            body: self.body.clone(),
            fault: None,
            begun: self.begun,
        };
        let task = tokio::spawn(async move {
            tokio::time::sleep(delay).await;
            late.ask().await;
        });
        self.yard.keep(task);
    }

    /// Asks the edge; what it answers is looked into where it is small.
    async fn ask(&self) -> Answer {
        let request = Request::from_parts(self.parts.clone(), Body::from(self.body.clone()));
        let response = self.yard.answer(self.peer, request).await;
        let (parts, body) = response.into_parts();
        let text = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
        let request_id = text("request-id").map(str::to_owned);
        let json = text("content-type").is_some_and(|kind| kind.contains("json"));
        let small = axum::body::HttpBody::size_hint(&body).upper().is_some_and(|bytes| bytes <= ANSWER_BYTES);
        if !json || !small {
            let value = Value::Null;
            return Answer { response: Response::from_parts(parts, body), code: None, request_id, value };
        }
        let bytes = to_bytes(body, ANSWER_BYTES as usize).await.unwrap_or_default();
        let value: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        let failed = !parts.status.is_success();
        let code = if failed { value["code"].as_str().map(str::to_owned) } else { None };
        if parts.status.as_u16() == 201 && self.behind == Behind::Integrator {
            self.tell_payers(&bytes);
        }
        Answer { response: Response::from_parts(parts, Body::from(bytes)), code, request_id, value }
    }

    /// An order was made: the payers attend to it.
    fn tell_payers(&self, answer: &[u8]) {
        let is_order = self.parts.method == Method::POST && self.parts.uri.path() == "/v1/merchant/orders";
        if !is_order {
            return;
        }
        if let Some(ordered) = ordered(answer) {
            self.yard.ordered(ordered);
        }
    }
}

struct Answer {
    response: Response,
    code: Option<String>,
    request_id: Option<String>,
    /// What it says, where it is small and JSON.
    value: Value,
}

/// What the caller gets of an answer whose work was done.
fn spoil(
    kind: Option<FaultKind>,
    response: Response,
    code: Option<String>,
) -> (Response, Option<String>, bool) {
    let of = |problem: Problem| {
        let code = problem.code.text().to_owned();
        (Refused(problem).into_response(), Some(code), false)
    };
    match kind {
        Some(FaultKind::TimeoutAfter) => (torn(&Bytes::new()), None, true),
        Some(FaultKind::Unknown) => of(unknown()),
        Some(FaultKind::ErrorAfter) => {
            of(Problem::new(Code::Internal).detail("Ordered in the sandbox; the work may have been done."))
        }
        Some(FaultKind::Torn) => (torn(&Bytes::from_static(b"{\"id\":")), None, false),
        Some(FaultKind::BadSignature) => (unsigned(response), code, false),
        _ => (response, code, false),
    }
}

fn unknown() -> Problem {
    Problem::new(Code::OutcomeUnknown).retry_after(1)
}

fn code_of(kind: Option<FaultKind>) -> Option<String> {
    let code = match kind? {
        FaultKind::Error => Code::Internal,
        FaultKind::Overloaded => Code::Overloaded,
        FaultKind::RateLimited => Code::RateLimited,
        FaultKind::LateSuccess => Code::OutcomeUnknown,
        _ => return None,
    };
    Some(code.text().to_owned())
}

/// A broken connection after the first bytes of an answer.
fn torn(first: &Bytes) -> Response {
    let begun = stream::iter([Ok(first.clone())]);
    // A moment between them, so that the head and the first bytes are on their way before it breaks.
    let broken = stream::once(async {
        tokio::time::sleep(BREAKS_AFTER).await;
        Err(io::Error::new(io::ErrorKind::ConnectionAborted, "torn on order"))
    });
    let body = Body::from_stream(begun.chain(broken));
    ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], body).into_response()
}

/// The same answer with a signature that is well-formed and fits nothing.
fn unsigned(mut response: Response) -> Response {
    let headers: &mut HeaderMap = response.headers_mut();
    if let Some(signature) = headers.get("jialing-signature").and_then(|value| value.to_str().ok()) {
        let first = if signature.starts_with('A') { "B" } else { "A" };
        let changed = format!("{first}{}", signature.get(1..).unwrap_or_default());
        if let Ok(changed) = HeaderValue::try_from(changed) {
            headers.insert("jialing-signature", changed);
        }
    }
    response
}

/// The order in an answer that made one.
fn ordered(answer: &[u8]) -> Option<Ordered> {
    #[derive(Deserialize)]
    struct Made {
        id: String,
        merchant_id: String,
        state: String,
        amount: jialing_sdk::Amount,
        expires_at: jiff::Timestamp,
    }
    let made: Made = serde_json::from_slice(answer).ok()?;
    (made.state == "NOTPAY").then_some(Ordered {
        order_id: made.id,
        merchant_id: made.merchant_id,
        amount: made.amount.amount,
        expires_at: made.expires_at.as_millisecond(),
    })
}
