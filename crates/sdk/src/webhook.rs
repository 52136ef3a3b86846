//! Webhooks: a delivery is checked, opened, and told apart from one that came before.
//!
//! A [`Receiver`] holds the endpoint's secret, the platform's keys, or both. A delivery carries two forms of
//! signature over the same body: the platform's own (`Jialing-…`, by a key of the directory) and that of
//! Standard Webhooks (`webhook-…`, `v1` by the secret and `v1a` by an Ed25519 key). Every form that is there
//! and that can be checked must hold, and at least one must; so nothing is gained by adding or removing
//! headers. The object inside is sealed under the merchant's API key ([`jialing_crypto::parcel`]); a merchant
//! that has none is told where to read it.
//!
//! Deliveries come at least once, in any order: keep the ids of events you have dealt with, and of two
//! events about one object take the one with the higher `object_version` ([`Newest`] is the rule, in
//! memory).

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jialing_crypto::hash::{hmac_sha256, hmac_sha256_fits};
use jialing_crypto::http_signature::{CallbackSignature, is_fresh, names};
use jialing_crypto::parcel::Parcel;
use jialing_crypto::seal::{SealAlgorithm, SealKey};
use jialing_crypto::{PublicKey, SigningKey, Suite};
use serde::Deserialize;
use serde_json::Value;

/// How far a delivery's time may be from ours, seconds, unless [`Receiver::within`] says otherwise.
pub const WINDOW_S: u64 = 300;
/// What a secret's text begins with; base64 follows.
pub const SECRET_PREFIX: &str = "whsec_";
/// The shortest secret, bytes.
const SHORTEST: usize = 24;

/// Why a delivery is not believed. The words of [`Refused::code`] are the same in every client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Neither form of signature is there, or none that this receiver has a key for.
    #[error("the delivery carries no signature that this receiver can check")]
    Unsigned,
    /// A signature is there and does not fit.
    #[error("a signature of the delivery does not fit")]
    BadSignature,
    /// Signed by a key that is not the platform's, as far as this receiver knows.
    #[error("the delivery is signed by a key that this receiver does not know")]
    UnknownKey,
    /// Older or newer than the window.
    #[error("the delivery's time is outside the window")]
    Stale,
    /// Signed, but not of the documented shape.
    #[error("the delivery is not an envelope")]
    NotAnEnvelope,
    /// The object inside was sealed under a key that this receiver does not hold, or for another event.
    #[error("what is sealed in the delivery does not open")]
    DoesNotOpen,
}

impl Refused {
    /// The reason in one word.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Unsigned => "unsigned",
            Self::BadSignature => "bad_signature",
            Self::UnknownKey => "unknown_key",
            Self::Stale => "stale",
            Self::NotAnEnvelope => "not_an_envelope",
            Self::DoesNotOpen => "does_not_open",
        }
    }
}

/// The text is no secret of an endpoint, or no API key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a secret is whsec_ and at least 24 bytes in base64; an API key is 32 bytes in base64, or 16 for SM4-GCM"
)]
pub struct BadSecret;

/// An event, checked and opened.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    /// Its id: the same id again is the same event, delivered again.
    pub id: String,
    /// What happened, such as `order.paid`.
    pub kind: String,
    /// When, RFC 3339.
    pub created_at: String,
    /// The version of the shape of `resource`.
    pub api_version: String,
    /// Grows per object.
    pub object_version: i64,
    /// The object as it was then; null when nothing was sealed for want of a key, see `href`.
    pub resource: Value,
    /// Where to read the event, signed, when it was not sent along.
    pub href: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Sent {
    Sealed(Parcel),
    Left { algorithm: Nothing, href: String },
}

/// The word for a resource that was not sent.
#[derive(Deserialize)]
enum Nothing {
    #[serde(rename = "NONE")]
    None,
}

#[derive(Deserialize)]
struct Envelope {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    created_at: String,
    api_version: String,
    object_version: i64,
    resource: Sent,
}

/// What checks deliveries to one endpoint.
pub struct Receiver {
    keys: BTreeMap<String, SealKey>,
    secrets: Vec<zeroize::Zeroizing<Vec<u8>>>,
    platform: BTreeMap<String, PublicKey>,
    window_s: u64,
}

