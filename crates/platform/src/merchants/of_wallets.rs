//! Whose wallets are merchants'.

use crate::id::{MerchantId, WalletId};
use crate::{App, Result, Tx, db};

/// Merchants that have a wallet, with it, by id from after `after` on, at most `most`.
///
/// # Errors
/// Any fault of the database.
pub(crate) async fn wallets_after(app: &App, after: &str, most: u32) -> Result<Vec<(MerchantId, WalletId)>> {
    Ok(sqlx::query_as(
        "SELECT id, wallet FROM merchants WHERE id > $1 AND wallet IS NOT NULL ORDER BY id LIMIT $2",
    )
    .bind(after.to_owned())
    .bind(i64::from(most))
    .fetch_all(app.db.read())
    .await?)
}

/// The merchant of each wallet that is a merchant's, with its Chinese and English name.
///
/// # Errors
/// Any fault of the database.
pub async fn of_wallets(
    tx: &mut Tx,
    wallets: &[WalletId],
) -> Result<Vec<(WalletId, MerchantId, String, String)>> {
    if wallets.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT wallet, id, name_zh, name_en FROM merchants WHERE wallet IN ({})",
        db::places(1, wallets.len())
    );
    let mut query = sqlx::query_as(sqlx::AssertSqlSafe(sql));
    for wallet in wallets {
        query = query.bind(*wallet);
    }
    Ok(query.fetch_all(&mut *tx).await?)
}
