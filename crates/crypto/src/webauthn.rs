//! Passkeys: what an authenticator says when it is registered and when it signs (WebAuthn Level 3).
//!
//! The caller draws the challenge, and so decides what a signature means: 32 bytes that it knows to be
//! fresh, or the hash of a text that says what is agreed to. Checked here are the ceremony, the
//! challenge, the origin, the relying party, that the holder was present and verified, and the
//! signature. Attestation is not asked for and not looked at: it says who made an authenticator, not
//! whose it is. Counting uses and knowing whose credential it is are the caller's.
//!
//! Everything that is read comes from strangers: lengths are bounded, nothing is left over at the
//! end, and no depth is followed by recursion.

use serde::Deserialize;
use sha2::{Digest, Sha256};
use sm2::pkcs8::der::Encode;
use sm2::pkcs8::der::asn1::UintRef;

use crate::key::signature_from_der;
use crate::{PublicKey, Suite, random};

/// The COSE numbers of the algorithms that a passkey may have, the preferred first: ES256, EdDSA, RS256.
pub const ALGORITHMS: [i32; 3] = [-7, -8, -257];
/// Bytes of a credential's id at most, as the standard bounds it.
pub const MAX_CREDENTIAL_ID: usize = 1023;
/// Bytes of anything that a browser sends along at most.
pub const MAX_PART: usize = 8192;

const USER_PRESENT: u8 = 0x01;
const USER_VERIFIED: u8 = 0x04;
const MAY_BE_BACKED_UP: u8 = 0x08;
const BACKED_UP: u8 = 0x10;
const HAS_CREDENTIAL: u8 = 0x40;
const HAS_EXTENSIONS: u8 = 0x80;

/// What a ceremony has to be about.
#[derive(Clone, Copy)]
pub struct Expected<'a> {
    /// The challenge that was to be signed.
    pub challenge: &'a [u8; 32],
    /// The relying party: a domain.
    pub rp_id: &'a str,
    /// Which origins may ask.
    pub origin: fn(&str, &str) -> bool,
    /// What `origin` is told beside the origin that asked.
    pub home: &'a str,
}

/// A credential that was made.
#[derive(Clone, Debug)]
pub struct Registered {
    /// Its id, up to [`MAX_CREDENTIAL_ID`] bytes.
    pub credential_id: Vec<u8>,
    /// Its public key: ES256, Ed25519 or RSA.
    pub key: PublicKey,
    /// How often the authenticator has signed, or 0 where it does not count.
    pub count: u32,
    /// Whether it is kept by more than one device.
    pub backed_up: bool,
}

/// A use that fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asserted {
    /// How often the authenticator has signed, or 0 where it does not count.
    pub count: u32,
    /// Whether the credential is kept by more than one device.
    pub backed_up: bool,
}

/// Why a passkey's answer is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// Not of the form that browsers send.
    #[error("the authenticator's answer is malformed")]
    Malformed,
    /// Another ceremony, challenge, origin or relying party.
    #[error("the authenticator was asked about something else: {0}")]
    Other(&'static str),
    /// The holder was not there or not verified.
    #[error("the authenticator did not verify its holder")]
    NotVerified,
    /// A key of an algorithm that was not asked for, or a weak one.
    #[error("the authenticator's key is of no algorithm that was asked for")]
    Key,
    /// The signature does not fit.
    #[error("the signature does not fit")]
    Signature,
}

/// What a browser collects for the authenticator to sign. Further members may follow in future.
#[derive(Deserialize)]
struct ClientData {
    #[serde(rename = "type")]
    ceremony: String,
    challenge: String,
    origin: String,
    #[serde(rename = "crossOrigin", default)]
    cross_origin: bool,
}

/// Reads a registration.
///
/// # Errors
/// [`Unfit`].
pub fn registered(
    client_data: &[u8],
    attestation: &[u8],
    expected: &Expected<'_>,
) -> Result<Registered, Unfit> {
    check_client(client_data, "webauthn.create", expected)?;
    let data = attested(attestation).ok_or(Unfit::Malformed)?;
    let (head, rest) = Head::read(data, expected)?;
    if head.flags & HAS_CREDENTIAL == 0 {
        return Err(Unfit::Malformed);
    }
    let (credential_id, key, rest) = credential(rest)?;
    check_extensions(head.flags, rest)?;
    Ok(Registered {
        credential_id: credential_id.to_vec(),
        key,
        count: head.count,
        backed_up: head.flags & BACKED_UP != 0,
    })
}

