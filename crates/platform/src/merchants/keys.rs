//! Signing keys of merchants' servers.
//!
//! Only public keys are kept. A key is registered by the owner as PEM, belongs to one suite for
//! ever, and is named by its serial, which follows from the key. Old and new keys are valid side by
//! side, so that servers can change over one by one; a revoked key never becomes valid again. A key
//! that is replaced by another ends when the overlap is over. A key may be limited in what it may do
//! and from where ([`KeyLimits`]), at registration and never afterwards: register another instead.

use std::sync::Arc;

use jialing_crypto::{PublicKey, Suite};
use serde::{Deserialize, Serialize};

use super::key_limits::{KeyLimits, texts};
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
/// Days from now on which a key may begin to be valid, at most.
const MAX_AHEAD_DAYS: i64 = 90;
/// Hours that a replaced key stays valid beside its successor, at most.
const MAX_OVERLAP_HOURS: i64 = 24 * 90;
const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
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
    /// What it may do; everything where it is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = json!(["orders:write", "refunds:read"]))]
    pub scopes: Option<Vec<String>>,
    /// Networks that it may be used from; anywhere where it is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = json!(["203.0.113.0/24"]))]
    pub addresses: Option<Vec<String>>,
    /// The serial of the key that replaces it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replaced_by: Option<String>,
}

/// A public key to register.
#[derive(Clone, Debug, Default, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MerchantKeyAsk)]
pub struct KeyAsk {
    /// PEM, label `PUBLIC KEY` (SPKI); Ed25519, SM2, or RSA of at least 2048 bits.
    pub public_key: String,
    /// Days that it is valid, 1 to 1825; 365 by default.
    pub valid_days: Option<i64>,
    /// When it begins to be valid, RFC 3339, at most 90 days ahead; now by default.
    #[schema(format = DateTime)]
    pub valid_from: Option<String>,
    /// What it may do: `area:read` or `area:write`, which includes reading; everything by default.
    pub scopes: Option<Vec<String>>,
    /// Addresses and networks that it may be used from, at most 20; anywhere by default.
    pub addresses: Option<Vec<String>>,
    /// The serial of a key of yours that this one replaces: that one ends when the overlap is over.
    pub replaces: Option<String>,
    /// Hours that both are valid, counted from `valid_from`: 0 to 2160; 72 by default.
    pub overlap_hours: Option<i64>,
}

/// A key at the door: what it verifies with, and what it may do.
#[derive(Clone, Debug)]
pub struct DoorKey {
    /// The key.
    pub public_key: PublicKey,
    /// When it ends, milliseconds.
    pub valid_to: i64,
    /// Whether it ends soon.
    pub ends_soon: bool,
    /// What it may do and from where.
    pub limits: KeyLimits,
}

#[derive(sqlx::FromRow)]
struct Row {
    serial: String,
    suite: String,
    spki: Vec<u8>,
    valid_from: i64,
    valid_to: i64,
    revoked_at: Option<i64>,
    scopes: Option<String>,
    addresses: Option<String>,
    replaced_by: Option<String>,
}

impl Row {
    fn limits(&self) -> Result<KeyLimits> {
        KeyLimits::read(self.scopes.as_deref(), self.addresses.as_deref())
    }

    fn ends_soon(&self, now: i64) -> bool {
        self.valid(now) && self.valid_to - now < WARN_DAYS * DAY_MS
    }

    fn valid(&self, now: i64) -> bool {
        self.revoked_at.is_none() && (self.valid_from..self.valid_to).contains(&now)
    }

    fn key(&self) -> Result<PublicKey> {
        PublicKey::from_spki_der(&self.spki).map_err(Problem::internal)
    }

    fn shown(&self, now: i64) -> Result<Key> {
        let limits = self.limits()?;
        Ok(Key {
            scopes: texts(limits.scopes.as_ref()),
            addresses: texts(limits.addresses.as_ref()),
            replaced_by: self.replaced_by.clone(),
            serial: self.serial.clone(),
            suite: self.suite.clone(),
            public_key: self.key()?.to_pem(),
            valid_from: rfc3339(self.valid_from),
            valid_to: rfc3339(self.valid_to),
            valid: self.valid(now),
            ends_soon: self.ends_soon(now),
            revoked_at: self.revoked_at.map(rfc3339),
        })
    }
}

