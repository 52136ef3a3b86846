//! Sealed fields: personal data and secrets at rest.
//!
//! A field is encrypted with AES-256-GCM or SM4-GCM under a key of a *ring*. The envelope names its
//! version, algorithm and key, so keys can be rotated: the ring seals with its current key and opens
//! with any key it still holds. The *associated data* is the place the field belongs to (table,
//! column, row): an envelope moved elsewhere does not open.
//!
//! For data that must be erasable per person, seal a [`DataKey`] under the ring and the person's
//! fields under the data key. Destroying the sealed data key erases them everywhere, backups
//! included.
//!
//! Envelope, version 1: `01 | algorithm | key id (4, big-endian) | nonce (12) | ciphertext | tag
//! (16)`: 34 bytes more than the plain text. The six bytes before the nonce are authenticated too.
//! Nonces are random: rotate a key before it has sealed 2^32 fields.

use std::collections::BTreeMap;
use std::fmt;

use aes_gcm::aead::Aead;
use aes_gcm::aead::Payload;
use aes_gcm::{AesGcm, KeyInit, Nonce};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, UnboundKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sm4::Sm4;
use zeroize::Zeroizing;

use crate::{hash, random};

const VERSION: u8 = 1;
const HEADER_LEN: usize = 6;
/// Bytes of a nonce.
pub const NONCE_LEN: usize = 12;
const TAG_LEN: usize = 16;

/// How many bytes an envelope is longer than its plain text.
pub const OVERHEAD: usize = HEADER_LEN + NONCE_LEN + TAG_LEN;

/// SM4-GCM as RFC 8998 defines it: the GCM construction over SM4, 12-byte nonce, 16-byte tag.
type Sm4Gcm = AesGcm<Sm4, aes_gcm::aead::consts::U12>;

/// The cipher of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum SealAlgorithm {
    /// AES-256-GCM, 32-byte key. On the wire `AES-256-GCM`.
    #[serde(rename = "AES-256-GCM")]
    Aes256Gcm,
    /// SM4-GCM (GB/T 32907, RFC 8998), 16-byte key. On the wire `SM4-GCM`. The implementation looks
    /// its substitution table up in memory, so it is not constant-time against an attacker who runs
    /// code on the same core.
    #[serde(rename = "SM4-GCM")]
    Sm4Gcm,
}

impl SealAlgorithm {
    /// The name in headers and JSON.
    pub const fn wire_name(self) -> &'static str {
        match self {
            SealAlgorithm::Aes256Gcm => "AES-256-GCM",
            SealAlgorithm::Sm4Gcm => "SM4-GCM",
        }
    }

    /// The length of a key in bytes.
    pub const fn key_len(self) -> usize {
        match self {
            SealAlgorithm::Aes256Gcm => 32,
            SealAlgorithm::Sm4Gcm => 16,
        }
    }

    const fn number(self) -> u8 {
        match self {
            SealAlgorithm::Aes256Gcm => 1,
            SealAlgorithm::Sm4Gcm => 2,
        }
    }
}

/// Why a field could not be sealed or opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The bytes are no envelope of a version and algorithm we know.
    #[error("this is not a sealed field")]
    NotAnEnvelope,
    /// The key that sealed it is not in the ring (any more).
    #[error("the field was sealed with key {0}, which is not in the ring")]
    UnknownKey(u32),
    /// Damaged, moved from another place, or sealed under another key of the same id.
    #[error("the sealed field was changed or belongs to another place")]
    DoesNotOpen,
    /// A key of the wrong length for its algorithm.
    #[error("the key's length does not fit its algorithm")]
    BadKeyLength,
    /// A ring without its current key, or with two keys of one id.
    #[error("the key ring has no current key or two keys of one id")]
    BadRing,
}

/// One key: an id, an algorithm and a secret that is wiped when dropped.
pub struct SealKey {
    id: u32,
    algorithm: SealAlgorithm,
    secret: Zeroizing<Vec<u8>>,
}

impl SealKey {
    /// A key from existing bytes: 32 for AES-256-GCM, 16 for SM4-GCM.
    ///
    /// # Errors
    /// [`SealError::BadKeyLength`].
    pub fn new(id: u32, algorithm: SealAlgorithm, secret: &[u8]) -> Result<Self, SealError> {
        if secret.len() != algorithm.key_len() {
            return Err(SealError::BadKeyLength);
        }
        Ok(Self { id, algorithm, secret: Zeroizing::new(secret.to_vec()) })
    }

    /// A fresh random key.
    ///
    /// # Panics
    /// When the operating system gives no randomness.
    pub fn generate(id: u32, algorithm: SealAlgorithm) -> Self {
        let mut secret = Zeroizing::new(vec![0; algorithm.key_len()]);
        random::fill(&mut secret);
        Self { id, algorithm, secret }
    }

