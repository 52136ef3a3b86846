//! Paying a request: a transfer under the request's own number, in the ledger too.

use serde::Deserialize;
use serde_json::json;

use super::{State, of, store};
use crate::devices::EvidenceAsk;
use crate::id::{PaymentRequestId, PersonId, TransferId, WalletId};
use crate::notices::{self, NoticeCode};
use crate::sessions::Actor;
use crate::transfers::{self, Transfer, TransferAsk};
use crate::{App, Code, Money, Problem, Result, Tx};

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
    let number = id.to_string();
    let tried = transfers::state_of(app, actor.person, &number).await?;
    let state = row.state_at(app.clock.millis());
    if tried.is_none_or(|tried| tried == transfers::State::Fail) && state != State::Pending {
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
    transfers::pay_request(app, actor, id, ask).await
}

/// The journal says that `payer` has sent `amount` to `wallet` under `number`: the request whose number
/// this is, if it is one's, is paid. Safe to run again: only the first time is news.
pub(crate) async fn paid(
    tx: &mut Tx,
    transfer: TransferId,
    number: &str,
    payer: PersonId,
    wallet: WalletId,
    amount: i64,
    at: i64,
) -> Result<()> {
    let Ok(id) = number.parse::<PaymentRequestId>() else { return Ok(()) };
    let Some(requester) = store::paid(tx, id, transfer, payer, wallet, amount, at).await? else {
        return Ok(());
    };
    let (code, params) = (NoticeCode::RequestPaid, json!({ "amount": amount }));
    notices::tell(tx, notices::New::about(requester, code, params, id.to_string(), at)).await
}
