//! Paying a request: a transfer under a number made from the request's.

use serde::Deserialize;
use serde_json::json;

use super::{State, of, store};
use crate::devices::EvidenceAsk;
use crate::id::{PaymentRequestId, PersonId, TransferId, WalletId};
use crate::notices::{self, NoticeCode};
use crate::sessions::Actor;
use crate::transfers::{self, Transfer, TransferAsk};
use crate::{App, Code, Money, Problem, Result, Tx};

/// Between a request's id and the count of its later attempts.
const ATTEMPT: char = ':';
/// Attempts to pay one request at most: each before it was refused by the ledger.
const MOST_ATTEMPTS: u32 = 50;

/// A request is to be paid.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PayRequestAsk {
    /// The wallet that pays.
    pub from_wallet_id: WalletId,
    /// The payment PIN, needed above the no-PIN amount.
    pub pin: Option<String>,
    /// What your device signed: action `transfer`, the request's `payee`, its amount, its id as subject.
    pub evidence: EvidenceAsk,
}

/// Pays a request that the actor is asked. Sent again it answers the transfer as it stands; money moves
/// once. After a refusal of the ledger it can be tried again.
///
/// # Errors
/// `not_found` unless the actor is asked; `state_conflict` once it has ended; those of
/// [`transfers::send`].
pub async fn pay(app: &App, actor: &Actor, id: PaymentRequestId, ask: PayRequestAsk) -> Result<Transfer> {
    let row = of(app, actor, id).await?;
    if row.payer != actor.person {
        return Err(Problem::new(Code::NotFound));
    }
    let (number, begun) = number(app, actor, id).await?;
    let state = row.state_at(app.clock.millis());
    if !begun && state != State::Pending {
        return Err(Problem::new(Code::StateConflict).detail(format!("The request is {state}.")));
    }
    let ask = TransferAsk {
        out_transfer_no: number,
        from_wallet_id: ask.from_wallet_id,
        payee: row.to_wallet.to_string(),
        amount: Money::fen(row.amount.unsigned_abs()),
        note: store::note(app, &row)?,
        delay: None,
        pin: ask.pin,
        evidence: ask.evidence,
    };
    transfers::send_for(app, actor, ask, id.to_string()).await
}

/// The number of the attempt to go on with, and whether there is a transfer of it: the first that was not
/// refused.
async fn number(app: &App, actor: &Actor, id: PaymentRequestId) -> Result<(String, bool)> {
    for attempt in 1..=MOST_ATTEMPTS {
        let number = if attempt == 1 { id.to_string() } else { format!("{id}{ATTEMPT}{attempt}") };
        match transfers::state_of(app, actor.person, &number).await? {
            None => return Ok((number, false)),
            Some(transfers::State::Fail) => {}
            Some(_) => return Ok((number, true)),
        }
    }
    Err(Problem::new(Code::StateConflict).detail("The request was tried too often. Ask for another."))
}

/// The journal says that `payer` has sent `amount` to `wallet` under `number`: the request that the number
/// is made of, if it is one, is paid. Safe to run again: only the first time is news.
pub(crate) async fn paid(
    tx: &mut Tx,
    transfer: TransferId,
    number: &str,
    payer: PersonId,
    wallet: WalletId,
    amount: i64,
    at: i64,
) -> Result<()> {
    let name = number.split(ATTEMPT).next().unwrap_or_default();
    let Ok(id) = name.parse::<PaymentRequestId>() else { return Ok(()) };
    let Some(requester) = store::paid(tx, id, transfer, payer, wallet, amount, at).await? else {
        return Ok(());
    };
    let (code, params) = (NoticeCode::RequestPaid, json!({ "amount": amount }));
    notices::tell(tx, notices::New::about(requester, code, params, id.to_string(), at)).await
}
