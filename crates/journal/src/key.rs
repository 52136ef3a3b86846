//! The keys that checkpoints are signed with: Ed25519 or SM2, by the log's suite.
//!
//! Both are written as C2SP `signed-note` verifier keys, `<name>+<id>+<base64(type ‖ key)>`. Ed25519
//! has the type 1 there. SM2 has no number of its own, so it is of type 255 with the identity
//! `jialing.sm2`, and the key is the uncompressed point of 65 bytes. The id is the first four bytes
//! of `SHA-256(name ‖ newline ‖ type ‖ key)` in both suites.

use std::convert::Infallible;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use sm2::dsa::signature::rand_core::{TryCryptoRng, TryRng};
use sm2::dsa::signature::{RandomizedSigner as _, Verifier as _};

use crate::Suite;
use crate::hash::sha256;

/// What stands before the key of each suite: its type in signed notes.
const ED25519: &[u8] = &[0x01];
const SM2: &[u8] = b"\xffjialing.sm2";
/// The user id that GB/T 32918 gives for when none was agreed on.
const SM2_USER: &str = "1234567812345678";

/// Whether a name can stand in a signed note's key.
#[must_use]
pub fn valid_origin(origin: &str) -> bool {
    let fits = |c: char| !c.is_whitespace() && !c.is_control() && c != '+';
    (1..=200).contains(&origin.len()) && origin.chars().all(fits)
}

/// A public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PublicKey {
    /// RFC 8032's 32 bytes.
    Ed25519([u8; 32]),
    /// A point of the curve of GB/T 32918.5, uncompressed: 4, then 32 bytes each for x and y.
    Sm2([u8; 65]),
}

impl PublicKey {
    /// The suite it belongs to.
    #[must_use]
    pub const fn suite(&self) -> Suite {
        match self {
            Self::Ed25519(_) => Suite::Sha256Ed25519,
            Self::Sm2(_) => Suite::Sm3Sm2,
        }
    }

    /// Its bytes: 32 or 65.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Ed25519(key) => key,
            Self::Sm2(key) => key,
        }
    }

    /// A key of this suite from its bytes; `None` when they are not of its form. Whether they are a
    /// point of the curve is asked when something is verified.
    #[must_use]
    pub fn from_bytes(suite: Suite, bytes: &[u8]) -> Option<Self> {
        match suite {
            Suite::Sha256Ed25519 => bytes.try_into().ok().map(Self::Ed25519),
            Suite::Sm3Sm2 => bytes.try_into().ok().filter(|key: &[u8; 65]| key[0] == 4).map(Self::Sm2),
        }
    }

    /// Type and key, as a signed note's key has them.
    fn typed(&self) -> Vec<u8> {
        let kind = match self {
            Self::Ed25519(_) => ED25519,
            Self::Sm2(_) => SM2,
        };
        [kind, self.as_bytes()].concat()
    }

    fn from_typed(bytes: &[u8]) -> Option<Self> {
        let key_of = |kind, suite| Self::from_bytes(suite, bytes.strip_prefix(kind)?);
        key_of(ED25519, Suite::Sha256Ed25519).or_else(|| key_of(SM2, Suite::Sm3Sm2))
    }

    /// Whether the key signed this text. An SM2 signature is r and s, 32 bytes each.
    #[must_use]
    pub fn verifies(&self, text: &[u8], signature: &[u8; 64]) -> bool {
        match self {
            Self::Ed25519(key) => VerifyingKey::from_bytes(key)
                .is_ok_and(|key| key.verify_strict(text, &Signature::from_bytes(signature)).is_ok()),
            Self::Sm2(key) => {
                let key = sm2::dsa::VerifyingKey::from_sec1_bytes(SM2_USER, key);
                let signature = sm2::dsa::Signature::from_slice(signature);
                key.is_ok_and(|key| signature.is_ok_and(|signature| key.verify(text, &signature).is_ok()))
            }
        }
    }
}

/// A log's name and public key, written `<name>+<id>+<base64>` as in C2SP `signed-note`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifierKey {
    /// The log's name.
    pub origin: String,
    /// Its public key.
    pub public: PublicKey,
}

