//! Transfers follow the journal.

use jialing_ledger::{Body, Op, Record, Transfer};
use serde_json::json;

use super::{State, payees, store};
use crate::clock::rfc3339;
use crate::id::{TransferId, WalletId};
use crate::kind::Kind;
use crate::notices::{self, NoticeCode};
use crate::wallets::{self, Owner, legs::thing};
use crate::{App, Result, Tx, payment_requests, people};

/// Makes every transfer that `records` moved `SUCCESS`, gives its payer a look-up back where the payee was
/// found by one, and ends the request that it paid; makes what was set aside `PENDING`, and what is free
/// again `REVOKED` or `FAIL`. Safe to run again: only the first time is news.
///
/// # Errors
/// Any fault of the database.
pub async fn settle(app: &App, tx: &mut Tx, records: &[Record]) -> Result<()> {
    for record in records {
        let Body::Transfer(transfer) = &record.body else { continue };
        if transfer.kind != Kind::Transfer as u16 || transfer.leg != 0 {
            continue;
        }
        let (seq, at) = (record.seq as i64, (record.time / 1_000_000) as i64);
        one(app, tx, transfer, seq, at).await?;
    }
    Ok(())
}

async fn one(app: &App, tx: &mut Tx, transfer: &Transfer, seq: i64, at: i64) -> Result<()> {
    let id = TransferId::from_number(thing(transfer.id));
    match transfer.op {
        Op::Plain | Op::Post => {
            let from = WalletId::from_number(transfer.debit);
            let Some(row) = store::succeed(tx, id, from, seq, at).await? else { return Ok(()) };
            payment_requests::paid(tx, id, &row.out_transfer_no, row.person, row.to_wallet, row.amount, at)
                .await?;
            if row.looked_up != 0 {
                let bucket = payees::bucket(app).await?;
                let level = store::level(tx, row.person, &bucket, at).await?;
                store::set_level(tx, row.person, bucket.paid(level), at).await?;
            }
            Ok(())
        }
        Op::Hold => match store::held(tx, id).await? {
            Some(row) => tell_payee(app, tx, &row, NoticeCode::TransferComing, at).await,
            None => Ok(()),
        },
        Op::Void | Op::Expire => match store::released(tx, id, at).await? {
            Some(row) if row.state == State::Revoked => {
                tell_payee(app, tx, &row, NoticeCode::TransferRevoked, at).await
            }
            _ => Ok(()),
        },
        Op::Reverse => Ok(()),
    }
}

/// Tells the payee of money that is on its way, or is not any more.
async fn tell_payee(app: &App, tx: &mut Tx, row: &store::Row, code: NoticeCode, at: i64) -> Result<()> {
    let Owner::Person(payee) = wallets::find(app, row.to_wallet).await?.owner else { return Ok(()) };
    let params = json!({
        "amount": row.amount,
        "counterparty": people::display_name(app, row.person).await?,
        "arrives_at": row.arrives_at.map(rfc3339),
    });
    notices::tell(tx, notices::New::about(payee, code, params, row.id.to_string(), at)).await
}
