//! Refunds by the merchant's own number and by their order, for searches.

use crate::id::{MerchantId, OrderId, RefundId};
use crate::{App, Result};

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
