//! Requests to pay: a person asks another for money, or several for their parts of a bill.
//!
//! `PENDING → PAID | DECLINED | CANCELLED | EXPIRED`. Paying a request is a transfer whose number is the
//! request's, in the ledger too, so that it is paid once however often and from wherever it is tried; the follower of the
//! journal makes the request `PAID` when the money has moved. Money that has moved counts, whatever was
//! said in between: a request that was cancelled a moment too late is paid. Whoever asks learns no more of
//! the other than a masked name, and how often one may ask is limited.

mod bill_splits;
mod pay;
mod store;

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::clock::rfc3339;
use crate::id::{BillSplitId, PaymentRequestId, PersonId, TransferId, WalletId};
use crate::notices::{self, NoticeCode};
use crate::sessions::Actor;
use crate::sessions::quotas::{self, Quota};
use crate::transfers::payees;
use crate::wallets::{self, Owner};
use crate::{App, Code, Money, Page, PageAsk, Problem, Result, Tx, people, stored, text};

pub use bill_splits::{
    BillShare, BillSplit, BillSplitAsk, BillSplitState, MAX_SHARES, cancel_split, list_splits, split,
    split_of,
};
pub(crate) use pay::paid;
pub use pay::{PayRequestAsk, pay};

/// Longest note, characters.
pub const MAX_NOTE: usize = 100;
/// How long a request waits, milliseconds: 7 days.
pub const VALID_MS: i64 = 7 * 86_400_000;

stored! {
    /// Where a request stands.
    #[schema(as = PaymentRequestState)]
    pub enum State {
        /// It waits for its payer.
        Pending = "PENDING",
        /// The money has moved; final.
        Paid = "PAID",
        /// The payer will not pay; final.
        Declined = "DECLINED",
        /// The requester took it back; final.
        Cancelled = "CANCELLED",
        /// It waited too long; final.
        Expired = "EXPIRED",
    }
}

stored! {
    /// On which side of a request one is.
    pub enum RequestDirection {
        /// You ask.
        Sent = "SENT",
        /// You are asked.
        Received = "RECEIVED",
    }
}

/// Somebody is to be asked for money.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PaymentRequestAsk {
    /// The requester's own number of it, the key for ever: 1 to 64 letters, digits and `_ - | * . :`.
    #[schema(example = "dinner-20261122-1")]
    pub out_request_no: String,
    /// Who is asked: a wallet id, or the `payee_token` of a look-up.
    pub payer: String,
    /// How much.
    pub amount: Money,
    /// A word to the payer, at most 100 characters.
    pub note: Option<String>,
    /// Your wallet that the money goes to.
    pub to_wallet_id: WalletId,
}

/// A request, as one of its two sides sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PaymentRequest {
    /// Its id.
    pub id: PaymentRequestId,
    /// The requester's own number of it; only for the requester.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub out_request_no: Option<String>,
    /// On which side you are.
    pub direction: RequestDirection,
    /// Where it stands.
    pub state: State,
    /// How much.
    pub amount: Money,
    /// The word to the payer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The other side, masked.
    pub other_name: String,
    /// What the payer's device signs as payee; only for the payer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payee: Option<WalletId>,
    /// The bill it is a part of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub split_id: Option<BillSplitId>,
    /// The transfer that paid it; only for the payer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transfer_id: Option<TransferId>,
    /// When it was asked, RFC 3339.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// Until when it waits, RFC 3339.
    #[schema(format = DateTime)]
    pub expires_at: String,
    /// When it ended, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub ended_at: Option<String>,
}

/// Which requests are asked for.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RequestsAsk {
    /// Only those on this side.
    pub direction: Option<RequestDirection>,
    /// Items wanted, 1 to 100; 20 by default.
    pub limit: Option<u32>,
    /// The last id of the page before this one.
    pub after: Option<String>,
    /// The first id of the page after this one.
    pub before: Option<String>,
}

