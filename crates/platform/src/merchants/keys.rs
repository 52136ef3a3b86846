//! Signing keys of merchants' servers.
//!
//! Only public keys are kept. A key is registered by the owner as PEM, belongs to one suite for
//! ever, and is named by its serial, which follows from the key. Old and new keys are valid side by
//! side, so that servers can change over one by one; a revoked key never becomes valid again.

use jialing_crypto::{PublicKey, Suite};
use serde::{Deserialize, Serialize};

use super::owned;
use crate::audit::{self, Entry};
use crate::clock::rfc3339;
use crate::id::{MerchantId, PersonId};
use crate::sessions::Actor;
use crate::{App, Code, Problem, Result, Tx, applications};

/// Keys of one merchant that are neither revoked nor expired, at most.
const MAX_KEYS: i64 = 10;
/// Longest validity, days.
const MAX_VALID_DAYS: i64 = 365 * 5;
/// Days before its end from which a key is said to end soon.
const WARN_DAYS: i64 = 30;
const DAY_MS: i64 = 86_400_000;
/// Suites that sign requests.
const SUITES: [Suite; 3] = [Suite::Sm2Sm3, Suite::Ed25519, Suite::RsaSha256];

/// A signing key, as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = MerchantKey)]
pub struct Key {
    /// Its serial, `serial_no` in signed requests: 16 hexadecimal characters of its hash.
    #[schema(example = "1f3b0c2d4e5a6978")]
    pub serial: String,
    /// The suite it signs under: `SM2-WITH-SM3`, `ED25519` or `SHA256-RSA2048`.
    pub suite: String,
    /// The public key, PEM.
    pub public_key: String,
    /// RFC 3339.
    pub valid_from: String,
    /// RFC 3339.
    pub valid_to: String,
    /// Whether it verifies requests now.
    pub valid: bool,
    /// Whether it ends within 30 days: register the next one now, both are valid together.
    pub ends_soon: bool,
    /// RFC 3339, once revoked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<String>,
}

/// A public key to register.
#[derive(Clone, Debug, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MerchantKeyAsk)]
pub struct KeyAsk {
    /// PEM, label `PUBLIC KEY` (SPKI); Ed25519, SM2, or RSA of at least 2048 bits.
    pub public_key: String,
    /// Days from now that it is valid, 1 to 1825; 365 by default.
    pub valid_days: Option<i64>,
}

#[derive(sqlx::FromRow)]
struct Row {
    serial: String,
    suite: String,
    spki: Vec<u8>,
    valid_from: i64,
    valid_to: i64,
    revoked_at: Option<i64>,
}

impl Row {
    fn valid(&self, now: i64) -> bool {
        self.revoked_at.is_none() && (self.valid_from..self.valid_to).contains(&now)
    }

    fn key(&self) -> Result<PublicKey> {
        PublicKey::from_spki_der(&self.spki).map_err(Problem::internal)
    }

    fn shown(&self, now: i64) -> Result<Key> {
        Ok(Key {
            serial: self.serial.clone(),
            suite: self.suite.clone(),
            public_key: self.key()?.to_pem(),
            valid_from: rfc3339(self.valid_from),
            valid_to: rfc3339(self.valid_to),
            valid: self.valid(now),
            ends_soon: self.valid(now) && self.valid_to - now < WARN_DAYS * DAY_MS,
            revoked_at: self.revoked_at.map(rfc3339),
        })
    }
}

/// The key that a signed request of `merchant` names, if it is valid now.
///
/// # Errors
/// Any fault of the database.
pub async fn key(app: &App, merchant: MerchantId, serial: &str) -> Result<Option<PublicKey>> {
    let row: Option<Row> = sqlx::query_as("SELECT * FROM merchant_keys WHERE merchant = $1 AND serial = $2")
        .bind(merchant)
        .bind(serial)
        .fetch_optional(app.db.read())
        .await?;
    row.filter(|row| row.valid(app.clock.millis())).map(|row| row.key()).transpose()
}

