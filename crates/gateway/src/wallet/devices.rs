//! Bound devices.

use axum::extract::State;
use jialing_platform::devices::{self, BindAsk, Challenge, Device};
use jialing_platform::id::DeviceId;
use jialing_platform::{App, Page, PageAsk};

use crate::answer::{Answer, created, found};
use crate::extract::{Json, Path, Query};
use crate::gates::{Visitor, Wallet};

/// Draws something fresh for a device to sign.
///
/// Problems: `rate_limited`.
#[utoipa::path(post, path = "/v1/wallet/devices/challenges", operation_id = "draw_challenge", tag = "devices",
    responses((status = 201, description = "Sign it within five minutes", body = Challenge)))]
pub(super) async fn challenge(State(app): State<App>, Visitor(origin): Visitor) -> Answer<Challenge> {
    created(devices::challenge(&app, origin).await?)
}

/// Binds a device by its proof that it holds its key.
///
/// The same key again answers the device it is.
///
/// Problems: `second_factor_required`, `code_invalid`, `proof_of_possession_invalid`, `conflict`,
/// `state_conflict`, `rate_limited`.
#[utoipa::path(post, path = "/v1/wallet/devices", operation_id = "bind_device", tag = "devices", request_body = BindAsk,
    responses((status = 201, description = "The device", body = Device)))]
pub(super) async fn bind(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Json(ask): Json<BindAsk>,
) -> Answer<Device> {
    created(devices::bind(&app, &actor, ask).await?)
}

/// Lists your devices, newest first, revoked ones too.
#[utoipa::path(get, path = "/v1/wallet/devices", operation_id = "list_devices", tag = "devices", params(PageAsk),
    responses((status = 200, description = "A page", body = Page<Device>)))]
pub(super) async fn list(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Query(ask): Query<PageAsk>,
) -> Answer<Page<Device>> {
    found(devices::list(&app, &actor, &ask).await?)
}

/// Shows one of your devices.
///
/// Problems: `not_found`.
#[utoipa::path(get, path = "/v1/wallet/devices/{device_id}", operation_id = "read_device", tag = "devices",
    params(("device_id" = DeviceId, Path)), responses((status = 200, description = "The device", body = Device)))]
pub(super) async fn of(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path(device): Path<DeviceId>,
) -> Answer<Device> {
    found(devices::one(&app, &actor, device).await?)
}

/// Revokes one of your devices for ever and ends its sessions. Done again, it changes nothing.
///
/// Problems: `not_found`.
#[utoipa::path(post, path = "/v1/wallet/devices/{device_id}/revoke", operation_id = "revoke_device", tag = "devices",
    params(("device_id" = DeviceId, Path)), responses((status = 200, description = "The device", body = Device)))]
pub(super) async fn revoke(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path(device): Path<DeviceId>,
) -> Answer<Device> {
    found(devices::revoke(&app, &actor, device).await?)
}
