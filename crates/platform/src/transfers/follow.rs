//! Transfers follow the journal.

use jialing_ledger::{Body, Op, Record};

use super::{payees, store};
use crate::id::TransferId;
use crate::kind::Kind;
use crate::{App, Result, Tx};

/// Makes every transfer that `records` moved `SUCCESS`, and gives its payer a look-up back where the
/// payee was found by one. Safe to run again: only the first time is news.
///
/// # Errors
/// Any fault of the database.
pub async fn settle(app: &App, tx: &mut Tx, records: &[Record]) -> Result<()> {
    for record in records {
        let Body::Transfer(transfer) = &record.body else { continue };
        if transfer.kind != Kind::Transfer as u16 || transfer.op != Op::Plain || transfer.leg != 0 {
            continue;
        }
        let at = (record.time / 1_000_000) as i64;
        let Some(row) =
            store::succeed(tx, TransferId::from_number(transfer.id), record.seq as i64, at).await?
        else {
            continue;
        };
        if row.looked_up != 0 {
            let bucket = payees::bucket(app).await?;
            let level = store::level(tx, row.person, &bucket, at).await?;
            store::set_level(tx, row.person, bucket.paid(level), at).await?;
        }
    }
    Ok(())
}
