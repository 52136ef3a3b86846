//! Frames under a counter.
//!
//! A frame on the wire is the length of what follows (4 bytes, little endian), the ciphertext, and
//! its tag of 16 bytes. The length is authenticated too. The nonce of frame *n* of a direction is the
//! direction's 12 starting bytes with *n*, as 8 bytes big endian, added bit by bit to the last 8 (as
//! TLS 1.3 does).

use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{AesGcm, KeyInit};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use sm4::Sm4;

use super::{TunnelError, TunnelSuite};

type Sm4Gcm = AesGcm<Sm4, aes_gcm::aead::consts::U12>;

const LENGTH: usize = 4;
const TAG: usize = 16;

/// Bytes a frame is longer than what it holds.
pub const FRAME_OVERHEAD: usize = LENGTH + TAG;

/// One direction's cipher and counter.
pub(super) struct Counted {
    cipher: Cipher,
    start: [u8; 12],
    next: u64,
}

enum Cipher {
    Aes(LessSafeKey),
    Sm4(Box<Sm4Gcm>),
}

impl Counted {
    pub(super) fn new(suite: TunnelSuite, key: &[u8], nonce: &[u8; 32]) -> Self {
        let cipher = match suite {
            TunnelSuite::International => Cipher::Aes(LessSafeKey::new(
                UnboundKey::new(&AES_256_GCM, key).expect("the key is 32 bytes long"),
            )),
            TunnelSuite::Domestic => {
                Cipher::Sm4(Box::new(Sm4Gcm::new_from_slice(key).expect("the key is 16 bytes long")))
            }
        };
        Self { cipher, start: std::array::from_fn(|i| nonce[i]), next: 0 }
    }

    /// The nonce of the next frame. No counter comes twice: 2^64 frames do not fit in a life.
    fn nonce(&mut self) -> [u8; 12] {
        let mut nonce = self.start;
        nonce[4..].iter_mut().zip(self.next.to_be_bytes()).for_each(|(byte, count)| *byte ^= count);
        self.next += 1;
        nonce
    }
}

/// Seals the frames of one direction.
pub struct Sealer(Counted);

/// Opens the frames of one direction.
pub struct Opener(Counted);

impl Sealer {
    pub(super) const fn new(direction: Counted) -> Self {
        Self(direction)
    }

    /// Adds the next frame, which holds `plain`, to `wire`.
    ///
    /// # Panics
    /// When `plain` does not fit a length of four bytes.
    pub fn seal(&mut self, plain: &[u8], wire: &mut Vec<u8>) {
        let length = u32::try_from(plain.len() + TAG).expect("frames are bounded").to_le_bytes();
        let nonce = self.0.nonce();
        wire.reserve(plain.len() + FRAME_OVERHEAD);
        wire.extend_from_slice(&length);
        match &self.0.cipher {
            Cipher::Aes(key) => {
                let start = wire.len();
                wire.extend_from_slice(plain);
                let nonce = Nonce::assume_unique_for_key(nonce);
                let tag = key
                    .seal_in_place_separate_tag(nonce, Aad::from(length), &mut wire[start..])
                    .expect("GCM seals anything that fits in a frame");
                wire.extend_from_slice(tag.as_ref());
            }
            Cipher::Sm4(key) => {
                let payload = Payload { msg: plain, aad: &length };
                let sealed = key.encrypt(&nonce.into(), payload);
                wire.extend_from_slice(&sealed.expect("GCM seals anything that fits in a frame"));
            }
        }
    }
}

impl Opener {
    pub(super) const fn new(direction: Counted) -> Self {
        Self(direction)
    }

    /// What the next frame holds. `wire` is the whole frame; its plain text takes its place.
    ///
    /// # Errors
    /// [`TunnelError::DoesNotOpen`]; then nothing that follows is to be believed: close.
    pub fn open<'a>(&mut self, wire: &'a mut [u8]) -> Result<&'a mut [u8], TunnelError> {
        let nonce = self.0.nonce();
        if wire.len() < FRAME_OVERHEAD {
            return Err(TunnelError::DoesNotOpen);
        }
        let (length, sealed) = wire.split_at_mut(LENGTH);
        let length: [u8; LENGTH] = std::array::from_fn(|i| length[i]);
        match &self.0.cipher {
            Cipher::Aes(key) => key
                .open_in_place(Nonce::assume_unique_for_key(nonce), Aad::from(length), sealed)
                .map_err(|_| TunnelError::DoesNotOpen),
            Cipher::Sm4(key) => {
                let payload = Payload { msg: sealed, aad: &length };
                let plain = key.decrypt(&nonce.into(), payload).map_err(|_| TunnelError::DoesNotOpen)?;
                sealed[..plain.len()].copy_from_slice(&plain);
                Ok(&mut sealed[..plain.len()])
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::keys;
    use super::*;

    fn ends(suite: TunnelSuite) -> (Sealer, Opener) {
        let (sealer, _) = keys(suite, &[1; 32], &[2; 32], "there", "back");
        let (_, opener) = keys(suite, &[1; 32], &[2; 32], "back", "there");
        (sealer, opener)
    }

    fn frames(sealer: &mut Sealer, texts: &[&str]) -> Vec<Vec<u8>> {
        let mut frame = |text: &str| {
            let mut wire = Vec::new();
            sealer.seal(text.as_bytes(), &mut wire);
            assert_eq!(wire.len(), text.len() + FRAME_OVERHEAD);
            wire
        };
        texts.iter().map(|text| frame(text)).collect()
    }

    #[test]
    fn frames_open_in_order_and_only_in_order() {
        for suite in [TunnelSuite::International, TunnelSuite::Domestic] {
            let (mut sealer, mut opener) = ends(suite);
            let sent = frames(&mut sealer, &["one", "", "three"]);
            let check = |opener: &mut Opener, frame: usize, expect: Option<&str>| {
                let mut wire = sent[frame].clone();
                let opened = opener.open(&mut wire).ok().map(|plain| plain.to_vec());
                assert_eq!(opened, expect.map(|text| text.as_bytes().to_vec()), "{suite:?} {frame}");
            };
            check(&mut opener, 0, Some("one"));
            check(&mut opener, 1, Some(""));
            check(&mut opener, 2, Some("three"));
            let repeated = &mut ends(suite).1;
            check(repeated, 0, Some("one"));
            check(repeated, 0, None);
            let swapped = &mut ends(suite).1;
            check(swapped, 1, None);
            let left_out = &mut ends(suite).1;
            check(left_out, 0, Some("one"));
            check(left_out, 2, None);
        }
    }

    #[test]
    fn any_changed_bit_and_any_cut_is_seen() {
        for suite in [TunnelSuite::International, TunnelSuite::Domestic] {
            let wire = frames(&mut ends(suite).0, &["a payment"]).remove(0);
            for bit in 0..wire.len() * 8 {
                let mut changed = wire.clone();
                changed[bit / 8] ^= 1 << (bit % 8);
                assert_eq!(ends(suite).1.open(&mut changed), Err(TunnelError::DoesNotOpen), "bit {bit}");
            }
            for length in 0..wire.len() {
                let mut cut = wire[..length].to_vec();
                assert_eq!(ends(suite).1.open(&mut cut), Err(TunnelError::DoesNotOpen), "{length} bytes");
            }
        }
    }
}