    /// The id an envelope names the key by.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// The cipher this key is for.
    pub fn algorithm(&self) -> SealAlgorithm {
        self.algorithm
    }

    /// The secret in hexadecimal, for a key file. Wiped when dropped.
    pub fn secret_hex(&self) -> Zeroizing<String> {
        Zeroizing::new(hex::encode(&*self.secret))
    }

    /// Encrypts for somebody who holds the same key and is told the nonce beside the ciphertext.
    ///
    /// # Panics
    /// When the operating system gives no randomness.
    pub fn lock(&self, plain: &[u8], aad: &[u8]) -> Locked {
        let nonce = random::bytes::<NONCE_LEN>();
        Locked { nonce, ciphertext: self.encrypt(nonce, plain, aad) }
    }

    /// Opens what [`SealKey::lock`] made with the same key and the same `aad`.
    ///
    /// # Errors
    /// [`SealError::DoesNotOpen`].
    pub fn unlock(&self, locked: &Locked, aad: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        self.decrypt(locked.nonce, &locked.ciphertext, aad).ok_or(SealError::DoesNotOpen)
    }

    fn seal(&self, plain: &[u8], place: &[u8]) -> Vec<u8> {
        let mut envelope = Vec::with_capacity(plain.len() + OVERHEAD);
        envelope.push(VERSION);
        envelope.push(self.algorithm.number());
        envelope.extend_from_slice(&self.id.to_be_bytes());
        let aad = [&envelope[..HEADER_LEN], place].concat();
        let nonce = random::bytes::<NONCE_LEN>();
        envelope.extend_from_slice(&nonce);
        envelope.extend_from_slice(&self.encrypt(nonce, plain, &aad));
        envelope
    }

    fn open(&self, envelope: &[u8], place: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let parsed = Envelope::parse(envelope)?;
        if parsed.algorithm != self.algorithm.number() {
            return Err(SealError::DoesNotOpen);
        }
        let aad = [&envelope[..HEADER_LEN], place].concat();
        self.decrypt(parsed.nonce, parsed.ciphertext, &aad).ok_or(SealError::DoesNotOpen)
    }

    pub(crate) fn encrypt(&self, nonce: [u8; NONCE_LEN], plain: &[u8], aad: &[u8]) -> Vec<u8> {
        match self.algorithm {
            SealAlgorithm::Aes256Gcm => {
                let mut buffer = Vec::with_capacity(plain.len() + TAG_LEN);
                buffer.extend_from_slice(plain);
                let nonce = aws_lc_rs::aead::Nonce::assume_unique_for_key(nonce);
                self.aes()
                    .seal_in_place_append_tag(nonce, Aad::from(aad), &mut buffer)
                    .expect("GCM seals anything that fits in memory");
                buffer
            }
            SealAlgorithm::Sm4Gcm => self
                .sm4()
                .encrypt(&Nonce::from(nonce), Payload { msg: plain, aad })
                .expect("GCM seals anything that fits in memory"),
        }
    }

    pub(crate) fn decrypt(
        &self,
        nonce: [u8; NONCE_LEN],
        ciphertext: &[u8],
        aad: &[u8],
    ) -> Option<Zeroizing<Vec<u8>>> {
        match self.algorithm {
            SealAlgorithm::Aes256Gcm => {
                let mut buffer = Zeroizing::new(ciphertext.to_vec());
                let nonce = aws_lc_rs::aead::Nonce::assume_unique_for_key(nonce);
                let len = self.aes().open_in_place(nonce, Aad::from(aad), &mut buffer).ok()?.len();
                buffer.truncate(len);
                Some(buffer)
            }
            SealAlgorithm::Sm4Gcm => self
                .sm4()
                .decrypt(&Nonce::from(nonce), Payload { msg: ciphertext, aad })
                .ok()
                .map(Zeroizing::new),
        }
    }

    fn aes(&self) -> LessSafeKey {
        let key = UnboundKey::new(&AES_256_GCM, &self.secret).expect("the length was checked");
        LessSafeKey::new(key)
    }

    fn sm4(&self) -> Sm4Gcm {
        Sm4Gcm::new_from_slice(&self.secret).expect("the length was checked")
    }
}

impl fmt::Debug for SealKey {
    /// Id and algorithm only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealKey({} {})", self.id, self.algorithm.wire_name())
    }
}

/// What [`SealKey::lock`] made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Locked {
    /// Random, used once.
    pub nonce: [u8; NONCE_LEN],
    /// The ciphertext with its 16-byte tag behind it.
    pub ciphertext: Vec<u8>,
}

struct Envelope<'a> {
    algorithm: u8,
    key: u32,
    nonce: [u8; NONCE_LEN],
    ciphertext: &'a [u8],
}

