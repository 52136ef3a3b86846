//! Red packets.

use axum::extract::State;
use jialing_platform::red_packets::{self, Claim, ClaimAsk, RedPacket, RedPacketAsk, RedPacketView};
use jialing_platform::{App, Page, PageAsk};

use crate::answer::{Answer, created, found};
use crate::extract::{Json, Path, Query};
use crate::gates::Wallet;

/// Gives a red packet.
///
/// The money leaves your wallet at once; its shares are decided now and can be taken for 24 hours, then the
/// rest comes back. The device signs the evidence text with action `red_packet`, the payee as sent or
/// `anyone`, the amount, the `out_packet_no` as subject and the paying wallet. `out_packet_no` is your key
/// for ever: the same red packet again answers it as it stands, and money moves once.
///
/// Problems: `invalid_request`, `amount_invalid`, `conflict`, `not_found`, `payee_unknown`,
/// `wallet_unavailable`, `balance_too_low`, `over_single_limit`, `over_day_limit`, `over_year_limit`,
/// `pin_required`, `pin_invalid`, `pin_locked`, `pin_not_set`, `passkey_invalid`, `device_unknown`,
/// `device_signature_invalid`, `evidence_expired`, `nonce_reused`, `ledger_refused`.
#[utoipa::path(post, path = "/v1/wallet/red-packets", operation_id = "give_red_packet", tag = "red packets",
    request_body = RedPacketAsk, responses((status = 201, description = "The red packet", body = RedPacket)))]
pub(super) async fn give(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Json(ask): Json<RedPacketAsk>,
) -> Answer<RedPacket> {
    created(red_packets::give(&app, &actor, ask).await?)
}

/// Lists the red packets that you gave, newest first.
#[utoipa::path(get, path = "/v1/wallet/red-packets", operation_id = "list_red_packets", tag = "red packets",
    params(PageAsk), responses((status = 200, description = "A page", body = Page<RedPacket>)))]
pub(super) async fn list(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Query(page): Query<PageAsk>,
) -> Answer<Page<RedPacket>> {
    found(red_packets::list(&app, &actor, &page).await?)
}

/// Lists the shares that you took, newest first.
#[utoipa::path(get, path = "/v1/wallet/red-packets/claims", operation_id = "list_red_packet_claims",
    tag = "red packets", params(PageAsk), responses((status = 200, description = "A page", body = Page<Claim>)))]
pub(super) async fn claims(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Query(page): Query<PageAsk>,
) -> Answer<Page<Claim>> {
    found(red_packets::claims(&app, &actor, &page).await?)
}

/// Shows one of your red packets with who took what, by its id or by your own number of it.
///
/// Problems: `not_found`.
#[utoipa::path(get, path = "/v1/wallet/red-packets/{red_packet}", operation_id = "read_red_packet",
    tag = "red packets", params(("red_packet" = String, Path, description = "Its id or your `out_packet_no`")),
    responses((status = 200, description = "The red packet", body = RedPacket)))]
pub(super) async fn of(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path(name): Path<String>,
) -> Answer<RedPacket> {
    found(red_packets::get(&app, &actor, &name).await?)
}

/// Shows a red packet to whoever has its link.
///
/// Problems: `not_found`.
#[utoipa::path(get, path = "/v1/wallet/red-packets/tokens/{token}", operation_id = "look_at_red_packet",
    tag = "red packets", params(("token" = String, Path, description = "The end of the link")),
    responses((status = 200, description = "The red packet", body = RedPacketView)))]
pub(super) async fn view(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path(token): Path<String>,
) -> Answer<RedPacketView> {
    found(red_packets::by_token(&app, &actor, &token).await?)
}

/// Takes a share of a red packet. Taken again, it answers the same share.
///
/// Problems: `not_found`, `forbidden`, `state_conflict`, `payee_unknown`, `wallet_unavailable`,
/// `balance_too_high`, `ledger_refused`.
#[utoipa::path(post, path = "/v1/wallet/red-packets/tokens/{token}/claim", operation_id = "claim_red_packet",
    tag = "red packets", params(("token" = String, Path, description = "The end of the link")),
    request_body = ClaimAsk, responses((status = 200, description = "Your share", body = Claim)))]
pub(super) async fn claim(
    State(app): State<App>,
    Wallet(actor): Wallet,
    Path(token): Path<String>,
    Json(ask): Json<ClaimAsk>,
) -> Answer<Claim> {
    found(red_packets::claim(&app, &actor, &token, ask).await?)
}
