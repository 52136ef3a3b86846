//! Consistency proofs out of C2SP `tlog-tiles`: what a log publishes as files instead of proofs.
//!
//! A tile holds up to 256 hashes of one level, a level being eight of the tree's. [`wanted`] names the
//! tiles that a proof needs, whoever fetches them, and [`consistency`] computes it. Nothing that comes
//! out is trusted: the proof must still lead from one signed root to the other.

use std::collections::BTreeMap;

use jialing_crypto::hash::{Digest, HashAlgorithm};
use jialing_crypto::proof::node_hash;

/// Hashes in a full tile.
pub const WIDTH: u64 = 256;

/// A tile of a tree of some size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tile {
    /// 0 holds leaves.
    pub level: u8,
    /// From the left.
    pub index: u64,
    /// Hashes in it, 1 to 256.
    pub width: u16,
}

impl Tile {
    /// Its path after `tile/`.
    #[must_use]
    pub fn path(&self) -> String {
        let mut groups = vec![format!("{:03}", self.index % 1000)];
        let mut rest = self.index / 1000;
        while rest > 0 {
            groups.push(format!("x{:03}", rest % 1000));
            rest /= 1000;
        }
        groups.reverse();
        let partial =
            if u64::from(self.width) < WIDTH { format!(".p/{}", self.width) } else { String::new() };
        format!("{}/{}{partial}", self.level, groups.join("/"))
    }
}

/// A hash of a level; `None` when its tile is missing.
type Source<'a> = dyn FnMut(u8, u64) -> Option<Digest> + 'a;

/// The tiles that the proof from `old` to `new` records needs, in order.
#[must_use]
pub fn wanted(old: u64, new: u64) -> Vec<Tile> {
    let mut tiles = Vec::new();
    let mut note = |level: u8, at: u64| {
        let (index, hashes) = (at / WIDTH, new >> (8 * u32::from(level)));
        let width = WIDTH.min(hashes.saturating_sub(index * WIDTH)) as u16;
        tiles.push(Tile { level, index, width });
        Some([0; 32])
    };
    let _ = prove(old, new, HashAlgorithm::Sha256, &mut note);
    tiles.sort_unstable();
    tiles.dedup();
    tiles
}

/// The proof from `old` to `new` records (RFC 6962, 2.1.2), or `None` when a tile is missing or short.
#[must_use]
pub fn consistency(
    old: u64,
    new: u64,
    hash: HashAlgorithm,
    tiles: &BTreeMap<Tile, Vec<u8>>,
) -> Option<Vec<Digest>> {
    let by_place: BTreeMap<(u8, u64), &[u8]> =
        tiles.iter().map(|(tile, bytes)| ((tile.level, tile.index), bytes.as_slice())).collect();
    let mut read = |level: u8, at: u64| {
        let from = usize::try_from(at % WIDTH).ok()? * 32;
        by_place.get(&(level, at / WIDTH))?.get(from..from + 32)?.try_into().ok()
    };
    prove(old, new, hash, &mut read)
}

/// `SUBPROOF` of RFC 6962, from the leaves up.
fn prove(old: u64, new: u64, hash: HashAlgorithm, source: &mut Source<'_>) -> Option<Vec<Digest>> {
    if old == 0 || old >= new {
        return Some(Vec::new());
    }
    let (mut start, mut end, mut whole) = (0, new, true);
    let mut nodes = Vec::new();
    while old != end {
        let middle = start + split(end - start);
        if old <= middle {
            nodes.push(range(middle, end, hash, source)?);
            end = middle;
        } else {
            nodes.push(range(start, middle, hash, source)?);
            start = middle;
            whole = false;
        }
    }
    if !whole {
        nodes.push(range(start, end, hash, source)?);
    }
    nodes.reverse();
    Some(nodes)
}

/// The hash over records `start` to `end`, which is a subtree of the tree.
fn range(start: u64, end: u64, hash: HashAlgorithm, source: &mut Source<'_>) -> Option<Digest> {
    let count = end - start;
    if count.is_power_of_two() {
        return subtree(count.trailing_zeros(), start / count, hash, source);
    }
    let middle = start + split(count);
    let left = range(start, middle, hash, source)?;
    Some(node_hash(hash, &left, &range(middle, end, hash, source)?))
}

/// The hash of the complete subtree of this height, `index` from the left.
fn subtree(height: u32, index: u64, hash: HashAlgorithm, source: &mut Source<'_>) -> Option<Digest> {
    let level = u8::try_from(height / 8).ok()?;
    if height.is_multiple_of(8) {
        return source(level, index);
    }
    let left = subtree(height - 1, 2 * index, hash, source)?;
    Some(node_hash(hash, &left, &subtree(height - 1, 2 * index + 1, hash, source)?))
}

/// The largest power of two below `count`, which is at least 2.
fn split(count: u64) -> u64 {
    1 << (u64::BITS - 1 - (count - 1).leading_zeros())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tile_is_named_as_the_specification_says() {
        let check = |level, index, width, expect: &str| {
            assert_eq!(Tile { level, index, width }.path(), expect);
        };
        check(0, 0, 256, "0/000");
        check(0, 1_234_067, 256, "0/x001/x234/067");
        check(1, 3, 17, "1/003.p/17");
        check(0, 1_000, 1, "0/x001/000.p/1");
    }
}
