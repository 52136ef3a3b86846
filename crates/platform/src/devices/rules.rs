//! The texts that devices sign, and the keys they may have.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jialing_crypto::{PublicKey, Suite};
use jiff::Timestamp;
use serde::Deserialize;

use crate::id::{ChallengeId, WalletId};
use crate::{Code, Money, Problem, Result};

/// Suites a device may have: what phones' secure elements and Web Crypto sign.
pub const SUITES: [Suite; 2] = [Suite::Es256, Suite::Ed25519];

/// The text by which a device proves that it holds its key.
///
/// `action` is `bind` or `sign_in`; `key` is the key's id: the first 16 hexadecimal digits of the
/// SHA-256 of its SPKI.
#[must_use]
pub fn possession_text(action: &str, challenge: ChallengeId, nonce: &str, key: &str) -> String {
    format!("JIALING-DEVICE-1\naction:{action}\nchallenge:{challenge}\nnonce:{nonce}\nkey:{key}\n")
}

/// What a device signs when money is to move: the whole meaning of the act, for a human to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// What is done, such as `pay`.
    pub action: &'static str,
    /// Who receives: the payee's name or id, as the payer was shown it.
    pub payee: String,
    /// How much.
    pub amount: Money,
    /// The id of what is paid, such as the order.
    pub subject: String,
    /// The wallet that pays.
    pub wallet: WalletId,
    /// Until when it may be used, milliseconds since 1970.
    pub expires_at: i64,
    /// A value that this device signs once: 16 to 64 letters, digits, `-` and `_`.
    pub nonce: String,
}

impl Evidence {
    /// The canonical text.
    ///
    /// # Errors
    /// `invalid_request` when a value holds a control character, which could forge a line, or the
    /// nonce has another form. Nothing is ever changed to make it fit.
    pub fn text(&self) -> Result<String> {
        lines(
            "JIALING-EVIDENCE-1",
            [
                ("action", self.action.to_owned()),
                ("payee", self.payee.clone()),
                ("amount", format!("{} {:?}", self.amount.amount, self.amount.currency)),
                ("subject", self.subject.clone()),
                ("wallet", self.wallet.to_string()),
                ("expires", utc(self.expires_at)?),
                ("nonce", nonce(&self.nonce)?.to_owned()),
            ],
        )
    }
}

/// What a device signs when its owner agrees to a document: no money moves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consent {
    /// What is done, such as `accept_agreement`.
    pub action: &'static str,
    /// The id of what it is about.
    pub subject: String,
    /// The document's SHA-256, hexadecimal.
    pub document: String,
    /// Until when it may be used, milliseconds since 1970.
    pub expires_at: i64,
    /// A value that this device signs once: 16 to 64 letters, digits, `-` and `_`.
    pub nonce: String,
}

impl Consent {
    /// The canonical text.
    ///
    /// # Errors
    /// As [`Evidence::text`].
    pub fn text(&self) -> Result<String> {
        lines(
            "JIALING-CONSENT-1",
            [
                ("action", self.action.to_owned()),
                ("subject", self.subject.clone()),
                ("document", format!("sha256 {}", self.document)),
                ("expires", utc(self.expires_at)?),
                ("nonce", nonce(&self.nonce)?.to_owned()),
            ],
        )
    }
}

