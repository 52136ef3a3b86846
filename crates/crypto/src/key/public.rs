//! Public keys: read from SPKI or raw bytes, refused when weak, and verifying.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA512,
    RsaParameters, UnparsedPublicKey,
};
use sha2::{Digest, Sha256};
use sm2::dsa::signature::Verifier;
use sm2::pkcs8::der::Decode;
use sm2::pkcs8::spki::SubjectPublicKeyInfoRef;
use sm2::pkcs8::{Document, EncodePublicKey, LineEnding};

use super::{KeyError, SM2_USER_ID, suite_of};
use crate::{BadSignature, Suite};

const SPKI_LABEL: &str = "PUBLIC KEY";
const MALFORMED: KeyError = KeyError::Malformed("public key (SPKI, PEM label PUBLIC KEY)");

/// RSA moduli we accept, in bits.
const RSA_BITS: std::ops::RangeInclusive<u32> = 2048..=8192;

/// A checked public key of one suite. Equality, hash and key id are those of the canonical SPKI.
#[derive(Clone)]
pub struct PublicKey {
    inner: Arc<Inner>,
}

struct Inner {
    verifier: VerifierOf,
    spki: Vec<u8>,
    raw: Vec<u8>,
    id: String,
}

enum VerifierOf {
    Ed25519(ed25519_dalek::VerifyingKey),
    Sm2(Box<sm2::dsa::VerifyingKey>),
    Rsa(ParsedPublicKey),
    Es256(ParsedPublicKey),
}

impl PublicKey {
    /// Reads a DER `SubjectPublicKeyInfo`; the suite follows from the algorithm it names.
    ///
    /// # Errors
    /// [`KeyError`]: not SPKI, another algorithm, or a key that gives no security.
    pub fn from_spki_der(der: &[u8]) -> Result<Self, KeyError> {
        let info = SubjectPublicKeyInfoRef::from_der(der).map_err(|_| MALFORMED)?;
        let suite = suite_of(&info.algorithm)?;
        let raw = info.subject_public_key.as_bytes().ok_or(MALFORMED)?;
        Self::from_raw(suite, raw)
    }

    /// Reads a PEM `PUBLIC KEY`, with any white space around it.
    ///
    /// # Errors
    /// As [`PublicKey::from_spki_der`].
    pub fn from_spki_pem(pem: &str) -> Result<Self, KeyError> {
        let (label, document) = Document::from_pem(pem.trim()).map_err(|_| MALFORMED)?;
        if label != SPKI_LABEL {
            return Err(MALFORMED);
        }
        Self::from_spki_der(document.as_bytes())
    }

    /// Reads the bytes inside the SPKI: 32 bytes for Ed25519, an SEC 1 point for SM2 and P-256
    /// (compressed or not), a PKCS#1 `RSAPublicKey` for RSA.
    ///
    /// # Errors
    /// [`KeyError`]: the bytes are no key of `suite`, or a key that gives no security.
    pub fn from_raw(suite: Suite, raw: &[u8]) -> Result<Self, KeyError> {
        match suite {
            Suite::Ed25519 => {
                let raw = raw.try_into().map_err(|_| MALFORMED)?;
                let key = ed25519_dalek::VerifyingKey::from_bytes(raw)
                    .map_err(|_| KeyError::Weak("not a point on the curve"))?;
                Self::of_ed25519(key)
            }
            Suite::Sm2Sm3 => Self::of_sm2(raw),
            Suite::RsaSha256 => Self::of_rsa(raw),
            Suite::Es256 => Self::of_es256(raw),
        }
    }

    fn of_ed25519(key: ed25519_dalek::VerifyingKey) -> Result<Self, KeyError> {
        if key.is_weak() {
            return Err(KeyError::Weak("an Ed25519 point of small order"));
        }
        let spki = key.to_public_key_der().map_err(|_| MALFORMED)?.into_vec();
        let raw = key.as_bytes().to_vec();
        Ok(Self::assemble(VerifierOf::Ed25519(key), spki, raw))
    }

    fn of_sm2(raw: &[u8]) -> Result<Self, KeyError> {
        check_point_form(raw)?;
        let point =
            sm2::PublicKey::from_sec1_bytes(raw).map_err(|_| KeyError::Weak("not a point on the curve"))?;
        let spki = point.to_public_key_der().map_err(|_| MALFORMED)?.into_vec();
        let raw = point.to_sec1_bytes().into_vec();
        let key = sm2::dsa::VerifyingKey::new(SM2_USER_ID, point).map_err(|_| MALFORMED)?;
        Ok(Self::assemble(VerifierOf::Sm2(Box::new(key)), spki, raw))
    }