impl<'a> Envelope<'a> {
    fn parse(bytes: &'a [u8]) -> Result<Self, SealError> {
        if bytes.len() < OVERHEAD || bytes[0] != VERSION || !matches!(bytes[1], 1 | 2) {
            return Err(SealError::NotAnEnvelope);
        }
        let (header, rest) = bytes.split_at(HEADER_LEN);
        let (nonce, ciphertext) = rest.split_at(NONCE_LEN);
        Ok(Self {
            algorithm: header[1],
            key: u32::from_be_bytes([header[2], header[3], header[4], header[5]]),
            nonce: nonce.try_into().map_err(|_| SealError::NotAnEnvelope)?,
            ciphertext,
        })
    }
}

/// The keys a field may be sealed with: one current, others kept to open what they sealed.
#[derive(Debug)]
pub struct KeyRing {
    keys: BTreeMap<u32, SealKey>,
    current: u32,
}

impl KeyRing {
    /// A ring that seals with the key of id `current`.
    ///
    /// # Errors
    /// [`SealError::BadRing`] when `current` is missing or an id comes twice.
    pub fn new(keys: Vec<SealKey>, current: u32) -> Result<Self, SealError> {
        let count = keys.len();
        let keys: BTreeMap<u32, SealKey> = keys.into_iter().map(|key| (key.id, key)).collect();
        if keys.len() != count || !keys.contains_key(&current) {
            return Err(SealError::BadRing);
        }
        Ok(Self { keys, current })
    }

    /// Adds a key and makes it the current one; the others keep opening.
    ///
    /// # Errors
    /// [`SealError::BadRing`] when the id is taken.
    pub fn rotate(&mut self, key: SealKey) -> Result<(), SealError> {
        if self.keys.contains_key(&key.id) {
            return Err(SealError::BadRing);
        }
        self.current = key.id;
        self.keys.insert(key.id, key);
        Ok(())
    }

    /// The id of the key that seals now.
    pub fn current_id(&self) -> u32 {
        self.current
    }

    /// Seals `plain` for `place`.
    pub fn seal(&self, plain: &[u8], place: &[u8]) -> Vec<u8> {
        self.keys[&self.current].seal(plain, place)
    }

    /// Opens an envelope that was sealed for `place` by any key of the ring.
    ///
    /// # Errors
    /// [`SealError`]: not an envelope, a key that is gone, or changed or moved bytes.
    pub fn open(&self, envelope: &[u8], place: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let key = Envelope::parse(envelope)?.key;
        self.keys.get(&key).ok_or(SealError::UnknownKey(key))?.open(envelope, place)
    }

    /// Whether `envelope` was sealed by a key that is no longer the current one.
    ///
    /// # Errors
    /// [`SealError::NotAnEnvelope`].
    pub fn is_stale(&self, envelope: &[u8]) -> Result<bool, SealError> {
        Ok(Envelope::parse(envelope)?.key != self.current)
    }

    /// [`KeyRing::seal`] for a text column: URL-safe base64 without padding.
    pub fn seal_text(&self, plain: &str, place: &str) -> String {
        URL_SAFE_NO_PAD.encode(self.seal(plain.as_bytes(), place.as_bytes()))
    }

    /// [`KeyRing::open`] for what [`KeyRing::seal_text`] made.
    ///
    /// # Errors
    /// As [`KeyRing::open`].
    pub fn open_text(&self, sealed: &str, place: &str) -> Result<Zeroizing<String>, SealError> {
        let envelope = URL_SAFE_NO_PAD.decode(sealed).map_err(|_| SealError::NotAnEnvelope)?;
        text(&self.open(&envelope, place.as_bytes())?)
    }

    /// A fresh key for one person's data, with its sealed form to store. `place` names the person.
    pub fn new_data_key(&self, place: &[u8]) -> (DataKey, Vec<u8>) {
        let key = SealKey::generate(0, self.keys[&self.current].algorithm);
        let mut plain = Zeroizing::new(vec![key.algorithm.number()]);
        plain.extend_from_slice(&key.secret);
        let sealed = self.seal(&plain, place);
        (DataKey(key), sealed)
    }

    /// The data key out of its sealed form.
    ///
    /// # Errors
    /// As [`KeyRing::open`].
    pub fn open_data_key(&self, sealed: &[u8], place: &[u8]) -> Result<DataKey, SealError> {
        let plain = self.open(sealed, place)?;
        let algorithm = match plain.first() {
            Some(1) => SealAlgorithm::Aes256Gcm,
            Some(2) => SealAlgorithm::Sm4Gcm,
            _ => return Err(SealError::NotAnEnvelope),
        };
        SealKey::new(0, algorithm, &plain[1..]).map(DataKey)
    }
}

