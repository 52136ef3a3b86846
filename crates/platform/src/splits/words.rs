//! What shares are for, in the merchants' words.

use sqlx::AssertSqlSafe;

use crate::id::SplitMoveId;
use crate::{App, Result, db};

/// The description of each share or return that has one, in no order.
///
/// # Errors
/// Any fault of the database.
pub async fn descriptions(app: &App, moves: &[SplitMoveId]) -> Result<Vec<(SplitMoveId, String)>> {
    if moves.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT id, description FROM split_moves WHERE description IS NOT NULL AND id IN ({})",
        db::places(1, moves.len())
    );
    let mut query = sqlx::query_as(AssertSqlSafe(sql));
    for one in moves {
        query = query.bind(*one);
    }
    Ok(query.fetch_all(app.db.read()).await?)
}