/// Registers a key for one's own merchant. The same key again answers what is there.
///
/// # Errors
/// `not_found` unless the actor owns the merchant; `invalid_request` for a weak key or one of a suite
/// that does not sign requests; `state_conflict` for a revoked key, too many keys, or, where merchants are
/// reviewed, without a passed conformance report.
pub async fn register_key(app: &App, actor: &Actor, merchant: MerchantId, ask: KeyAsk) -> Result<Key> {
    owned(app, actor, merchant).await?;
    // A sandbox's keys open nothing that is worth something.
    if !app.settings.approve_merchants {
        applications::conformance::require(app, merchant).await?;
    }
    let refused =
        |field: &str, detail: String| Problem::new(Code::InvalidRequest).field(field).detail(detail);
    let key = PublicKey::from_spki_pem(&ask.public_key)
        .map_err(|e| refused("public_key", format!("Key refused: {e}.")))?;
    if !SUITES.contains(&key.suite()) {
        return Err(refused("public_key", format!("Requests are not signed under {}.", key.suite())));
    }
    let days = ask.valid_days.unwrap_or(365);
    if !(1..=MAX_VALID_DAYS).contains(&days) {
        return Err(refused("valid_days", format!("A key is valid from 1 to {MAX_VALID_DAYS} days.")));
    }
    let (person, now) = (actor.person, app.clock.millis());
    app.db.write(async move |tx: &mut Tx| add(tx, merchant, &key, person, now, days).await?.shown(now)).await
}

async fn add(
    tx: &mut Tx,
    merchant: MerchantId,
    key: &PublicKey,
    by: PersonId,
    now: i64,
    days: i64,
) -> Result<Row> {
    let known: Option<Row> =
        sqlx::query_as("SELECT * FROM merchant_keys WHERE merchant = $1 AND serial = $2")
            .bind(merchant)
            .bind(key.id())
            .fetch_optional(&mut *tx)
            .await?;
    if let Some(row) = known {
        return match row.revoked_at {
            None => Ok(row),
            Some(_) => Err(Problem::new(Code::StateConflict).detail("This key was revoked; make a new one.")),
        };
    }
    let valid: i64 = sqlx::query_scalar(
        "SELECT COUNT(*) FROM merchant_keys WHERE merchant = $1 AND revoked_at IS NULL AND valid_to > $2",
    )
    .bind(merchant)
    .bind(now)
    .fetch_one(&mut *tx)
    .await?;
    if valid >= MAX_KEYS {
        return Err(Problem::new(Code::StateConflict)
            .detail(format!("A merchant has at most {MAX_KEYS} valid keys; revoke one first.")));
    }
    note(tx, by, "merchant_key.register", merchant, key.id(), now).await?;
    sqlx::query_as(
        "INSERT INTO merchant_keys (merchant, serial, suite, spki, valid_from, valid_to, registered_by, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $5) ON CONFLICT (merchant, serial) DO NOTHING RETURNING *",
    )
    .bind(merchant)
    .bind(key.id())
    .bind(key.suite().wire_name())
    .bind(key.spki_der())
    .bind(now)
    .bind(now + days * DAY_MS)
    .bind(by)
    .fetch_optional(&mut *tx)
    .await?
    .ok_or_else(Problem::again)
}

/// Revokes a key of one's own merchant at once and for good. Done again, it changes nothing.
///
/// # Errors
/// `not_found` unless the actor owns the merchant and it has the key.
pub async fn revoke_key(app: &App, actor: &Actor, merchant: MerchantId, serial: &str) -> Result<Key> {
    owned(app, actor, merchant).await?;
    let (person, serial, now) = (actor.person, serial.to_owned(), app.clock.millis());
    app.db
        .write(async move |tx: &mut Tx| {
            let row: Option<Row> = sqlx::query_as(
                "UPDATE merchant_keys SET revoked_at = COALESCE(revoked_at, $3)
                 WHERE merchant = $1 AND serial = $2 RETURNING *",
            )
            .bind(merchant)
            .bind(serial.as_str())
            .bind(now)
            .fetch_optional(&mut *tx)
            .await?;
            let row = row.ok_or(Problem::new(Code::NotFound))?;
            if row.revoked_at == Some(now) {
                note(tx, person, "merchant_key.revoke", merchant, &serial, now).await?;
            }
            row.shown(now)
        })
        .await
}

async fn note(
    tx: &mut Tx,
    by: PersonId,
    action: &'static str,
    merchant: MerchantId,
    serial: &str,
    at: i64,
) -> Result<()> {
    let subject = format!("{merchant}/{serial}");
    audit::log(tx, Entry { who: by.to_string(), action, subject, before: None, after: None, at })
        .await
        .map(drop)
}

/// Every key of one's own merchant, the newest first, revoked ones included.
///
/// # Errors
/// `not_found` unless the actor owns the merchant.
pub async fn keys(app: &App, actor: &Actor, merchant: MerchantId) -> Result<Vec<Key>> {
    owned(app, actor, merchant).await?;
    let now = app.clock.millis();
    let rows: Vec<Row> =
        sqlx::query_as("SELECT * FROM merchant_keys WHERE merchant = $1 ORDER BY created_at DESC, serial")
            .bind(merchant)
            .fetch_all(app.db.read())
            .await?;
    rows.iter().map(|row| row.shown(now)).collect()
}
