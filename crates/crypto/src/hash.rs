//! Hashes, HMAC and key derivation.
//!
//! Both hashes give 32 bytes, so whatever stores a digest does not care which family is in use.

use aws_lc_rs::{hkdf, hmac};
use sha2::{Digest as _, Sha256};
use sm3::Sm3;
use zeroize::Zeroizing;

/// A 256-bit hash.
pub type Digest = [u8; 32];

/// The hash of a family: SHA-256 (international) or SM3 (domestic, GB/T 32905).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum HashAlgorithm {
    /// SHA-256, FIPS 180-4. On the wire `SHA256`.
    #[default]
    #[serde(rename = "SHA256")]
    Sha256,
    /// SM3, GB/T 32905-2016. On the wire `SM3`.
    #[serde(rename = "SM3")]
    Sm3,
}

impl HashAlgorithm {
    /// The name in headers and files: `SHA256` or `SM3`.
    pub const fn wire_name(self) -> &'static str {
        match self {
            HashAlgorithm::Sha256 => "SHA256",
            HashAlgorithm::Sm3 => "SM3",
        }
    }

    /// The digest of `message`.
    pub fn digest(self, message: &[u8]) -> Digest {
        self.digest_parts(&[message])
    }

    /// The digest of the parts written one after the other, without copying them together.
    pub fn digest_parts(self, parts: &[&[u8]]) -> Digest {
        let mut hasher = self.hasher();
        for part in parts {
            hasher.update(part);
        }
        hasher.finish()
    }

    /// A running hash, for what comes in pieces.
    pub fn hasher(self) -> Hasher {
        match self {
            HashAlgorithm::Sha256 => Hasher(Running::Sha256(Sha256::new())),
            HashAlgorithm::Sm3 => Hasher(Running::Sm3(Sm3::new())),
        }
    }
}

/// A running hash: see [`HashAlgorithm::hasher`].
#[derive(Clone)]
pub struct Hasher(Running);

#[derive(Clone)]
enum Running {
    Sha256(Sha256),
    Sm3(Sm3),
}

impl Hasher {
    /// Adds bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            Running::Sha256(hash) => hash.update(bytes),
            Running::Sm3(hash) => hash.update(bytes),
        }
    }

    /// The digest of everything added.
    pub fn finish(self) -> Digest {
        match self.0 {
            Running::Sha256(hash) => hash.finalize().into(),
            Running::Sm3(hash) => hash.finalize().into(),
        }
    }
}

/// HMAC-SHA-256 of `message` under `key`.
pub fn hmac_sha256(key: &[u8], message: &[u8]) -> Digest {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    let tag = hmac::sign(&key, message);
    let mut out = [0; 32];
    out.copy_from_slice(tag.as_ref());
    out
}

/// Whether `tag` is the HMAC-SHA-256 of `message` under `key`, in constant time.
pub fn hmac_sha256_fits(key: &[u8], message: &[u8], tag: &[u8]) -> bool {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    hmac::verify(&key, message, tag).is_ok()
}

/// A 32-byte key for one purpose out of a master secret: HKDF-SHA-256 (RFC 5869) without salt and
/// with `purpose` as info.
///
/// Different purposes give unrelated keys. `master` must itself be random (at least 16 bytes): this
/// does not strengthen a password.
pub fn derive_key(master: &[u8], purpose: &str) -> Zeroizing<Digest> {
    let mut key = Zeroizing::new([0; 32]);
    hkdf::Salt::new(hkdf::HKDF_SHA256, &[])
        .extract(master)
        .expand(&[purpose.as_bytes()], Length32)
        .and_then(|material| material.fill(key.as_mut()))
        .expect("HKDF gives 32 bytes for any input");
    key
}

struct Length32;

impl hkdf::KeyType for Length32 {
    fn len(&self) -> usize {
        32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(hash: HashAlgorithm, message: &[u8], expect: &str) {
        assert_eq!(hex::encode(hash.digest(message)), expect);
        let (head, tail) = message.split_at(message.len() / 2);
        assert_eq!(hex::encode(hash.digest_parts(&[head, tail])), expect);
    }

    #[test]
    fn hashes_match_the_examples_of_their_standards() {
        use HashAlgorithm::{Sha256, Sm3};
        // FIPS 180-4 and GB/T 32905 appendix A.
        check(Sha256, b"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        check(Sha256, b"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        check(Sm3, b"abc", "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0");
        check(Sm3, &b"abcd".repeat(16), "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732");
    }

    #[test]
    fn hmac_matches_rfc_4231() {
        let tag = hmac_sha256(b"Jefe", b"what do ya want for nothing?");
        assert_eq!(hex::encode(tag), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
        assert!(hmac_sha256_fits(b"Jefe", b"what do ya want for nothing?", &tag));
        assert!(!hmac_sha256_fits(b"jefe", b"what do ya want for nothing?", &tag));
        assert!(!hmac_sha256_fits(b"Jefe", b"what do ya want for nothing?", &tag[..16]));
    }

    #[test]
    fn a_derived_key_matches_rfc_5869_and_differs_by_purpose() {
        // RFC 5869 test case 3: no salt; our info is never empty, so the first block is recomputed
        // from the pseudorandom key the RFC prints.
        let master = [0x0b; 22];
        let prk = hex::decode("19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04").unwrap();
        assert_eq!(*derive_key(&master, "blind"), hmac_sha256(&prk, b"blind\x01"));
        assert_ne!(derive_key(&master, "blind"), derive_key(&master, "seal"));
    }
}
