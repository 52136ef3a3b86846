//! Machines for which no other instructions are written than those they all have.

use super::block::{Blocks, Function, States};

/// Whether the machine has AVX-512.
pub(super) const fn has_avx512() -> bool {
    false
}

/// Whether the machine has AVX2.
pub(super) const fn has_avx2() -> bool {
    false
}

/// [`Function::compress`] as it is.
pub(super) fn avx512<F: Function>(states: &mut States, blocks: &mut Blocks) {
    F::compress(states, blocks);
}

/// [`Function::compress`] as it is.
pub(super) fn avx2<F: Function>(states: &mut States, blocks: &mut Blocks) {
    F::compress(states, blocks);
}