/// A text of named lines under a title.
fn lines<const N: usize>(title: &str, lines: [(&'static str, String); N]) -> Result<String> {
    let mut text = format!("{title}\n");
    for (name, value) in lines {
        if value.chars().any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')) {
            return Err(Problem::new(Code::InvalidRequest)
                .field(name)
                .detail("Signed values hold no control characters or line separators."));
        }
        text.push_str(name);
        text.push(':');
        text.push_str(&value);
        text.push('\n');
    }
    Ok(text)
}

/// `millis` as RFC 3339 in UTC with three decimals, `2026-11-22T06:20:00.000Z`: what JavaScript's
/// `toISOString` writes.
///
/// # Errors
/// `invalid_request` outside the years -9999 to 9999.
pub fn utc(millis: i64) -> Result<String> {
    let at = Timestamp::from_millisecond(millis)
        .map_err(|_| Problem::new(Code::InvalidRequest).field("evidence.expires_at"))?;
    Ok(at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string())
}

/// Checks a nonce: 16 to 64 letters, digits, `-` and `_`.
fn nonce(text: &str) -> Result<&str> {
    let fits = (16..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    fits.then_some(text).ok_or_else(|| {
        Problem::new(Code::InvalidRequest)
            .field("evidence.nonce")
            .detail("A nonce has 16 to 64 letters, digits, - and _.")
    })
}

/// A public key as a client sends it.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(untagged)]
pub enum PublicKeyAsk {
    /// DER `SubjectPublicKeyInfo` in base64, or PEM.
    Spki(String),
    /// A JSON Web Key: `EC` on `P-256`, or `OKP` on `Ed25519`.
    Jwk(Jwk),
}

/// A public JSON Web Key (RFC 7517, RFC 8037). Members that say nothing about the key are ignored.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
pub struct Jwk {
    /// `EC` or `OKP`.
    pub kty: String,
    /// `P-256` or `Ed25519`.
    pub crv: String,
    /// Base64url without padding.
    pub x: String,
    /// Base64url without padding; `EC` only.
    pub y: Option<String>,
    /// The private part. A key that was sent with it is refused: it is no secret any more.
    #[schema(ignore)]
    pub d: Option<serde::de::IgnoredAny>,
}

impl PublicKeyAsk {
    /// The key, if a device may have it.
    ///
    /// # Errors
    /// `invalid_request`, naming `public_key`.
    pub fn key(&self) -> Result<PublicKey> {
        let refused = |why: String| Problem::new(Code::InvalidRequest).field("public_key").detail(why);
        let key = match self {
            Self::Spki(text) if text.trim_start().starts_with("-----BEGIN") => {
                PublicKey::from_spki_pem(text).map_err(|error| refused(error.to_string()))?
            }
            Self::Spki(text) => {
                let der = base64(text).ok_or_else(|| refused("The key is not base64.".into()))?;
                PublicKey::from_spki_der(&der).map_err(|error| refused(error.to_string()))?
            }
            Self::Jwk(jwk) => jwk.key().map_err(refused)?,
        };
        if SUITES.contains(&key.suite()) {
            Ok(key)
        } else {
            Err(refused(format!("A device has an ES256 or ED25519 key, not {}.", key.suite())))
        }
    }
}

impl Jwk {
    fn key(&self) -> Result<PublicKey, String> {
        if self.d.is_some() {
            return Err("The private part of the key was sent; make a new key and keep it.".into());
        }
        let part = |text: &str| match URL_SAFE_NO_PAD.decode(text) {
            Ok(bytes) if bytes.len() == 32 => Ok(bytes),
            _ => Err("A coordinate is 32 bytes in base64url without padding.".to_owned()),
        };
        let key = match (self.kty.as_str(), self.crv.as_str(), &self.y) {
            ("EC", "P-256", Some(y)) => {
                let point = [&[4][..], &part(&self.x)?, &part(y)?].concat();
                PublicKey::from_raw(Suite::Es256, &point)
            }
            ("OKP", "Ed25519", None) => PublicKey::from_raw(Suite::Ed25519, &part(&self.x)?),
            _ => return Err("A JWK is EC on P-256 with x and y, or OKP on Ed25519 with x.".into()),
        };
        key.map_err(|error| error.to_string())
    }
}

/// Base64 in either alphabet, with or without padding.
pub(crate) fn base64(text: &str) -> Option<Vec<u8>> {
    let text = text.trim();
    if text.len() > 4096 {
        return None;
    }
    match text.contains(['-', '_']) || !text.contains(['+', '/', '=']) {
        true => URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok(),
        false => STANDARD
            .decode(text)
            .or_else(|_| STANDARD.decode(format!("{text}=")))
            .or_else(|_| STANDARD.decode(format!("{text}==")))
            .ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evidence() -> Evidence {
        Evidence {
            action: "pay",
            payee: "小面馆".into(),
            amount: Money::fen(1250),
            subject: "ord_01hzq3v9k2f8x4m7n6p5r3t1w0".into(),
            wallet: WalletId::from_number(1 << 80),
            expires_at: 1_795_328_400_123,
            nonce: "0123456789abcdef".into(),
        }
    }

    #[test]
    fn the_evidence_text_is_exactly_this() {
        assert_eq!(
            evidence().text().expect("a text"),
            "JIALING-EVIDENCE-1\n\
             action:pay\n\
             payee:小面馆\n\
             amount:1250 CNY\n\
             subject:ord_01hzq3v9k2f8x4m7n6p5r3t1w0\n\
             wallet:wal_00000000010000000000000000\n\
             expires:2026-11-22T06:20:00.123Z\n\
             nonce:0123456789abcdef\n"
        );
    }

    #[test]
    fn the_consent_text_is_exactly_this() {
        let consent = Consent {
            action: "accept_agreement",
            subject: "app_01hzq3v9k2f8x4m7n6p5r3t1w0".into(),
            document: "ab".repeat(32),
            expires_at: 1_795_328_400_123,
            nonce: "0123456789abcdef".into(),
        };
        let text = format!(
            "JIALING-CONSENT-1\naction:accept_agreement\nsubject:app_01hzq3v9k2f8x4m7n6p5r3t1w0\ndocument:sha256 {}\n\
             expires:2026-11-22T06:20:00.123Z\nnonce:0123456789abcdef\n",
            "ab".repeat(32)
        );
        assert_eq!(consent.text().expect("a text"), text);
    }

    #[test]
    fn the_possession_text_is_exactly_this() {
        assert_eq!(
            possession_text("bind", ChallengeId::from_number(0), "n", "00112233aabbccdd"),
            "JIALING-DEVICE-1\naction:bind\nchallenge:chl_00000000000000000000000000\nnonce:n\nkey:00112233aabbccdd\n"
        );
    }

    #[test]
    fn a_value_that_could_forge_a_line_is_refused_never_changed() {
        let check = |change: fn(&mut Evidence), field: &str| {
            let mut evidence = evidence();
            change(&mut evidence);
            let problem = evidence.text().expect_err(field);
            assert_eq!((problem.code, problem.field.as_deref()), (Code::InvalidRequest, Some(field)));
        };
        check(|e| e.payee = "shop\namount:1 CNY".into(), "payee");
        check(|e| e.payee = "shop\u{2028}".into(), "payee");
        check(|e| e.payee = "shop\0".into(), "payee");
        check(|e| e.subject = "ord\r".into(), "subject");
        check(|e| e.nonce = "short".into(), "evidence.nonce");
        check(|e| e.nonce = "0123456789abcde\n".into(), "evidence.nonce");
        check(|e| e.nonce = "x".repeat(65), "evidence.nonce");
        check(|e| e.expires_at = i64::MAX, "evidence.expires_at");
    }

    #[test]
    fn base64_is_read_in_either_alphabet_with_or_without_padding() {
        let check = |text: &str, expect: Option<&[u8]>| assert_eq!(base64(text).as_deref(), expect, "{text}");
        check("+/8=", Some(&[0xfb, 0xff]));
        check("+/8", Some(&[0xfb, 0xff]));
        check("-_8", Some(&[0xfb, 0xff]));
        check("-_8=", Some(&[0xfb, 0xff]));
        check("AQID", Some(&[1, 2, 3]));
        check("AQ==", Some(&[1]));
        check("A", None);
        check("🙂", None);
    }

    #[test]
    fn a_device_key_is_read_from_spki_pem_and_jwk_and_only_of_a_device_suite() {
        let keys = [Suite::Es256, Suite::Ed25519].map(jialing_crypto::SigningKey::generate);
        for key in &keys {
            let public = key.public().clone();
            let read = |ask: PublicKeyAsk| ask.key().expect("a device key");
            assert_eq!(read(PublicKeyAsk::Spki(STANDARD.encode(public.spki_der()))), public);
            assert_eq!(read(PublicKeyAsk::Spki(public.to_pem())), public);
            let jwk = match public.suite() {
                Suite::Ed25519 => {
                    serde_json::json!({"kty": "OKP", "crv": "Ed25519", "x": URL_SAFE_NO_PAD.encode(public.raw()), "ext": true})
                }
                _ => serde_json::json!({
                    "kty": "EC", "crv": "P-256", "key_ops": ["verify"],
                    "x": URL_SAFE_NO_PAD.encode(&public.raw()[1..33]), "y": URL_SAFE_NO_PAD.encode(&public.raw()[33..]),
                }),
            };
            assert_eq!(read(serde_json::from_value(jwk.clone()).expect("a JWK")), public);
            let mut private = jwk;
            private["d"] = "AAAA".into();
            let private: PublicKeyAsk = serde_json::from_value(private).expect("a JWK");
            assert_eq!(private.key().expect_err("a private key").field.as_deref(), Some("public_key"));
        }
        let public = jialing_crypto::SigningKey::generate(Suite::Sm2Sm3).public().clone();
        assert!(PublicKeyAsk::Spki(public.to_pem()).key().is_err());
        assert!(PublicKeyAsk::Spki("AAAA".into()).key().is_err());
        assert!(PublicKeyAsk::Spki("not base64!".into()).key().is_err());
    }
}
