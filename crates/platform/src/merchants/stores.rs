//! Stores: the places where a merchant sells.

use serde::{Deserialize, Serialize};

use super::owned;
use crate::clock::rfc3339;
use crate::id::{MerchantId, StoreId, StoreTag};
use crate::sessions::Actor;
use crate::{App, Code, Page, PageAsk, Problem, Result, Tx, text};

/// Longest name or district, characters.
const MAX_NAME: usize = 60;
/// Longest address, characters.
const MAX_ADDRESS: usize = 120;

/// A place where a merchant sells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Store {
    /// Its id.
    pub id: StoreId,
    /// Its merchant.
    pub merchant_id: MerchantId,
    /// Its name.
    #[schema(example = "解放碑店")]
    pub name: String,
    /// Street and number.
    pub address: String,
    /// District of the city.
    #[schema(example = "渝中区")]
    pub district: String,
    /// RFC 3339.
    pub created_at: String,
}

/// A store to add.
#[derive(Clone, Debug, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StoreAsk {
    /// Up to 60 characters.
    pub name: String,
    /// Up to 120 characters.
    pub address: String,
    /// Up to 60 characters.
    pub district: String,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: StoreId,
    merchant: MerchantId,
    name: String,
    address: String,
    district: String,
    created_at: i64,
}

impl From<Row> for Store {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            merchant_id: row.merchant,
            name: row.name,
            address: row.address,
            district: row.district,
            created_at: rfc3339(row.created_at),
        }
    }
}

/// Adds a store to one's own merchant under `id`. Done again with the same id, it answers the store.
///
/// # Errors
/// `not_found` unless the actor owns the merchant; `invalid_request`, naming the field.
pub async fn add_store(
    app: &App,
    actor: &Actor,
    merchant: MerchantId,
    id: StoreId,
    ask: StoreAsk,
) -> Result<Store> {
    text::line("name", &ask.name, MAX_NAME)?;
    text::line("address", &ask.address, MAX_ADDRESS)?;
    text::line("district", &ask.district, MAX_NAME)?;
    owned(app, actor, merchant).await?;
    let now = app.clock.millis();
    app.db
        .write(async move |tx: &mut Tx| {
            sqlx::query(
                "INSERT INTO stores (id, merchant, name, address, district, created_at)
                 VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (id) DO NOTHING",
            )
            .bind(id)
            .bind(merchant)
            .bind(ask.name.as_str())
            .bind(ask.address.as_str())
            .bind(ask.district.as_str())
            .bind(now)
            .execute(&mut *tx)
            .await?;
            let row: Option<Row> = sqlx::query_as("SELECT * FROM stores WHERE id = $1 AND merchant = $2")
                .bind(id)
                .bind(merchant)
                .fetch_optional(&mut *tx)
                .await?;
            row.map(Store::from).ok_or(Problem::new(Code::NotFound))
        })
        .await
}

/// The stores of one's own merchant, newest first.
///
/// # Errors
/// `not_found` unless the actor owns the merchant; `invalid_request` for a bad page.
pub async fn stores(app: &App, actor: &Actor, merchant: MerchantId, page: &PageAsk) -> Result<Page<Store>> {
    owned(app, actor, merchant).await?;
    let (limit, cursor) = (page.limit()?, page.cursor::<StoreTag>()?);
    let rows: Vec<Row> = sqlx::query_as(crate::page::paged!(
        cursor,
        "SELECT * FROM stores WHERE merchant = $1",
        "id",
        "$2",
        "$3"
    ))
    .bind(merchant)
    .bind(cursor.from.as_str())
    .bind(i64::from(limit) + 1)
    .fetch_all(app.db.read())
    .await?;
    Ok(cursor.page(rows, limit).map(Into::into))
}

/// Whether `store` is one of the merchant's.
pub(super) async fn belongs(app: &App, merchant: MerchantId, store: StoreId) -> Result<bool> {
    let found: Option<i64> =
        sqlx::query_scalar("SELECT created_at FROM stores WHERE id = $1 AND merchant = $2")
            .bind(store)
            .bind(merchant)
            .fetch_optional(app.db.read())
            .await?;
    Ok(found.is_some())
}

/// The store's name, if it has one.
pub(crate) async fn store_name(app: &App, store: StoreId) -> Result<Option<String>> {
    Ok(sqlx::query_scalar("SELECT name FROM stores WHERE id = $1")
        .bind(store)
        .fetch_optional(app.db.read())
        .await?)
}
