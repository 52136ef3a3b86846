//! Sealed values on the way to us: JSON Web Encryption (RFC 7516) in its compact form, for a public key.
//!
//! A value is five parts in base64url without padding, joined by dots: header, encrypted content key,
//! nonce (12 bytes), ciphertext, tag (16 bytes). The header's text is authenticated. Two pairs of
//! algorithms, and no other:
//!
//! | `alg` | `enc` | content key |
//! |---|---|---|
//! | `RSA-OAEP-256` (RFC 7518) | `A256GCM` | 32 bytes |
//! | `SM2` | `SM4GCM` | 16 bytes: encrypted as GB/T 32918.4 says, in the DER form of GM/T 0009 |
//!
//! The second pair is not registered for JWE; only the names are ours, the form is the same. `alg` does
//! not choose how a value is opened: the key does, and a header that says otherwise is refused.

use std::sync::Arc;

use aws_lc_rs::rsa::{
    OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, OaepPublicEncryptingKey, PrivateDecryptingKey,
    PublicEncryptingKey,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use getrandom::SysRng;
use serde::{Deserialize, Serialize};
use sm2::pkcs8::DecodePrivateKey;
use zeroize::Zeroizing;

use crate::key::{KeyError, PublicKey, SigningKey};
use crate::seal::{NONCE_LEN, SealAlgorithm, SealKey};
use crate::{Suite, random};

/// Characters of a sealed value at most.
pub const MAX_LEN: usize = 1 << 20;
const TAG_LEN: usize = 16;
const OTHER_SUITE: KeyError = KeyError::Malformed("key that encrypts (RSA or SM2)");

/// Why a value does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JweError {
    /// It is not five parts in base64url, or its header is no JSON with `alg` and `enc`.
    #[error("it is no JWE in compact form")]
    Malformed,
    /// The header names algorithms that the key is not for, or asks for something unknown (`zip`, `crit`).
    #[error("its header asks for something else than this key is for")]
    OtherAlgorithm,
    /// Changed on the way, or sealed for another key.
    #[error("it was changed, or sealed for another key")]
    DoesNotOpen,
}

#[derive(Serialize, Deserialize)]
struct Header {
    alg: String,
    enc: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kid: Option<String>,
    #[serde(default, skip_serializing)]
    zip: Option<serde::de::IgnoredAny>,
    #[serde(default, skip_serializing)]
    crit: Option<serde::de::IgnoredAny>,
}

/// The pair of algorithms that keys of a suite are for.
fn pair(suite: Suite) -> Result<(&'static str, &'static str, SealAlgorithm), KeyError> {
    match suite {
        Suite::RsaSha256 => Ok(("RSA-OAEP-256", "A256GCM", SealAlgorithm::Aes256Gcm)),
        Suite::Sm2Sm3 => Ok(("SM2", "SM4GCM", SealAlgorithm::Sm4Gcm)),
        Suite::Ed25519 | Suite::Es256 => Err(OTHER_SUITE),
    }
}

/// Opens values. Clones share the secret. Use it for nothing else: a key that signs must not decrypt.
#[derive(Clone)]
pub struct DecryptionKey {
    inner: Arc<Inner>,
}

struct Inner {
    secret: Secret,
    public: EncryptionKey,
}

enum Secret {
    Rsa(Box<OaepPrivateDecryptingKey>),
    Sm2(sm2::SecretKey),
}

impl DecryptionKey {
    /// A fresh key. RSA keys have 2048 bits.
    ///
    /// # Errors
    /// [`KeyError`] for suites whose keys only sign.
    ///
    /// # Panics
    /// When the operating system gives no randomness.
    pub fn generate(suite: Suite) -> Result<Self, KeyError> {
        pair(suite)?;
        Self::from_pkcs8_der(&SigningKey::generate(suite).to_pkcs8_der())
    }

    /// Reads a PEM `PRIVATE KEY` (unencrypted PKCS#8) of an RSA or SM2 key.
    ///
    /// # Errors
    /// [`KeyError`]: not such a file, or a key of another algorithm.
    pub fn from_pkcs8_pem(pem: &str) -> Result<Self, KeyError> {
        Self::from_pkcs8_der(&SigningKey::from_pkcs8_pem(pem)?.to_pkcs8_der())
    }

