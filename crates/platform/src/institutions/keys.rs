//! The keys that institutions sign their requests and notices with.

use jialing_crypto::{PublicKey, Suite};
use serde::Deserialize;
use sqlx::Row;

use crate::audit::{self, Entry};
use crate::id::InstitutionId;
use crate::{App, Code, Problem, Result, Tx, db};

/// A key to add.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewKey {
    /// PEM `SubjectPublicKeyInfo`; the key carries its suite.
    pub public_key: String,
    /// When it ends, milliseconds; absent for not yet known.
    pub expires_at: Option<i64>,
}

/// A key of an institution.
#[derive(Clone, Debug)]
pub struct Key {
    /// Whose.
    pub institution: InstitutionId,
    /// Its number, derived from the key.
    pub serial: String,
    /// The algorithm it signs with.
    pub suite: Suite,
    /// The key.
    pub public_key: PublicKey,
}

/// Adds a key: the old ones stay valid beside it until they end or are revoked.
///
/// # Errors
/// `invalid_request` if it is not a PEM public key of a known suite, or too weak.
pub async fn add_key(app: &App, institution: InstitutionId, key: NewKey) -> Result<Key> {
    let parsed = parse(&key)?;
    let now = app.clock.millis();
    let serial = parsed.id().to_owned();
    app.db
        .write(async move |tx: &mut Tx| {
            insert(tx, institution, &key, now).await?;
            let entry = Entry::new("operator", "institution.key_add", institution, now);
            audit::log(tx, entry.after(serial.as_str())).await.map(drop)
        })
        .await?;
    Ok(Key { institution, serial: parsed.id().to_string(), suite: parsed.suite(), public_key: parsed })
}

fn parse(key: &NewKey) -> Result<PublicKey> {
    PublicKey::from_spki_pem(&key.public_key)
        .map_err(|error| Problem::new(Code::InvalidRequest).field("public_key").detail(error.to_string()))
}

pub(super) async fn insert(tx: &mut Tx, institution: InstitutionId, key: &NewKey, now: i64) -> Result<()> {
    let parsed = parse(key)?;
    let sql = "INSERT INTO institution_keys (institution_id, serial, suite, public_key, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (institution_id, serial) DO NOTHING";
    sqlx::query(sql)
        .bind(institution)
        .bind(parsed.id().to_string())
        .bind(parsed.suite().wire_name())
        .bind(parsed.spki_der().to_vec())
        .bind(now)
        .bind(key.expires_at)
        .execute(&mut *tx)
        .await
        .map(drop)
        .map_err(|error| {
            if db::is_taken(&error) { Problem::new(Code::Conflict).field("public_key") } else { error.into() }
        })
}

/// Revokes a key: nothing it signs is accepted any more. Done again, it changes nothing.
///
/// # Errors
/// `not_found`.
pub async fn revoke_key(app: &App, institution: InstitutionId, serial: &str) -> Result<()> {
    let (serial, now) = (serial.to_owned(), app.clock.millis());
    app.db
        .write(async move |tx: &mut Tx| {
            let done = sqlx::query("UPDATE institution_keys SET revoked_at = COALESCE(revoked_at, $3) WHERE institution_id = $1 AND serial = $2")
                .bind(institution)
                .bind(&serial)
                .bind(now)
                .execute(&mut *tx)
                .await?;
            if done.rows_affected() == 0 {
                return Err(Problem::new(Code::NotFound));
            }
            let entry = Entry::new("operator", "institution.key_revoke", institution, now);
            audit::log(tx, entry.before(serial.as_str())).await.map(drop)
        })
        .await
}

/// The valid key `serial` of an institution named by its id or its code.
///
/// # Errors
/// `key_unknown` if there is none, it has ended or was revoked.
pub async fn key(app: &App, institution: &str, serial: &str) -> Result<Key> {
    let row = sqlx::query(
        "SELECT k.institution_id, k.public_key FROM institution_keys k JOIN institutions i ON i.id = k.institution_id \
         WHERE (i.id = $1 OR i.code = $1) AND k.serial = $2 AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > $3)",
    )
    .bind(institution.to_owned())
    .bind(serial.to_owned())
    .bind(app.clock.millis())
    .fetch_optional(app.db.read())
    .await?
    .ok_or(Problem::new(Code::KeyUnknown))?;
    let der: Vec<u8> = row.try_get("public_key")?;
    let public_key = PublicKey::from_spki_der(&der).map_err(Problem::internal)?;
    Ok(Key {
        institution: row.try_get("institution_id")?,
        serial: serial.to_owned(),
        suite: public_key.suite(),
        public_key,
    })
}

/// The valid key with this number, whosever it is, with its institution's code: for a bank that
/// signs with its key's number alone.
///
/// # Errors
/// `key_unknown`.
pub async fn by_serial(app: &App, serial: &str) -> Result<(Key, String)> {
    let code: Option<String> = sqlx::query_scalar("SELECT i.code FROM institution_keys k JOIN institutions i ON i.id = k.institution_id WHERE k.serial = $1")
        .bind(serial.to_owned())
        .fetch_optional(app.db.read())
        .await?;
    let code = code.ok_or(Problem::new(Code::KeyUnknown))?;
    Ok((key(app, &code, serial).await?, code))
}
