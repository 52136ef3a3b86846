//! Why merchants gave back, in their words.

use crate::id::{OrderId, RefundId};
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

/// A refund as a statement tells of it.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct Named {
    pub(crate) id: RefundId,
    pub(crate) out_refund_no: String,
    pub(crate) order_id: OrderId,
}

/// The refunds that there are, in no order.
///
/// # Errors
/// Any fault of the database.
pub(crate) async fn named(app: &App, refunds: &[RefundId]) -> Result<Vec<Named>> {
    if refunds.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT id, out_refund_no, order_id FROM refunds WHERE id IN ({})",
        db::places(1, refunds.len())
    );
    let mut query = sqlx::query_as(sqlx::AssertSqlSafe(sql));
    for refund in refunds {
        query = query.bind(*refund);
    }
    Ok(query.fetch_all(app.db.read()).await?)
}
