//! What splitting does when the journal moves.

use jialing_ledger::Record;

use super::{end, store};
use crate::id::{SplitMoveId, SplitOrderId};
use crate::kind::Kind;
use crate::orders::follow::first_leg;
use crate::{App, Result, Tx};

/// A freeze's record makes its order's money frozen; a movement's makes it `SUCCESS`. Safe to run again.
///
/// # Errors
/// Any fault of the database.
pub async fn settle(_app: &App, tx: &mut Tx, records: &[Record]) -> Result<()> {
    for record in records {
        let at = (record.time / 1_000_000) as i64;
        if let Some(transfer) = first_leg(record, Kind::SplitFreeze) {
            store::frozen(tx, SplitOrderId::from_number(transfer.id), at, record.seq as i64).await?;
        }
        for kind in [Kind::Split, Kind::SplitReturn, Kind::SplitRelease] {
            if let Some(transfer) = first_leg(record, kind) {
                end::made(tx, SplitMoveId::from_number(transfer.id), at).await?;
            }
        }
    }
    Ok(())
}
