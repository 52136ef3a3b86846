//! The cashier page's order, for whoever holds its token.

use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use jialing_platform::orders::cashier::{self, Cashier, WaitAsk};

use crate::answer::{Answer, Failed, found};
use crate::edge::Edge;
use crate::extract::{Path, Query};

/// Shows the order of a cashier page.
///
/// The token is the last part of the order's `cashier_url`. With `seen` and `wait_ms` the answer waits
/// until the order is in another state than the one seen, or the time is over; where too many wait
/// already, it comes at once. Pages of any origin may ask.
///
/// Problems: `not_found`, `invalid_request`.
#[utoipa::path(get, path = "/v1/public/cashier/{token}", operation_id = "read_cashier", tag = "public",
    params(("token" = String, Path), WaitAsk),
    responses((status = 200, description = "The order", body = Cashier)))]
pub(super) async fn read(
    State(edge): State<Edge>,
    Path(token): Path<String>,
    Query(ask): Query<WaitAsk>,
) -> Result<Response, Failed> {
    let mut response = answer(&edge, &token, ask).await.into_response();
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("cross-origin"),
    );
    Ok(response)
}

async fn answer(edge: &Edge, token: &str, ask: WaitAsk) -> Answer<Cashier> {
    let patience = ask.patience()?;
    let Some(seen) = ask.seen.filter(|_| !patience.is_zero()) else {
        return found(cashier::of(&edge.app, token).await?);
    };
    // A question that waits holds a place among the live streams.
    let Ok(_place) = edge.streams.clone().try_acquire_owned() else {
        return found(cashier::of(&edge.app, token).await?);
    };
    let changed = tokio::select! {
        changed = cashier::wait(&edge.app, token, seen, patience) => Some(changed?),
        () = stopping(edge) => None,
    };
    match changed {
        Some(order) => found(order),
        None => found(cashier::of(&edge.app, token).await?),
    }
}

/// Ends when the edge is to stop.
async fn stopping(edge: &Edge) {
    let mut stopping = edge.stopping.clone();
    let _ = stopping.wait_for(|stopping| *stopping).await;
}