/// Asks a person for money. The same parameters again answer the request there is.
///
/// # Errors
/// `conflict`, naming the field, where the number was used for another request; `not_found` for a wallet
/// that is not the actor's; `wallet_unavailable` if it cannot receive; `payee_unknown`; `rate_limited`.
pub async fn ask(app: &App, actor: &Actor, ask: PaymentRequestAsk) -> Result<PaymentRequest> {
    text::key("out_request_no", &ask.out_request_no)?;
    text::optional_line("note", ask.note.as_deref(), MAX_NOTE)?;
    let amount = ask.amount.positive("amount")?;
    if let Some(row) = store::numbered(app, actor.person, &ask.out_request_no).await? {
        same(app, &row, &ask)?;
        return shown(app, row, actor.person).await;
    }
    let to = wallets::of(app, actor.person, ask.to_wallet_id).await?;
    to.may_receive()?;
    let payer = payer(app, actor, "payer", &ask.payer).await?;
    let now = app.clock.millis();
    let id = PaymentRequestId::new(now);
    let new = store::New {
        id,
        requester: actor.person,
        payer,
        out_request_no: ask.out_request_no.clone(),
        bill_split: None,
        payer_hash: payees::hash(app, &ask.payer),
        to_wallet: ask.to_wallet_id,
        amount: amount as i64,
        note: ask.note.as_deref().map(|note| store::seal_note(app, id, note)),
        now,
    };
    let said = Said::new(app, actor, ask.note.clone()).await?;
    let row = app
        .db
        .write(async move |tx: &mut Tx| {
            if store::insert(tx, &new).await? {
                said.tell(tx, &new).await?;
            }
            store::numbered_in(tx, new.requester, &new.out_request_no).await
        })
        .await?;
    // The same number may have been taken a moment ago by the same request sent twice.
    same(app, &row, &ask)?;
    shown(app, row, actor.person).await
}

/// What a payer is told, within what the requester may ask.
#[derive(Clone)]
struct Said {
    name: String,
    note: Option<String>,
    quota: Quota,
}

impl Said {
    async fn new(app: &App, actor: &Actor, note: Option<String>) -> Result<Self> {
        let name = people::display_name(app, actor.person).await?;
        Ok(Self { name, note, quota: Quota::of(app, "payment_requests").await? })
    }

    /// Counts the request, and tells its payer.
    async fn tell(&self, tx: &mut Tx, new: &store::New) -> Result<()> {
        quotas::take(tx, &format!("payment_requests/{}", new.requester), new.now, self.quota).await?;
        let params = json!({ "amount": new.amount, "counterparty": self.name, "note": self.note });
        let (code, subject) = (NoticeCode::PaymentRequested, new.id.to_string());
        notices::tell(tx, notices::New::about(new.payer, code, params, subject, new.now)).await
    }
}

/// The person whom `name` stands for: somebody else.
async fn payer(app: &App, actor: &Actor, field: &'static str, name: &str) -> Result<PersonId> {
    match payees::resolve(app, actor, name).await.map_err(|problem| problem.field(field))?.owner {
        Owner::Person(person) if person != actor.person => Ok(person),
        _ => Err(Problem::new(Code::InvalidRequest).field(field).detail("You cannot ask yourself.")),
    }
}

/// Compares a request with the row that has its number.
fn same(app: &App, row: &store::Row, ask: &PaymentRequestAsk) -> Result<()> {
    Problem::conflict_if(
        [
            ("payer", row.payer_hash != payees::hash(app, &ask.payer)),
            ("amount", row.amount.unsigned_abs() != ask.amount.amount),
            ("note", store::note(app, row)? != ask.note),
            ("to_wallet_id", row.to_wallet != ask.to_wallet_id),
        ],
        |field| format!("Another request has this number; its `{field}` differs."),
    )
}

