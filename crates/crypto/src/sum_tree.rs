//! A Merkle tree that also adds up: every node commits to a hash and to a sum.
//!
//! The root of such a tree states a total. Whoever knows one leaf can check with a path of at most
//! 64 nodes that the leaf is counted in the total, without seeing the other leaves. The shape is that
//! of RFC 6962: the left side holds the largest power of two below the number of leaves.
//!
//! A node hashes *both* children's hashes and *both* children's sums. Trees that hash only the total
//! of the two sums let their keeper claim the larger of them twice; here, moving a fen from one child
//! to the other changes the parent. Sums are unsigned and added with a check, so neither a negative
//! amount nor an overflow can hide another leaf's amount.
//!
//! | what | hash of |
//! |---|---|
//! | commitment | `JIALING-SUM-WHO-1` ‖ name (16 bytes) ‖ nonce (32) |
//! | leaf | `JIALING-SUM-LEAF-1` ‖ commitment (32) ‖ amount (8, big endian) |
//! | node | `JIALING-SUM-NODE-1` ‖ left hash (32) ‖ left sum (8) ‖ right hash (32) ‖ right sum (8) |
//! | empty tree | `JIALING-SUM-NONE-1` |

use crate::hash::{Digest, HashAlgorithm};

const WHO: &[u8] = b"JIALING-SUM-WHO-1";
const LEAF: &[u8] = b"JIALING-SUM-LEAF-1";
const NODE: &[u8] = b"JIALING-SUM-NODE-1";
const NONE: &[u8] = b"JIALING-SUM-NONE-1";

/// No path is longer: a tree of 2^64 leaves has 64 levels.
pub const MAX_PATH: usize = 64;

/// A hash, and the sum of the leaves under it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SumNode {
    /// What it commits to.
    pub hash: Digest,
    /// The sum of the amounts under it.
    pub sum: u64,
}

/// Why a path or a tree is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SumError {
    /// The index is not below the number of leaves.
    #[error("the path is about a leaf outside the tree")]
    OutOfRange,
    /// Too many or too few nodes for this index and number of leaves.
    #[error("the path has the wrong number of nodes")]
    WrongLength,
    /// Two sums together are above 2^64 − 1.
    #[error("the sums overflow")]
    Overflow,
    /// The nodes lead to another root or another total.
    #[error("the path does not lead to the root and its total")]
    RootMismatch,
}

/// What stands for the owner of an amount: it binds the name and shows nothing of it to whoever does
/// not know the nonce.
#[must_use]
pub fn commitment(hash: HashAlgorithm, name: u128, nonce: &Digest) -> Digest {
    hash.digest_parts(&[WHO, &name.to_be_bytes(), nonce])
}

/// The leaf of `amount` under a [`commitment`].
#[must_use]
pub fn leaf(hash: HashAlgorithm, commitment: &Digest, amount: u64) -> SumNode {
    SumNode { hash: hash.digest_parts(&[LEAF, commitment, &amount.to_be_bytes()]), sum: amount }
}

/// The parent of two nodes.
///
/// # Errors
/// [`SumError::Overflow`].
pub fn parent(hash: HashAlgorithm, left: &SumNode, right: &SumNode) -> Result<SumNode, SumError> {
    let sum = left.sum.checked_add(right.sum).ok_or(SumError::Overflow)?;
    let parts: [&[u8]; 5] =
        [NODE, &left.hash, &left.sum.to_be_bytes(), &right.hash, &right.sum.to_be_bytes()];
    Ok(SumNode { hash: hash.digest_parts(&parts), sum })
}

/// The root of a tree without leaves.
#[must_use]
pub fn empty(hash: HashAlgorithm) -> SumNode {
    SumNode { hash: hash.digest(NONE), sum: 0 }
}

/// The root over `leaves`, which may also be roots of complete subtrees of one size, the last of them
/// of a smaller one.
///
/// # Errors
/// [`SumError::Overflow`].
pub fn root(hash: HashAlgorithm, leaves: &[SumNode]) -> Result<SumNode, SumError> {
    match leaves {
        [] => Ok(empty(hash)),
        [only] => Ok(*only),
        _ => {
            let (left, right) = leaves.split_at(split(leaves.len()));
            parent(hash, &root(hash, left)?, &root(hash, right)?)
        }
    }
}

/// The siblings of leaf `index` from the leaf up to the root over `leaves`.
///
/// # Errors
/// [`SumError::OutOfRange`], [`SumError::Overflow`].
pub fn path(hash: HashAlgorithm, leaves: &[SumNode], index: usize) -> Result<Vec<SumNode>, SumError> {
    if index >= leaves.len() {
        return Err(SumError::OutOfRange);
    }
    if leaves.len() == 1 {
        return Ok(Vec::new());
    }
    let at = split(leaves.len());
    let (left, right) = leaves.split_at(at);
    let (mut nodes, sibling) = if index < at {
        (path(hash, left, index)?, root(hash, right)?)
    } else {
        (path(hash, right, index - at)?, root(hash, left)?)
    };
    nodes.push(sibling);
    Ok(nodes)
}

/// The largest power of two below `count`, which is at least 2.
const fn split(count: usize) -> usize {
    1 << (count - 1).ilog2()
}

/// Checks that `leaf` is number `index` (from 0) of `leaves` and counted in `root`.
///
/// # Errors
/// [`SumError`].
pub fn verify(
    hash: HashAlgorithm,
    leaf: &SumNode,
    index: u64,
    leaves: u64,
    path: &[SumNode],
    root: &SumNode,
) -> Result<(), SumError> {
    if index >= leaves {
        return Err(SumError::OutOfRange);
    }
    // RFC 9162, 2.1.3.2, with sums.
    let (mut node, mut last) = (index, leaves - 1);
    let mut computed = *leaf;
    for sibling in path {
        if last == 0 {
            return Err(SumError::WrongLength);
        }
        if node & 1 == 1 || node == last {
            computed = parent(hash, sibling, &computed)?;
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            computed = parent(hash, &computed, sibling)?;
        }
        node >>= 1;
        last >>= 1;
    }
    match last {
        0 if computed == *root => Ok(()),
        0 => Err(SumError::RootMismatch),
        _ => Err(SumError::WrongLength),
    }
}
