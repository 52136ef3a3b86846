//! What this domain does when the journal moves.

use jialing_ledger::{Body, Op, Record, Transfer};

use crate::exchange::{Direction, State, id_of, store};
use crate::id::WalletId;
use crate::kind::Kind;
use crate::{App, Result, Tx, wallets};

/// A hold is under way, a post is a success, a release a failure, a return a return. A wallet that
/// was swept is closed; one whose sweep failed is open again.
///
/// # Errors
/// Any fault of the database.
pub async fn settle(_app: &App, tx: &mut Tx, records: &[Record]) -> Result<()> {
    for record in records {
        let Body::Transfer(transfer) = &record.body else { continue };
        // The first leg is the wallet's, except of a return, which ends in the wallet.
        if transfer.leg == 0 {
            one(tx, transfer, (record.time / 1_000_000) as i64).await?;
        }
    }
    Ok(())
}

async fn one(tx: &mut Tx, transfer: &Transfer, at: i64) -> Result<()> {
    let id = || id_of(Direction::Withdrawal, transfer.id);
    let wallet = WalletId::from_number(transfer.debit);
    let sweep = match Kind::from_number(transfer.kind) {
        Some(Kind::Withdrawal) => false,
        Some(Kind::Sweep) => true,
        Some(Kind::WithdrawalReturn) => return store::settle(tx, &id(), State::Returned, at).await.map(drop),
        _ => return Ok(()),
    };
    match transfer.op {
        Op::Hold => store::set_held(tx, &id()).await,
        Op::Post => {
            let first = store::settle(tx, &id(), State::Success, at).await?;
            if first && sweep { wallets::swept(tx, wallet, at).await } else { Ok(()) }
        }
        Op::Void => {
            let first = store::settle(tx, &id(), State::Fail, at).await?;
            if first && sweep { wallets::sweep_failed(tx, wallet).await } else { Ok(()) }
        }
        Op::Plain | Op::Expire | Op::Reverse => Ok(()),
    }
}
