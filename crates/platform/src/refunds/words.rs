//! Why merchants gave back, in their words.

use crate::id::RefundId;
use crate::{App, Result, db};

/// The reason of each refund that has one, else what its order was for; in no order.
///
/// # Errors
/// Any fault of the database.
pub async fn reasons(app: &App, refunds: &[RefundId]) -> Result<Vec<(RefundId, String)>> {
    if refunds.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT r.id, COALESCE(r.reason, o.description) FROM refunds r JOIN orders o ON o.id = r.order_id WHERE r.id IN ({})",
        db::places(1, refunds.len())
    );
    let mut query = sqlx::query_as(sqlx::AssertSqlSafe(sql));
    for refund in refunds {
        query = query.bind(*refund);
    }
    Ok(query.fetch_all(app.db.read()).await?)
}
