//! What every handler and layer has at hand.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::FromRef;
use axum::http::Extensions;
use jialing_platform::App;
use jialing_platform::monitoring::Meter;
use tokio::sync::{Semaphore, mpsc, watch};

use crate::EdgeConfig;
use crate::city::City;
use crate::layers::query::QueryNames;
use crate::rates::Buckets;
use crate::wallet::live::Listeners;

/// The edge's shared parts. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Edge(Arc<Parts>);

/// The parts themselves.
pub(crate) struct Parts {
    /// The platform.
    pub app: App,
    /// How this edge is set up.
    pub config: EdgeConfig,
    /// Fill levels of all rate limits.
    pub(crate) buckets: Buckets,
    /// What merchants' servers asked, until it is written down.
    pub(crate) meter: Arc<Meter>,
    /// Requests that may still be taken.
    pub(crate) in_flight: Semaphore,
    /// Requests that wait for somebody else and may still be taken.
    pub(crate) waiting: Semaphore,
    /// Requests with a large body that may still be taken.
    pub(crate) large: Semaphore,
    /// Live streams that may still be opened.
    pub(crate) streams: Arc<Semaphore>,
    /// How many of them each person has.
    pub(crate) listeners: Listeners,
    /// Files that may still be sent at once.
    pub(crate) uploads: Semaphore,
    /// The query parameters that each route knows.
    pub(crate) queries: QueryNames,
    /// The live view of a demonstration city.
    pub(crate) city: Option<City>,
    /// Held by each request being worked on; a stop waits until all are gone.
    pub(crate) working: mpsc::WeakSender<()>,
    /// True once a stop was asked for: `/readyz` says no from then on, and streams end.
    pub(crate) stopping: watch::Receiver<bool>,
    /// When this edge was started.
    pub(crate) started: Instant,
}

impl Edge {
    pub(crate) fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// The edge that serves the request with these extensions.
    pub(crate) fn of(extensions: &Extensions) -> Self {
        extensions.get::<Self>().expect("the outermost layer puts the edge into every request").clone()
    }
}

impl std::ops::Deref for Edge {
    type Target = Parts;
    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl FromRef<Edge> for App {
    fn from_ref(edge: &Edge) -> Self {
        edge.app.clone()
    }
}
