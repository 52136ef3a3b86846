//! Signatures on HTTP: requests in one header, answers and callbacks in five.
//!
//! A request is signed over `METHOD\nPATH?QUERY\nTIMESTAMP\nNONCE\nBODY\n` and carries
//! `Authorization: JIALING1-<ALG> mchid="…",serial_no="…",timestamp="…",nonce_str="…",signature="…"`.
//! An answer or a callback is signed over `TIMESTAMP\nNONCE\nBODY\n` and carries the headers in
//! [`names`]. The body is signed as the bytes that travel, never as parsed JSON.
//!
//! Parsing is strict and bounded: every field once, no unknown field, no escapes, so one header has
//! one meaning. Checking the time window and remembering nonces is the receiver's part
//! ([`RequestSignature::timestamp`], [`is_fresh`]).

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::{BadSignature, PublicKey, SigningKey, Suite, random};

/// What the name of the scheme begins with; the suite's wire name follows.
pub const SCHEME: &str = "JIALING1-";

/// The longest `Authorization` header that is parsed: room for an RSA signature of 8192 bits.
pub const MAX_HEADER_BYTES: usize = 2048;

/// The longest caller id and key id.
pub const MAX_ID_BYTES: usize = 64;

/// Lengths a nonce may have. The signer makes 32 characters; fewer than 16 would repeat by chance.
pub const NONCE_BYTES: std::ops::RangeInclusive<usize> = 16..=64;

/// Header names on answers and callbacks, lower case as HTTP/2 writes them.
pub mod names {
    /// Unix time in seconds.
    pub const TIMESTAMP: &str = "jialing-timestamp";
    /// A value that never repeats.
    pub const NONCE: &str = "jialing-nonce";
    /// The id of the key that signed.
    pub const SERIAL: &str = "jialing-serial";
    /// The signature in base64.
    pub const SIGNATURE: &str = "jialing-signature";
    /// The suite's wire name.
    pub const SIGNATURE_TYPE: &str = "jialing-signature-type";
}

/// Why a header is no signature of ours.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadHeader {
    /// Longer than [`MAX_HEADER_BYTES`].
    #[error("the Authorization header is longer than 2048 bytes")]
    TooLong,
    /// Another scheme, or a suite we do not know.
    #[error("the scheme must be JIALING1-ED25519, -SM2-WITH-SM3, -SHA256-RSA2048 or -ES256")]
    Scheme,
    /// Not a list of `name="value"` separated by commas.
    #[error("the fields must be written name=\"value\" and separated by commas")]
    Syntax,
    /// A field is missing, or one of the callback headers.
    #[error("the field {0} is missing")]
    Missing(&'static str),
    /// A field comes twice or is none of ours.
    #[error("the field {0} is unknown or comes twice")]
    Unexpected(String),
    /// A field's value breaks its rule.
    #[error("the field {0} is not well-formed")]
    Value(&'static str),
}

/// Why a well-formed signature does not verify.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotSigned {
    /// The header names another suite than the key's.
    #[error("the key belongs to {key}, the header says {header}")]
    WrongSuite {
        /// The key's suite.
        key: Suite,
        /// What the header says.
        header: Suite,
    },
    /// The header names another key.
    #[error("the header names another key")]
    WrongKey,
    /// The signature does not fit what was received.
    #[error(transparent)]
    BadSignature(#[from] BadSignature),
}

/// The text a request's signature covers. `target` is the path with its query, as sent.
pub fn request_text(method: &str, target: &str, timestamp: i64, nonce: &str, body: &[u8]) -> Vec<u8> {
    let mut text = format!("{method}\n{target}\n{timestamp}\n{nonce}\n").into_bytes();
    text.extend_from_slice(body);
    text.push(b'\n');
    text
}

/// The text an answer's or a callback's signature covers.
pub fn callback_text(timestamp: i64, nonce: &str, body: &[u8]) -> Vec<u8> {
    let mut text = format!("{timestamp}\n{nonce}\n").into_bytes();
    text.extend_from_slice(body);
    text.push(b'\n');
    text
}

/// Whether `timestamp` is at most `window_s` seconds before or after `now` (both Unix seconds).
pub fn is_fresh(timestamp: i64, now: i64, window_s: u64) -> bool {
    timestamp.abs_diff(now) <= window_s
}

/// A request's signature as it stands in the `Authorization` header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestSignature {
    /// The suite the header names; it must be the key's.
    pub suite: Suite,
    /// Who calls: a merchant, bank, biller or payment service provider.
    pub mchid: String,
    /// The id of the caller's key: [`PublicKey::id`] unless the key was registered under another.
    pub serial_no: String,
    /// Unix time in seconds.
    pub timestamp: i64,
    /// A value the caller never repeats.
    pub nonce: String,
    /// The signature in the suite's wire form.
    pub signature: Vec<u8>,
}

