//! How a merchant's integration is doing, for its owner.

use axum::extract::{Extension, State};
use jialing_platform::App;
use jialing_platform::id::MerchantId;
use jialing_platform::monitoring::{self, Monitoring, MonitoringAsk};

use crate::answer::{Answer, found};
use crate::edge::Edge;
use crate::extract::{Path, Query};
use crate::gates::Wallet;

/// Shows how your merchant's integration is doing: requests, success rate, latency, error codes, endpoints, alerts.
///
/// Counted are requests whose signature was right, to the minute, for 30 days; the newest minute may still grow.
///
/// Problems: `not_found`, `invalid_request`.
#[utoipa::path(get, path = "/v1/wallet/merchants/{merchant_id}/monitoring", operation_id = "owned_read_monitoring",
    tag = "monitoring", params(("merchant_id" = MerchantId, Path), MonitoringAsk),
    responses((status = 200, description = "The figures", body = Monitoring)))]
pub(super) async fn read(
    State(app): State<App>,
    Extension(edge): Extension<Edge>,
    Wallet(actor): Wallet,
    Path(merchant): Path<MerchantId>,
    Query(ask): Query<MonitoringAsk>,
) -> Answer<Monitoring> {
    found(monitoring::owned(&app, &edge.meter, &actor, merchant, &ask).await?)
}
