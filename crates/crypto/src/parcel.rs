//! Parcels: a sealed part of a message, for somebody who holds the same secret.
//!
//! A parcel is JSON, `{"algorithm", "nonce", "associated_data", "ciphertext"}`: AES-256-GCM or SM4-GCM
//! with a random nonce of 12 bytes, the tag of 16 bytes after the ciphertext, both in base64 with
//! padding. `associated_data` is authenticated and not secret: whoever opens a parcel says what it must
//! be, so one that was moved to another message does not open.
//!
//! The key is derived from the shared secret and the algorithm ([`key_of`]): the secret that also
//! authenticates messages never becomes a cipher's key itself.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::hash;
use crate::random;
use crate::seal::{NONCE_LEN, SealAlgorithm, SealError, SealKey};

/// What the key of a cipher is derived under; the algorithm's name follows.
const PURPOSE: &str = "jialing-parcel-1:";

/// A sealed part of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parcel {
    /// The cipher.
    pub algorithm: SealAlgorithm,
    /// 12 bytes in base64.
    pub nonce: String,
    /// What the parcel belongs to; authenticated, not secret.
    pub associated_data: String,
    /// Ciphertext and tag in base64.
    pub ciphertext: String,
}

/// The cipher's key that belongs to a shared secret: the first bytes, as many as the cipher takes, of
/// HMAC-SHA-256 under the secret over `jialing-parcel-1:` and the algorithm's name.
pub fn key_of(secret: &[u8], algorithm: SealAlgorithm) -> Zeroizing<Vec<u8>> {
    let digest =
        Zeroizing::new(hash::hmac_sha256(secret, format!("{PURPOSE}{}", algorithm.wire_name()).as_bytes()));
    Zeroizing::new(digest[..algorithm.key_len()].to_vec())
}

impl Parcel {
    /// Seals `plain` under the key that `secret` gives.
    ///
    /// # Panics
    /// When the operating system gives no randomness.
    pub fn seal(secret: &[u8], algorithm: SealAlgorithm, associated_data: &str, plain: &[u8]) -> Self {
        let nonce = random::bytes::<NONCE_LEN>();
        let ciphertext = cipher(secret, algorithm).encrypt(nonce, plain, associated_data.as_bytes());
        Self {
            algorithm,
            nonce: STANDARD.encode(nonce),
            associated_data: associated_data.to_owned(),
            ciphertext: STANDARD.encode(ciphertext),
        }
    }

    /// Opens the parcel, which must belong to `associated_data`.
    ///
    /// # Errors
    /// [`SealError::NotAnEnvelope`] for bytes that are no base64 or a nonce of another length,
    /// [`SealError::DoesNotOpen`] for another secret, another place, or any change.
    pub fn open(&self, secret: &[u8], associated_data: &str) -> Result<Zeroizing<Vec<u8>>, SealError> {
        if self.associated_data != associated_data {
            return Err(SealError::DoesNotOpen);
        }
        let read = |text: &str| STANDARD.decode(text).map_err(|_| SealError::NotAnEnvelope);
        let nonce = read(&self.nonce)?.try_into().map_err(|_| SealError::NotAnEnvelope)?;
        cipher(secret, self.algorithm)
            .decrypt(nonce, &read(&self.ciphertext)?, associated_data.as_bytes())
            .ok_or(SealError::DoesNotOpen)
    }
}

fn cipher(secret: &[u8], algorithm: SealAlgorithm) -> SealKey {
    SealKey::new(0, algorithm, &key_of(secret, algorithm)).expect("the key has the algorithm's length")
}
