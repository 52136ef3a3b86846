//! The tables `payment_codes` and `code_payments`.

use crate::id::{DeviceId, OrderId, PaymentCodeId, PersonId, WalletId};
use crate::{App, Result, Tx};

/// A row of `payment_codes`. Amounts in fen, times in milliseconds.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct Row {
    pub(super) id: PaymentCodeId,
    pub(super) person: PersonId,
    pub(super) wallet: WalletId,
    pub(super) device: DeviceId,
    pub(super) pin_free: i64,
    pub(super) issued_at: i64,
    pub(super) valid_until: i64,
    pub(super) ended_at: Option<i64>,
    pub(super) order_id: Option<OrderId>,
}

impl Row {
    /// Whether it can be shown at `now`, unless it was used.
    pub(super) fn live_at(&self, now: i64) -> bool {
        self.ended_at.is_none() && now < self.valid_until
    }
}

/// A code to add.
pub(super) struct New {
    pub(super) id: PaymentCodeId,
    pub(super) hash: String,
    pub(super) person: PersonId,
    pub(super) wallet: WalletId,
    pub(super) device: DeviceId,
    pub(super) pin_free: i64,
    pub(super) digest: [u8; 24],
    pub(super) now: i64,
    pub(super) until: i64,
}

pub(super) async fn insert(tx: &mut Tx, new: New) -> Result<()> {
    sqlx::query(
        "INSERT INTO payment_codes (id, hash, person, wallet, device, pin_free, digest, issued_at, valid_until)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(new.id)
    .bind(new.hash)
    .bind(new.person)
    .bind(new.wallet)
    .bind(new.device)
    .bind(new.pin_free)
    .bind(new.digest.to_vec())
    .bind(new.now)
    .bind(new.until)
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// Whether codes were drawn with the signature of this digest.
pub(super) async fn drawn_with(tx: &mut Tx, person: PersonId, digest: &[u8; 24]) -> Result<bool> {
    let found: Option<PaymentCodeId> =
        sqlx::query_scalar("SELECT id FROM payment_codes WHERE person = $1 AND digest = $2 LIMIT 1")
            .bind(person)
            .bind(digest.to_vec())
            .fetch_optional(&mut *tx)
            .await?;
    Ok(found.is_some())
}

/// How many codes the person has drawn after `since`.
pub(super) async fn drawn_since(tx: &mut Tx, person: PersonId, since: i64) -> Result<i64> {
    Ok(sqlx::query_scalar("SELECT COUNT(*) FROM payment_codes WHERE person = $1 AND issued_at > $2")
        .bind(person)
        .bind(since)
        .fetch_one(&mut *tx)
        .await?)
}

/// Ends all but the newest `most` codes of a device that were not used.
pub(super) async fn end_older(tx: &mut Tx, device: DeviceId, most: i64, now: i64) -> Result<()> {
    sqlx::query(
        "UPDATE payment_codes SET ended_at = $3 WHERE device = $1 AND order_id IS NULL AND ended_at IS NULL
         AND id NOT IN (SELECT id FROM payment_codes WHERE device = $1 AND order_id IS NULL AND ended_at IS NULL
            ORDER BY issued_at DESC, id DESC LIMIT $2)",
    )
    .bind(device)
    .bind(most)
    .bind(now)
    .execute(&mut *tx)
    .await?;
    Ok(())
}

pub(super) async fn find(tx: &mut Tx, id: PaymentCodeId) -> Result<Option<Row>> {
    Ok(sqlx::query_as("SELECT * FROM payment_codes WHERE id = $1").bind(id).fetch_optional(&mut *tx).await?)
}

pub(super) async fn hashed(tx: &mut Tx, hash: &str) -> Result<Option<Row>> {
    Ok(sqlx::query_as("SELECT * FROM payment_codes WHERE hash = $1")
        .bind(hash.to_owned())
        .fetch_optional(&mut *tx)
        .await?)
}

/// Gives a code to an order; false if another order has it.
pub(super) async fn take(tx: &mut Tx, id: PaymentCodeId, order: OrderId, now: i64) -> Result<bool> {
    let done = sqlx::query(
        "UPDATE payment_codes SET order_id = $2, used_at = COALESCE(used_at, $3)
         WHERE id = $1 AND (order_id IS NULL OR order_id = $2)",
    )
    .bind(id)
    .bind(order)
    .bind(now)
    .execute(&mut *tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

pub(super) async fn forget(tx: &mut Tx, before: i64) -> Result<()> {
    sqlx::query("DELETE FROM payment_codes WHERE order_id IS NULL AND valid_until < $1")
        .bind(before)
        .execute(&mut *tx)
        .await?;
    Ok(())
}

/// Whose code an order charges. A row of `code_payments`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::FromRow)]
pub(super) struct Payer {
    pub(super) person: PersonId,
    pub(super) wallet: WalletId,
    pub(super) device: DeviceId,
}

/// Notes whose code an order charges; a later code takes an earlier one's place.
pub(super) async fn charges(tx: &mut Tx, order: OrderId, code: &Row, now: i64) -> Result<()> {
    sqlx::query(
        "INSERT INTO code_payments (order_id, code, person, wallet, device, charged_at) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (order_id) DO UPDATE SET code = $2, person = $3, wallet = $4, device = $5, charged_at = $6",
    )
    .bind(order)
    .bind(code.id)
    .bind(code.person)
    .bind(code.wallet)
    .bind(code.device)
    .bind(now)
    .execute(&mut *tx)
    .await?;
    Ok(())
}

pub(super) async fn payer(tx: &mut Tx, order: OrderId) -> Result<Option<Payer>> {
    Ok(sqlx::query_as("SELECT person, wallet, device FROM code_payments WHERE order_id = $1")
        .bind(order)
        .fetch_optional(&mut *tx)
        .await?)
}

/// The orders that codes of the person were charged for after `since`, newest first.
pub(super) async fn charged(app: &App, person: PersonId, since: i64, most: i64) -> Result<Vec<OrderId>> {
    let found: Vec<(OrderId,)> = sqlx::query_as(
        "SELECT order_id FROM code_payments WHERE person = $1 AND charged_at > $2 ORDER BY charged_at DESC, order_id DESC LIMIT $3",
    )
    .bind(person)
    .bind(since)
    .bind(most)
    .fetch_all(app.db.read())
    .await?;
    Ok(found.into_iter().map(|(order,)| order).collect())
}
