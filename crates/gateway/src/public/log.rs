//! The ledger's log: checkpoints, proofs and hash tiles.
//!
//! The paths under `/v1/public/log` are those of C2SP `tlog-tiles`, so that its clients work. Entry
//! bundles are not published: a record holds pseudonymous account numbers and amounts. Whoever has a
//! record (in a receipt) proves with the tiles that it is in the log; whoever has none learns nothing.
//!
//! `/v1/public/log/checkpoint` is what witnesses cosigned, `/v1/public/checkpoint` the newest of all.

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jialing_platform::clock::rfc3339;
use jialing_platform::{App, Code, Problem};
use serde::Serialize;
use utoipa::ToSchema;

use crate::answer::{Answer, Failed, found};
use crate::extract::{Path, Query};
use crate::public::asks::{ConsistencyAsk, InclusionAsk};

/// Hashes in a full tile.
const FULL_TILE: u16 = 256;

/// A signed tree head.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Checkpoint {
    /// The log's name.
    origin: String,
    /// Records covered.
    size: u64,
    /// RFC 6962 root over them, in base64; the hash is that of the log's suite.
    root: String,
    /// When it was signed, RFC 3339.
    time: String,
    /// The C2SP signed note; verify this, the rest is a convenience.
    note: String,
}

impl Checkpoint {
    pub(crate) fn newest(app: &App) -> Self {
        let checkpoint = app.engine.checkpoint();
        Self {
            origin: checkpoint.origin,
            size: checkpoint.size,
            root: STANDARD.encode(checkpoint.root),
            time: rfc3339(i64::try_from(checkpoint.time / 1_000_000).unwrap_or(i64::MAX)),
            note: checkpoint.note,
        }
    }
}

/// Shows the newest checkpoint.
#[utoipa::path(get, path = "/v1/public/checkpoint", operation_id = "read_checkpoint", tag = "public",
    responses((status = 200, description = "The checkpoint", body = Checkpoint)))]
pub(super) async fn checkpoint(State(app): State<App>) -> Answer<Checkpoint> {
    found(Checkpoint::newest(&app))
}

/// RFC 6962 hashes.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LogProof)]
pub(super) struct Proof {
    /// The size of the (newer) tree.
    size: u64,
    /// Hashes in base64, from the leaves up.
    path: Vec<String>,
}

/// Proves that a record is in the log.
#[utoipa::path(get, path = "/v1/public/proof/inclusion", operation_id = "prove_inclusion", tag = "public", params(InclusionAsk),
    responses((status = 200, description = "The path from the record to the root", body = Proof)))]
pub(super) async fn inclusion(State(app): State<App>, Query(ask): Query<InclusionAsk>) -> Answer<Proof> {
    let size = covered(&app, "size", ask.size)?;
    if ask.seq >= size {
        return Err(beyond("seq", size).into());
    }
    let path = app.engine.inclusion(ask.seq, size).await.map_err(Problem::internal)?;
    found(Proof { size, path: encoded(&path) })
}

/// Proves that the log only grew between two sizes.
#[utoipa::path(get, path = "/v1/public/proof/consistency", operation_id = "prove_consistency", tag = "public", params(ConsistencyAsk),
    responses((status = 200, description = "The hashes that lead from the older root to the newer", body = Proof)))]
pub(super) async fn consistency(State(app): State<App>, Query(ask): Query<ConsistencyAsk>) -> Answer<Proof> {
    let to = covered(&app, "to", ask.to)?;
    if ask.from > to {
        return Err(beyond("from", to).into());
    }
    let path = app.engine.consistency(ask.from, to).await.map_err(Problem::internal)?;
    found(Proof { size: to, path: encoded(&path) })
}

/// The size asked for, if the newest checkpoint covers it.
fn covered(app: &App, field: &'static str, size: Option<u64>) -> Result<u64, Problem> {
    let newest = app.engine.checkpoint().size;
    match size.unwrap_or(newest) {
        size if size <= newest => Ok(size),
        _ => Err(beyond(field, newest)),
    }
}

fn beyond(field: &'static str, size: u64) -> Problem {
    Problem::new(Code::InvalidRequest).field(field).detail(format!("The tree has {size} records."))
}

fn encoded(path: &[[u8; 32]]) -> Vec<String> {
    path.iter().map(|hash| STANDARD.encode(hash)).collect()
}

/// The published checkpoint as a C2SP signed note, with the cosignatures of witnesses.
///
/// Where the operator has a quorum of witnesses, it is the newest checkpoint that has it.
#[utoipa::path(get, path = "/v1/public/log/checkpoint", operation_id = "read_log_checkpoint", tag = "public",
    responses((status = 200, description = "The note", body = String, content_type = "text/plain; charset=utf-8")))]
