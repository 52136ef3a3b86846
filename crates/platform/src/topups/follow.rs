//! What this domain does when the journal moves.

use jialing_ledger::Record;

use crate::{App, Result, Tx};

/// Brings the states of this domain up to date with `records`. Safe to run again.
///
/// # Errors
/// Any fault of the database.
pub async fn settle(_app: &App, _tx: &mut Tx, _records: &[Record]) -> Result<()> {
    Ok(())
}
