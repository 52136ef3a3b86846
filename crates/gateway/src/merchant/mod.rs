//! `/v1/merchant`: merchants' servers. Every request here is signed, and so is every answer.

mod security;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::edge::Edge;
use crate::gates::signed_by_merchant;

pub(crate) fn routes() -> OpenApiRouter<Edge> {
    signed_by_merchant(OpenApiRouter::new().routes(routes!(security::echo)))
}
