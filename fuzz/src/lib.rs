//! Coverage-guided fuzzing of every decoder, by the functions that the tests run with seeded inputs.

use jialing_simulator::decoders::TARGETS;

/// Hands bytes to a decoder by its name.
///
/// # Panics
/// When the decoder does, or when there is none of that name.
pub fn target(name: &str, data: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name);
    (target.expect("the decoder is in the list").decode)(data);
}
