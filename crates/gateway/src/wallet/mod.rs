//! `/v1/wallet`: people and organisations, from the wallet app.
//!
//! Two routers: the doors, where nobody is signed in yet, and the rooms behind them. A route's place
//! decides who passes; its handler takes the person from [`crate::gates::Wallet`].

mod sessions;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::edge::Edge;
use crate::gates::{door, signed_in};

pub(crate) fn routes() -> OpenApiRouter<Edge> {
    doors().merge(rooms())
}

/// Open to anyone, at the rate of `limits.doors` per address.
fn doors() -> OpenApiRouter<Edge> {
    door(OpenApiRouter::new().routes(routes!(sessions::sign_in)))
}

/// For those who are signed in.
fn rooms() -> OpenApiRouter<Edge> {
    signed_in(
        OpenApiRouter::new()
            .routes(routes!(sessions::list, sessions::end_all))
            .routes(routes!(sessions::end)),
    )
}
