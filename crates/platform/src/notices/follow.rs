//! People are told what the journal says.

use jialing_ledger::Record;
use serde_json::json;

use super::{NoticeCode, store};
use crate::follow::{Holder, Parties};
use crate::history::rules::{accounts, sides};
use crate::history::{Direction, subject_prefix};
use crate::id::{NoticeId, digits};
use crate::kind::Kind;
use crate::{App, Result, Tx};

/// Writes a notice to each person whose money `records` moved. A notice's id follows from its record,
/// so that running again adds none.
///
/// # Errors
/// Any fault of the database.
pub async fn tell(app: &App, tx: &mut Tx, records: &[Record]) -> Result<()> {
    let accounts = accounts(records);
    if accounts.is_empty() {
        return Ok(());
    }
    let parties = Parties::read(app, &accounts).await?;
    for side in sides(records, |account| parties.is_wallet(account)) {
        let Some(Holder::Person(person)) = parties.holder(side.wallet) else { continue };
        let Some(code) = code(side.kind, side.direction) else { continue };
        let counterparty = parties.counterparty(app, &side).await?;
        let params = json!({
            "amount": side.amount,
            "balance": side.balance,
            "counterparty": counterparty.name,
            "counterparty_en": counterparty.name_en,
        });
        let notice = store::New {
            id: id(side.at, side.seq, side.direction),
            person: *person,
            code,
            params: params.to_string(),
            subject: format!("{}_{}", subject_prefix(side.kind), digits(side.transaction)),
            at: side.at,
        };
        store::insert(tx, notice).await?;
    }
    Ok(())
}

/// Sorted by the time of the record, then by its place; each record has two ends at most.
fn id(at: i64, seq: u64, direction: Direction) -> NoticeId {
    NoticeId::from_parts(at, u128::from(seq) << 5 | u128::from(direction == Direction::In) << 4)
}

/// What the movement is to the person, if it is anything to tell.
const fn code(kind: Kind, direction: Direction) -> Option<NoticeCode> {
    match (kind, direction) {
        (Kind::Payment, Direction::Out) => Some(NoticeCode::PaymentMade),
        (Kind::Refund, Direction::In) => Some(NoticeCode::RefundReceived),
        (Kind::Transfer, Direction::Out) => Some(NoticeCode::TransferMade),
        (Kind::Transfer | Kind::Bulk | Kind::Payout | Kind::Split, Direction::In) => {
            Some(NoticeCode::TransferReceived)
        }
        (Kind::TopUp, Direction::In) => Some(NoticeCode::TopUpDone),
        (Kind::Withdrawal, Direction::Out) => Some(NoticeCode::WithdrawalDone),
        (Kind::WithdrawalReturn, Direction::In) => Some(NoticeCode::WithdrawalReturned),
        (Kind::RedPacketShare, Direction::In) => Some(NoticeCode::RedPacketReceived),
        (Kind::RedPacketReturn, Direction::In) => Some(NoticeCode::RedPacketReturned),
        (Kind::Sweep, Direction::Out) => Some(NoticeCode::WalletSwept),
        _ => None,
    }
}