    fn from_pkcs8_der(der: &[u8]) -> Result<Self, KeyError> {
        let public = EncryptionKey::new(SigningKey::from_pkcs8_der(der)?.public())?;
        let secret = match public.key.suite() {
            Suite::Sm2Sm3 => Secret::Sm2(sm2::SecretKey::from_pkcs8_der(der).map_err(|_| OTHER_SUITE)?),
            _ => {
                let key = PrivateDecryptingKey::from_pkcs8(der).map_err(|_| OTHER_SUITE)?;
                Secret::Rsa(Box::new(OaepPrivateDecryptingKey::new(key).map_err(|_| OTHER_SUITE)?))
            }
        };
        Ok(Self { inner: Arc::new(Inner { secret, public }) })
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> &EncryptionKey {
        &self.inner.public
    }

    /// Opens a value.
    ///
    /// # Errors
    /// [`JweError`]. Whether the content key or the content did not open is not told apart.
    pub fn decrypt(&self, value: &str) -> Result<Zeroizing<Vec<u8>>, JweError> {
        if value.len() > MAX_LEN {
            return Err(JweError::Malformed);
        }
        let parts: Vec<&str> = value.split('.').collect();
        let &[header_text, key, nonce, ciphertext, tag] = parts.as_slice() else {
            return Err(JweError::Malformed);
        };
        let read = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| JweError::Malformed);
        let header: Header = serde_json::from_slice(&read(header_text)?).map_err(|_| JweError::Malformed)?;
        let (alg, enc, cipher) = self.inner.public.pair();
        if header.alg != alg || header.enc != enc || header.zip.is_some() || header.crit.is_some() {
            return Err(JweError::OtherAlgorithm);
        }
        let nonce: [u8; NONCE_LEN] = read(nonce)?.try_into().map_err(|_| JweError::Malformed)?;
        let (mut sealed, tag) = (read(ciphertext)?, read(tag)?);
        if tag.len() != TAG_LEN {
            return Err(JweError::Malformed);
        }
        sealed.extend_from_slice(&tag);
        let content_key = self.unwrap(&read(key)?).ok_or(JweError::DoesNotOpen)?;
        SealKey::new(0, cipher, &content_key)
            .ok()
            .and_then(|key| key.decrypt(nonce, &sealed, header_text.as_bytes()))
            .ok_or(JweError::DoesNotOpen)
    }

    fn unwrap(&self, wrapped: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        match &self.inner.secret {
            Secret::Rsa(key) => {
                let mut room = Zeroizing::new(vec![0; key.min_output_size()]);
                let length = key.decrypt(&OAEP_SHA256_MGF1SHA256, wrapped, &mut room, None).ok()?.len();
                room.truncate(length);
                Some(room)
            }
            // The library's decrypting key does not wipe itself, so there is one only while it is used.
            Secret::Sm2(key) => {
                let key = sm2::pke::DecryptingKey::new(key.clone());
                key.decrypt_der(wrapped).ok().map(Zeroizing::new)
            }
        }
    }
}

impl std::fmt::Debug for DecryptionKey {
    /// Algorithm and key id only.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DecryptionKey({} {})", self.public().algorithm(), self.public().key().id())
    }
}

/// Seals values that only the holder of the other half opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncryptionKey {
    key: PublicKey,
}

impl EncryptionKey {
    /// An RSA or SM2 key as one that encrypts.
    ///
    /// # Errors
    /// [`KeyError`] for suites whose keys only sign.
    pub fn new(key: &PublicKey) -> Result<Self, KeyError> {
        pair(key.suite())?;
        Ok(Self { key: key.clone() })
    }

    /// The key, with its id and its DER form.
    #[must_use]
    pub fn key(&self) -> &PublicKey {
        &self.key
    }