/// Checks a use of the credential whose key is `key`.
///
/// # Errors
/// [`Unfit`].
pub fn asserted(
    client_data: &[u8],
    authenticator_data: &[u8],
    signature: &[u8],
    key: &PublicKey,
    expected: &Expected<'_>,
) -> Result<Asserted, Unfit> {
    check_client(client_data, "webauthn.get", expected)?;
    let (head, rest) = Head::read(authenticator_data, expected)?;
    let rest = match head.flags & HAS_CREDENTIAL {
        0 => rest,
        _ => credential(rest)?.2,
    };
    check_extensions(head.flags, rest)?;
    check_signature(client_data, authenticator_data, signature, key)?;
    Ok(Asserted { count: head.count, backed_up: head.flags & BACKED_UP != 0 })
}

/// Authenticators sign in the DER form where an algorithm has two.
fn check_signature(client: &[u8], data: &[u8], signature: &[u8], key: &PublicKey) -> Result<(), Unfit> {
    let signed = [data, &Sha256::digest(client)].concat();
    let signature = signature_from_der(key.suite(), signature).map_err(|_| Unfit::Signature)?;
    key.verify(&signed, &signature).map_err(|_| Unfit::Signature)
}

fn check_client(bytes: &[u8], ceremony: &str, expected: &Expected<'_>) -> Result<(), Unfit> {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    if bytes.len() > MAX_PART {
        return Err(Unfit::Malformed);
    }
    let data: ClientData = serde_json::from_slice(bytes).map_err(|_| Unfit::Malformed)?;
    if data.ceremony != ceremony {
        return Err(Unfit::Other("the ceremony"));
    }
    let challenge = URL_SAFE_NO_PAD.encode(expected.challenge);
    if !random::same(challenge.as_bytes(), data.challenge.as_bytes()) {
        return Err(Unfit::Other("the challenge"));
    }
    if data.cross_origin || !(expected.origin)(&data.origin, expected.home) {
        return Err(Unfit::Other("the origin"));
    }
    Ok(())
}

/// What every answer of an authenticator begins with.
struct Head {
    flags: u8,
    count: u32,
}

impl Head {
    /// The head, checked, and what follows.
    fn read<'a>(data: &'a [u8], expected: &Expected<'_>) -> Result<(Self, &'a [u8]), Unfit> {
        if data.len() > MAX_PART {
            return Err(Unfit::Malformed);
        }
        let (rp, rest) = data.split_at_checked(32).ok_or(Unfit::Malformed)?;
        let (&[flags, a, b, c, d], rest) = rest.split_first_chunk::<5>().ok_or(Unfit::Malformed)?;
        if rp != &Sha256::digest(expected.rp_id.as_bytes())[..] {
            return Err(Unfit::Other("the relying party"));
        }
        if flags & (USER_PRESENT | USER_VERIFIED) != USER_PRESENT | USER_VERIFIED {
            return Err(Unfit::NotVerified);
        }
        if flags & (MAY_BE_BACKED_UP | BACKED_UP) == BACKED_UP {
            return Err(Unfit::Malformed);
        }
        Ok((Self { flags, count: u32::from_be_bytes([a, b, c, d]) }, rest))
    }
}

/// The authenticator's data in an attestation object.
fn attested(object: &[u8]) -> Option<&[u8]> {
    if object.len() > MAX_PART {
        return None;
    }
    let mut reader = Cbor(object);
    let mut data = None;
    for _ in 0..reader.map()? {
        match reader.text()? {
            "authData" => put(&mut data, reader.bytes()?)?,
            _ => reader.skip()?,
        }
    }
    reader.0.is_empty().then_some(data).flatten()
}

/// The credential's id and key, and what follows.
fn credential(data: &[u8]) -> Result<(&[u8], PublicKey, &[u8]), Unfit> {
    let (_aaguid, rest) = data.split_at_checked(16).ok_or(Unfit::Malformed)?;
    let (len, rest) = rest.split_first_chunk::<2>().ok_or(Unfit::Malformed)?;
    let len = usize::from(u16::from_be_bytes(*len));
    if len == 0 || len > MAX_CREDENTIAL_ID {
        return Err(Unfit::Malformed);
    }
    let (id, rest) = rest.split_at_checked(len).ok_or(Unfit::Malformed)?;
    let mut reader = Cbor(rest);
    let key = Cose::read(&mut reader).ok_or(Unfit::Malformed)?.key()?;
    Ok((id, key, reader.0))
}

/// Extensions are not asked for; an authenticator may send some all the same.
fn check_extensions(flags: u8, rest: &[u8]) -> Result<(), Unfit> {
    let mut reader = Cbor(rest);
    if flags & HAS_EXTENSIONS != 0 {
        reader.skip().ok_or(Unfit::Malformed)?;
    }
    if reader.0.is_empty() { Ok(()) } else { Err(Unfit::Malformed) }
}

