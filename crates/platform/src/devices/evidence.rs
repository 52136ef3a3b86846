//! Evidence: what a device signed when money was to move.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jialing_crypto::hash::HashAlgorithm;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::rules::{self, Consent, Evidence};
use super::{DeviceState, store};
use crate::clock::rfc3339;
use crate::id::{DeviceId, PersonId};
use crate::passkeys::{self, Assertion};
use crate::sessions::Actor;
use crate::{App, Code, Problem, Result, Tx, policies};

/// The device's part of a request that moves money.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EvidenceAsk {
    /// The device that signed.
    pub device_id: DeviceId,
    /// The nonce in the text: 16 to 64 letters, digits, `-` and `_`.
    pub nonce: String,
    /// The expiry in the text, RFC 3339, at most 300 seconds ahead. In Rust, milliseconds.
    #[serde(serialize_with = "write_time", deserialize_with = "read_time")]
    #[schema(value_type = String, format = DateTime, example = "2026-11-22T06:20:00.000Z")]
    pub expires_at: i64,
    /// The signature over the text, base64: ES256 as `r || s`.
    pub signature: String,
    /// What a passkey signed over the SHA-256 of the same text: it stands for the payment PIN where that
    /// is optional.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passkey: Option<Assertion>,
}

fn write_time<S: Serializer>(millis: &i64, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&rules::utc(*millis).map_err(serde::ser::Error::custom)?)
}

fn read_time<'de, D: Deserializer<'de>>(from: D) -> Result<i64, D::Error> {
    let at = jiff::Timestamp::deserialize(from)?;
    // The text has milliseconds: finer digits would be signed but not be said.
    if at.as_nanosecond() % 1_000_000 != 0 {
        return Err(serde::de::Error::custom("a time in whole milliseconds is expected"));
    }
    Ok(at.as_millisecond())
}

/// The device agreed: what binds a movement in the ledger to what was signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proof {
    /// The first 24 bytes of SHA-256(text, 0x00, key id, 0x00, signature).
    pub digest: [u8; 24],
    /// The device.
    pub device: DeviceId,
    /// Whether a passkey confirmed it.
    pub by_passkey: bool,
}

/// A signature that fits, to be kept in the transaction of what it allows.
#[derive(Clone)]
pub struct Signed {
    person: PersonId,
    device: DeviceId,
    action: &'static str,
    subject: String,
    nonce: String,
    text: String,
    signature: Vec<u8>,
    digest: [u8; 24],
    passkey: Option<passkeys::Used>,
    now: i64,
}

/// What is kept, for whoever settles a dispute. It checks with the public key alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = EvidenceStatement)]
pub struct Statement {
    /// Whose device signed. A number that a client chose may be used by several people.
    pub person_id: PersonId,
    /// The device.
    pub device_id: DeviceId,
    /// `ES256` or `ED25519`.
    pub suite: String,
    /// The device's public key: SPKI in base64.
    pub public_key: String,
    /// What was signed, word for word.
    pub text: String,
    /// The signature, base64.
    pub signature: String,
    /// When it arrived, RFC 3339.
    pub created_at: String,
}

/// Checks that one of the actor's devices signed `evidence`, and keeps the signature.
///
/// The same text for the same subject is admitted again with the first proof, so that a request
/// whose answer was lost can be sent again.
///
/// # Errors
/// As [`check`] and [`Signed::keep`].
pub async fn admit(app: &App, actor: &Actor, evidence: &Evidence, ask: &EvidenceAsk) -> Result<Proof> {
    let signed = check(app, actor, evidence, ask).await?;
    app.db.write(async move |tx: &mut Tx| signed.keep(tx).await).await
}

/// Checks that one of the actor's active devices signed `evidence`; nothing is written yet.
///
/// # Errors
/// `device_unknown`, `evidence_expired`, `device_signature_invalid`; `passkey_invalid` where a passkey
/// was to confirm it; `invalid_request` for values that cannot be signed.
pub async fn check(app: &App, actor: &Actor, evidence: &Evidence, ask: &EvidenceAsk) -> Result<Signed> {
    let act = Act {
        action: evidence.action,
        subject: &evidence.subject,
        expires_at: evidence.expires_at,
        nonce: &evidence.nonce,
    };
    check_text(app, actor, act, evidence.text()?, ask).await
}

/// Checks that one of the actor's active devices signed `consent`; nothing is written yet.
///
/// # Errors
/// As [`check`].
pub async fn check_consent(app: &App, actor: &Actor, consent: &Consent, ask: &EvidenceAsk) -> Result<Signed> {
    let act = Act {
        action: consent.action,
        subject: &consent.subject,
        expires_at: consent.expires_at,
        nonce: &consent.nonce,
    };
    check_text(app, actor, act, consent.text()?, ask).await
}

/// What is kept of an act beside its text.
struct Act<'a> {
    action: &'static str,
    subject: &'a str,
    expires_at: i64,
    nonce: &'a str,
}