    fn of_rsa(raw: &[u8]) -> Result<Self, KeyError> {
        let bits = RsaParameters::public_modulus_len(raw).map_err(|_| MALFORMED)?;
        if !RSA_BITS.contains(&bits) {
            return Err(KeyError::Weak("RSA needs a modulus of 2048 to 8192 bits"));
        }
        let key = ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, raw).map_err(|_| MALFORMED)?;
        let spki = key.as_der().map_err(|_| MALFORMED)?.as_ref().to_vec();
        Ok(Self::assemble(VerifierOf::Rsa(key), spki, raw.to_vec()))
    }

    fn of_es256(raw: &[u8]) -> Result<Self, KeyError> {
        check_point_form(raw)?;
        let key = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, raw)
            .map_err(|_| KeyError::Weak("not a point on the curve"))?;
        let spki = key.as_der().map_err(|_| MALFORMED)?.as_ref().to_vec();
        let info = SubjectPublicKeyInfoRef::from_der(&spki).map_err(|_| MALFORMED)?;
        let raw = info.subject_public_key.raw_bytes().to_vec();
        Ok(Self::assemble(VerifierOf::Es256(key), spki, raw))
    }

    fn assemble(verifier: VerifierOf, spki: Vec<u8>, raw: Vec<u8>) -> Self {
        let id = hex::encode(&Sha256::digest(&spki)[..8]);
        Self { inner: Arc::new(Inner { verifier, spki, raw, id }) }
    }

    /// The suite this key belongs to, and the only one it verifies under.
    pub fn suite(&self) -> Suite {
        match self.inner.verifier {
            VerifierOf::Ed25519(_) => Suite::Ed25519,
            VerifierOf::Sm2(_) => Suite::Sm2Sm3,
            VerifierOf::Rsa(_) => Suite::RsaSha256,
            VerifierOf::Es256(_) => Suite::Es256,
        }
    }

    /// The canonical form: DER `SubjectPublicKeyInfo`.
    pub fn spki_der(&self) -> &[u8] {
        &self.inner.spki
    }

    /// The bytes inside the SPKI: see [`PublicKey::from_raw`]. Points are uncompressed.
    pub fn raw(&self) -> &[u8] {
        &self.inner.raw
    }

    /// The first 16 hexadecimal characters of the SHA-256 of the SPKI.
    pub fn id(&self) -> &str {
        &self.inner.id
    }

    /// PEM with the label `PUBLIC KEY`.
    pub fn to_pem(&self) -> String {
        Document::try_from(self.inner.spki.as_slice())
            .and_then(|document| document.to_pem(SPKI_LABEL, LineEnding::LF))
            .expect("a canonical SPKI is a DER document")
    }

    /// Whether `signature`, in the wire form of the suite, signs `message` under this key.
    ///
    /// # Errors
    /// [`BadSignature`] for anything else, without telling why.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        match &self.inner.verifier {
            VerifierOf::Ed25519(key) => {
                let signature = ed25519_dalek::Signature::from_slice(signature).map_err(|_| BadSignature)?;
                key.verify_strict(message, &signature).map_err(|_| BadSignature)
            }
            VerifierOf::Sm2(key) => {
                let signature = sm2::dsa::Signature::from_slice(signature).map_err(|_| BadSignature)?;
                key.verify(message, &signature).map_err(|_| BadSignature)
            }
            VerifierOf::Rsa(key) | VerifierOf::Es256(key) => {
                key.verify_sig(message, signature).map_err(|_| BadSignature)
            }
        }
    }
}

impl PublicKey {
    /// Whether an RSA key signed `message` by RSASSA-PSS with SHA-512 and a salt of 64 bytes, as HTTP
    /// Message Signatures know it beside PKCS#1 v1.5.
    ///
    /// # Errors
    /// [`BadSignature`] for anything else, and for keys of other suites.
    pub fn verify_rsa_pss_sha512(&self, message: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        match &self.inner.verifier {
            VerifierOf::Rsa(_) => UnparsedPublicKey::new(&RSA_PSS_2048_8192_SHA512, self.raw())
                .verify(message, signature)
                .map_err(|_| BadSignature),
            VerifierOf::Ed25519(_) | VerifierOf::Sm2(_) | VerifierOf::Es256(_) => Err(BadSignature),
        }
    }
}

/// SEC 1 allows five forms of a point; only the compressed and the uncompressed one are accepted.
fn check_point_form(raw: &[u8]) -> Result<(), KeyError> {
    match (raw.first(), raw.len()) {
        (Some(2 | 3), 33) | (Some(4), 65) => Ok(()),
        _ => Err(KeyError::Malformed("point on a 256-bit curve")),
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({} {})", self.suite(), self.id())
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.inner.spki == other.inner.spki
    }
}

impl Eq for PublicKey {}

impl Hash for PublicKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.inner.spki.hash(state);
    }
}
