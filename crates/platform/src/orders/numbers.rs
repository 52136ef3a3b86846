//! Orders by the merchant's own number, for searches.

use super::store::Row;
use crate::id::{MerchantId, OrderId};
use crate::{App, Result, db};

/// The merchant's order with this number, if there is one.
///
/// # Errors
/// Any fault of the database.
pub(crate) async fn number_of(
    app: &App,
    merchant: MerchantId,
    out_trade_no: &str,
) -> Result<Option<OrderId>> {
    Ok(sqlx::query_scalar("SELECT id FROM orders WHERE merchant = $1 AND out_trade_no = $2")
        .bind(merchant)
        .bind(out_trade_no.to_owned())
        .fetch_optional(app.db.read())
        .await?)
}

/// The merchant's orders with these numbers, in no order.
///
/// # Errors
/// Any fault of the database.
pub(crate) async fn by_numbers(app: &App, merchant: MerchantId, numbers: &[String]) -> Result<Vec<Row>> {
    if numbers.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT * FROM orders WHERE merchant = $1 AND out_trade_no IN ({})",
        db::places(2, numbers.len())
    );
    let mut query = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(merchant);
    for number in numbers {
        query = query.bind(number.as_str());
    }
    Ok(query.fetch_all(app.db.read()).await?)
}
