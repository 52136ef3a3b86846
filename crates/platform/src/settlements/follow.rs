//! What settlement does when the journal moves: the withdrawal's post makes a batch `PAID`, its release
//! `FAILED`, its return `FAILED` too, even after it was paid.

use jialing_ledger::{Body, Op, Record};

use super::State;
use super::store;
use crate::id::SettlementId;
use crate::kind::Kind;
use crate::wallets::legs::thing;
use crate::{App, Result, Tx};

/// Brings batches up to date with `records`. Safe to run again.
///
/// # Errors
/// Any fault of the database.
pub async fn settle(_app: &App, tx: &mut Tx, records: &[Record]) -> Result<()> {
    for record in records {
        let Body::Transfer(transfer) = &record.body else { continue };
        let (id, at) = (SettlementId::from_number(thing(transfer.id)), (record.time / 1_000_000) as i64);
        if transfer.leg != 0 {
            continue;
        }
        match (Kind::from_number(transfer.kind), transfer.op) {
            (Some(Kind::Withdrawal), Op::Post) => {
                store::step(tx, id, State::Paying, State::Paid, None, at).await?;
            }
            (Some(Kind::Withdrawal), Op::Void) => {
                store::step(tx, id, State::Paying, State::Failed, Some("bank_refused"), at).await?;
            }
            (Some(Kind::WithdrawalReturn), Op::Plain) => {
                store::step(tx, id, State::Paid, State::Failed, Some("returned"), at).await?;
            }
            (Some(Kind::SettlementFee), Op::Plain) => store::set_fee_taken(tx, id, at).await?,
            _ => {}
        }
    }
    Ok(())
}