/// The key that a signed request of `merchant` names, if it is valid now.
///
/// # Errors
/// Any fault of the database.
pub async fn key(app: &App, merchant: MerchantId, serial: &str) -> Result<Option<PublicKey>> {
    Ok(door_key(app, merchant, serial).await?.map(|key| key.public_key))
}

/// The same with what it may do.
///
/// # Errors
/// Any fault of the database.
pub async fn door_key(app: &App, merchant: MerchantId, serial: &str) -> Result<Option<DoorKey>> {
    let Some(held) = held(app, merchant, serial).await? else { return Ok(None) };
    let (row, now) = (&held.row, app.clock.millis());
    Ok(row.valid(now).then(|| DoorKey {
        public_key: held.key.clone(),
        valid_to: row.valid_to,
        ends_soon: row.ends_soon(now),
        limits: held.limits.clone(),
    }))
}

/// A key's row with what was read out of it.
pub(crate) struct HeldKey {
    row: Row,
    key: PublicKey,
    limits: KeyLimits,
}

async fn held(app: &App, merchant: MerchantId, serial: &str) -> Result<Option<Arc<HeldKey>>> {
    let (memory, named) = (&app.memory().merchant_keys, (merchant, serial.to_owned()));
    let at = match memory.get(&app.db, &named) {
        Ok(held) => return Ok(Some(held)),
        Err(at) => at,
    };
    let row: Option<Row> = sqlx::query_as("SELECT * FROM merchant_keys WHERE merchant = $1 AND serial = $2")
        .bind(merchant)
        .bind(serial)
        .fetch_optional(&mut app.db.quick().await?)
        .await?;
    let Some(row) = row else { return Ok(None) };
    let held = Arc::new(HeldKey { key: row.key()?, limits: row.limits()?, row });
    memory.put(at, named, &held);
    Ok(Some(held))
}

/// The suite of the merchant's newest valid key, if it has one: what its servers can check.
pub(crate) async fn newest_suite(app: &App, merchant: MerchantId) -> Result<Option<Suite>> {
    let suite: Option<String> = sqlx::query_scalar(
        "SELECT suite FROM merchant_keys WHERE merchant = $1 AND revoked_at IS NULL AND valid_from <= $2
         AND valid_to > $2 ORDER BY valid_from DESC, serial LIMIT 1",
    )
    .bind(merchant)
    .bind(app.clock.millis())
    .fetch_optional(app.db.read())
    .await?;
    Ok(suite.and_then(|name| name.parse().ok()))
}

/// A key that was found good, with its terms.
#[derive(Clone)]
struct Terms {
    key: PublicKey,
    valid_from: i64,
    valid_to: i64,
    limits: KeyLimits,
    replaces: Option<String>,
    /// When the replaced key ends.
    old_ends: i64,
}

impl Terms {
    fn of(ask: &KeyAsk, now: i64) -> Result<Self> {
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
        let valid_from = match &ask.valid_from {
            None => now,
            Some(text) => {
                let at: jiff::Timestamp = text
                    .parse()
                    .map_err(|_| refused("valid_from", "`valid_from` is an RFC 3339 time.".into()))?;
                at.as_millisecond().max(now)
            }
        };
        if valid_from > now + MAX_AHEAD_DAYS * DAY_MS {
            return Err(refused(
                "valid_from",
                format!("A key begins to be valid at most {MAX_AHEAD_DAYS} days ahead."),
            ));
        }
        let hours = ask.overlap_hours.unwrap_or(72);
        if !(0..=MAX_OVERLAP_HOURS).contains(&hours)
            || (ask.overlap_hours.is_some() && ask.replaces.is_none())
        {
            return Err(refused(
                "overlap_hours",
                format!("With `replaces`, the overlap has from 0 to {MAX_OVERLAP_HOURS} hours."),
            ));
        }
        if ask.replaces.as_deref() == Some(key.id()) {
            return Err(refused("replaces", "A key does not replace itself.".into()));
        }
        Ok(Self {
            key,
            valid_from,
            valid_to: valid_from + days * DAY_MS,
            limits: KeyLimits::new(ask.scopes.as_deref(), ask.addresses.as_deref())?,
            replaces: ask.replaces.clone(),
            old_ends: valid_from + hours * HOUR_MS,
        })
    }
}