impl RequestSignature {
    /// Signs a request now (`timestamp` in Unix seconds) with a fresh nonce. The serial is the key's
    /// id.
    ///
    /// # Panics
    /// When `mchid` is not a well-formed id (see [`is_id`]), or the operating system gives no
    /// randomness.
    pub fn sign(
        key: &SigningKey,
        mchid: &str,
        method: &str,
        target: &str,
        body: &[u8],
        timestamp: i64,
    ) -> Self {
        assert!(is_id(mchid), "a caller's id is 1 to 64 of A-Z a-z 0-9 _ - .");
        let nonce = random::nonce();
        let text = request_text(method, target, timestamp, &nonce, body);
        Self {
            suite: key.suite(),
            mchid: mchid.to_owned(),
            serial_no: key.public().id().to_owned(),
            timestamp,
            nonce,
            signature: key.sign(&text),
        }
    }

    /// The value of the `Authorization` header.
    pub fn to_header(&self) -> String {
        format!(
            "{SCHEME}{} mchid=\"{}\",serial_no=\"{}\",timestamp=\"{}\",nonce_str=\"{}\",signature=\"{}\"",
            self.suite,
            self.mchid,
            self.serial_no,
            self.timestamp,
            self.nonce,
            STANDARD.encode(&self.signature)
        )
    }

    /// Reads an `Authorization` header. Fields may come in any order, each once.
    ///
    /// # Errors
    /// [`BadHeader`], naming the field at fault.
    pub fn parse(header: &str) -> Result<Self, BadHeader> {
        if header.len() > MAX_HEADER_BYTES {
            return Err(BadHeader::TooLong);
        }
        let (scheme, rest) = header.split_once(' ').ok_or(BadHeader::Scheme)?;
        let suite =
            scheme.strip_prefix(SCHEME).and_then(|name| name.parse().ok()).ok_or(BadHeader::Scheme)?;
        let mut fields = fields(rest)?;
        let mut take = |name: &'static str| fields.remove(name).ok_or(BadHeader::Missing(name));
        let parsed = Self {
            suite,
            mchid: id("mchid", take("mchid")?)?,
            serial_no: id("serial_no", take("serial_no")?)?,
            timestamp: unix_seconds("timestamp", take("timestamp")?)?,
            nonce: nonce("nonce_str", take("nonce_str")?)?,
            signature: signature("signature", suite, take("signature")?)?,
        };
        match fields.into_keys().next() {
            None => Ok(parsed),
            Some(name) => Err(BadHeader::Unexpected(name.to_owned())),
        }
    }

    /// The text this signature must cover for a request with this method, target and body.
    pub fn signed_text(&self, method: &str, target: &str, body: &[u8]) -> Vec<u8> {
        request_text(method, target, self.timestamp, &self.nonce, body)
    }

    /// Whether `key` signed this request.
    ///
    /// The suite must be the key's. The serial is not compared: it is what `key` was found by.
    ///
    /// # Errors
    /// [`NotSigned::WrongSuite`] or [`NotSigned::BadSignature`].
    pub fn verify(&self, key: &PublicKey, method: &str, target: &str, body: &[u8]) -> Result<(), NotSigned> {
        require_suite(key, self.suite)?;
        key.verify(&self.signed_text(method, target, body), &self.signature)?;
        Ok(())
    }
}

/// The signature of an answer or a callback, spread over five headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallbackSignature {
    /// The suite the headers name; it must be the key's.
    pub suite: Suite,
    /// The id of the key that signed.
    pub serial: String,
    /// Unix time in seconds.
    pub timestamp: i64,
    /// A value that never repeats.
    pub nonce: String,
    /// The signature in the suite's wire form.
    pub signature: Vec<u8>,
}

impl CallbackSignature {
    /// Signs `body` now (`timestamp` in Unix seconds) with a fresh nonce. The serial is the key's
    /// id.
    ///
    /// # Panics
    /// When the operating system gives no randomness.
    pub fn sign(key: &SigningKey, body: &[u8], timestamp: i64) -> Self {
        let nonce = random::nonce();
        Self {
            suite: key.suite(),
            serial: key.public().id().to_owned(),
            timestamp,
            signature: key.sign(&callback_text(timestamp, &nonce, body)),
            nonce,
        }
    }