async fn check_text(
    app: &App,
    actor: &Actor,
    act: Act<'_>,
    text: String,
    ask: &EvidenceAsk,
) -> Result<Signed> {
    // A device dates what it signs by its own clock, which a sandbox does not move.
    let now = app.clock.wire();
    let ahead = policies::number(app, "evidence_ahead").await? * 1000;
    // The transaction that keeps the evidence looks again: see `keep`.
    let device = store::held(app, actor.person, ask.device_id).await?;
    let Some(device) = device.filter(|device| device.state == DeviceState::Active) else {
        return Err(Problem::new(Code::DeviceUnknown));
    };
    if act.expires_at <= now || act.expires_at > now + ahead {
        return Err(Problem::new(Code::EvidenceExpired).field("evidence.expires_at"));
    }
    let invalid = || {
        let problem = Problem::new(Code::DeviceSignatureInvalid).field("evidence.signature");
        // In a sandbox a developer sees what should have been signed.
        if app.settings.sandbox { problem.with("signed_text", text.as_str()) } else { problem }
    };
    let signature = rules::base64(&ask.signature).ok_or_else(invalid)?;
    let key = &device.key;
    let same = act.nonce == ask.nonce && act.expires_at == ask.expires_at;
    if !same || key.verify(text.as_bytes(), &signature).is_err() {
        return Err(invalid());
    }
    let passkey = match &ask.passkey {
        Some(assertion) => Some(
            passkeys::check(app, actor.person, &text, assertion)
                .await
                .map_err(|problem| problem.field("evidence.passkey"))?,
        ),
        None => None,
    };
    let whole =
        HashAlgorithm::Sha256.digest_parts(&[text.as_bytes(), &[0], key.id().as_bytes(), &[0], &signature]);
    let mut digest = [0; 24];
    digest.copy_from_slice(&whole[..24]);
    Ok(Signed {
        person: actor.person,
        device: ask.device_id,
        action: act.action,
        subject: act.subject.to_owned(),
        nonce: act.nonce.to_owned(),
        text,
        signature,
        digest,
        passkey,
        now: app.clock.millis(),
    })
}

impl Signed {
    /// Whether a passkey of the same person confirmed the same text.
    #[must_use]
    pub const fn by_passkey(&self) -> bool {
        self.passkey.is_some()
    }

    /// Keeps the evidence in the transaction of what it allows.
    ///
    /// # Errors
    /// `nonce_reused` when the device signed another text with this nonce; `device_unknown` when it
    /// was revoked meanwhile.
    pub async fn keep(&self, tx: &mut Tx) -> Result<Proof> {
        if !store::is_active(tx, self.person, self.device).await? {
            return Err(Problem::new(Code::DeviceUnknown));
        }
        if let Some(passkey) = &self.passkey {
            passkey.keep(tx).await.map_err(|problem| problem.field("evidence.passkey"))?;
        }
        let added = sqlx::query(
            "INSERT INTO evidence (device, nonce, person, action, subject, text, signature, digest, created_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (device, nonce) DO NOTHING",
        )
        .bind(self.device)
        .bind(&self.nonce)
        .bind(self.person)
        .bind(self.action)
        .bind(&self.subject)
        .bind(&self.text)
        .bind(self.signature.as_slice())
        .bind(self.digest.as_slice())
        .bind(self.now)
        .execute(&mut *tx)
        .await?;
        if added.rows_affected() == 1 {
            return Ok(Proof { digest: self.digest, device: self.device, by_passkey: self.by_passkey() });
        }
        let kept: Option<(String, Vec<u8>)> =
            sqlx::query_as("SELECT text, digest FROM evidence WHERE device = $1 AND nonce = $2")
                .bind(self.device)
                .bind(&self.nonce)
                .fetch_optional(&mut *tx)
                .await?;
        let (text, digest) = kept.ok_or_else(|| Problem::internal("evidence neither added nor found"))?;
        // ECDSA signs the same text differently each time; the first signature is the one that counts.
        if text != self.text {
            return Err(Problem::new(Code::NonceReused).field("evidence.nonce"));
        }
        let digest =
            digest.try_into().map_err(|_| Problem::internal("a kept digest is not 24 bytes long"))?;
        Ok(Proof { digest, device: self.device, by_passkey: self.by_passkey() })
    }
}

/// Everything that was signed about `subject`, oldest first.
///
/// # Errors
/// Any fault of the database.
pub async fn evidence_of(app: &App, subject: &str) -> Result<Vec<Statement>> {
    let rows = sqlx::query_as(
        "SELECT evidence.person, evidence.device, devices.suite, devices.spki, evidence.text, evidence.signature, evidence.created_at \
         FROM evidence JOIN devices ON devices.id = evidence.device \
         WHERE evidence.subject = $1 ORDER BY evidence.created_at, evidence.nonce",
    )
    .bind(subject)
    .fetch_all(app.db.read())
    .await?;
    let statement = |row: (PersonId, DeviceId, String, Vec<u8>, String, Vec<u8>, i64)| Statement {
        person_id: row.0,
        device_id: row.1,
        suite: row.2,
        public_key: STANDARD.encode(row.3),
        text: row.4,
        signature: STANDARD.encode(row.5),
        created_at: rfc3339(row.6),
    };
    Ok(rows.into_iter().map(statement).collect())
}
