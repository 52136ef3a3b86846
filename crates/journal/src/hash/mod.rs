//! Hashing: one message with a library, many at once in lanes of our own.
//!
//! The messages of the tree have two lengths only, 1 + 118 bytes for a leaf and 1 + 64 for a node,
//! and each fills two blocks of SHA-256 and of SM3. So many of them can be hashed side by side, one
//! in each 32-bit lane of the vector registers: 16 with AVX-512, 8 with AVX2. [`Lanes`] says which
//! the machine has and which is fastest there; the lanes are checked against the libraries.

mod block;
mod choice;
mod sha256;
mod sm3;
#[cfg(not(target_arch = "x86_64"))]
#[path = "narrow.rs"]
mod wide;
#[cfg(target_arch = "x86_64")]
mod wide;

pub(crate) use block::Function;
pub use choice::Lanes;
pub(crate) use sha256::Sha256;
pub(crate) use sm3::Sm3;

/// A hash of 32 bytes: SHA-256 or SM3, by the log's suite.
pub type Hash = [u8; 32];

/// The byte before a leaf's entry.
pub(crate) const LEAF: u8 = 0;
/// The byte before a node's two children.
pub(crate) const NODE: u8 = 1;

/// Plain SHA-256, which C2SP uses for the ids of keys whatever the keys are.
#[must_use]
pub fn sha256(bytes: &[u8]) -> Hash {
    Sha256::one(&[bytes])
}

/// Hexadecimal, for messages.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |text, byte| text + &format!("{byte:02x}"))
}
