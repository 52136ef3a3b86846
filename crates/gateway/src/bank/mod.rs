//! `/v1/bank`: banks' servers. Every request here is signed, and so is every answer.

mod security;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::edge::Edge;
use crate::gates::signed_by_bank;

pub(crate) fn routes() -> OpenApiRouter<Edge> {
    signed_by_bank(OpenApiRouter::new().routes(routes!(security::echo)))
}
