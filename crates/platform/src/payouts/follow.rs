//! What payouts do when the journal moves: a line's record makes it `SUCCESS`, and the last one ends
//! its batch.

use jialing_ledger::Record;

use super::progress::{self, Moved};
use crate::id::PayoutLineId;
use crate::kind::Kind;
use crate::orders::follow::first_leg;
use crate::{App, Result, Tx};

/// Brings lines and their batches up to date with `records`. Safe to run again.
///
/// # Errors
/// Any fault of the database.
pub async fn settle(_app: &App, tx: &mut Tx, records: &[Record]) -> Result<()> {
    let lines: Vec<Moved> = records
        .iter()
        .filter_map(|record| {
            let transfer = first_leg(record, Kind::Payout)?;
            let id = PayoutLineId::from_number(transfer.id);
            Some(Moved { id, at: (record.time / 1_000_000) as i64, seq: record.seq as i64 })
        })
        .collect();
    if lines.is_empty() { Ok(()) } else { progress::moved(tx, &lines).await }
}
