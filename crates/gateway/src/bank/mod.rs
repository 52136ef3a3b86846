//! `/v1/bank`: banks' servers. Every request here is signed, and so is every answer; notices are
//! signed like callbacks.

mod books;
mod issuances;
mod notices;
mod security;
mod supply;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::edge::Edge;
use crate::gates::{once, public_reads, signed_by_bank};

pub(crate) fn routes() -> OpenApiRouter<Edge> {
    let signed = OpenApiRouter::new()
        .routes(routes!(security::echo))
        .routes(routes!(issuances::issue, issuances::list))
        .routes(routes!(issuances::of))
        .routes(routes!(issuances::redeem))
        .routes(routes!(supply::of))
        .routes(routes!(books::list))
        .routes(routes!(books::balance))
        .routes(routes!(books::statement))
        .routes(once(routes!(books::export)))
        .routes(routes!(books::exports))
        .routes(routes!(books::export_of, books::cancel))
        .routes(routes!(books::file));
    signed_by_bank(signed).merge(public_reads(OpenApiRouter::new().routes(routes!(notices::take))))
}
