//! The table of passkeys.

use jialing_crypto::PublicKey;

use super::{Passkey, resource};
use crate::id::{PasskeyId, PasskeyTag, PersonId};
use crate::{App, Code, Page, PageAsk, Problem, Result, Tx};

/// A row of `passkeys`.
#[derive(Clone, sqlx::FromRow)]
pub(super) struct Row {
    pub(super) id: PasskeyId,
    pub(super) name: String,
    pub(super) credential: String,
    pub(super) suite: String,
    pub(super) spki: Vec<u8>,
    pub(super) backed_up: i16,
    pub(super) created_at: i64,
    pub(super) last_used_at: Option<i64>,
}

impl Row {
    pub(super) fn key(&self) -> Result<PublicKey> {
        PublicKey::from_spki_der(&self.spki).map_err(Problem::internal)
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, name, credential, suite, spki, backed_up, created_at, last_used_at FROM passkeys ",
            $rest
        )
    };
}

/// A passkey to write.
#[derive(Clone)]
pub(super) struct New {
    pub(super) id: PasskeyId,
    pub(super) person: PersonId,
    pub(super) name: String,
    pub(super) credential: String,
    pub(super) key: PublicKey,
    pub(super) count: i64,
    pub(super) backed_up: bool,
    pub(super) now: i64,
}

/// Writes a passkey.
///
/// # Errors
/// `conflict` for a credential that is registered, by whomever.
pub(super) async fn insert(tx: &mut Tx, new: &New) -> Result<()> {
    let added = sqlx::query(
        "INSERT INTO passkeys (id, person, name, credential, suite, spki, use_count, backed_up, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (credential) DO NOTHING",
    )
    .bind(new.id)
    .bind(new.person)
    .bind(&new.name)
    .bind(&new.credential)
    .bind(new.key.suite().wire_name())
    .bind(new.key.spki_der())
    .bind(new.count)
    .bind(i16::from(new.backed_up))
    .bind(new.now)
    .execute(&mut *tx)
    .await?;
    match added.rows_affected() {
        1 => Ok(()),
        _ => Err(Problem::new(Code::Conflict)
            .field("attestation_object")
            .detail("This passkey is registered already.")),
    }
}

pub(super) async fn count(tx: &mut Tx, person: PersonId) -> Result<i64> {
    Ok(sqlx::query_scalar("SELECT COUNT(*) FROM passkeys WHERE person = $1")
        .bind(person)
        .fetch_one(&mut *tx)
        .await?)
}

pub(super) async fn of(app: &App, person: PersonId, id: PasskeyId) -> Result<Option<Passkey>> {
    let row: Option<Row> = sqlx::query_as(select!("WHERE id = $1 AND person = $2"))
        .bind(id)
        .bind(person)
        .fetch_optional(app.db.read())
        .await?;
    Ok(row.map(resource))
}

pub(super) async fn by_credential(app: &App, person: PersonId, credential: &str) -> Result<Option<Row>> {
    Ok(sqlx::query_as(select!("WHERE credential = $1 AND person = $2"))
        .bind(credential.to_owned())
        .bind(person)
        .fetch_optional(app.db.read())
        .await?)
}

pub(super) async fn credentials(app: &App, person: PersonId) -> Result<Vec<String>> {
    Ok(sqlx::query_scalar("SELECT credential FROM passkeys WHERE person = $1 ORDER BY id")
        .bind(person)
        .fetch_all(app.db.read())
        .await?)
}

pub(super) async fn page(app: &App, person: PersonId, ask: &PageAsk) -> Result<Page<Passkey>> {
    let (limit, cursor) = (ask.limit()?, ask.cursor::<PasskeyTag>()?);
    let sql = crate::page::paged!(cursor, select!("WHERE person = $1"), "id", "$2", "$3");
    let rows: Vec<Row> = sqlx::query_as(sql)
        .bind(person)
        .bind(cursor.from.clone())
        .bind(i64::from(limit) + 1)
        .fetch_all(app.db.read())
        .await?;
    Ok(cursor.page(rows, limit).map(resource))
}

/// Counts a use; false if the passkey is gone or has counted further already. Equal counts pass: most
/// authenticators do not count, and a request whose answer was lost comes again.
pub(super) async fn used(
    tx: &mut Tx,
    person: PersonId,
    id: PasskeyId,
    count: i64,
    backed_up: bool,
    now: i64,
) -> Result<bool> {
    let done = sqlx::query(
        "UPDATE passkeys SET use_count = $3, backed_up = $4, last_used_at = $5 \
         WHERE id = $1 AND person = $2 AND use_count <= $3",
    )
    .bind(id)
    .bind(person)
    .bind(count)
    .bind(i16::from(backed_up))
    .bind(now)
    .execute(&mut *tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

pub(super) async fn remove(tx: &mut Tx, person: PersonId, id: PasskeyId) -> Result<bool> {
    let done = sqlx::query("DELETE FROM passkeys WHERE id = $1 AND person = $2")
        .bind(id)
        .bind(person)
        .execute(&mut *tx)
        .await?;
    Ok(done.rows_affected() == 1)
}

pub(super) async fn remove_all(tx: &mut Tx, person: PersonId) -> Result<()> {
    sqlx::query("DELETE FROM passkeys WHERE person = $1").bind(person).execute(&mut *tx).await?;
    Ok(())
}
