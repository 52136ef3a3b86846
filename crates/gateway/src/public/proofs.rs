//! Proof of supply, and what else the log holds digests of.

use axum::extract::State;
use jialing_platform::anchors::{self, Anchor, Anchored, AnchorsAsk};
use jialing_platform::supply::{self, ListAsk, Listed, SupplyTotal};
use jialing_platform::{App, Page};

use crate::answer::{Answer, found};
use crate::extract::{Path, Query};

/// Lists the days whose supply is published, newest first.
///
/// For each book (the accounts of one currency with one liability holder), `sum` is what all its
/// accounts held at midnight UTC+8, and equals `issued` less `redeemed`.
///
/// Problems: `invalid_request`.
#[utoipa::path(get, path = "/v1/public/supply/proofs", operation_id = "list_supply_proofs", tag = "public",
    params(ListAsk), responses((status = 200, description = "A page", body = Page<Listed>)))]
pub(super) async fn days(State(app): State<App>, Query(ask): Query<ListAsk>) -> Answer<Page<Listed>> {
    found(supply::list(&app, &ask).await?)
}

/// Gives the proof of a day's supply: the statement, and that the log holds its digest.
///
/// `jialing verify supply` checks it with the ledger's public key alone. `newest` stands for the
/// newest day.
///
/// Problems: `not_found`, `invalid_request`.
#[utoipa::path(get, path = "/v1/public/supply/proofs/{day}", operation_id = "read_supply_proof", tag = "public",
    params(("day" = String, Path, description = "A day such as `2026-11-21`, or `newest`")),
    responses((status = 200, description = "The proof", body = SupplyTotal)))]
pub(super) async fn day(State(app): State<App>, Path(day): Path<String>) -> Answer<SupplyTotal> {
    found(supply::total(&app, &day).await?)
}

/// Lists what the log holds digests of, newest first: places of the audit chain, statements of supply,
/// versions of policies.
///
/// Problems: `invalid_request`.
#[utoipa::path(get, path = "/v1/public/anchors", operation_id = "list_anchors", tag = "public",
    params(AnchorsAsk), responses((status = 200, description = "A page", body = Page<Anchor>)))]
pub(super) async fn anchors(State(app): State<App>, Query(ask): Query<AnchorsAsk>) -> Answer<Page<Anchor>> {
    found(anchors::list(&app, &ask).await?)
}

/// Gives the proof that the log holds an anchor.
///
/// Problems: `not_found`.
#[utoipa::path(get, path = "/v1/public/anchors/{record}", operation_id = "read_anchor", tag = "public",
    params(("record" = u64, Path, description = "The record's place in the log")),
    responses((status = 200, description = "The anchor with its proof", body = Anchored)))]
pub(super) async fn anchor(State(app): State<App>, Path(record): Path<u64>) -> Answer<Anchored> {
    found(anchors::prove(&app, record).await?)
}
