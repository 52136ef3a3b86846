//! `/v1/operator`: people who run the platform, until the console is there. Every request is signed with a key
//! that the configuration names, and leaves an audit entry under the operator's name.

mod applications;
mod conformance;
mod feedback;
mod tickets;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::edge::Edge;
use crate::gates::signed_by_operator;

pub(crate) fn routes() -> OpenApiRouter<Edge> {
    signed_by_operator(
        OpenApiRouter::new()
            .routes(routes!(applications::list))
            .routes(routes!(applications::of))
            .routes(routes!(applications::take))
            .routes(routes!(applications::return_to))
            .routes(routes!(applications::approve))
            .routes(routes!(applications::refuse))
            .routes(routes!(conformance::keep))
            .routes(routes!(applications::document))
            .routes(routes!(feedback::list))
            .routes(routes!(feedback::of))
            .routes(routes!(feedback::answer))
            .routes(routes!(tickets::list))
            .routes(routes!(tickets::of))
            .routes(routes!(tickets::answer))
            .routes(routes!(tickets::close)),
    )
}
