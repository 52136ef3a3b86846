//! What orders are for, in the merchants' words.

use crate::id::OrderId;
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