    /// `alg` of what is sealed with it: `RSA-OAEP-256` or `SM2`.
    #[must_use]
    pub fn algorithm(&self) -> &'static str {
        self.pair().0
    }

    fn pair(&self) -> (&'static str, &'static str, SealAlgorithm) {
        pair(self.key.suite()).expect("checked when it was made")
    }

    /// Seals `plain`; the header's `kid` is the key's id.
    ///
    /// # Panics
    /// When the operating system gives no randomness.
    #[must_use]
    pub fn encrypt(&self, plain: &[u8]) -> String {
        let (alg, enc, cipher) = self.pair();
        let header = Header {
            alg: alg.to_owned(),
            enc: enc.to_owned(),
            kid: Some(self.key.id().to_owned()),
            zip: None,
            crit: None,
        };
        let header = serde_json::to_vec(&header).expect("texts are JSON");
        let header = URL_SAFE_NO_PAD.encode(header);
        let mut content_key = Zeroizing::new(vec![0; cipher.key_len()]);
        random::fill(&mut content_key);
        let wrapped = self.wrap(&content_key);
        let content_key = SealKey::new(0, cipher, &content_key).expect("it has the cipher's length");
        let nonce = random::bytes::<NONCE_LEN>();
        let sealed = content_key.encrypt(nonce, plain, header.as_bytes());
        let (ciphertext, tag) = sealed.split_at(sealed.len() - TAG_LEN);
        let parts = [&wrapped[..], &nonce, ciphertext, tag].map(|part| URL_SAFE_NO_PAD.encode(part));
        format!("{header}.{}", parts.join("."))
    }

    fn wrap(&self, content_key: &[u8]) -> Vec<u8> {
        match self.key.suite() {
            Suite::Sm2Sm3 => {
                let public = sm2::PublicKey::from_sec1_bytes(self.key.raw()).expect("checked when read");
                sm2::pke::EncryptingKey::new(public)
                    .encrypt_der(&mut SysRng, content_key)
                    .expect("SM2 encrypts any message that is not empty")
            }
            _ => {
                let public = PublicEncryptingKey::from_der(self.key.spki_der()).expect("checked when read");
                let public = OaepPublicEncryptingKey::new(public).expect("an RSA key");
                let mut room = vec![0; public.ciphertext_size()];
                public
                    .encrypt(&OAEP_SHA256_MGF1SHA256, content_key, &mut room, None)
                    .expect("32 bytes fit into any key that we accept");
                room
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> [DecryptionKey; 2] {
        [Suite::RsaSha256, Suite::Sm2Sm3].map(|suite| DecryptionKey::generate(suite).expect("it encrypts"))
    }

    #[test]
    fn what_is_sealed_opens_with_the_other_half_only() {
        for key in keys() {
            let sealed = key.public().encrypt("李明".as_bytes());
            assert_eq!(key.decrypt(&sealed).expect("it opens").as_slice(), "李明".as_bytes());
            let again = key.public().encrypt("李明".as_bytes());
            assert_ne!(sealed, again, "each time under a key and a nonce of its own");
            let other = DecryptionKey::generate(key.public().key().suite()).expect("it encrypts");
            assert_eq!(other.decrypt(&sealed), Err(JweError::DoesNotOpen));
        }
        assert!(DecryptionKey::generate(Suite::Ed25519).is_err());
        assert!(EncryptionKey::new(SigningKey::generate(Suite::Es256).public()).is_err());
    }

    #[test]
    fn a_key_that_was_stored_opens_what_was_sealed_before() {
        for suite in [Suite::RsaSha256, Suite::Sm2Sm3] {
            let pem = SigningKey::generate(suite).to_pem();
            let sealed = DecryptionKey::from_pkcs8_pem(&pem).expect("a key").public().encrypt(b"1");
            let opened = DecryptionKey::from_pkcs8_pem(&pem).expect("a key").decrypt(&sealed);
            assert_eq!(opened.expect("it opens").as_slice(), b"1");
        }
    }

    #[test]
    fn a_change_anywhere_is_refused() {
        for key in keys() {
            let sealed = key.public().encrypt(b"13800000000");
            for part in 1..5 {
                let mut parts: Vec<String> = sealed.split('.').map(str::to_owned).collect();
                let mut bytes = URL_SAFE_NO_PAD.decode(&parts[part]).expect("base64url");
                let last = bytes.len() - 1;
                bytes[last] ^= 1;
                parts[part] = URL_SAFE_NO_PAD.encode(bytes);
                assert_eq!(key.decrypt(&parts.join(".")), Err(JweError::DoesNotOpen), "part {part}");
            }
            let (_, rest) = sealed.split_once('.').expect("parts");
            let with = |header: &str| key.decrypt(&format!("{}.{rest}", URL_SAFE_NO_PAD.encode(header)));
            let (alg, enc, _) = key.public().pair();
            assert_eq!(with(&format!(r#"{{"alg":"{alg}","enc":"{enc}"}}"#)), Err(JweError::DoesNotOpen));
            for header in [
                format!(r#"{{"alg":"RSA1_5","enc":"{enc}"}}"#),
                format!(r#"{{"alg":"{alg}","enc":"A128CBC-HS256"}}"#),
                format!(r#"{{"alg":"{alg}","enc":"{enc}","zip":"DEF"}}"#),
                format!(r#"{{"alg":"{alg}","enc":"{enc}","crit":["x"]}}"#),
            ] {
                assert_eq!(with(&header), Err(JweError::OtherAlgorithm), "{header}");
            }
            for text in ["", "a.b.c.d", "....", "a.b.c.d.e.f", &sealed[1..], &"a".repeat(MAX_LEN + 1)] {
                assert_eq!(key.decrypt(text), Err(JweError::Malformed));
            }
        }
    }
}