/// A key that seals the fields of one person; it lives sealed under a [`KeyRing`].
#[derive(Debug)]
pub struct DataKey(SealKey);

impl DataKey {
    /// Seals `plain` for `place`. The envelope names key 0: whose key it is, the place tells.
    pub fn seal(&self, plain: &[u8], place: &[u8]) -> Vec<u8> {
        self.0.seal(plain, place)
    }

    /// Opens what this key sealed for `place`.
    ///
    /// # Errors
    /// [`SealError::NotAnEnvelope`] or [`SealError::DoesNotOpen`].
    pub fn open(&self, envelope: &[u8], place: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        self.0.open(envelope, place)
    }

    /// [`DataKey::seal`] for a text column: URL-safe base64 without padding.
    pub fn seal_text(&self, plain: &str, place: &str) -> String {
        URL_SAFE_NO_PAD.encode(self.seal(plain.as_bytes(), place.as_bytes()))
    }

    /// [`DataKey::open`] for what [`DataKey::seal_text`] made.
    ///
    /// # Errors
    /// As [`DataKey::open`].
    pub fn open_text(&self, sealed: &str, place: &str) -> Result<Zeroizing<String>, SealError> {
        let envelope = URL_SAFE_NO_PAD.decode(sealed).map_err(|_| SealError::NotAnEnvelope)?;
        text(&self.open(&envelope, place.as_bytes())?)
    }
}

fn text(plain: &[u8]) -> Result<Zeroizing<String>, SealError> {
    std::str::from_utf8(plain).map(|text| Zeroizing::new(text.to_owned())).map_err(|_| SealError::DoesNotOpen)
}

/// A blind index: finds a sealed value by equality without opening every row.
///
/// The index of a value is HMAC-SHA-256 under a secret key, bound to the column it is for, so the
/// same phone number has unrelated indexes in two columns. Normalise the value first: the index
/// sees bytes. Whoever holds the key can test guesses, so keep it with the sealing keys.
pub struct BlindIndex {
    key: Zeroizing<hash::Digest>,
}

impl BlindIndex {
    /// An index under a random 32-byte key.
    pub fn new(key: hash::Digest) -> Self {
        Self { key: Zeroizing::new(key) }
    }

    /// The index of `value` in `column`: 64 hexadecimal characters.
    pub fn of(&self, column: &str, value: &str) -> String {
        // The length keeps ("ab", "c") and ("a", "bc") apart.
        let mut message = Zeroizing::new((column.len() as u64).to_be_bytes().to_vec());
        message.extend_from_slice(column.as_bytes());
        message.extend_from_slice(value.as_bytes());
        hex::encode(hash::hmac_sha256(&*self.key, &message))
    }
}

impl fmt::Debug for BlindIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BlindIndex")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sm4_gcm_matches_rfc_8998_appendix_a() {
        let key =
            SealKey::new(1, SealAlgorithm::Sm4Gcm, &hex::decode("0123456789abcdeffedcba9876543210").unwrap())
                .unwrap();
        let nonce = hex::decode("00001234567800000000abcd").unwrap();
        let aad = hex::decode("feedfacedeadbeeffeedfacedeadbeefabaddad2").unwrap();
        let plain = hex::decode(
            "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccdddddddddddddddd\
             eeeeeeeeeeeeeeeeffffffffffffffffeeeeeeeeeeeeeeeeaaaaaaaaaaaaaaaa",
        )
        .unwrap();
        let sealed = key.encrypt(nonce.as_slice().try_into().unwrap(), &plain, &aad);
        assert_eq!(
            hex::encode(&sealed),
            "17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735\
             d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d\
             83de3541e4c2b58177e065a9bf7b62ec"
        );
        let opened = key.decrypt(nonce.as_slice().try_into().unwrap(), &sealed, &aad);
        assert_eq!(opened.unwrap().as_slice(), plain.as_slice());
    }

    #[test]
    fn aes_256_gcm_matches_the_gcm_specification() {
        // McGrew and Viega, test case 16.
        let key = SealKey::new(
            1,
            SealAlgorithm::Aes256Gcm,
            &hex::decode("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308").unwrap(),
        )
        .unwrap();
        let nonce = hex::decode("cafebabefacedbaddecaf888").unwrap();
        let aad = hex::decode("feedfacedeadbeeffeedfacedeadbeefabaddad2").unwrap();
        let plain = hex::decode(
            "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72\
             1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
        )
        .unwrap();
        let sealed = key.encrypt(nonce.as_slice().try_into().unwrap(), &plain, &aad);
        assert_eq!(
            hex::encode(&sealed),
            "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa\
             8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662\
             76fc6ece0f4e1768cddf8853bb2d551b"
        );
    }
}