/// Registers a key for one's own merchant. The same key again answers what is there.
///
/// # Errors
/// `not_found` unless the actor owns the merchant; `invalid_request` for a weak key, one of a suite
/// that does not sign requests, or a bad limit; `state_conflict` for a revoked key, too many keys, or, where
/// merchants are reviewed, without a passed conformance report.
pub async fn register_key(app: &App, actor: &Actor, merchant: MerchantId, ask: KeyAsk) -> Result<Key> {
    owned(app, actor, merchant).await?;
    // A sandbox's keys open nothing that is worth something. Everywhere else the report comes first, also where
    // merchants are approved without review.
    if !(app.settings.sandbox && app.settings.approve_merchants) {
        applications::conformance::require(app, merchant).await?;
    }
    let (person, now) = (actor.person, app.clock.millis());
    let terms = Terms::of(&ask, now)?;
    app.db.write(async move |tx: &mut Tx| add(tx, merchant, &terms, person, now).await?.shown(now)).await
}

async fn add(tx: &mut Tx, merchant: MerchantId, terms: &Terms, by: PersonId, now: i64) -> Result<Row> {
    let known: Option<Row> =
        sqlx::query_as("SELECT * FROM merchant_keys WHERE merchant = $1 AND serial = $2")
            .bind(merchant)
            .bind(terms.key.id())
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
    if let Some(old) = &terms.replaces {
        replace(tx, merchant, old, terms, now).await?;
    }
    note(tx, by, "merchant_key.register", merchant, terms.key.id(), now).await?;
    let (scopes, addresses) = (texts(terms.limits.scopes.as_ref()), texts(terms.limits.addresses.as_ref()));
    sqlx::query_as(
        "INSERT INTO merchant_keys
         (merchant, serial, suite, spki, valid_from, valid_to, registered_by, created_at, scopes, addresses)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         ON CONFLICT (merchant, serial) DO NOTHING RETURNING *",
    )
    .bind(merchant)
    .bind(terms.key.id())
    .bind(terms.key.suite().wire_name())
    .bind(terms.key.spki_der())
    .bind(terms.valid_from)
    .bind(terms.valid_to)
    .bind(by)
    .bind(now)
    .bind(scopes.map(|all| all.join(" ")))
    .bind(addresses.map(|all| all.join(" ")))
    .fetch_optional(&mut *tx)
    .await?
    .ok_or_else(Problem::again)
}

/// The old key ends when the overlap is over, unless it ends before.
async fn replace(tx: &mut Tx, merchant: MerchantId, old: &str, terms: &Terms, now: i64) -> Result<()> {
    let done = sqlx::query(
        "UPDATE merchant_keys SET replaced_by = $3,
         valid_to = CASE WHEN valid_to < $4 THEN valid_to ELSE $4 END
         WHERE merchant = $1 AND serial = $2 AND revoked_at IS NULL AND valid_to > $5",
    )
    .bind(merchant)
    .bind(old)
    .bind(terms.key.id())
    .bind(terms.old_ends)
    .bind(now)
    .execute(&mut *tx)
    .await?;
    if done.rows_affected() == 0 {
        return Err(Problem::new(Code::InvalidRequest)
            .field("replaces")
            .detail("The merchant has no valid key with this serial."));
    }
    Ok(())
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

/// Every key of the merchant, as its server may see them: the newest first, revoked ones included.
///
/// # Errors
/// Any fault of the database.
pub async fn own_keys(app: &App, merchant: MerchantId) -> Result<Vec<Key>> {
    let now = app.clock.millis();
    let rows: Vec<Row> =
        sqlx::query_as("SELECT * FROM merchant_keys WHERE merchant = $1 ORDER BY created_at DESC, serial")
            .bind(merchant)
            .fetch_all(app.db.read())
            .await?;
    rows.iter().map(|row| row.shown(now)).collect()
}

/// Every key of one's own merchant, the newest first, revoked ones included.
///
/// # Errors
/// `not_found` unless the actor owns the merchant.
pub async fn keys(app: &App, actor: &Actor, merchant: MerchantId) -> Result<Vec<Key>> {
    owned(app, actor, merchant).await?;
    own_keys(app, merchant).await
}
