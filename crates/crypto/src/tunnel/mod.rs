//! A sealed channel between two programs that have already proved to each other who they are.
//!
//! The two agree on a secret with keys made for this one connection ([`Ephemeral`]), derive one key
//! and one starting nonce for each direction from it and from everything said so far ([`keys`]), and
//! then seal each frame under a counter ([`Sealer`], [`Opener`]). A frame that was changed, repeated,
//! left out or moved does not open, and neither does any after it. Who is at the other end is not
//! this module's affair: sign what was said, both sides.
//!
//! | suite | agreement | hash | cipher |
//! |---|---|---|---|
//! | [`TunnelSuite::International`] | X25519 | SHA-256 | AES-256-GCM |
//! | [`TunnelSuite::Domestic`] | Diffie-Hellman on the SM2 curve | SM3 | SM4-GCM |

mod agree;
mod frames;

pub use agree::{Ephemeral, Secret};
pub use frames::{FRAME_OVERHEAD, Opener, Sealer};

use zeroize::Zeroizing;

use crate::hash::{Digest, HashAlgorithm};

/// What a connection agrees, hashes and seals with. The number is part of formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum TunnelSuite {
    /// X25519, SHA-256, AES-256-GCM.
    International = 1,
    /// Diffie-Hellman on the SM2 curve, SM3, SM4-GCM (RFC 8998). The cipher is plain code without
    /// the processor's help: about a hundredth of the speed of the other suite.
    Domestic = 2,
}

/// Why a tunnel did not come to be, or must be closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TunnelError {
    /// The other side's part of the agreement is no point, or one that gives the secret away.
    #[error("the other side's ephemeral key is none")]
    BadShare,
    /// A frame was changed, repeated, left out or moved.
    #[error("a frame was changed, repeated, left out or moved")]
    DoesNotOpen,
}

impl TunnelSuite {
    /// The suite with this number.
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::International),
            2 => Some(Self::Domestic),
            _ => None,
        }
    }

    /// The hash of transcripts and of the key derivation.
    pub const fn hash(self) -> HashAlgorithm {
        match self {
            Self::International => HashAlgorithm::Sha256,
            Self::Domestic => HashAlgorithm::Sm3,
        }
    }

    /// Bytes of an ephemeral public key: an X25519 point, or an uncompressed point of the SM2 curve.
    pub const fn share_len(self) -> usize {
        match self {
            Self::International => 32,
            Self::Domestic => 65,
        }
    }

    const fn key_len(self) -> usize {
        match self {
            Self::International => 32,
            Self::Domestic => 16,
        }
    }
}

/// The keys of the two directions, from the agreed `secret` and the hash of all that was said.
///
/// HKDF (RFC 5869) with the suite's hash: salt `transcript`, input `secret`; info `label` followed by
/// ` key` gives the cipher's key and by ` nonce` the 12 bytes that counters are added to.
pub fn keys(
    suite: TunnelSuite,
    secret: &[u8; 32],
    transcript: &Digest,
    seal_label: &str,
    open_label: &str,
) -> (Sealer, Opener) {
    let seed = extract(suite.hash(), transcript, secret);
    let of = |label: &str| {
        let key = expand(suite.hash(), &seed, &format!("{label} key"));
        let nonce = expand(suite.hash(), &seed, &format!("{label} nonce"));
        frames::Counted::new(suite, &key[..suite.key_len()], &nonce)
    };
    (Sealer::new(of(seal_label)), Opener::new(of(open_label)))
}

/// HMAC (RFC 2104) over either hash; both have blocks of 64 bytes.
fn hmac(hash: HashAlgorithm, key: &Digest, message: &[&[u8]]) -> Digest {
    let pad = |with: u8| {
        let mut block = Zeroizing::new([with; 64]);
        block.iter_mut().zip(key).for_each(|(padded, key)| *padded ^= key);
        block
    };
    let mut inner = hash.hasher();
    inner.update(&*pad(0x36));
    message.iter().for_each(|part| inner.update(part));
    hash.digest_parts(&[&*pad(0x5c), &inner.finish()])
}

fn extract(hash: HashAlgorithm, salt: &Digest, secret: &[u8]) -> Zeroizing<Digest> {
    Zeroizing::new(hmac(hash, salt, &[secret]))
}

/// The first block of HKDF's output, which is all that is ever needed here.
fn expand(hash: HashAlgorithm, seed: &Digest, info: &str) -> Zeroizing<Digest> {
    Zeroizing::new(hmac(hash, seed, &[info.as_bytes(), &[1]]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hmac_and_hkdf_are_those_of_their_standards() {
        // RFC 5869 test case 1, with its salt padded to the block as HMAC does with any short key.
        let mut salt = [0; 32];
        salt[..13].copy_from_slice(&hex::decode("000102030405060708090a0b0c").unwrap());
        let seed = extract(HashAlgorithm::Sha256, &salt, &[0x0b; 22]);
        assert_eq!(hex::encode(*seed), "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5");
        let info = String::from_utf8(vec![0x41, 0x42]).unwrap();
        let block = expand(HashAlgorithm::Sha256, &seed, &info);
        assert_eq!(*block, crate::hash::hmac_sha256(&*seed, b"AB\x01"));
        // HMAC-SM3, GM/T 0042-2015 appendix D.3's first case uses a longer key; this one is OpenSSL's:
        // printf abc | openssl mac -digest SM3 -macopt hexkey:0b0b…(32 bytes) HMAC
        assert_eq!(
            hex::encode(hmac(HashAlgorithm::Sm3, &[0x0b; 32], &[b"a", b"bc"])),
            "4698ad58ddee4c14de1d26a54b4d6a583d287f7c76b047c389409aa8cd8900cc"
        );
    }

    #[test]
    fn the_two_ends_have_each_others_keys_and_every_input_matters() {
        for suite in [TunnelSuite::International, TunnelSuite::Domestic] {
            assert_eq!(TunnelSuite::from_number(suite as u8), Some(suite));
            let frame = |secret: u8, transcript: u8, label: &str| {
                let (mut sealer, _) = keys(suite, &[secret; 32], &[transcript; 32], label, "other");
                let mut frame = Vec::new();
                sealer.seal(b"money", &mut frame);
                frame
            };
            let (_, mut opener) = keys(suite, &[1; 32], &[2; 32], "other", "there");
            assert_eq!(opener.open(&mut frame(1, 2, "there")), Ok(&mut b"money".to_vec()[..]));
            for mut other in [frame(3, 2, "there"), frame(1, 3, "there"), frame(1, 2, "here")] {
                let (_, mut opener) = keys(suite, &[1; 32], &[2; 32], "other", "there");
                assert_eq!(opener.open(&mut other), Err(TunnelError::DoesNotOpen), "{suite:?}");
            }
        }
        assert_eq!(TunnelSuite::from_number(3), None);
    }
}