impl Receiver {
    /// A receiver that holds nothing yet, and believes nothing.
    #[must_use]
    pub fn new() -> Self {
        Self { keys: BTreeMap::new(), secrets: Vec::new(), platform: BTreeMap::new(), window_s: WINDOW_S }
    }

    /// With the endpoint's secret, `whsec_…`. While it is changed over, give both.
    ///
    /// # Errors
    /// [`BadSecret`].
    pub fn with_secret(mut self, secret: &str) -> Result<Self, BadSecret> {
        self.secrets.push(bytes_of(secret)?);
        Ok(self)
    }

    /// With an API key that resources are sealed under: its id, and base64 of 32 bytes for AES-256-GCM or of
    /// 16 for SM4-GCM. While it is changed over, give both.
    ///
    /// # Errors
    /// [`BadSecret`].
    pub fn with_api_key(mut self, id: &str, key: &str) -> Result<Self, BadSecret> {
        let bytes = zeroize::Zeroizing::new(STANDARD.decode(key).map_err(|_| BadSecret)?);
        let algorithm = [SealAlgorithm::Aes256Gcm, SealAlgorithm::Sm4Gcm]
            .into_iter()
            .find(|known| known.key_len() == bytes.len())
            .ok_or(BadSecret)?;
        let key = SealKey::new(0, algorithm, &bytes).map_err(|_| BadSecret)?;
        self.keys.insert(id.to_owned(), key);
        Ok(self)
    }

    /// With the platform's keys, pinned: deliveries that carry the platform's own signature must be signed
    /// by one of them.
    #[must_use]
    pub fn trusting(mut self, keys: impl IntoIterator<Item = PublicKey>) -> Self {
        self.platform.extend(keys.into_iter().map(|key| (key.id().to_owned(), key)));
        self
    }

    /// With another window, seconds to both sides.
    #[must_use]
    pub const fn within(mut self, window_s: u64) -> Self {
        self.window_s = window_s;
        self
    }

    /// Checks a delivery that arrived at `now` (Unix seconds) and opens it. `header` looks a header up by
    /// its name in lower case; `body` is the bytes as received.
    ///
    /// # Errors
    /// [`Refused`]. Answer 4xx and take nothing from it.
    pub fn open<'h>(
        &self,
        header: impl Fn(&'static str) -> Option<&'h str>,
        body: &[u8],
        now: i64,
    ) -> Result<Notice, Refused> {
        let own = self.own_form(&header, body, now)?;
        let standard = self.standard_form(&header, body, now)?;
        if !own && standard.is_none() {
            return Err(Refused::Unsigned);
        }
        let envelope: Envelope = serde_json::from_slice(body).map_err(|_| Refused::NotAnEnvelope)?;
        if standard.is_some_and(|id| id != envelope.id) {
            return Err(Refused::NotAnEnvelope);
        }
        let Envelope { id, kind, created_at, api_version, object_version, resource } = envelope;
        let (resource, href) = match resource {
            Sent::Sealed(parcel) => (self.unseal(&parcel, &id)?, None),
            Sent::Left { algorithm: Nothing::None, href } => (Value::Null, Some(href)),
        };
        Ok(Notice { id, kind, created_at, api_version, object_version, resource, href })
    }

    fn unseal(&self, parcel: &Parcel, event: &str) -> Result<Value, Refused> {
        let key = self.keys.get(&parcel.key_id).ok_or(Refused::DoesNotOpen)?;
        let opened = parcel.open(key, event).map_err(|_| Refused::DoesNotOpen)?;
        serde_json::from_slice(&opened).map_err(|_| Refused::NotAnEnvelope)
    }

    /// Whether the platform's own signature is there and fits.
    fn own_form<'h>(
        &self,
        header: &impl Fn(&'static str) -> Option<&'h str>,
        body: &[u8],
        now: i64,
    ) -> Result<bool, Refused> {
        if self.platform.is_empty() || header(names::SIGNATURE).is_none() {
            return Ok(false);
        }
        let signed = CallbackSignature::from_headers(header).map_err(|_| Refused::BadSignature)?;
        let key = self.platform.get(&signed.serial).ok_or(Refused::UnknownKey)?;
        signed.verify(key, body).map_err(|_| Refused::BadSignature)?;
        if is_fresh(signed.timestamp, now, self.window_s) { Ok(true) } else { Err(Refused::Stale) }
    }

