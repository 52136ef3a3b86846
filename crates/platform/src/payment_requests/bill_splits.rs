//! A bill that one person paid and several share: a request to each.

use serde::{Deserialize, Serialize};

use super::store::{self, Split};
use super::{PaymentRequest, Said, State, payer, shown};
use crate::clock::rfc3339;
use crate::id::{BillSplitId, PaymentRequestId, PersonId, WalletId};
use crate::sessions::Actor;
use crate::transfers::payees;
use crate::{App, Code, Money, Page, PageAsk, Problem, Result, Tx, stored, text, wallets};

/// People who are asked at most.
pub const MAX_SHARES: usize = 30;
/// Longest title, characters.
const MAX_TITLE: usize = 50;

stored! {
    /// How far a bill is paid.
    pub enum BillSplitState {
        /// Some requests wait.
        Open = "OPEN",
        /// None waits.
        Done = "DONE",
    }
}

/// One person's part of a bill.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BillShare {
    /// Who is asked: a wallet id, or the `payee_token` of a look-up.
    pub payer: String,
    /// How much.
    pub amount: Money,
}

/// A bill is to be split.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BillSplitAsk {
    /// Your own number of it, the key for ever: 1 to 64 letters, digits and `_ - | * . :`.
    #[schema(example = "hotpot-20261122")]
    pub out_split_no: String,
    /// What it is for, at most 50 characters; each payer reads it.
    pub title: String,
    /// Your wallet that the money goes to.
    pub to_wallet_id: WalletId,
    /// The whole bill; what is not asked for is your own part.
    pub total: Money,
    /// Who is asked for how much, 1 to 30.
    pub shares: Vec<BillShare>,
}

/// A bill that was split.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct BillSplit {
    /// Its id.
    pub id: BillSplitId,
    /// Your own number of it.
    pub out_split_no: String,
    /// What it is for.
    pub title: String,
    /// How far it is paid.
    pub state: BillSplitState,
    /// The whole bill.
    pub total: Money,
    /// What was asked for.
    pub asked: Money,
    /// What was paid.
    pub paid: Money,
    /// How many have paid.
    pub paid_count: usize,
    /// How many were asked.
    pub count: usize,
    /// The requests, in the order in which they were sent.
    pub requests: Vec<PaymentRequest>,
    /// When it was split, RFC 3339.
    #[schema(format = DateTime)]
    pub created_at: String,
}

/// Asks several people for their parts of a bill, all of them or none. The same parameters again answer
/// the bill there is.
///
/// # Errors
/// `conflict`, naming the field; `invalid_request` or `amount_invalid`, naming the field; `not_found` for
/// a wallet that is not the actor's; `payee_unknown`; `rate_limited`.
pub async fn split(app: &App, actor: &Actor, ask: BillSplitAsk) -> Result<BillSplit> {
    check(&ask)?;
    if let Some(row) = store::numbered_split(app, actor.person, &ask.out_split_no).await? {
        same(app, &row, &ask).await?;
        return told(app, actor, row).await;
    }
    wallets::of(app, actor.person, ask.to_wallet_id).await?.may_receive()?;
    let now = app.clock.millis();
    let id = BillSplitId::new(now);
    let mut requests: Vec<store::New> = Vec::with_capacity(ask.shares.len());
    for (place, share) in ask.shares.iter().enumerate() {
        let payer: PersonId = payer(app, actor, "shares", &share.payer).await?;
        if requests.iter().any(|other| other.payer == payer) {
            return Err(Problem::new(Code::InvalidRequest)
                .field("shares")
                .detail("Somebody is asked twice: ask once for the sum."));
        }
        let request = PaymentRequestId::new(now);
        requests.push(store::New {
            id: request,
            requester: actor.person,
            payer,
            // Outside what one may choose, so that it takes no number.
            out_request_no: format!("~{id}:{place:02}"),
            bill_split: Some(id),
            payer_hash: payees::hash(app, &share.payer),
            to_wallet: ask.to_wallet_id,
            amount: share.amount.amount as i64,
            note: Some(store::seal_note(app, request, &ask.title)),
            now,
        });
    }
    let said = Said::new(app, actor, Some(ask.title.clone())).await?;
    let (person, number, title) =
        (actor.person, ask.out_split_no.clone(), store::seal_title(app, id, &ask.title));
    let money = (ask.to_wallet_id, ask.total.amount as i64);
    app.db
        .write(async move |tx: &mut Tx| {
            if store::insert_split(tx, person, &number, (id, &title), money, now).await? {
                for request in &requests {
                    store::insert(tx, request).await?;
                    said.tell(tx, request).await?;
                }
            }
            Ok(())
        })
        .await?;
    let row = store::numbered_split(app, actor.person, &ask.out_split_no).await?;
    let row = row.ok_or(Problem::new(Code::NotFound))?;
    // The same number may have been taken a moment ago by the same request sent twice.
    same(app, &row, &ask).await?;
    told(app, actor, row).await
}

