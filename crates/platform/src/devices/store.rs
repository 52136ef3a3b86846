//! Devices in SQL.

use std::sync::Arc;

use jialing_crypto::PublicKey;

use super::{Device, DeviceState};
use crate::clock::rfc3339;
use crate::id::{DeviceId, DeviceTag, PersonId};
use crate::{App, Page, PageAsk, Problem, Result, Tx};

/// A device's row.
#[derive(sqlx::FromRow)]
pub(super) struct Row {
    id: DeviceId,
    name: String,
    suite: String,
    key_id: String,
    spki: Vec<u8>,
    pub(super) state: DeviceState,
    created_at: i64,
    revoked_at: Option<i64>,
}

impl Row {
    /// The key it was bound with.
    pub(super) fn key(&self) -> Result<PublicKey> {
        PublicKey::from_spki_der(&self.spki).map_err(Problem::internal)
    }
}

impl From<Row> for Device {
    fn from(row: Row) -> Self {
        Self {
            device_id: row.id,
            name: row.name,
            suite: row.suite,
            key_id: row.key_id,
            state: row.state,
            created_at: rfc3339(row.created_at),
            revoked_at: row.revoked_at.map(rfc3339),
        }
    }
}

/// The person's device with this id.
pub(super) async fn of(app: &App, person: PersonId, device: DeviceId) -> Result<Option<Row>> {
    Ok(sqlx::query_as(
        "SELECT id, name, suite, key_id, spki, state, created_at, revoked_at FROM devices WHERE id = $1 AND person = $2",
    )
    .bind(device)
    .bind(person)
    .fetch_optional(app.db.read())
    .await?)
}

/// What is needed of a device to check what it signed.
pub(crate) struct Held {
    pub(super) state: DeviceState,
    pub(super) key: PublicKey,
}

/// The person's device with this id, to check what it signed.
pub(super) async fn held(app: &App, person: PersonId, device: DeviceId) -> Result<Option<Arc<Held>>> {
    let (memory, named) = (&app.memory().devices, (person, device));
    let at = match memory.get(&app.db, &named) {
        Ok(held) => return Ok(Some(held)),
        Err(at) => at,
    };
    let row: Option<(Vec<u8>, DeviceState)> =
        sqlx::query_as("SELECT spki, state FROM devices WHERE id = $1 AND person = $2")
            .bind(device)
            .bind(person)
            .fetch_optional(&mut app.db.quick().await?)
            .await?;
    let Some((spki, state)) = row else { return Ok(None) };
    let key = PublicKey::from_spki_der(&spki).map_err(Problem::internal)?;
    let held = Arc::new(Held { state, key });
    memory.put(at, named, &held);
    Ok(Some(held))
}

pub(super) async fn page(app: &App, person: PersonId, ask: &PageAsk) -> Result<Page<Device>> {
    let limit = ask.limit()?;
    let cursor = ask.cursor::<DeviceTag>()?;
    let rows: Vec<Row> = sqlx::query_as(crate::page::paged!(
        cursor,
        "SELECT id, name, suite, key_id, spki, state, created_at, revoked_at FROM devices WHERE person = $1",
        "id",
        "$2",
        "$3"
    ))
    .bind(person)
    .bind(&cursor.from)
    .bind(i64::from(limit) + 1)
    .fetch_all(app.db.read())
    .await?;
    Ok(cursor.page(rows, limit).map(Device::from))
}

/// Whose device has the key with this hash, and whether it is active.
pub(super) async fn by_key(
    tx: &mut Tx,
    spki_hash: &str,
) -> Result<Option<(DeviceId, PersonId, DeviceState)>> {
    Ok(sqlx::query_as("SELECT id, person, state FROM devices WHERE spki_hash = $1")
        .bind(spki_hash)
        .fetch_optional(&mut *tx)
        .await?)
}

pub(super) async fn insert(
    tx: &mut Tx,
    device: DeviceId,
    person: PersonId,
    name: &str,
    key: &PublicKey,
    spki_hash: &str,
    now: i64,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO devices (id, person, name, suite, key_id, spki, spki_hash, state, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, 'ACTIVE', $8)",
    )
    .bind(device)
    .bind(person)
    .bind(name)
    .bind(key.suite().wire_name())
    .bind(key.id())
    .bind(key.spki_der())
    .bind(spki_hash)
    .bind(now)
    .execute(&mut *tx)
    .await?;
    Ok(())
}

pub(super) async fn count_active(tx: &mut Tx, person: PersonId) -> Result<i64> {
    Ok(sqlx::query_scalar("SELECT COUNT(*) FROM devices WHERE person = $1 AND state = 'ACTIVE'")
        .bind(person)
        .fetch_one(&mut *tx)
        .await?)
}

/// Whether the person ever bound a device.
pub(super) async fn has_any(tx: &mut Tx, person: PersonId) -> Result<bool> {
    let found: Option<DeviceId> = sqlx::query_scalar("SELECT id FROM devices WHERE person = $1 LIMIT 1")
        .bind(person)
        .fetch_optional(&mut *tx)
        .await?;
    Ok(found.is_some())
}

pub(super) async fn is_active(tx: &mut Tx, person: PersonId, device: DeviceId) -> Result<bool> {
    let state: Option<DeviceState> =
        sqlx::query_scalar("SELECT state FROM devices WHERE id = $1 AND person = $2")
            .bind(device)
            .bind(person)
            .fetch_optional(&mut *tx)
            .await?;
    Ok(state == Some(DeviceState::Active))
}

/// Revokes the device; false if it was not active or is not the person's.
pub(super) async fn revoke(tx: &mut Tx, person: PersonId, device: DeviceId, now: i64) -> Result<bool> {
    let revoked = sqlx::query(
        "UPDATE devices SET state = 'REVOKED', revoked_at = $1 WHERE id = $2 AND person = $3 AND state = 'ACTIVE'",
    )
    .bind(now)
    .bind(device)
    .bind(person)
    .execute(&mut *tx)
    .await?;
    Ok(revoked.rows_affected() == 1)
}

pub(super) async fn revoke_all(tx: &mut Tx, person: PersonId, now: i64) -> Result<()> {
    sqlx::query(
        "UPDATE devices SET state = 'REVOKED', revoked_at = $1 WHERE person = $2 AND state = 'ACTIVE'",
    )
    .bind(now)
    .bind(person)
    .execute(&mut *tx)
    .await?;
    Ok(())
}
