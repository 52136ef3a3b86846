//! Which vector instructions a machine has, and what is fastest there.

use super::block::{self, Blocks, Function, LANES, States};
use super::{Hash, wide};

/// With what many messages are hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lanes {
    /// Sixteen messages side by side, with AVX-512.
    Avx512,
    /// Sixteen messages side by side, with AVX2.
    Avx2,
    /// Sixteen messages side by side, with what every machine of its kind has (SSE2, NEON).
    Plain,
    /// One after the other, with the library, which uses a machine's instructions for SHA-256.
    One,
}

impl Lanes {
    /// All.
    pub const ALL: [Self; 4] = [Self::Avx512, Self::Avx2, Self::Plain, Self::One];

    /// Whether this machine has them.
    #[must_use]
    pub fn are_here(self) -> bool {
        match self {
            Self::Avx512 => wide::has_avx512(),
            Self::Avx2 => wide::has_avx2(),
            Self::Plain | Self::One => true,
        }
    }

    /// The fastest that are here, by an order that was measured once (`docs/decisions/lanes.md`), so
    /// that it does not depend on the moment.
    pub(crate) fn best<F: Function>() -> Self {
        let order = if F::one_is_fast() {
            [Self::Avx512, Self::One, Self::Avx2]
        } else {
            [Self::Avx512, Self::Avx2, Self::Plain]
        };
        order.into_iter().find(|lanes| lanes.are_here()).unwrap_or(Self::One)
    }

    /// Appends the hash of every message, each after the prefix byte.
    pub(crate) fn hash<F: Function, const M: usize>(
        self,
        prefix: u8,
        messages: &[[u8; M]],
        hashes: &mut Vec<Hash>,
    ) {
        let from = hashes.len();
        hashes.resize(from + messages.len(), [0; 32]);
        let hashes = &mut hashes[from..];
        match self {
            Self::Avx512 if self.are_here() => many::<F, M>(wide::avx512::<F>, prefix, messages, hashes),
            Self::Avx2 if self.are_here() => many::<F, M>(wide::avx2::<F>, prefix, messages, hashes),
            Self::Plain => many::<F, M>(plain::<F>, prefix, messages, hashes),
            _ => one_by_one::<F, M>(prefix, messages, hashes),
        }
    }
}

fn plain<F: Function>(states: &mut States, blocks: &mut Blocks) {
    F::compress(states, blocks);
}

fn one_by_one<F: Function, const M: usize>(prefix: u8, messages: &[[u8; M]], hashes: &mut [Hash]) {
    for (message, hash) in messages.iter().zip(hashes) {
        *hash = F::one(&[&[prefix], message]);
    }
}

/// Hashes sixteen at a time; a rest that is worth it fills up its lanes with empty messages.
fn many<F: Function, const M: usize>(
    compress: fn(&mut States, &mut Blocks),
    prefix: u8,
    messages: &[[u8; M]],
    hashes: &mut [Hash],
) {
    let (whole, rest) = messages.as_chunks::<LANES>();
    let (whole_hashes, rest_hashes) = hashes.as_chunks_mut::<LANES>();
    for (messages, hashes) in whole.iter().zip(whole_hashes) {
        block::hash::<F, M>(compress, prefix, messages, hashes);
    }
    // With AVX-512 all lanes together cost about as much as six fast single hashes, or two slow ones.
    let worth = if F::one_is_fast() { 7 } else { 3 };
    if rest.len() < worth {
        return one_by_one::<F, M>(prefix, rest, rest_hashes);
    }
    let (mut messages, mut hashes) = ([[0; M]; LANES], [[0; 32]; LANES]);
    messages[..rest.len()].copy_from_slice(rest);
    block::hash::<F, M>(compress, prefix, &messages, &mut hashes);
    rest_hashes.copy_from_slice(&hashes[..rest.len()]);
}
