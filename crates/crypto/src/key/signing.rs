//! Signing keys: generated, read from PKCS#8, wiped when the last copy is dropped.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};
use getrandom::SysRng;
use sm2::dsa::signature::RandomizedSigner;
use sm2::elliptic_curve::Generate;
use sm2::pkcs8::der::Decode;
use sm2::pkcs8::{DecodePrivateKey, EncodePrivateKey, LineEnding, PrivateKeyInfoRef, SecretDocument};
use zeroize::Zeroizing;

use super::{KeyError, PublicKey, SM2_USER_ID, suite_of};
use crate::{Suite, random};

const PKCS8_LABEL: &str = "PRIVATE KEY";
const MALFORMED: KeyError = KeyError::Malformed("private key (unencrypted PKCS#8, PEM label PRIVATE KEY)");

/// A secret key of one suite. Clones share it; the last drop wipes it.
#[derive(Clone)]
pub struct SigningKey {
    inner: Arc<Inner>,
}

struct Inner {
    secret: Secret,
    public: PublicKey,
}

enum Secret {
    Ed25519(Box<ed25519_dalek::SigningKey>),
    Sm2(Box<Sm2Secret>),
    Rsa(RsaKeyPair),
    Es256(EcdsaKeyPair),
}

impl SigningKey {
    /// A fresh key from the operating system's randomness. RSA keys have 2048 bits.
    ///
    /// # Panics
    /// When the operating system gives no randomness.
    pub fn generate(suite: Suite) -> Self {
        let made = match suite {
            Suite::Ed25519 => {
                let seed = Zeroizing::new(random::bytes::<32>());
                Self::from_ed25519_seed(&seed)
            }
            Suite::Sm2Sm3 => Self::of_sm2(&sm2::SecretKey::generate()),
            Suite::RsaSha256 => {
                RsaKeyPair::generate(KeySize::Rsa2048).map_err(|_| MALFORMED).and_then(Self::of_rsa)
            }
            Suite::Es256 => EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)
                .map_err(|_| MALFORMED)
                .and_then(Self::of_es256),
        };
        made.expect("a key made from good randomness is a good key")
    }

    /// The Ed25519 key of a 32-byte seed: for keys derived from another secret.
    ///
    /// # Errors
    /// [`KeyError::Weak`] for a seed whose public point is weak, which no one has ever found.
    pub fn from_ed25519_seed(seed: &[u8; 32]) -> Result<Self, KeyError> {
        let key = Box::new(ed25519_dalek::SigningKey::from_bytes(seed));
        let public = PublicKey::from_raw(Suite::Ed25519, key.verifying_key().as_bytes())?;
        Ok(Self::assemble(Secret::Ed25519(key), public))
    }

    /// Reads an unencrypted DER PKCS#8 key; the suite follows from the algorithm it names.
    ///
    /// # Errors
    /// [`KeyError`]: not PKCS#8, another algorithm, or a key that gives no security.
    pub fn from_pkcs8_der(der: &[u8]) -> Result<Self, KeyError> {
        let info = PrivateKeyInfoRef::from_der(der).map_err(|_| MALFORMED)?;
        match suite_of(&info.algorithm)? {
            Suite::Ed25519 => {
                let key = ed25519_dalek::SigningKey::from_pkcs8_der(der).map_err(|_| MALFORMED)?;
                Self::from_ed25519_seed(key.as_bytes())
            }
            Suite::Sm2Sm3 => Self::of_sm2(&sm2::SecretKey::from_pkcs8_der(der).map_err(|_| MALFORMED)?),
            Suite::RsaSha256 => Self::of_rsa(
                RsaKeyPair::from_pkcs8(der)
                    .map_err(|_| KeyError::Weak("RSA needs a sound modulus of 2048 to 8192 bits"))?,
            ),
            Suite::Es256 => Self::of_es256(
                EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der).map_err(|_| MALFORMED)?,
            ),
        }
    }

    /// Reads a PEM `PRIVATE KEY`, with any white space around it.
    ///
    /// # Errors
    /// As [`SigningKey::from_pkcs8_der`].
    pub fn from_pkcs8_pem(pem: &str) -> Result<Self, KeyError> {
        let (label, document) = SecretDocument::from_pem(pem.trim()).map_err(|_| MALFORMED)?;
        if label != PKCS8_LABEL {
            return Err(MALFORMED);
        }
        Self::from_pkcs8_der(document.as_bytes())
    }

    fn of_sm2(secret: &sm2::SecretKey) -> Result<Self, KeyError> {
        let raw = secret.public_key().to_sec1_bytes();
        let public = PublicKey::from_raw(Suite::Sm2Sm3, &raw)?;
        let key = sm2::dsa::SigningKey::new(SM2_USER_ID, secret).map_err(|_| MALFORMED)?;
        Ok(Self::assemble(Secret::Sm2(Box::new(Sm2Secret(key))), public))
    }

    fn of_rsa(key: RsaKeyPair) -> Result<Self, KeyError> {
        let public = PublicKey::from_raw(Suite::RsaSha256, key.public_key().as_ref())?;
        Ok(Self::assemble(Secret::Rsa(key), public))
    }

    fn of_es256(key: EcdsaKeyPair) -> Result<Self, KeyError> {
        let public = PublicKey::from_raw(Suite::Es256, key.public_key().as_ref())?;
        Ok(Self::assemble(Secret::Es256(key), public))
    }

    fn assemble(secret: Secret, public: PublicKey) -> Self {
        Self { inner: Arc::new(Inner { secret, public }) }
    }

    /// The suite this key belongs to.
    pub fn suite(&self) -> Suite {
        self.inner.public.suite()
    }

    /// The public half.
    pub fn public(&self) -> &PublicKey {
        &self.inner.public
    }

    /// Signs `message` and returns the wire form: see [`Suite`].
    ///
    /// # Panics
    /// When the library underneath fails, which only exhausted memory or missing randomness cause.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        let rng = SystemRandom::new();
        match &self.inner.secret {
            Secret::Ed25519(key) => {
                use ed25519_dalek::Signer;
                key.sign(message).to_bytes().to_vec()
            }
            Secret::Sm2(key) => key.sign(message),
            Secret::Rsa(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &rng, message, &mut signature).expect("RSA signs any message");
                signature
            }
            Secret::Es256(key) => key.sign(&rng, message).expect("ECDSA signs any message").as_ref().to_vec(),
        }
    }

    /// Unencrypted DER PKCS#8 (version 1, which every OpenSSL reads). Wiped when dropped.
    pub fn to_pkcs8_der(&self) -> Zeroizing<Vec<u8>> {
        let bytes = match &self.inner.secret {
            Secret::Ed25519(key) => {
                let pair =
                    ed25519_dalek::pkcs8::KeypairBytes { secret_key: key.to_bytes(), public_key: None };
                pair.to_pkcs8_der().map(|document| document.to_bytes()).ok()
            }
            Secret::Sm2(key) => key.to_pkcs8_der(),
            Secret::Rsa(key) => key.as_der().map(|der| Zeroizing::new(der.as_ref().to_vec())).ok(),
            Secret::Es256(key) => key.to_pkcs8v1().map(|der| Zeroizing::new(der.as_ref().to_vec())).ok(),
        };
        bytes.expect("a key in memory has a DER form")
    }

    /// PEM with the label `PRIVATE KEY`. Wiped when dropped: write it to a file only its owner reads.
    pub fn to_pem(&self) -> Zeroizing<String> {
        SecretDocument::try_from(self.to_pkcs8_der().as_slice())
            .and_then(|document| document.to_pem(PKCS8_LABEL, LineEnding::LF))
            .expect("a PKCS#8 key is a DER document")
    }
}

