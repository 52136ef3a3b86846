//! Suites: which hash the tree is built with and which signature checkpoints carry.
//!
//! A log has one suite from its genesis on. The international one is SHA-256 with Ed25519, the
//! domestic one (国密) is SM3 with SM2. Everything else about a log is the same in both: a leaf is
//! `H(0x00 ‖ entry)`, a node `H(0x01 ‖ left ‖ right)`, the empty tree `H()`, as in RFC 6962 with the
//! suite's hash for H.
//!
//! Single hashes cost a call of a library; [`Suite::leaves`] and [`Suite::nodes`] hash many messages
//! side by side in the lanes of vector registers: see [`crate::hash`].

use crate::ENTRY_LEN;
use crate::hash::{Function, Hash, LEAF, Lanes, NODE, Sha256, Sm3};

/// A hash and a signature, fixed at genesis.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Suite {
    /// SHA-256 (FIPS 180-4) and Ed25519 (RFC 8032).
    #[default]
    Sha256Ed25519,
    /// SM3 (GB/T 32905) and SM2 (GB/T 32918.2, with the user id `1234567812345678`).
    Sm3Sm2,
}

impl Suite {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Sha256Ed25519, Self::Sm3Sm2];

    /// Hash and signature as genesis names them: `sha256, ed25519` or `sm3, sm2`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha256Ed25519 => "sha256, ed25519",
            Self::Sm3Sm2 => "sm3, sm2",
        }
    }

    /// Reads [`Suite::name`] back.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|suite| suite.name() == name)
    }

    /// The hash of any bytes.
    #[must_use]
    pub fn digest(self, bytes: &[u8]) -> Hash {
        self.parts(&[bytes])
    }

    /// The hash of one entry: `H(0x00 ‖ entry)`.
    #[must_use]
    pub fn leaf(self, entry: &[u8]) -> Hash {
        self.parts(&[&[LEAF], entry])
    }

    /// The hash over two subtrees: `H(0x01 ‖ left ‖ right)`.
    #[must_use]
    pub fn node(self, left: &Hash, right: &Hash) -> Hash {
        self.parts(&[&[NODE], left, right])
    }

    /// The root of a tree without leaves: `H()`.
    #[must_use]
    pub fn empty(self) -> Hash {
        self.parts(&[])
    }

    fn parts(self, parts: &[&[u8]]) -> Hash {
        match self {
            Self::Sha256Ed25519 => Sha256::one(parts),
            Self::Sm3Sm2 => Sm3::one(parts),
        }
    }

    /// Appends the leaf hash of every entry of `entries` (end to end, [`ENTRY_LEN`] bytes each).
    ///
    /// # Panics
    /// When the last entry is not whole.
    pub fn leaves(self, entries: &[u8], leaves: &mut Vec<Hash>) {
        self.leaves_in(self.lanes(), entries, leaves);
    }

    /// Appends the parent of every two neighbours: `children[0]` and `[1]`, `[2]` and `[3]`, …
    ///
    /// # Panics
    /// When the last child has no neighbour.
    pub fn nodes(self, children: &[Hash], parents: &mut Vec<Hash>) {
        self.nodes_in(self.lanes(), children, parents);
    }

    /// The lanes that [`Suite::leaves`] and [`Suite::nodes`] use on this machine.
    #[must_use]
    pub fn lanes(self) -> Lanes {
        match self {
            Self::Sha256Ed25519 => Lanes::best::<Sha256>(),
            Self::Sm3Sm2 => Lanes::best::<Sm3>(),
        }
    }

    /// [`Suite::leaves`] in lanes of the caller's choice; those the machine does not have are
    /// replaced by single hashes. For measuring and for comparing one with another.
    ///
    /// # Panics
    /// When the last entry is not whole.
    pub fn leaves_in(self, lanes: Lanes, entries: &[u8], leaves: &mut Vec<Hash>) {
        let (entries, rest) = entries.as_chunks::<ENTRY_LEN>();
        assert!(rest.is_empty(), "whole entries");
        match self {
            Self::Sha256Ed25519 => lanes.hash::<Sha256, ENTRY_LEN>(LEAF, entries, leaves),
            Self::Sm3Sm2 => lanes.hash::<Sm3, ENTRY_LEN>(LEAF, entries, leaves),
        }
    }

    /// [`Suite::nodes`] in lanes of the caller's choice.
    ///
    /// # Panics
    /// When the last child has no neighbour.
    pub fn nodes_in(self, lanes: Lanes, children: &[Hash], parents: &mut Vec<Hash>) {
        let (pairs, rest) = children.as_flattened().as_chunks::<64>();
        assert!(rest.is_empty(), "children in pairs");
        match self {
            Self::Sha256Ed25519 => lanes.hash::<Sha256, 64>(NODE, pairs, parents),
            Self::Sm3Sm2 => lanes.hash::<Sm3, 64>(NODE, pairs, parents),
        }
    }
}
