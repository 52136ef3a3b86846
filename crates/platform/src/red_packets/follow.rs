//! Red packets follow the journal.

use jialing_ledger::{Body, Op, Record};

use super::give::BACK;
use super::store;
use crate::id::{RedPacketId, RedPacketShareId, WalletId};
use crate::kind::Kind;
use crate::orders::follow::first_leg;
use crate::wallets::legs::thing;
use crate::{App, Result, Tx};

/// A packet whose money has moved is open; a share's record makes it `SUCCESS`; what went back ends its
/// packet. Safe to run again.
///
/// # Errors
/// Any fault of the database.
pub async fn settle(_app: &App, tx: &mut Tx, records: &[Record]) -> Result<()> {
    for record in records {
        let (seq, at) = (record.seq as i64, (record.time / 1_000_000) as i64);
        if let Some(transfer) = first_leg(record, Kind::RedPacket) {
            store::filled(tx, RedPacketId::from_number(transfer.id), seq).await?;
        }
        if let Some(transfer) = first_leg(record, Kind::RedPacketShare) {
            store::arrived(tx, RedPacketShareId::from_number(transfer.id), seq, at).await?;
        }
        let Body::Transfer(transfer) = &record.body else { continue };
        let back = transfer.op == Op::Plain
            && transfer.kind == Kind::RedPacketReturn as u16
            && transfer.id & 0xf >= BACK
            && transfer.leg + 1 == transfer.legs;
        if back {
            let (id, wallet) =
                (RedPacketId::from_number(thing(transfer.id)), WalletId::from_number(transfer.credit));
            store::returned(tx, id, wallet, seq, at).await?;
        }
    }
    Ok(())
}
