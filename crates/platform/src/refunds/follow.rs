//! What refunds do when the journal moves: a refund's record makes it `SUCCESS`.

use jialing_ledger::Record;

use super::{State, store};
use crate::id::RefundId;
use crate::kind::Kind;
use crate::orders::{self, follow::first_leg};
use crate::{App, Result, Tx, splits};

/// Brings refunds and what their orders say of them up to date with `records`. Safe to run again.
///
/// # Errors
/// Any fault of the database.
pub async fn settle(_app: &App, tx: &mut Tx, records: &[Record]) -> Result<()> {
    for record in records {
        let Some(transfer) = first_leg(record, Kind::Refund) else { continue };
        let id = RefundId::from_number(transfer.id);
        let Some(row) = store::find(tx, id).await? else { continue };
        // What was closed is no longer set aside; the ledger is right all the same.
        let released = match row.state {
            State::Success => continue,
            State::Closed => 0,
            State::Processing | State::Abnormal | State::PendingApproval => row.amount,
        };
        orders::store::end_refund(tx, row.order_id, released, row.amount).await?;
        splits::refunds::made(tx, id, (record.time / 1_000_000) as i64).await?;
        store::succeed(tx, id, (record.time / 1_000_000) as i64, record.seq as i64).await?;
    }
    Ok(())
}
