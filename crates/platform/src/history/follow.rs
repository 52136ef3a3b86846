//! The history follows the journal.

use jialing_ledger::Record;

use super::{rules, store};
use crate::follow::Parties;
use crate::{App, Result, Tx};

/// Writes every wallet's side of what `records` moved. Safe to run again.
///
/// # Errors
/// Any fault of the database.
pub async fn record(app: &App, tx: &mut Tx, records: &[Record]) -> Result<()> {
    let accounts = rules::accounts(records);
    if accounts.is_empty() {
        return Ok(());
    }
    let parties = Parties::read(tx, &accounts).await?;
    for side in rules::sides(records, |account| parties.is_wallet(account)) {
        let counterparty = parties.counterparty(app, &side).await?;
        store::insert(tx, &side, counterparty).await?;
    }
    Ok(())
}

/// Drops every row.
///
/// # Errors
/// Any fault of the database.
pub async fn clear(tx: &mut Tx) -> Result<()> {
    sqlx::query("DELETE FROM movements").execute(tx).await?;
    Ok(())
}
