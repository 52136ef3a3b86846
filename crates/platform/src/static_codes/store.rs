//! The tables `static_codes` and `static_payments`.

use super::StaticCodeAsk;
use crate::id::{MerchantId, OrderId, PersonId, StaticCodeId, StaticCodeTag, StoreId};
use crate::{App, Page, PageAsk, Problem, Result, Tx};

/// A row of `static_codes`. Times in milliseconds.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct Row {
    pub(super) id: StaticCodeId,
    pub(super) merchant: MerchantId,
    pub(super) store: Option<StoreId>,
    pub(super) terminal: Option<String>,
    pub(super) description: String,
    pub(super) notify_url: Option<String>,
    pub(super) created_at: i64,
    pub(super) revoked_at: Option<i64>,
}

/// What a place is kept under while it has a code.
fn place(ask: &StaticCodeAsk) -> String {
    let store = ask.store_id.map(|store| store.to_string()).unwrap_or_default();
    format!("{store}/{}", ask.terminal.as_deref().unwrap_or_default())
}

pub(super) async fn at_place(tx: &mut Tx, merchant: MerchantId, ask: &StaticCodeAsk) -> Result<Option<Row>> {
    Ok(sqlx::query_as("SELECT * FROM static_codes WHERE merchant = $1 AND place = $2")
        .bind(merchant)
        .bind(place(ask))
        .fetch_optional(&mut *tx)
        .await?)
}

pub(super) async fn insert(tx: &mut Tx, merchant: MerchantId, ask: &StaticCodeAsk, now: i64) -> Result<Row> {
    sqlx::query_as(
        "INSERT INTO static_codes (id, merchant, place, store, terminal, description, notify_url, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (merchant, place) DO NOTHING RETURNING *",
    )
    .bind(StaticCodeId::new(now))
    .bind(merchant)
    .bind(place(ask))
    .bind(ask.store_id)
    .bind(ask.terminal.clone())
    .bind(ask.description.clone())
    .bind(ask.notify_url.clone())
    .bind(now)
    .fetch_optional(&mut *tx)
    .await?
    // The place was free at the look and is not now: look again.
    .ok_or_else(Problem::again)
}

pub(super) async fn find(tx: &mut Tx, id: StaticCodeId) -> Result<Option<Row>> {
    Ok(sqlx::query_as("SELECT * FROM static_codes WHERE id = $1").bind(id).fetch_optional(&mut *tx).await?)
}

/// Ends a code and frees its place; `None` if it was ended before.
pub(super) async fn revoke(tx: &mut Tx, id: StaticCodeId, now: i64) -> Result<Option<Row>> {
    Ok(sqlx::query_as(
        "UPDATE static_codes SET revoked_at = $2, place = NULL WHERE id = $1 AND revoked_at IS NULL RETURNING *",
    )
    .bind(id)
    .bind(now)
    .fetch_optional(&mut *tx)
    .await?)
}

pub(super) async fn of_merchant(app: &App, merchant: MerchantId, page: &PageAsk) -> Result<Page<Row>> {
    let (limit, cursor) = (page.limit()?, page.cursor::<StaticCodeTag>()?);
    let rows = sqlx::query_as(crate::page::paged!(
        cursor,
        "SELECT * FROM static_codes WHERE merchant = $1",
        "id",
        "$2",
        "$3"
    ))
    .bind(merchant)
    .bind(cursor.from.clone())
    .bind(i64::from(limit) + 1)
    .fetch_all(app.db.read())
    .await?;
    Ok(cursor.page(rows, limit))
}

/// The order that the person's signature of this digest made.
pub(super) async fn signed(tx: &mut Tx, person: PersonId, digest: &[u8; 24]) -> Result<Option<OrderId>> {
    Ok(sqlx::query_scalar("SELECT order_id FROM static_payments WHERE person = $1 AND digest = $2")
        .bind(person)
        .bind(digest.to_vec())
        .fetch_optional(&mut *tx)
        .await?)
}

/// Notes which order a signature made, and by which code.
pub(super) async fn made(
    tx: &mut Tx,
    order: OrderId,
    code: StaticCodeId,
    person: PersonId,
    digest: &[u8; 24],
) -> Result<()> {
    sqlx::query("INSERT INTO static_payments (order_id, code, person, digest) VALUES ($1, $2, $3, $4)")
        .bind(order)
        .bind(code)
        .bind(person)
        .bind(digest.to_vec())
        .execute(&mut *tx)
        .await?;
    Ok(())
}
