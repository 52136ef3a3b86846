//! What this domain does when the journal moves.

use jialing_ledger::Record;

use crate::{App, Result, Tx};

/// Follows `records`. Safe to run again.
///
/// # Errors
/// Any fault of the database.
pub async fn tell(_app: &App, _tx: &mut Tx, _records: &[Record]) -> Result<()> {
    Ok(())
}
