//! What orders do when the journal moves.
//!
//! A payment's record makes its order paid, whatever was believed of the attempt until then. If the
//! order was closed or revoked in the meantime, it stays so and the whole amount is to go back: the
//! refund's id follows from the order's, so it is one refund, however often this runs.

use jialing_ledger::Record;
use jialing_ledger::record::{Body, Op, Transfer};

use super::{TradeType, store};
use crate::id::{OrderId, WalletId};
use crate::kind::Kind;
use crate::{App, Result, Tx, debits, payments, refunds};

/// Brings orders and attempts up to date with `records`. Safe to run again.
///
/// # Errors
/// Any fault of the database.
pub async fn settle(_app: &App, tx: &mut Tx, records: &[Record]) -> Result<()> {
    for record in records {
        if let Some(transfer) = first_leg(record, Kind::Payment) {
            paid(tx, transfer, (record.time / 1_000_000) as i64, record.seq as i64).await?;
        }
    }
    Ok(())
}

async fn paid(tx: &mut Tx, transfer: &Transfer, at: i64, seq: i64) -> Result<()> {
    let (order, payer) = (OrderId::from_number(transfer.id), WalletId::from_number(transfer.debit));
    if let Some(way) = store::pay(tx, order, payer, at, seq).await? {
        if way == TradeType::Debit {
            debits::succeeded(tx, order, at).await?;
        }
        return payments::succeeded(tx, order, payer, &transfer.link, at).await;
    }
    if let Some(row) = store::pay_late(tx, order, payer, at, seq).await? {
        payments::succeeded(tx, order, payer, &transfer.link, at).await?;
        refunds::late(tx, &row, at).await?;
    }
    Ok(())
}

/// The transfer of `record`, if it is the first leg of a movement of this kind: the one whose id is
/// the number of the thing paid for, and whose debit is the payer.
pub(crate) fn first_leg(record: &Record, kind: Kind) -> Option<&Transfer> {
    match &record.body {
        Body::Transfer(transfer)
            if transfer.op == Op::Plain && transfer.kind == kind as u16 && transfer.id & 0xf == 0 =>
        {
            Some(transfer)
        }
        _ => None,
    }
}
