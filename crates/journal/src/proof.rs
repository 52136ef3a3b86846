//! RFC 6962 proofs: making paths from stored hashes, and checking them without any.
//!
//! Making takes a [`Nodes`], which knows every complete subtree. Checking is independent of it:
//! it follows RFC 9162, sections 2.1.3.2 and 2.1.4.2, and needs nothing but hashes.

use crate::Suite;
use crate::hash::Hash;

/// Where the hash of a complete subtree comes from.
pub trait Nodes {
    /// What went wrong when it did.
    type Error;

    /// What the tree is hashed with.
    fn suite(&self) -> Suite;

    /// The root of the subtree over leaves `index << level` to `(index + 1) << level`.
    ///
    /// # Errors
    /// When it cannot be had.
    fn node(&self, level: u32, index: u64) -> Result<Hash, Self::Error>;
}

/// The largest power of two below `n`; `n` is at least 2.
fn split(n: u64) -> u64 {
    1 << (63 - (n - 1).leading_zeros())
}

/// The root over leaves `from` to `to`, where `from` is a multiple of the largest power of two that
/// the recursion meets, as it is for every subtree of RFC 6962.
fn range<N: Nodes>(nodes: &N, from: u64, to: u64) -> Result<Hash, N::Error> {
    let n = to - from;
    if n.is_power_of_two() {
        return nodes.node(n.trailing_zeros(), from >> n.trailing_zeros());
    }
    let middle = from + split(n);
    Ok(nodes.suite().node(&range(nodes, from, middle)?, &range(nodes, middle, to)?))
}

/// The root over the first `size` leaves.
///
/// # Errors
/// The source's.
pub fn root<N: Nodes>(nodes: &N, size: u64) -> Result<Hash, N::Error> {
    if size == 0 { Ok(nodes.suite().empty()) } else { range(nodes, 0, size) }
}

/// The inclusion path of leaf `index` in the tree of `size` leaves; `index < size`.
///
/// # Errors
/// The source's.
pub fn inclusion<N: Nodes>(nodes: &N, index: u64, size: u64) -> Result<Vec<Hash>, N::Error> {
    let (mut from, mut to, mut path) = (0, size, Vec::new());
    while to - from > 1 {
        let middle = from + split(to - from);
        if index < middle {
            path.push(range(nodes, middle, to)?);
            to = middle;
        } else {
            path.push(range(nodes, from, middle)?);
            from = middle;
        }
    }
    path.reverse();
    Ok(path)
}

/// The consistency proof from the tree of `old` leaves to that of `new`; `old <= new`. Empty when
/// they are the same size or the old one is empty.
///
/// # Errors
/// The source's.
pub fn consistency<N: Nodes>(nodes: &N, old: u64, new: u64) -> Result<Vec<Hash>, N::Error> {
    let mut path = Vec::new();
    if old == 0 || old == new {
        return Ok(path);
    }
    let (mut from, mut to) = (0, new);
    // Whether the old tree's root is still the root of the part looked at.
    let mut whole = true;
    while to != old {
        let middle = from + split(to - from);
        if old <= middle {
            path.push(range(nodes, middle, to)?);
            to = middle;
        } else {
            path.push(range(nodes, from, middle)?);
            from = middle;
            whole = false;
        }
    }
    if !whole {
        path.push(range(nodes, from, to)?);
    }
    path.reverse();
    Ok(path)
}

/// Whether `path` proves that `leaf` is at `index` in the tree of `size` leaves with `root`.
#[must_use]
pub fn includes(suite: Suite, leaf: &Hash, index: u64, size: u64, path: &[Hash], root: &Hash) -> bool {
    if index >= size {
        return false;
    }
    let (mut position, mut last, mut hash) = (index, size - 1, *leaf);
    for sibling in path {
        if last == 0 {
            return false;
        }
        if position & 1 == 1 || position == last {
            hash = suite.node(sibling, &hash);
            while position & 1 == 0 && position != 0 {
                position >>= 1;
                last >>= 1;
            }
        } else {
            hash = suite.node(&hash, sibling);
        }
        position >>= 1;
        last >>= 1;
    }
    last == 0 && hash == *root
}

/// Whether `path` proves that the tree of `old` leaves with `old_root` begins the tree of `new`
/// leaves with `new_root`.
#[must_use]
pub fn consistent(suite: Suite, old: u64, old_root: &Hash, new: u64, new_root: &Hash, path: &[Hash]) -> bool {
    if old > new {
        return false;
    }
    if old == new || old == 0 {
        let same = old != new || old_root == new_root;
        return path.is_empty() && same && (old != 0 || *old_root == suite.empty());
    }
    let (mut position, mut last) = (old - 1, new - 1);
    while position & 1 == 1 {
        position >>= 1;
        last >>= 1;
    }
    let mut rest = path.iter();
    // A power of two of old leaves is a subtree of its own, so the proof leaves it out.
    let first = if old.is_power_of_two() { Some(old_root) } else { rest.next() };
    let Some(first) = first else { return false };
    let (mut old_hash, mut new_hash) = (*first, *first);
    for sibling in rest {
        if last == 0 {
            return false;
        }
        if position & 1 == 1 || position == last {
            old_hash = suite.node(sibling, &old_hash);
            new_hash = suite.node(sibling, &new_hash);
            while position & 1 == 0 && position != 0 {
                position >>= 1;
                last >>= 1;
            }
        } else {
            new_hash = suite.node(&new_hash, sibling);
        }
        position >>= 1;
        last >>= 1;
    }
    last == 0 && old_hash == *old_root && new_hash == *new_root
}