    /// The id that the Standard Webhooks signature covers, where that is there and fits.
    fn standard_form<'h>(
        &self,
        header: &impl Fn(&'static str) -> Option<&'h str>,
        body: &[u8],
        now: i64,
    ) -> Result<Option<&'h str>, Refused> {
        let Some(signatures) = header("webhook-signature") else { return Ok(None) };
        let (Some(id), Some(at)) = (header("webhook-id"), header("webhook-timestamp")) else {
            return Err(Refused::BadSignature);
        };
        let text = standard_text(id, at, body);
        let checked: Vec<bool> = signatures.split(' ').filter_map(|one| self.fits(one, &text)).collect();
        if checked.is_empty() {
            return Ok(None);
        }
        if !checked.contains(&true) {
            return Err(Refused::BadSignature);
        }
        let at: i64 = at.parse().map_err(|_| Refused::BadSignature)?;
        if is_fresh(at, now, self.window_s) { Ok(Some(id)) } else { Err(Refused::Stale) }
    }

    /// Whether one part of the signature fits; `None` where this receiver has no key to tell.
    fn fits(&self, signature: &str, text: &[u8]) -> Option<bool> {
        let (version, tag) = signature.split_once(',')?;
        let tag = STANDARD.decode(tag).unwrap_or_default();
        match version {
            "v1" if !self.secrets.is_empty() => {
                Some(self.secrets.iter().any(|secret| hmac_sha256_fits(secret, text, &tag)))
            }
            "v1a" => {
                let mut keys = self.platform.values().filter(|key| key.suite() == Suite::Ed25519).peekable();
                keys.peek()?;
                Some(keys.any(|key| key.verify(text, &tag).is_ok()))
            }
            _ => None,
        }
    }
}

impl Default for Receiver {
    fn default() -> Self {
        Self::new()
    }
}

fn bytes_of(secret: &str) -> Result<zeroize::Zeroizing<Vec<u8>>, BadSecret> {
    let bytes = secret.strip_prefix(SECRET_PREFIX).and_then(|text| STANDARD.decode(text).ok());
    let bytes = zeroize::Zeroizing::new(bytes.ok_or(BadSecret)?);
    if bytes.len() < SHORTEST { Err(BadSecret) } else { Ok(bytes) }
}

/// The text that a Standard Webhooks signature covers.
#[must_use]
pub fn standard_text(id: &str, timestamp: &str, body: &[u8]) -> Vec<u8> {
    [id.as_bytes(), b".", timestamp.as_bytes(), b".", body].concat()
}

/// The `v1` signature of Standard Webhooks under an endpoint's secret: for tests of your own receiver.
///
/// # Errors
/// [`BadSecret`].
pub fn sign_standard(secret: &str, id: &str, timestamp: i64, body: &[u8]) -> Result<String, BadSecret> {
    let tag = hmac_sha256(&bytes_of(secret)?, &standard_text(id, &timestamp.to_string(), body));
    Ok(format!("v1,{}", STANDARD.encode(tag)))
}

/// The `v1a` signature of Standard Webhooks by an Ed25519 key; `None` for a key of another suite.
#[must_use]
pub fn sign_standard_asymmetric(key: &SigningKey, id: &str, timestamp: i64, body: &[u8]) -> Option<String> {
    let text = standard_text(id, &timestamp.to_string(), body);
    (key.suite() == Suite::Ed25519).then(|| format!("v1a,{}", STANDARD.encode(key.sign(&text))))
}

/// Which version of each object was seen: the rule by which deliveries are put in order.
///
/// In memory, for as many objects as you show it. A server that restarts keeps the version beside the
/// object in its database and updates only where it grows.
#[derive(Debug, Default)]
pub struct Newest(BTreeMap<String, i64>);

impl Newest {
    /// Whether this version of the object is newer than all seen before; then it is remembered.
    pub fn take(&mut self, object: &str, version: i64) -> bool {
        let seen = self.0.get(object).is_some_and(|known| *known >= version);
        if !seen {
            self.0.insert(object.to_owned(), version);
        }
        !seen
    }
}
