//! What orders are for and called, in the merchants' words.

use super::TradeType;
use crate::id::{MerchantId, OrderId, StoreId};
use crate::{App, Result, db};

/// The descriptions of the orders that there are, in no order.
///
/// # Errors
/// Any fault of the database.
pub async fn descriptions(app: &App, orders: &[OrderId]) -> Result<Vec<(OrderId, String)>> {
    if orders.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!("SELECT id, description FROM orders WHERE id IN ({})", db::places(1, orders.len()));
    let mut query = sqlx::query_as(sqlx::AssertSqlSafe(sql));
    for order in orders {
        query = query.bind(*order);
    }
    Ok(query.fetch_all(app.db.read()).await?)
}

/// An order as a statement tells of it.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct Named {
    pub(crate) id: OrderId,
    pub(crate) out_trade_no: String,
    pub(crate) trade_type: TradeType,
    pub(crate) store: Option<StoreId>,
    pub(crate) provider: Option<MerchantId>,
    pub(crate) description: String,
    pub(crate) attach: Option<String>,
}

/// The orders that there are, in no order.
///
/// # Errors
/// Any fault of the database.
pub(crate) async fn named(app: &App, orders: &[OrderId]) -> Result<Vec<Named>> {
    if orders.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT id, out_trade_no, trade_type, store, provider, description, attach FROM orders WHERE id IN ({})",
        db::places(1, orders.len())
    );
    let mut query = sqlx::query_as(sqlx::AssertSqlSafe(sql));
    for order in orders {
        query = query.bind(*order);
    }
    Ok(query.fetch_all(app.db.read()).await?)
}