impl fmt::Debug for SigningKey {
    /// Suite and key id only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({} {})", self.suite(), self.public().id())
    }
}

/// An SM2 secret. The library's own type does not wipe itself, so this one does.
struct Sm2Secret(sm2::dsa::SigningKey);

impl Sm2Secret {
    fn sign(&self, message: &[u8]) -> Vec<u8> {
        // The nonce mixes the key, the message and fresh randomness, so neither a bad generator nor
        // a repeated message reveals the key. One nonce in 2^32 is out of range: then ask again.
        std::iter::repeat_with(|| self.0.try_sign_with_rng(&mut SysRng, message))
            .take(8)
            .find_map(Result::ok)
            .expect("SM2 finds a nonce within a few tries")
            .to_vec()
    }

    fn to_pkcs8_der(&self) -> Option<Zeroizing<Vec<u8>>> {
        let secret = sm2::SecretKey::from(self.0.as_nonzero_scalar());
        Some(secret.to_pkcs8_der().ok()?.to_bytes())
    }
}

impl Drop for Sm2Secret {
    fn drop(&mut self) {
        let mut one = [0; 32];
        one[31] = 1;
        if let Ok(blank) = sm2::dsa::SigningKey::from_slice(SM2_USER_ID, &one) {
            self.0 = blank;
            // Keeps the overwrite from being optimised away as a store nobody reads.
            std::hint::black_box(&self.0);
        }
    }
}
