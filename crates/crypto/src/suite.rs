//! The signature suites and their names on the wire.

use std::fmt;
use std::str::FromStr;

/// A signature suite: the algorithm and the hash inside it, chosen once per key.
///
/// Every signature has a fixed wire form: 64 bytes for all but RSA, whose signatures are as long
/// as the modulus. SM2 and ES256 are `r || s`, big-endian, 32 bytes each, which is also what Web
/// Crypto gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Suite {
    /// Ed25519 (RFC 8032), checked strictly: small-order keys and non-canonical points are refused.
    Ed25519,
    /// SM2 over SM3 (GB/T 32918.2) with the user id `1234567812345678`.
    Sm2Sm3,
    /// RSA PKCS#1 v1.5 with SHA-256, modulus of 2048 to 8192 bits.
    RsaSha256,
    /// ECDSA on P-256 with SHA-256, as passkeys and secure elements sign.
    Es256,
}

impl Suite {
    /// Every suite, in the order they are documented.
    pub const ALL: [Suite; 4] = [Suite::Ed25519, Suite::Sm2Sm3, Suite::RsaSha256, Suite::Es256];

    /// The name in headers and JSON: `ED25519`, `SM2-WITH-SM3`, `SHA256-RSA2048`, `ES256`.
    pub const fn wire_name(self) -> &'static str {
        match self {
            Suite::Ed25519 => "ED25519",
            Suite::Sm2Sm3 => "SM2-WITH-SM3",
            Suite::RsaSha256 => "SHA256-RSA2048",
            Suite::Es256 => "ES256",
        }
    }

    /// The length of a signature in bytes where the suite fixes it (all but RSA).
    pub const fn signature_len(self) -> Option<usize> {
        match self {
            Suite::RsaSha256 => None,
            Suite::Ed25519 | Suite::Sm2Sm3 | Suite::Es256 => Some(64),
        }
    }
}

impl fmt::Display for Suite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.wire_name())
    }
}

impl FromStr for Suite {
    type Err = UnknownSuite;

    /// Exact match only: a name in another case is another name.
    fn from_str(name: &str) -> Result<Self, UnknownSuite> {
        Suite::ALL.into_iter().find(|suite| suite.wire_name() == name).ok_or(UnknownSuite)
    }
}

impl serde::Serialize for Suite {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.wire_name())
    }
}

impl<'de> serde::Deserialize<'de> for Suite {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        name.parse().map_err(serde::de::Error::custom)
    }
}

/// The name is none of `ED25519`, `SM2-WITH-SM3`, `SHA256-RSA2048`, `ES256`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown signature suite; known are ED25519, SM2-WITH-SM3, SHA256-RSA2048 and ES256")]
pub struct UnknownSuite;

/// The signature does not fit the message and the key. It does not say more on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the signature does not fit the message and the key")]
pub struct BadSignature;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suite_is_known_by_its_exact_name_only() {
        let check = |name: &str, expect: Result<Suite, UnknownSuite>| {
            assert_eq!(name.parse::<Suite>(), expect, "{name:?}");
        };
        for suite in Suite::ALL {
            check(suite.wire_name(), Ok(suite));
            check(&suite.wire_name().to_lowercase(), Err(UnknownSuite));
        }
        check("", Err(UnknownSuite));
        check("ED25519 ", Err(UnknownSuite));
        check("none", Err(UnknownSuite));
    }
}
