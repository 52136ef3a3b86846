//! Conformance reports, as operators hand them in.

use axum::extract::State;
use jialing_conform::signed;
use jialing_crypto::PublicKey;
use jialing_crypto::hash::HashAlgorithm;
use jialing_platform::applications::Application;
use jialing_platform::applications::conformance::{self, Passed};
use jialing_platform::id::ApplicationId;
use jialing_platform::{Code, Problem};
use serde::Deserialize;

use crate::answer::{Answer, found};
use crate::edge::Edge;
use crate::extract::{Json, Path};
use crate::gates::Operator;

/// A conformance report, handed in.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ConformanceAsk {
    /// The signed report as it came: the JSON, or the page that holds it. At most 1 MiB.
    report: String,
}

/// Keeps a conformance report's digest once it is checked: a key of `keys.conformance` signed it, and it passed.
///
/// Problems: `not_found`, `invalid_request`, `state_conflict`.
#[utoipa::path(post, path = "/v1/operator/applications/{application_id}/conformance", operation_id = "keep_conformance",
    tag = "operators", params(("application_id" = ApplicationId, Path)), request_body = ConformanceAsk,
    responses((status = 200, description = "The application", body = Application)))]
pub(super) async fn keep(
    State(edge): State<Edge>,
    Operator(name): Operator,
    Path(id): Path<ApplicationId>,
    Json(ask): Json<ConformanceAsk>,
) -> Answer<Application> {
    let passed = checked(&ask.report, &edge.config.conformance_keys)?;
    found(conformance::keep(&edge.app, id, passed, &format!("operator/{name}")).await?)
}

/// What is kept of a report that one of `keys` signed and whose every scenario passed.
fn checked(report: &str, keys: &[PublicKey]) -> Result<Passed, Problem> {
    if keys.is_empty() {
        return Err(Problem::new(Code::StateConflict)
            .detail(
                "No key is set that may sign conformance reports: name the sandbox's in `keys.conformance`.",
            )
            .with("missing", "keys.conformance"));
    }
    let refused = |why: String| Problem::new(Code::InvalidRequest).field("report").detail(why);
    let verified =
        signed::verify(report, keys).map_err(|error| refused(format!("Not accepted: {error}.")))?;
    if !verified.report.passed() {
        return Err(refused("The suite has not passed: the report says which scenario is missing.".into()));
    }
    Ok(Passed {
        sha256: hex::encode(HashAlgorithm::Sha256.digest(report.as_bytes())),
        suite: format!("jialing-conformance/{}", verified.report.suite),
    })
}
