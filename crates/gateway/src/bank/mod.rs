//! `/v1/bank`: banks' servers. Every request here is signed, and so is every answer; notices are
//! signed like callbacks.

mod issuances;
mod notices;
mod security;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::edge::Edge;
use crate::gates::{public_reads, signed_by_bank};

pub(crate) fn routes() -> OpenApiRouter<Edge> {
    let signed = OpenApiRouter::new()
        .routes(routes!(security::echo))
        .routes(routes!(issuances::issue, issuances::list))
        .routes(routes!(issuances::of))
        .routes(routes!(issuances::redeem));
    signed_by_bank(signed).merge(public_reads(OpenApiRouter::new().routes(routes!(notices::take))))
}
