//! What this domain does when the journal moves.

use jialing_ledger::{Body, Record};

use crate::exchange::{Direction, State, id_of, store};
use crate::kind::Kind;
use crate::{App, Result, Tx};

/// A top-up whose money has arrived is a success.
///
/// # Errors
/// Any fault of the database.
pub async fn settle(_app: &App, tx: &mut Tx, records: &[Record]) -> Result<()> {
    for record in records {
        let Body::Transfer(transfer) = &record.body else { continue };
        // The first leg has the top-up's own id; further legs go with it or not at all.
        if transfer.leg == 0 && transfer.op.moves() && Kind::from_number(transfer.kind) == Some(Kind::TopUp) {
            store::settle(
                tx,
                &id_of(Direction::TopUp, transfer.id),
                State::Success,
                (record.time / 1_000_000) as i64,
            )
            .await?;
        }
    }
    Ok(())
}
