//! Whether the service works, for anyone to see.

use axum::extract::State;
use jialing_platform::clock::rfc3339;
use jialing_platform::follow::Follower;
use serde::Serialize;
use utoipa::ToSchema;

use crate::answer::{Answer, found};
use crate::edge::Edge;
use crate::public::log::Checkpoint;

/// The service's state.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ServiceStatus)]
pub(super) struct Status {
    /// `operational`, or `catching_up` while lists and receipts trail what was paid.
    status: &'static str,
    /// The version that runs.
    version: &'static str,
    /// The server's time, RFC 3339.
    time: String,
    /// Whether this is a sandbox without real money.
    sandbox: bool,
    /// Where a sandbox's messages can be read, `GET …/messages?phone=`.
    #[serde(skip_serializing_if = "Option::is_none")]
    inbox: Option<String>,
    /// Where banks' bulk work is taken, if it is: address and port.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "127.0.0.1:8090")]
    bulk: Option<String>,
    /// Records in the ledger's log.
    records: u64,
    /// Records that the slowest follower has still to read.
    lag: u64,
    /// The newest checkpoint.
    checkpoint: Checkpoint,
}

/// Records of lag from which the service says that it is catching up.
const NOTICEABLE_LAG: u64 = 1000;

/// Shows whether the service works.
#[utoipa::path(get, path = "/v1/public/status", operation_id = "read_status", tag = "public",
    responses((status = 200, description = "The state", body = Status)))]
pub(super) async fn read(State(edge): State<Edge>) -> Answer<Status> {
    let app = &edge.app;
    let records = *app.engine.durable().borrow();
    let lag = Follower::ALL
        .into_iter()
        .map(|follower| records.saturating_sub(app.progress.of(follower)))
        .max()
        .unwrap_or(0);
    found(Status {
        status: if lag > NOTICEABLE_LAG { "catching_up" } else { "operational" },
        version: env!("CARGO_PKG_VERSION"),
        time: rfc3339(app.clock.millis()),
        sandbox: app.settings.sandbox,
        inbox: app.settings.inbox.clone(),
        bulk: edge.config.bulk.map(|address| address.to_string()),
        records,
        lag,
        checkpoint: Checkpoint::newest(app),
    })
}
