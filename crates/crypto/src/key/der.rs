//! The other wire form of SM2 and ES256 signatures: ASN.1 `SEQUENCE { r INTEGER, s INTEGER }`.
//!
//! OpenSSL, Java and most smart cards write this one; our API speaks the fixed 64 bytes. These two
//! functions turn one into the other and decide nothing about validity.

use sm2::pkcs8::der::asn1::UintRef;
use sm2::pkcs8::der::{Encode, Reader, SliceReader};

use crate::{BadSignature, Suite};

/// Turns a DER signature into the wire form of `suite`; Ed25519 and RSA pass unchanged.
///
/// # Errors
/// [`BadSignature`] when it is not strict DER of two integers of at most 32 bytes.
pub fn signature_from_der(suite: Suite, der: &[u8]) -> Result<Vec<u8>, BadSignature> {
    match suite {
        Suite::Ed25519 | Suite::RsaSha256 => Ok(der.to_vec()),
        Suite::Sm2Sm3 | Suite::Es256 => {
            let mut reader = SliceReader::new(der).map_err(|_| BadSignature)?;
            let (r, s) = reader
                .sequence(|inner| Ok((inner.decode::<UintRef<'_>>()?, inner.decode::<UintRef<'_>>()?)))
                .map_err(|_: sm2::pkcs8::der::Error| BadSignature)?;
            reader.finish().map_err(|_| BadSignature)?;
            let mut fixed = vec![0; 64];
            place(&mut fixed[..32], r.as_bytes())?;
            place(&mut fixed[32..], s.as_bytes())?;
            Ok(fixed)
        }
    }
}

/// Turns the wire form of `suite` into DER; Ed25519 and RSA pass unchanged.
///
/// # Errors
/// [`BadSignature`] when an SM2 or ES256 signature is not 64 bytes.
pub fn signature_to_der(suite: Suite, fixed: &[u8]) -> Result<Vec<u8>, BadSignature> {
    match suite {
        Suite::Ed25519 | Suite::RsaSha256 => Ok(fixed.to_vec()),
        Suite::Sm2Sm3 | Suite::Es256 => {
            if fixed.len() != 64 {
                return Err(BadSignature);
            }
            let (r, s) = fixed.split_at(32);
            let pair =
                [UintRef::new(r).map_err(|_| BadSignature)?, UintRef::new(s).map_err(|_| BadSignature)?];
            // `[T; N]` encodes as a SEQUENCE OF, which is the same bytes as SEQUENCE { r, s }.
            pair.to_der().map_err(|_| BadSignature)
        }
    }
}

/// Right-aligns a big-endian integer without leading zeros.
fn place(slot: &mut [u8], integer: &[u8]) -> Result<(), BadSignature> {
    let start = slot.len().checked_sub(integer.len()).ok_or(BadSignature)?;
    slot[start..].copy_from_slice(integer);
    Ok(())
}
