//! Lines for other pages: what payers wrote to payees, and ids by the merchant's numbers.

use sqlx::AssertSqlSafe;

use super::store;
use crate::id::{MerchantId, PayoutLineId};
use crate::{App, Problem, Result, db};

/// The remark of each line that has one, in no order.
///
/// # Errors
/// Any fault of the database.
pub async fn remarks(app: &App, lines: &[PayoutLineId]) -> Result<Vec<(PayoutLineId, String)>> {
    if lines.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT id, remark FROM payout_lines WHERE remark IS NOT NULL AND id IN ({})",
        db::places(1, lines.len())
    );
    let mut query = sqlx::query_as(AssertSqlSafe(sql));
    for line in lines {
        query = query.bind(*line);
    }
    let rows: Vec<(PayoutLineId, Vec<u8>)> = query.fetch_all(app.db.read()).await?;
    let open = |(id, sealed): (PayoutLineId, Vec<u8>)| {
        let plain = app.seal.open(&sealed, store::place(id).as_bytes()).map_err(Problem::internal)?;
        Ok((id, String::from_utf8(plain.to_vec()).map_err(Problem::internal)?))
    };
    rows.into_iter().map(open).collect()
}

/// The merchant's line with this number, if there is one.
///
/// # Errors
/// Any fault of the database.
pub(crate) async fn number_of(
    app: &App,
    merchant: MerchantId,
    out_transfer_no: &str,
) -> Result<Option<PayoutLineId>> {
    Ok(store::line_numbered(app, merchant, out_transfer_no).await?.map(|line| line.id))
}
