//! The HTTP edge: who is asking, is the request whole, may it come now; then one call of the platform.
//!
//! ```text
//! connection ─► frame ─► intake ─► query ─► gate ─► [once] ─► handler ─► platform
//! ```
//!
//! Handlers live by audience and noun (`merchant/orders.rs`) and are a few lines each: extract, one or
//! two calls of the platform, answer. They hold no rules and no SQL. [`layers`] holds what every
//! request goes through, [`gates`] who may pass where; [`routes`] lists the audiences.
//!
//! # A handler
//! ```ignore
//! /// Creates an order.
//! ///
//! /// Problems: `merchant_inactive`, `conflict`.
//! #[utoipa::path(post, path = "/v1/merchant/orders", tag = "merchant orders",
//!     request_body = OrderAsk, responses((status = 201, description = "The order", body = Order)))]
//! async fn create(State(app): State<App>, Merchant(caller): Merchant, Json(ask): Json<OrderAsk>) -> Answer<Order> {
//!     created(orders::create(&app, &caller, ask).await?)
//! }
//! ```
//! and in the folder's `routes()`: `.routes(routes!(orders::create))`; with `once(routes!(…))` the
//! route takes an `Idempotency-Key` and the handler an [`gates::Once`], whose `id()` the resource is
//! to be made under.

mod answer;
mod assets;
mod bank;
mod bulk;
mod city;
mod config;
mod connections;
mod download;
mod edge;
mod error_page;
mod extract;
mod gates;
mod layers;
mod merchant;
mod openapi;
mod operate;
mod operator;
mod public;
mod rates;
mod serve;
mod wallet;

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use jialing_platform::{App, Code};
use tokio::sync::{Semaphore, mpsc, watch};
use utoipa_axum::router::OpenApiRouter;

pub use assets::{Asset, applications, city_page, pages};
pub use bulk::{Banks, Bulk, BulkConfig, BulkLimits, BulkRunning, Finding, Member, Platform, Registered};
pub use config::{EdgeConfig, Limits, OperatorKey, Rate};
pub use connections::RESERVED_FILES;
pub use openapi::openapi;
pub use serve::{Gateway, Mounted, Running};

use answer::Failed;
use edge::{Edge, Parts};
use layers::{frame, intake, query};

/// Every documented route, by audience. `city` adds the live view of a demonstration city.
fn routes(city: bool) -> OpenApiRouter<Edge> {
    let router = OpenApiRouter::new()
        .merge(public::routes())
        .merge(wallet::routes())
        .merge(merchant::routes())
        .merge(bank::routes())
        .merge(operator::routes());
    if city { router.merge(city::routes()) } else { router }
}

/// Puts the edge together: routes, gates, layers.
fn build(
    app: App,
    config: EdgeConfig,
    working: &mpsc::Sender<()>,
    stopping: &watch::Receiver<bool>,
) -> (Edge, Router) {
    let mut routes = routes(config.city);
    let mut api = openapi::described(&mut routes);
    let queries = openapi::query_names(&mut api);
    let edge = Edge::new(Parts {
        buckets: Default::default(),
        meter: Default::default(),
        in_flight: Semaphore::new(config.limits.in_flight),
        waiting: Semaphore::new(config.limits.waiting),
        large: Semaphore::new(config.limits.large_bodies),
        streams: Arc::new(Semaphore::new(config.limits.streams)),
        listeners: Default::default(),
        uploads: Semaphore::new(config.limits.uploads),
        queries,
        city: config.city.then(city::City::default),
        working: working.downgrade(),
        stopping: stopping.clone(),
        started: Instant::now(),
        app,
        config,
    });
    let router = Router::from(routes)
        .route_layer(from_fn(query::known))
        .merge(operate::routes())
        .merge(error_page::routes())
        .merge(pages(&edge.config.assets))
        .fallback(async || Failed::from(Code::NotFound))
        .method_not_allowed_fallback(async || Failed::from(Code::MethodNotAllowed))
        .layer(from_fn(intake::intake))
        .layer(from_fn_with_state(edge.clone(), frame::frame))
        .with_state(edge.clone());
    (edge, router)
}
