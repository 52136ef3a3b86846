//! The history follows the journal.
//!
//! It also holds the sides of institutions' accounts, for their statements.

use jialing_ledger::Record;

use super::{rules, store};
use crate::follow::Parties;
use crate::{App, Result, Tx};

/// Writes every wallet's and institution's side of what `records` moved. Safe to run again.
///
/// # Errors
/// Any fault of the database.
pub async fn record(app: &App, tx: &mut Tx, records: &[Record]) -> Result<()> {
    let accounts = rules::accounts(records);
    if accounts.is_empty() {
        return Ok(());
    }
    let parties = Parties::read(app, &accounts).await?;
    let mut sides = Vec::new();
    for side in rules::sides(records, |account| parties.is_wallet(account)) {
        let counterparty = parties.counterparty(app, &side).await?;
        sides.push((side, counterparty));
    }
    for side in rules::institution_sides(records, |account| parties.institution_account(account)) {
        let counterparty = parties.of_institution(app, &side);
        sides.push((side, counterparty));
    }
    store::insert(tx, &sides).await
}

/// Drops every row.
///
/// # Errors
/// Any fault of the database.
pub async fn clear(tx: &mut Tx) -> Result<()> {
    sqlx::query("DELETE FROM movements").execute(tx).await?;
    Ok(())
}
