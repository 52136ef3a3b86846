//! New devices that old ones let in, and the security log.

use axum::extract::State;
use jialing_platform::audit::{self, SecurityEvent};
use jialing_platform::devices::requests::{self, ApproveAsk, DeviceRequest, DeviceRequestAsk};
use jialing_platform::id::DeviceRequestId;
use jialing_platform::{App, Page, PageAsk};

use crate::answer::{Answer, created, found};
use crate::extract::{Json, Path, Query};
use crate::gates::{Visitor, Wallet};

/// Asks an old device of yours to let this one in.
///
/// The answer holds two digits to show. Ask for it again until it is decided; this session is then bound to
/// the device.
///
/// Problems: `invalid_request`, `proof_of_possession_invalid`, `state_conflict`.
#[utoipa::path(post, path = "/v1/wallet/device-requests", operation_id = "request_device", tag = "devices",
    request_body = DeviceRequestAsk, responses((status = 201, description = "The request", body = DeviceRequest)))]
pub(super) async fn ask(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Json(ask): Json<DeviceRequestAsk>,
) -> Answer<DeviceRequest> {
    created(requests::ask(&app, &actor, ask).await?)
}

/// Lists the requests of new devices, newest first.
#[utoipa::path(get, path = "/v1/wallet/device-requests", operation_id = "list_device_requests", tag = "devices",
    params(PageAsk), responses((status = 200, description = "A page", body = Page<DeviceRequest>)))]
pub(super) async fn list(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Query(ask): Query<PageAsk>,
) -> Answer<Page<DeviceRequest>> {
    found(requests::list(&app, &actor, &ask).await?)
}

/// Shows one of them.
///
/// Problems: `not_found`.
#[utoipa::path(get, path = "/v1/wallet/device-requests/{device_request_id}", operation_id = "read_device_request",
    tag = "devices", params(("device_request_id" = DeviceRequestId, Path)),
    responses((status = 200, description = "The request", body = DeviceRequest)))]
pub(super) async fn of(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path(id): Path<DeviceRequestId>,
) -> Answer<DeviceRequest> {
    found(requests::one(&app, &actor, id).await?)
}

/// Lets a new device in, from a session of an old one.
///
/// `number` is what the new device shows; a wrong one ends the request.
///
/// Problems: `not_found`, `invalid_request`, `device_unknown`, `pin_not_set`, `pin_invalid`, `pin_locked`,
/// `factor_invalid`, `code_invalid`, `state_conflict`, `conflict`, `rate_limited`.
#[utoipa::path(post, path = "/v1/wallet/device-requests/{device_request_id}/approve",
    operation_id = "approve_device_request", tag = "devices", params(("device_request_id" = DeviceRequestId, Path)),
    request_body = ApproveAsk, responses((status = 200, description = "The request", body = DeviceRequest)))]
pub(super) async fn approve(
    State(app): State<App>,
    Visitor(origin): Visitor,
    Wallet(actor): Wallet,
    Path(id): Path<DeviceRequestId>,
    Json(ask): Json<ApproveAsk>,
) -> Answer<DeviceRequest> {
    found(requests::approve(&app, &actor, origin, id, ask).await?)
}

/// Does not let a new device in. Done again, it changes nothing.
///
/// Problems: `not_found`, `state_conflict`.
#[utoipa::path(post, path = "/v1/wallet/device-requests/{device_request_id}/refuse",
    operation_id = "refuse_device_request", tag = "devices", params(("device_request_id" = DeviceRequestId, Path)),
    responses((status = 200, description = "The request", body = DeviceRequest)))]
pub(super) async fn refuse(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path(id): Path<DeviceRequestId>,
) -> Answer<DeviceRequest> {
    found(requests::refuse(&app, &actor, id).await?)
}

/// Lists what concerned your security, newest first: signing in and out, devices, PIN, passkeys,
/// authenticator, freezes.
#[utoipa::path(get, path = "/v1/wallet/security-log", operation_id = "read_security_log", tag = "devices",
    params(PageAsk), responses((status = 200, description = "A page", body = Page<SecurityEvent>)))]
pub(super) async fn security_log(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Query(ask): Query<PageAsk>,
) -> Answer<Page<SecurityEvent>> {
    found(audit::security_log(&app, &actor, &ask).await?)
}
