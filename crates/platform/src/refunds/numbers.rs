//! Refunds by the merchant's own number and by their order, for searches.

use super::store::Row;
use crate::id::{MerchantId, OrderId, RefundId};
use crate::{App, Result, db};

/// Refunds of one order that a search shows at most; the policy `refunds_per_order` allows fewer.
const MOST: i64 = 500;

/// The merchant's refund with this number, if there is one.
///
/// # Errors
/// Any fault of the database.
pub(crate) async fn number_of(
    app: &App,
    merchant: MerchantId,
    out_refund_no: &str,
) -> Result<Option<RefundId>> {
    Ok(sqlx::query_scalar("SELECT id FROM refunds WHERE merchant = $1 AND out_refund_no = $2")
        .bind(merchant)
        .bind(out_refund_no.to_owned())
        .fetch_optional(app.db.read())
        .await?)
}

/// The refunds of an order, oldest first.
///
/// # Errors
/// Any fault of the database.
pub(crate) async fn of_order(app: &App, order: OrderId) -> Result<Vec<RefundId>> {
    Ok(sqlx::query_scalar("SELECT id FROM refunds WHERE order_id = $1 ORDER BY id LIMIT $2")
        .bind(order)
        .bind(MOST)
        .fetch_all(app.db.read())
        .await?)
}

/// The merchant's refunds with these numbers, in no order.
///
/// # Errors
/// Any fault of the database.
pub(crate) async fn by_numbers(app: &App, merchant: MerchantId, numbers: &[String]) -> Result<Vec<Row>> {
    if numbers.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT * FROM refunds WHERE merchant = $1 AND out_refund_no IN ({})",
        db::places(2, numbers.len())
    );
    let mut query = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(merchant);
    for number in numbers {
        query = query.bind(number.as_str());
    }
    Ok(query.fetch_all(app.db.read()).await?)
}
