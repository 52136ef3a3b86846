//! Parcels: a sealed part of a message, for somebody who holds the same key.
//!
//! A parcel is JSON, `{"algorithm", "key_id", "nonce", "associated_data", "ciphertext"}`: AES-256-GCM or
//! SM4-GCM with a random nonce of 12 bytes, the tag of 16 bytes after the ciphertext, both in base64 with
//! padding. `associated_data` is authenticated and not secret: whoever opens a parcel says what it must
//! be, so one that was moved to another message does not open.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::random;
use crate::seal::{SealAlgorithm, SealError, SealKey};

const NONCE_LEN: usize = 12;

/// A sealed part of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parcel {
    /// The cipher.
    pub algorithm: SealAlgorithm,
    /// Which of the keys that both sides hold.
    pub key_id: String,
    /// 12 bytes in base64.
    pub nonce: String,
    /// What the parcel belongs to; authenticated, not secret.
    pub associated_data: String,
    /// Ciphertext and tag in base64.
    pub ciphertext: String,
}

impl Parcel {
    /// Seals `plain` under `key`, which both sides know as `key_id`.
    ///
    /// # Panics
    /// When the operating system gives no randomness.
    pub fn seal(key: &SealKey, key_id: &str, associated_data: &str, plain: &[u8]) -> Self {
        let nonce = random::bytes::<NONCE_LEN>();
        let ciphertext = key.encrypt(nonce, plain, associated_data.as_bytes());
        Self {
            algorithm: key.algorithm(),
            key_id: key_id.to_owned(),
            nonce: STANDARD.encode(nonce),
            associated_data: associated_data.to_owned(),
            ciphertext: STANDARD.encode(ciphertext),
        }
    }

    /// Opens the parcel, which must belong to `associated_data`. Find `key` by [`Parcel::key_id`].
    ///
    /// # Errors
    /// [`SealError::NotAnEnvelope`] for bytes that are no base64 or a nonce of another length,
    /// [`SealError::DoesNotOpen`] for another key, another place, or any change.
    pub fn open(&self, key: &SealKey, associated_data: &str) -> Result<Zeroizing<Vec<u8>>, SealError> {
        if self.associated_data != associated_data || self.algorithm != key.algorithm() {
            return Err(SealError::DoesNotOpen);
        }
        let read = |text: &str| STANDARD.decode(text).map_err(|_| SealError::NotAnEnvelope);
        let nonce = read(&self.nonce)?.try_into().map_err(|_| SealError::NotAnEnvelope)?;
        key.decrypt(nonce, &read(&self.ciphertext)?, associated_data.as_bytes()).ok_or(SealError::DoesNotOpen)
    }
}