impl VerifierKey {
    /// The id: the first four bytes of `SHA-256(name ‖ newline ‖ type ‖ key)`.
    #[must_use]
    pub fn hash(&self) -> [u8; 4] {
        let bytes = [self.origin.as_bytes(), b"\n", &self.public.typed()].concat();
        sha256(&bytes)[..4].try_into().expect("four bytes")
    }

    /// Reads the written form; `None` when it is not one, or its id does not fit.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '+');
        let (origin, hash, key) = (parts.next()?, parts.next()?, parts.next()?);
        let public = PublicKey::from_typed(&BASE64.decode(key).ok()?)?;
        let found = Self { origin: origin.to_owned(), public };
        (valid_origin(origin) && crate::hash::hex(&found.hash()) == hash).then_some(found)
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = BASE64.encode(self.public.typed());
        write!(f, "{}+{}+{}", self.origin, crate::hash::hex(&self.hash()), key)
    }
}

/// A secret key. It is made from a seed of 32 bytes and wiped when dropped.
pub(crate) enum SecretKey {
    Ed25519(SigningKey),
    Sm2(Sm2Secret),
}

impl SecretKey {
    pub(crate) fn new(suite: Suite, seed: &[u8; 32]) -> Self {
        match suite {
            Suite::Sha256Ed25519 => Self::Ed25519(SigningKey::from_bytes(seed)),
            Suite::Sm3Sm2 => Self::Sm2(Sm2Secret::new(seed)),
        }
    }

    pub(crate) fn public(&self) -> PublicKey {
        match self {
            Self::Ed25519(key) => PublicKey::Ed25519(key.verifying_key().to_bytes()),
            Self::Sm2(key) => {
                let point = key.0.verifying_key().to_sec1_bytes();
                PublicKey::from_bytes(Suite::Sm3Sm2, &point).expect("an uncompressed point")
            }
        }
    }

    /// Signs; the same text always gets the same signature, so nothing depends on good chance.
    pub(crate) fn sign(&self, text: &[u8]) -> [u8; 64] {
        match self {
            Self::Ed25519(key) => key.sign(text).to_bytes(),
            Self::Sm2(key) => key.sign(text),
        }
    }
}

/// An SM2 secret: the library's own type does not wipe itself, so this one does.
pub(crate) struct Sm2Secret(sm2::dsa::SigningKey);

impl Sm2Secret {
    /// The seed is the secret number, big endian. The few that cannot be one (0, and from the
    /// curve's order less one on) are replaced by their SM3.
    fn new(seed: &[u8; 32]) -> Self {
        /// The curve's order less one, for which signing has no inverse.
        const LAST: [u8; 32] = *b"\xff\xff\xff\xfe\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\
            \x72\x03\xdf\x6b\x21\xc6\x05\x2b\x53\xbb\xf4\x09\x39\xd5\x41\x22";
        let mut seed = *seed;
        loop {
            match sm2::dsa::SigningKey::from_slice(SM2_USER, &seed) {
                Ok(key) if seed < LAST => return Self(key),
                _ => seed = Suite::Sm3Sm2.digest(&seed),
            }
        }
    }

    /// The nonce is that of RFC 6979 with SM3. One in 2^32 is out of range: then with one more byte.
    fn sign(&self, text: &[u8]) -> [u8; 64] {
        let tries = (0..=u8::MAX).map(|more| self.0.try_sign_with_rng(&mut Repeated(more), text));
        let signature = tries.filter_map(Result::ok).next().expect("one of 256 nonces is in range");
        signature.to_bytes().into()
    }
}

impl Drop for Sm2Secret {
    fn drop(&mut self) {
        let mut one = [0; 32];
        one[31] = 1;
        if let Ok(blank) = sm2::dsa::SigningKey::from_slice(SM2_USER, &one) {
            self.0 = blank;
            // Keeps the overwrite from being optimised away as a store nobody reads.
            std::hint::black_box(&self.0);
        }
    }
}

/// What is mixed into a nonce beside the key and the text: a number, so that another try is another
/// nonce and yet every run signs the same.
struct Repeated(u8);

impl TryRng for Repeated {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::from_ne_bytes([self.0; 4]))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::from_ne_bytes([self.0; 8]))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        bytes.fill(self.0);
        Ok(())
    }
}

/// Not for making keys: the library's nonces are sound whatever this gives, as RFC 6979 shows.
impl TryCryptoRng for Repeated {}