    /// The five headers with their values.
    pub fn headers(&self) -> [(&'static str, String); 5] {
        [
            (names::TIMESTAMP, self.timestamp.to_string()),
            (names::NONCE, self.nonce.clone()),
            (names::SERIAL, self.serial.clone()),
            (names::SIGNATURE, STANDARD.encode(&self.signature)),
            (names::SIGNATURE_TYPE, self.suite.to_string()),
        ]
    }

    /// Reads the five headers; `header` looks one up by its name in [`names`].
    ///
    /// # Errors
    /// [`BadHeader`], naming the header at fault.
    pub fn from_headers<'a>(header: impl Fn(&'static str) -> Option<&'a str>) -> Result<Self, BadHeader> {
        let take = |name| header(name).ok_or(BadHeader::Missing(name));
        let suite =
            take(names::SIGNATURE_TYPE)?.parse().map_err(|_| BadHeader::Value(names::SIGNATURE_TYPE))?;
        Ok(Self {
            suite,
            serial: id(names::SERIAL, take(names::SERIAL)?)?,
            timestamp: unix_seconds(names::TIMESTAMP, take(names::TIMESTAMP)?)?,
            nonce: nonce(names::NONCE, take(names::NONCE)?)?,
            signature: signature(names::SIGNATURE, suite, take(names::SIGNATURE)?)?,
        })
    }

    /// Whether `key` signed `body` with these headers.
    ///
    /// # Errors
    /// [`NotSigned`]: another suite, or a signature that does not fit.
    pub fn verify(&self, key: &PublicKey, body: &[u8]) -> Result<(), NotSigned> {
        require_suite(key, self.suite)?;
        key.verify(&callback_text(self.timestamp, &self.nonce, body), &self.signature)?;
        Ok(())
    }
}

/// Whether `text` may stand as a caller's id or a key's serial: 1 to 64 of `A-Z a-z 0-9 _ - .`.
pub fn is_id(text: &str) -> bool {
    (1..=MAX_ID_BYTES).contains(&text.len()) && text.bytes().all(is_plain)
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

fn require_suite(key: &PublicKey, header: Suite) -> Result<(), NotSigned> {
    if key.suite() == header {
        return Ok(());
    }
    Err(NotSigned::WrongSuite { key: key.suite(), header })
}

/// Splits `a="1",b="2"`, with optional spaces after a comma. Values hold no quotes.
fn fields(text: &str) -> Result<BTreeMap<&str, &str>, BadHeader> {
    let mut fields = BTreeMap::new();
    let mut rest = text;
    loop {
        let (name, after) = rest.split_once("=\"").ok_or(BadHeader::Syntax)?;
        let (value, after) = after.split_once('"').ok_or(BadHeader::Syntax)?;
        if !is_id(name) {
            return Err(BadHeader::Syntax);
        }
        if fields.insert(name, value).is_some() {
            return Err(BadHeader::Unexpected(name.to_owned()));
        }
        if after.is_empty() {
            return Ok(fields);
        }
        rest = after.strip_prefix(',').ok_or(BadHeader::Syntax)?.trim_start_matches(' ');
    }
}

fn id(field: &'static str, value: &str) -> Result<String, BadHeader> {
    if is_id(value) { Ok(value.to_owned()) } else { Err(BadHeader::Value(field)) }
}

fn nonce(field: &'static str, value: &str) -> Result<String, BadHeader> {
    if NONCE_BYTES.contains(&value.len()) && value.bytes().all(is_plain) {
        Ok(value.to_owned())
    } else {
        Err(BadHeader::Value(field))
    }
}

/// Decimal digits without sign or leading zero, so the signed text has one spelling.
fn unix_seconds(field: &'static str, value: &str) -> Result<i64, BadHeader> {
    let plain = !value.starts_with('0') && value.len() <= 12;
    if plain && value.bytes().all(|b| b.is_ascii_digit()) {
        value.parse().map_err(|_| BadHeader::Value(field))
    } else {
        Err(BadHeader::Value(field))
    }
}

fn signature(field: &'static str, suite: Suite, value: &str) -> Result<Vec<u8>, BadHeader> {
    let bytes = STANDARD.decode(value).map_err(|_| BadHeader::Value(field))?;
    let fits = match suite.signature_len() {
        Some(len) => bytes.len() == len,
        None => (256..=1024).contains(&bytes.len()),
    };
    if fits { Ok(bytes) } else { Err(BadHeader::Value(field)) }
}
