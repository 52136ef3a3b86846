//! Proofs about a Merkle tree, checked without its keeper (RFC 6962, RFC 9162).
//!
//! A *leaf* is the hash of a record, a *root* commits to the first `size` records. An inclusion
//! proof shows that a record is under a root; a consistency proof shows that a later root only
//! appended to an earlier one. Both have at most 64 hashes and take as many steps. Verification
//! needs neither the tree nor a network.

use crate::hash::{Digest, HashAlgorithm};

/// No proof is longer: a tree of 2^64 leaves has 64 levels, and a consistency proof one hash more.
pub const MAX_PROOF_LEN: usize = 65;

/// Why a proof does not show what it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The index is not below the size, or the first size is above the second.
    #[error("the proof is about a position outside the tree")]
    OutOfRange,
    /// Too many or too few hashes for these sizes.
    #[error("the proof has the wrong number of hashes")]
    WrongLength,
    /// The hashes do not lead to the root.
    #[error("the proof does not lead to the root")]
    RootMismatch,
}

/// The leaf of a record: `H(0x00 || record)`.
pub fn leaf_hash(hash: HashAlgorithm, record: &[u8]) -> Digest {
    hash.digest_parts(&[&[0], record])
}

/// The parent of two nodes: `H(0x01 || left || right)`.
pub fn node_hash(hash: HashAlgorithm, left: &Digest, right: &Digest) -> Digest {
    hash.digest_parts(&[&[1], left, right])
}

/// The root of an empty tree: the hash of nothing.
pub fn empty_root(hash: HashAlgorithm) -> Digest {
    hash.digest(b"")
}

/// Checks that `leaf` is at `index` (from 0) in the tree of `size` leaves with `root`.
///
/// # Errors
/// [`ProofError`].
pub fn verify_inclusion(
    hash: HashAlgorithm,
    leaf: &Digest,
    index: u64,
    size: u64,
    path: &[Digest],
    root: &Digest,
) -> Result<(), ProofError> {
    if index >= size {
        return Err(ProofError::OutOfRange);
    }
    // RFC 9162, 2.1.3.2.
    let (mut node, mut last) = (index, size - 1);
    let mut computed = *leaf;
    for sibling in path {
        if last == 0 {
            return Err(ProofError::WrongLength);
        }
        if node & 1 == 1 || node == last {
            computed = node_hash(hash, sibling, &computed);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            computed = node_hash(hash, &computed, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    if last != 0 {
        return Err(ProofError::WrongLength);
    }
    same_root(&computed, root)
}

/// Checks that the tree of `second` leaves with `second_root` only appended to the tree of `first`
/// leaves with `first_root`.
///
/// # Errors
/// [`ProofError`].
pub fn verify_consistency(
    hash: HashAlgorithm,
    first: u64,
    second: u64,
    proof: &[Digest],
    first_root: &Digest,
    second_root: &Digest,
) -> Result<(), ProofError> {
    if first > second {
        return Err(ProofError::OutOfRange);
    }
    if first == 0 {
        require_empty(proof)?;
        return same_root(&empty_root(hash), first_root);
    }
    if first == second {
        require_empty(proof)?;
        return same_root(first_root, second_root);
    }
    // RFC 9162, 2.1.4.2. When `first` is a power of two its root is itself a node of the path.
    let mut nodes = proof.iter();
    let seed =
        if first.is_power_of_two() { first_root } else { nodes.next().ok_or(ProofError::WrongLength)? };
    let (mut node, mut last) = (first - 1, second - 1);
    while node & 1 == 1 {
        node >>= 1;
        last >>= 1;
    }
    let (mut old, mut new) = (*seed, *seed);
    for sibling in nodes {
        if last == 0 {
            return Err(ProofError::WrongLength);
        }
        if node & 1 == 1 || node == last {
            old = node_hash(hash, sibling, &old);
            new = node_hash(hash, sibling, &new);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            new = node_hash(hash, &new, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    if last != 0 {
        return Err(ProofError::WrongLength);
    }
    same_root(&old, first_root)?;
    same_root(&new, second_root)
}

fn require_empty(proof: &[Digest]) -> Result<(), ProofError> {
    if proof.is_empty() { Ok(()) } else { Err(ProofError::WrongLength) }
}

fn same_root(computed: &Digest, root: &Digest) -> Result<(), ProofError> {
    if computed == root { Ok(()) } else { Err(ProofError::RootMismatch) }
}
