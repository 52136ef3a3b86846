//! `/v1/public`: what anyone may read, and check the ledger with without trusting it; and a letter box.

mod asks;
mod cashier;
mod downloads;
mod errors;
mod feedback;
mod keys;
pub(crate) mod log;
mod proofs;
mod status;
mod supply;
pub(crate) mod uploads;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::edge::Edge;
use crate::gates::{letter_box, once, public_reads};

pub(crate) fn routes() -> OpenApiRouter<Edge> {
    let routes = OpenApiRouter::new()
        .routes(routes!(keys::list))
        .routes(routes!(cashier::read))
        .routes(routes!(log::checkpoint))
        .routes(routes!(log::inclusion))
        .routes(routes!(log::consistency))
        .routes(routes!(log::note))
        .routes(routes!(log::tile))
        .routes(routes!(status::read))
        .routes(routes!(supply::read))
        .routes(routes!(proofs::days))
        .routes(routes!(proofs::day))
        .routes(routes!(proofs::anchors))
        .routes(routes!(proofs::anchor))
        .routes(routes!(supply::institutions))
        .routes(routes!(supply::policies))
        .routes(routes!(downloads::fetch))
        .routes(routes!(uploads::send))
        .routes(routes!(errors::list));
    public_reads(routes).merge(letter_box(OpenApiRouter::new().routes(once(routes!(feedback::give)))))
}
