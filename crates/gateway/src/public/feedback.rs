//! Feedback of anybody: readers of the documents, and integrators who have no key yet.

use axum::extract::State;
use jialing_platform::App;
use jialing_platform::feedback::{self, FeedbackAsk, FeedbackReceived};

use crate::answer::{Answer, created};
use crate::extract::Json;
use crate::gates::Once;

/// Gives feedback to the people who run the platform, without signing in.
///
/// Leave a way to be reached if you want an answer. Merchants' servers sign theirs and are told by an event.
///
/// Problems: `invalid_request`, `rate_limited`.
#[utoipa::path(post, path = "/v1/public/feedback", operation_id = "give_public_feedback", tag = "feedback",
    request_body = FeedbackAsk, responses((status = 201, description = "It was taken in", body = FeedbackReceived)))]
pub(super) async fn give(
    State(app): State<App>,
    once: Once,
    Json(ask): Json<FeedbackAsk>,
) -> Answer<FeedbackReceived> {
    created(feedback::give_publicly(&app, once.id(), ask).await?)
}