fn check(ask: &BillSplitAsk) -> Result<()> {
    text::key("out_split_no", &ask.out_split_no)?;
    text::line("title", &ask.title, MAX_TITLE)?;
    let total = ask.total.positive("total")?;
    if ask.shares.is_empty() || ask.shares.len() > MAX_SHARES {
        return Err(Problem::new(Code::InvalidRequest)
            .field("shares")
            .detail(format!("A bill is split among 1 to {MAX_SHARES} others.")));
    }
    let mut asked = 0u64;
    for share in &ask.shares {
        asked = asked.saturating_add(share.amount.positive("shares")?);
    }
    if asked > total {
        return Err(Problem::new(Code::AmountInvalid)
            .field("shares")
            .detail("More is asked for than the bill comes to."));
    }
    Ok(())
}

/// Compares a request with the bill that has its number.
async fn same(app: &App, row: &Split, ask: &BillSplitAsk) -> Result<()> {
    let requests = store::of_split(app, row.id).await?;
    let differs = requests.len() != ask.shares.len()
        || requests.iter().zip(&ask.shares).any(|(request, share)| {
            request.amount.unsigned_abs() != share.amount.amount
                || request.payer_hash != payees::hash(app, &share.payer)
        });
    Problem::conflict_if(
        [
            ("title", row.title(app)? != ask.title),
            ("to_wallet_id", row.to_wallet != ask.to_wallet_id),
            ("total", row.total.unsigned_abs() != ask.total.amount),
            ("shares", differs),
        ],
        |field| format!("Another bill has this number; its `{field}` differs."),
    )
}

/// One of the actor's bills.
///
/// # Errors
/// `not_found`.
pub async fn split_of(app: &App, actor: &Actor, id: BillSplitId) -> Result<BillSplit> {
    let row = store::find_split(app, actor.person, id).await?.ok_or(Problem::new(Code::NotFound))?;
    told(app, actor, row).await
}

/// The actor's bills, newest first.
///
/// # Errors
/// `invalid_request` for a bad page; any fault of the database.
pub async fn list_splits(app: &App, actor: &Actor, page: &PageAsk) -> Result<Page<BillSplit>> {
    let rows = store::list_splits(app, actor.person, page).await?;
    let mut items = Vec::with_capacity(rows.items.len());
    for row in rows.items {
        items.push(told(app, actor, row).await?);
    }
    Ok(Page { items, has_more: rows.has_more })
}

/// Takes back every request of the bill that waits. Done again, it changes nothing.
///
/// # Errors
/// `not_found`.
pub async fn cancel_split(app: &App, actor: &Actor, id: BillSplitId) -> Result<BillSplit> {
    let row = store::find_split(app, actor.person, id).await?.ok_or(Problem::new(Code::NotFound))?;
    let now = app.clock.millis();
    app.db.write(async move |tx: &mut Tx| store::cancel_of(tx, id, now).await).await?;
    told(app, actor, row).await
}

async fn told(app: &App, actor: &Actor, row: Split) -> Result<BillSplit> {
    let mut requests = Vec::new();
    for request in store::of_split(app, row.id).await? {
        requests.push(shown(app, request, actor.person).await?);
    }
    let sum = |only: Option<State>| {
        let which = requests.iter().filter(|request| only.is_none_or(|state| request.state == state));
        Money::fen(which.map(|request| request.amount.amount).sum())
    };
    let waits = requests.iter().any(|request| request.state == State::Pending);
    Ok(BillSplit {
        id: row.id,
        title: row.title(app)?,
        out_split_no: row.out_split_no,
        state: if waits { BillSplitState::Open } else { BillSplitState::Done },
        total: Money::fen(row.total.unsigned_abs()),
        asked: sum(None),
        paid: sum(Some(State::Paid)),
        paid_count: requests.iter().filter(|request| request.state == State::Paid).count(),
        count: requests.len(),
        created_at: rfc3339(row.created_at),
        requests,
    })
}
