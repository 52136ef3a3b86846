//! The one place with `unsafe` code: calls of functions compiled for instructions that not every
//! machine has.
//!
//! The functions themselves are safe: plain loops over arrays. What the compiler cannot know is that
//! the machine has the instructions; each call stands directly behind the question, which the
//! standard library asks the processor once and remembers.
#![expect(unsafe_code, reason = "calling what was compiled for more instructions, once the machine has them")]

use std::arch::is_x86_feature_detected as machine_has;

use super::block::{Blocks, Function, States};

/// Whether the machine has AVX-512, as far as it is used here.
pub(super) fn has_avx512() -> bool {
    machine_has!("avx512f") && machine_has!("avx512bw") && machine_has!("avx512vl")
}

/// Whether the machine has AVX2.
pub(super) fn has_avx2() -> bool {
    machine_has!("avx2")
}

/// [`Function::compress`] with AVX-512: every word of the sixteen messages is one register.
///
/// # Panics
/// When the machine has it not.
pub(super) fn avx512<F: Function>(states: &mut States, blocks: &mut Blocks) {
    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    fn compress<F: Function>(states: &mut States, blocks: &mut Blocks) {
        F::compress(states, blocks);
    }
    assert!(has_avx512(), "AVX-512 is not here");
    // SAFETY: the machine has all that the function is compiled for, as was just asked.
    unsafe { compress::<F>(states, blocks) }
}

/// [`Function::compress`] with AVX2: every word of the sixteen messages is two registers.
///
/// # Panics
/// When the machine has it not.
pub(super) fn avx2<F: Function>(states: &mut States, blocks: &mut Blocks) {
    #[target_feature(enable = "avx2")]
    fn compress<F: Function>(states: &mut States, blocks: &mut Blocks) {
        F::compress(states, blocks);
    }
    assert!(has_avx2(), "AVX2 is not here");
    // SAFETY: the machine has all that the function is compiled for, as was just asked.
    unsafe { compress::<F>(states, blocks) }
}