pub(super) async fn note(State(app): State<App>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], app.witnesses.published(&app.engine).note)
}

/// A C2SP `tlog-tiles` hash tile.
///
/// `tile` is the level and the tile's number in groups of three digits, all but the last preceded by
/// an `x`, and for a partial tile `.p/` and its width: `0/x001/x234/067.p/8`.
#[utoipa::path(get, path = "/v1/public/log/tile/{*tile}", operation_id = "read_log_tile", tag = "public",
    params(("tile" = String, Path, description = "Level, number and width, with slashes")),
    responses((status = 200, description = "The hashes", body = Vec<u8>, content_type = "application/octet-stream")))]
pub(super) async fn tile(
    State(app): State<App>,
    Path(tile): Path<String>,
) -> Result<impl IntoResponse, Failed> {
    let unknown = || Problem::new(Code::NotFound).detail("There is no such tile.");
    let (level, index, width) = parse_tile(&tile).ok_or_else(unknown)?;
    if !is_covered(app.engine.checkpoint().size, level, index, width) {
        return Err(unknown().into());
    }
    let hashes = app.engine.tile(level, index, width).await.map_err(Problem::internal)?;
    let age = if width == FULL_TILE { "public, max-age=31536000, immutable" } else { "public, max-age=60" };
    Ok(([(header::CONTENT_TYPE, "application/octet-stream"), (header::CACHE_CONTROL, age)], hashes))
}

/// Whether a tree of `size` leaves has `width` hashes in tile `index` of `level`.
fn is_covered(size: u64, level: u8, index: u64, width: u16) -> bool {
    let hashes = size.checked_shr(8 * u32::from(level)).unwrap_or(0);
    index
        .checked_mul(u64::from(FULL_TILE))
        .and_then(|first| first.checked_add(u64::from(width)))
        .is_some_and(|end| end <= hashes)
}

/// Level, number and width of a tile's path.
fn parse_tile(path: &str) -> Option<(u8, u64, u16)> {
    let (level, rest) = path.split_once('/')?;
    let (number, width) = match rest.split_once(".p/") {
        Some((number, width)) => (number, small(width).filter(|width| (1..FULL_TILE).contains(width))?),
        None => (rest, FULL_TILE),
    };
    let level = u8::try_from(small(level)?).ok().filter(|level| *level < 8)?;
    let groups: Vec<&str> = number.split('/').collect();
    let (last, before) = groups.split_last()?;
    let mut index = 0u64;
    for group in before.iter().map(|group| group.strip_prefix('x')).chain([Some(*last)]) {
        let group = group.filter(|group| group.len() == 3 && group.bytes().all(|b| b.is_ascii_digit()))?;
        index = index.checked_mul(1000)?.checked_add(group.parse().ok()?)?;
    }
    // One number has one path.
    (before.first() != Some(&"x000")).then_some((level, index, width))
}

/// A number without sign or leading zero.
fn small(text: &str) -> Option<u16> {
    let plain = text.bytes().all(|b| b.is_ascii_digit()) && (text.len() == 1 || !text.starts_with('0'));
    text.parse().ok().filter(|_| plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tile_has_one_path() {
        let check = |path: &str, expect| assert_eq!(parse_tile(path), expect, "{path}");
        check("0/000", Some((0, 0, 256)));
        check("0/x001/x234/067", Some((0, 1_234_067, 256)));
        check("1/003.p/8", Some((1, 3, 8)));
        check("7/999", Some((7, 999, 256)));
        for wrong in [
            "",
            "0",
            "0/",
            "0/1",
            "0/1000",
            "8/000",
            "00/000",
            "-1/000",
            "+1/000",
            "0/x000/001",
            "0/001/002",
            "0/x001/x002",
        ] {
            check(wrong, None);
        }
        for wrong in [
            "0/000.p/0",
            "0/000.p/256",
            "0/000.p/08",
            "0/000.p/",
            "0/000.p/1/2",
            "0/00١",
            "0/x999/x999/x999/x999/x999/x999/x999/999",
        ] {
            check(wrong, None);
        }
    }

    #[test]
    fn a_tile_exists_as_far_as_the_checkpoint_reaches() {
        let check = |size, level, index, width, expect| {
            assert_eq!(is_covered(size, level, index, width), expect, "{size} {level} {index} {width}")
        };
        check(0, 0, 0, 1, false);
        check(1, 0, 0, 1, true);
        check(255, 0, 0, 256, false);
        check(256, 0, 0, 256, true);
        check(256, 1, 0, 1, true);
        check(511, 1, 0, 2, false);
        check(u64::MAX, 7, 0, 255, true);
        check(u64::MAX, 0, u64::MAX, 1, false);
    }
}
