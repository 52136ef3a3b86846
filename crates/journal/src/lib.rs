//! Append-only, hash-linked segments with a Merkle tree.