/// One of the requests that the actor is a side of.
///
/// # Errors
/// `not_found`.
pub async fn get(app: &App, actor: &Actor, id: PaymentRequestId) -> Result<PaymentRequest> {
    let row = of(app, actor, id).await?;
    shown(app, row, actor.person).await
}

async fn of(app: &App, actor: &Actor, id: PaymentRequestId) -> Result<store::Row> {
    let row = store::find(app, id).await?;
    row.filter(|row| row.requester == actor.person || row.payer == actor.person)
        .ok_or(Problem::new(Code::NotFound))
}

/// The requests that the actor is a side of, newest first.
///
/// # Errors
/// `invalid_request` for a bad page; any fault of the database.
pub async fn list(app: &App, actor: &Actor, ask: &RequestsAsk) -> Result<Page<PaymentRequest>> {
    let page = PageAsk { limit: ask.limit, after: ask.after.clone(), before: ask.before.clone() };
    let rows = store::list(app, actor.person, ask.direction, &page).await?;
    let mut items = Vec::with_capacity(rows.items.len());
    for row in rows.items {
        items.push(shown(app, row, actor.person).await?);
    }
    Ok(Page { items, has_more: rows.has_more })
}

/// Says that the actor will not pay. Done again, it changes nothing.
///
/// # Errors
/// `not_found` unless the actor is asked; `state_conflict` once it has ended otherwise.
pub async fn decline(app: &App, actor: &Actor, id: PaymentRequestId) -> Result<PaymentRequest> {
    end(app, actor, id, State::Declined).await
}

/// Takes the actor's own request back. Done again, it changes nothing.
///
/// # Errors
/// `not_found` unless the actor asked; `state_conflict` once it has ended otherwise.
pub async fn cancel(app: &App, actor: &Actor, id: PaymentRequestId) -> Result<PaymentRequest> {
    end(app, actor, id, State::Cancelled).await
}

async fn end(app: &App, actor: &Actor, id: PaymentRequestId, to: State) -> Result<PaymentRequest> {
    let row = of(app, actor, id).await?;
    let whose = if to == State::Declined { row.payer } else { row.requester };
    if whose != actor.person {
        return Err(Problem::new(Code::NotFound));
    }
    let now = app.clock.millis();
    let params = json!({ "amount": row.amount, "counterparty": people::display_name(app, row.payer).await? });
    app.db
        .write(async move |tx: &mut Tx| {
            if store::end(tx, id, to, now).await? {
                if to == State::Declined {
                    let (code, subject) = (NoticeCode::RequestDeclined, id.to_string());
                    let notice = notices::New::about(row.requester, code, params.clone(), subject, now);
                    notices::tell(tx, notice).await?;
                }
                return Ok(());
            }
            match store::state_in(tx, id).await? {
                state if state == to => Ok(()),
                state => {
                    Err(Problem::new(Code::StateConflict).detail(format!("The request is {state} or over.")))
                }
            }
        })
        .await?;
    get(app, actor, id).await
}

async fn shown(app: &App, row: store::Row, viewer: PersonId) -> Result<PaymentRequest> {
    let sent = row.requester == viewer;
    let other = if sent { row.payer } else { row.requester };
    Ok(PaymentRequest {
        id: row.id,
        note: store::note(app, &row)?,
        state: row.state_at(app.clock.millis()),
        out_request_no: (sent && row.bill_split.is_none()).then_some(row.out_request_no),
        direction: if sent { RequestDirection::Sent } else { RequestDirection::Received },
        amount: Money::fen(row.amount.unsigned_abs()),
        other_name: people::display_name(app, other).await?,
        payee: (!sent).then_some(row.to_wallet),
        split_id: row.bill_split,
        transfer_id: row.transfer.filter(|_| !sent),
        created_at: rfc3339(row.created_at),
        expires_at: rfc3339(row.expires_at),
        ended_at: row.ended_at.map(rfc3339),
    })
}
