//! Orders by the merchant's own number, for searches.

use crate::id::{MerchantId, OrderId};
use crate::{App, Result};

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
