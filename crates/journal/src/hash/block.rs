//! Messages in lanes: how bytes become the words of blocks, and hashes come out again.
//!
//! Sixteen messages go side by side through plain loops over arrays, one loop a round, which the
//! compiler turns into vector instructions of whatever width the machine has. Sixteen, even where
//! registers are narrower: shorter loops it would unroll into single words instead.

use super::Hash;

/// Messages that are hashed side by side.
pub(super) const LANES: usize = 16;
/// One 32-bit word of each message.
pub(crate) type Words = [u32; LANES];
/// The state of each message.
pub(crate) type States = [Words; 8];
/// One block of each message.
pub(crate) type Blocks = [Words; 16];

/// A hash function of 64-byte blocks and eight words of state: SHA-256 or SM3.
pub(crate) trait Function {
    /// The state before the first block.
    const START: [u32; 8];

    /// Takes one block of each message into its state. `blocks` is used up.
    fn compress(states: &mut States, blocks: &mut Blocks);

    /// One message in parts, with the library.
    fn one(parts: &[&[u8]]) -> Hash;

    /// Whether the library hashes with instructions made for this function on this machine.
    fn one_is_fast() -> bool;
}

/// Hashes messages of one prefix byte and `M` bytes, 63 to 118, which is two blocks.
///
/// This is compiled without gathers and scatters: moving word by word is faster, by far where the
/// processor had to be mended against Downfall.
pub(super) fn hash<F: Function, const M: usize>(
    compress: fn(&mut States, &mut Blocks),
    prefix: u8,
    messages: &[[u8; M]; LANES],
    hashes: &mut [Hash; LANES],
) {
    let mut states = F::START.map(|word| [word; LANES]);
    let mut blocks = [[0; LANES]; 16];
    first_block(prefix, messages, &mut blocks);
    compress(&mut states, &mut blocks);
    second_block(messages, &mut blocks);
    compress(&mut states, &mut blocks);
    for (lane, hash) in hashes.iter_mut().enumerate() {
        for (word, bytes) in hash.as_chunks_mut::<4>().0.iter_mut().enumerate() {
            *bytes = states[word][lane].to_be_bytes();
        }
    }
}

fn word_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

/// The prefix and the first 63 bytes.
fn first_block<const M: usize>(prefix: u8, messages: &[[u8; M]; LANES], blocks: &mut Blocks) {
    for (lane, message) in messages.iter().enumerate() {
        blocks[0][lane] = u32::from_be_bytes([prefix, message[0], message[1], message[2]]);
        for (word, words) in blocks.iter_mut().enumerate().skip(1) {
            words[lane] = word_at(message, 4 * word - 1);
        }
    }
}

/// The bytes from the 64th on, the bit that ends the message, and its length in bits.
fn second_block<const M: usize>(messages: &[[u8; M]; LANES], blocks: &mut Blocks) {
    const { assert!(M >= 63 && M <= 118, "two blocks") };
    let (whole, rest) = ((M - 63) / 4, (M - 63) % 4);
    for (lane, message) in messages.iter().enumerate() {
        for (word, words) in blocks[..whole].iter_mut().enumerate() {
            words[lane] = word_at(message, 63 + 4 * word);
        }
        let mut last = [0; 4];
        last[..rest].copy_from_slice(&message[M - rest..]);
        last[rest] = 0x80;
        blocks[whole][lane] = u32::from_be_bytes(last);
    }
    blocks[whole + 1..15].fill([0; LANES]);
    blocks[15] = [(M as u32 + 1) * 8; LANES];
}
