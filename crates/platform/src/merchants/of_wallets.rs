//! Whose wallets are merchants'.

use std::sync::Arc;

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

/// A merchant with its Chinese and English name.
pub(crate) type Named = (MerchantId, String, String);

/// The merchant of each wallet that is a merchant's, with its Chinese and English name.
///
/// # Errors
/// Any fault of the database.
pub async fn of_wallets(
    app: &App,
    wallets: &[WalletId],
) -> Result<Vec<(WalletId, MerchantId, String, String)>> {
    let memory = &app.memory().merchants_of;
    let (mut found, mut missing, mut since) = (Vec::new(), Vec::new(), None);
    for wallet in wallets {
        match memory.get(&app.db, wallet) {
            Ok(Some(named)) => found.push((*wallet, named.0, named.1.clone(), named.2.clone())),
            Ok(None) => {}
            Err(at) => {
                missing.push(*wallet);
                since.get_or_insert(at);
            }
        }
    }
    let Some(at) = since else { return Ok(found) };
    let read = read(&mut app.db.quick().await?, &missing).await?;
    for wallet in missing {
        let named = read.iter().find(|row| row.0 == wallet);
        let named = named.map(|(_, merchant, zh, en)| Arc::new((*merchant, zh.clone(), en.clone())));
        memory.put(at, wallet, &named);
    }
    found.extend(read);
    Ok(found)
}

async fn read(tx: &mut Tx, wallets: &[WalletId]) -> Result<Vec<(WalletId, MerchantId, String, String)>> {
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
