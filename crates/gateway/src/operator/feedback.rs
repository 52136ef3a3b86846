//! Feedback, as operators read and answer it.

use axum::extract::State;
use jialing_platform::feedback::{self, Feedback, FeedbackAnswerAsk, ListAsk};
use jialing_platform::id::FeedbackId;
use jialing_platform::{App, Page};

use crate::answer::{Answer, found};
use crate::extract::{Json, Path, Query};
use crate::gates::Operator;

/// Lists feedback, newest first; `state=OPEN` for what waits for an answer.
///
/// Problems: `invalid_request`.
#[utoipa::path(get, path = "/v1/operator/feedback", operation_id = "list_feedback", tag = "operators",
    params(ListAsk), responses((status = 200, description = "A page", body = Page<Feedback>)))]
pub(super) async fn list(
    State(app): State<App>,
    _operator: Operator,
    Query(ask): Query<ListAsk>,
) -> Answer<Page<Feedback>> {
    found(feedback::all(&app, &ask).await?)
}

/// Shows feedback.
///
/// Problems: `not_found`.
#[utoipa::path(get, path = "/v1/operator/feedback/{feedback_id}", operation_id = "read_feedback_to_answer",
    tag = "operators", params(("feedback_id" = FeedbackId, Path)),
    responses((status = 200, description = "The feedback", body = Feedback)))]
pub(super) async fn of(
    State(app): State<App>,
    _operator: Operator,
    Path(id): Path<FeedbackId>,
) -> Answer<Feedback> {
    found(feedback::read(&app, id).await?)
}

/// Answers feedback; its merchant is told by an event. The same answer again changes nothing.
///
/// Problems: `not_found`, `invalid_request`, `conflict` where another answer was given.
#[utoipa::path(post, path = "/v1/operator/feedback/{feedback_id}/answer", operation_id = "answer_feedback",
    tag = "operators", params(("feedback_id" = FeedbackId, Path)), request_body = FeedbackAnswerAsk,
    responses((status = 200, description = "The feedback", body = Feedback)))]
pub(super) async fn answer(
    State(app): State<App>,
    Operator(name): Operator,
    Path(id): Path<FeedbackId>,
    Json(ask): Json<FeedbackAnswerAsk>,
) -> Answer<Feedback> {
    found(feedback::answer(&app, &name, id, ask).await?)
}