/// A COSE key (RFC 9052): what of it any of [`ALGORITHMS`] needs.
#[derive(Default)]
struct Cose<'a> {
    kind: Option<i64>,
    algorithm: Option<i64>,
    curve: Option<i64>,
    /// The byte strings of -1, -2 and -3: modulus; x or exponent; y.
    parts: [Option<&'a [u8]>; 3],
}

impl<'a> Cose<'a> {
    fn read(reader: &mut Cbor<'a>) -> Option<Self> {
        let mut cose = Self::default();
        for _ in 0..reader.map()? {
            match reader.integer()? {
                1 => put(&mut cose.kind, reader.integer()?)?,
                3 => put(&mut cose.algorithm, reader.integer()?)?,
                -1 if reader.is_bytes() => put(&mut cose.parts[0], reader.bytes()?)?,
                -1 => put(&mut cose.curve, reader.integer()?)?,
                -2 => put(&mut cose.parts[1], reader.bytes()?)?,
                -3 => put(&mut cose.parts[2], reader.bytes()?)?,
                _ => reader.skip()?,
            }
        }
        Some(cose)
    }

    fn key(&self) -> Result<PublicKey, Unfit> {
        let key = match (self.kind, self.algorithm, self.curve, self.parts) {
            (Some(2), Some(-7), Some(1), [None, Some(x), Some(y)]) if x.len() == 32 && y.len() == 32 => {
                PublicKey::from_raw(Suite::Es256, &[&[4], x, y].concat())
            }
            (Some(1), Some(-8), Some(6), [None, Some(x), None]) => PublicKey::from_raw(Suite::Ed25519, x),
            (Some(3), Some(-257), None, [Some(modulus), Some(exponent), None]) => {
                let pair = [modulus, exponent].map(UintRef::new);
                let [Ok(modulus), Ok(exponent)] = pair else { return Err(Unfit::Key) };
                // `[T; N]` encodes as a SEQUENCE OF, which is the same bytes as PKCS#1's SEQUENCE.
                let der = [modulus, exponent].to_der().map_err(|_| Unfit::Key)?;
                PublicKey::from_raw(Suite::RsaSha256, &der)
            }
            _ => return Err(Unfit::Key),
        };
        key.map_err(|_| Unfit::Key)
    }
}

/// Fills what a map may name once: two readers might take different ones of two.
fn put<T>(place: &mut Option<T>, value: T) -> Option<()> {
    place.replace(value).is_none().then_some(())
}

/// Reads CBOR (RFC 8949) as CTAP2 writes it: definite lengths only.
struct Cbor<'a>(&'a [u8]);

impl<'a> Cbor<'a> {
    /// The major type and the argument of the next item.
    fn head(&mut self) -> Option<(u8, u64)> {
        let (&first, rest) = self.0.split_first()?;
        let (major, info) = (first >> 5, first & 31);
        let more = match info {
            0..=23 => {
                self.0 = rest;
                return Some((major, u64::from(info)));
            }
            24..=27 => 1usize << (info - 24),
            _ => return None,
        };
        let (bytes, rest) = rest.split_at_checked(more)?;
        self.0 = rest;
        Some((major, bytes.iter().fold(0, |value, byte| value << 8 | u64::from(*byte))))
    }

    fn is_bytes(&self) -> bool {
        self.0.first().is_some_and(|first| first >> 5 == 2)
    }

    fn take(&mut self, len: u64) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(usize::try_from(len).ok()?)?;
        self.0 = rest;
        Some(taken)
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        match self.head()? {
            (2, len) => self.take(len),
            _ => None,
        }
    }

    fn text(&mut self) -> Option<&'a str> {
        match self.head()? {
            (3, len) => std::str::from_utf8(self.take(len)?).ok(),
            _ => None,
        }
    }

    fn integer(&mut self) -> Option<i64> {
        match self.head()? {
            (0, value) => i64::try_from(value).ok(),
            (1, value) => i64::try_from(value).ok().map(|value| -1 - value),
            _ => None,
        }
    }

    /// How many pairs the map has that begins here.
    fn map(&mut self) -> Option<u64> {
        match self.head()? {
            (5, pairs) => Some(pairs),
            _ => None,
        }
    }

    /// Passes over one item with all that is in it.
    fn skip(&mut self) -> Option<()> {
        let mut open = 1u64;
        while open > 0 {
            // Each open item takes a byte at least: more of them than bytes cannot be.
            if open > self.0.len() as u64 {
                return None;
            }
            open -= 1;
            match self.head()? {
                (2 | 3, len) => {
                    self.take(len)?;
                }
                (4, items) => open = open.checked_add(items)?,
                (5, pairs) => open = open.checked_add(pairs.checked_mul(2)?)?,
                (6, _) => open += 1,
                _ => {}
            }
        }
        Some(())
    }
}

#[cfg(test)]
mod tests;
