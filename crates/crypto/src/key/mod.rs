//! Keys: a signing key that is wiped when dropped, and a public key that is checked when read.
//!
//! Both carry their suite. A public key has one canonical form, its DER `SubjectPublicKeyInfo`, and
//! from it a key id. Cloning is cheap: the secret stays once in memory.

mod der;
mod public;
mod signing;

pub use der::{signature_from_der, signature_to_der};
pub use public::PublicKey;
pub use signing::SigningKey;

use sm2::pkcs8::ObjectIdentifier;

const ED25519_OID: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
const RSA_OID: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const EC_OID: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256_OID: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const SM2_OID: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.156.10197.1.301");

/// The user id every SM2 signature is bound to, fixed by GM/T 0009 for those who agreed on none.
const SM2_USER_ID: &str = "1234567812345678";

/// Why a key is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not PEM with the label, or not DER of the structure, that was asked for.
    #[error("this is not a {0}")]
    Malformed(&'static str),
    /// A well-formed key of an algorithm or curve we do not speak.
    #[error("the key's algorithm is none of Ed25519, SM2, RSA and P-256")]
    UnknownAlgorithm,
    /// A key that gives no security: small order, short modulus, not on the curve.
    #[error("the key is too weak: {0}")]
    Weak(&'static str),
}

/// Which suite an algorithm identifier belongs to.
fn suite_of(algorithm: &sm2::pkcs8::AlgorithmIdentifierRef<'_>) -> Result<crate::Suite, KeyError> {
    use crate::Suite;
    match algorithm.oid {
        ED25519_OID => Ok(Suite::Ed25519),
        RSA_OID => Ok(Suite::RsaSha256),
        EC_OID => match algorithm.parameters_oid() {
            Ok(P256_OID) => Ok(Suite::Es256),
            Ok(SM2_OID) => Ok(Suite::Sm2Sm3),
            _ => Err(KeyError::UnknownAlgorithm),
        },
        _ => Err(KeyError::UnknownAlgorithm),
    }
}
