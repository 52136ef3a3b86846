//! How the integration is doing, and feedback to the people who run the platform.

use axum::extract::{Extension, State};
use jialing_platform::App;
use jialing_platform::feedback::{self, Feedback, FeedbackAsk, FeedbackReceived};
use jialing_platform::id::FeedbackId;
use jialing_platform::monitoring::{self, Monitoring, MonitoringAsk};

use crate::answer::{Answer, created, found};
use crate::edge::Edge;
use crate::extract::{Json, Path, Query};
use crate::gates::{Merchant, Once};

/// Shows how your integration is doing: requests, success rate, latency, error codes, endpoints, alerts.
///
/// Counted are requests whose signature was right, to the minute, for 30 days; the newest minute may still grow.
/// Percentiles are bounds of a fixed histogram. A service provider that acts for you sees what it asked itself.
///
/// Problems: `invalid_request`.
#[utoipa::path(get, path = "/v1/merchant/monitoring", operation_id = "read_monitoring", tag = "monitoring",
    params(MonitoringAsk), responses((status = 200, description = "The figures", body = Monitoring)))]
pub(super) async fn read(
    State(app): State<App>,
    Extension(edge): Extension<Edge>,
    Merchant(caller): Merchant,
    Query(ask): Query<MonitoringAsk>,
) -> Answer<Monitoring> {
    found(monitoring::of(&app, &edge.meter, &caller, &ask).await?)
}

/// Gives feedback to the people who run the platform.
///
/// You are told of the answer by the event `feedback.answered`.
///
/// Problems: `invalid_request`, `rate_limited` while much of yours waits for an answer.
#[utoipa::path(post, path = "/v1/merchant/feedback", operation_id = "give_feedback", tag = "feedback",
    request_body = FeedbackAsk, responses((status = 201, description = "It was taken in", body = FeedbackReceived)))]
pub(super) async fn give(
    State(app): State<App>,
    Merchant(caller): Merchant,
    once: Once,
    Json(ask): Json<FeedbackAsk>,
) -> Answer<FeedbackReceived> {
    created(feedback::give(&app, &caller, once.id(), ask).await?)
}

/// Shows feedback of yours, with its answer once there is one.
///
/// Problems: `not_found`.
#[utoipa::path(get, path = "/v1/merchant/feedback/{feedback_id}", operation_id = "read_feedback", tag = "feedback",
    params(("feedback_id" = FeedbackId, Path)), responses((status = 200, description = "The feedback", body = Feedback)))]
pub(super) async fn of(
    State(app): State<App>,
    Merchant(caller): Merchant,
    Path(id): Path<FeedbackId>,
) -> Answer<Feedback> {
    found(feedback::of(&app, caller.merchant, id).await?)
}
