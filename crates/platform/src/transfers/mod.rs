//! Person to person: by phone, where the payee agreed to be found so, or by wallet id.
//!
//! `ACCEPTED → SUCCESS | FAIL`; one that is to arrive later `ACCEPTED → PENDING → SUCCESS | REVOKED |
//! FAIL`: see [`delayed`]. A transfer is written down as accepted, then the ledger moves the
//! money under the transfer's own number, and the follower of the journal makes it `SUCCESS`; a
//! refusal of the ledger makes it `FAIL`; one that pays a request can then be tried again, under the same
//! number. `out_transfer_no` is the payer's key for ever: the same
//! parameters answer the transfer there is, others are refused. One that was accepted and never
//! heard of again is looked up in the ledger by its number: see [`resolve`].
//!
//! Finding a payee by phone costs points of a bucket per person, so that nobody can scan the
//! directory: see [`payees`].

pub mod delayed;
pub mod follow;
mod numbers;
pub mod payees;
pub mod rules;
mod store;
mod submit;

use serde::{Deserialize, Serialize};

use crate::clock::rfc3339;
use crate::id::{PaymentRequestId, TransactionId, TransferId, WalletId};
use crate::sessions::Actor;
use crate::wallets::Owner;
use crate::{App, Code, Money, Page, PageAsk, Problem, Result, devices, pins, text, wallets};

pub use delayed::{Delay, revoke};
pub(crate) use numbers::{number_of, state_of};
pub use payees::{LookupAsk, Payee, lookup};
pub use store::notes;
pub use submit::{keep_resolving, reconcile, resolve};

/// The action a device signs to send money.
pub const ACTION: &str = "transfer";
/// The action a device signs to send money that arrives later.
pub const DELAYED_ACTION: &str = "transfer_delayed";
/// Longest note, characters.
pub const MAX_NOTE: usize = 100;

crate::stored! {
    /// Where a transfer stands.
    #[schema(as = TransferState)]
    pub enum State {
        /// Written down; the ledger has not said yet.
        Accepted = "ACCEPTED",
        /// The money is set aside and arrives later.
        Pending = "PENDING",
        /// The money has moved; final.
        Success = "SUCCESS",
        /// The payer took it back in time; final.
        Revoked = "REVOKED",
        /// The money has not moved and will not; final.
        Fail = "FAIL",
    }
}

/// A transfer, as its payer sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Transfer {
    /// Its id.
    pub id: TransferId,
    /// The payer's own number of it.
    pub out_transfer_no: String,
    /// Where it stands.
    pub state: State,
    /// The wallet that pays.
    pub from_wallet_id: WalletId,
    /// The payee, masked.
    pub payee_name: String,
    /// How much.
    pub amount: Money,
    /// What the payer wrote to the payee.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The ledger transfer, once the money has moved: what a receipt is asked for with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transaction_id: Option<TransactionId>,
    /// The code of the problem it failed with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// When it was accepted, RFC 3339.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// When it arrives, RFC 3339, where that was put off.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub arrives_at: Option<String>,
    /// When it ended, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub ended_at: Option<String>,
}

/// Money is to be sent.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TransferAsk {
    /// The payer's own number of it, the key for ever: 1 to 64 letters, digits and `_ - | * . :`.
    #[schema(example = "lunch-20261122-1")]
    pub out_transfer_no: String,
    /// The wallet that pays.
    pub from_wallet_id: WalletId,
    /// Who is paid: a wallet id, or the `payee_token` of a look-up.
    #[schema(example = "wal_01k9zq6m8e0000000000000000")]
    pub payee: String,
    /// How much.
    pub amount: Money,
    /// A word to the payee, at most 100 characters.
    pub note: Option<String>,
    /// Lets it arrive later, and be taken back until then.
    pub delay: Option<Delay>,
    /// The payment PIN, needed above the no-PIN amount.
    pub pin: Option<String>,
    /// What your device signed: action `transfer`, or `transfer_delayed` with a delay, `payee` as here,
    /// subject `out_transfer_no`.
    pub evidence: devices::EvidenceAsk,
}

/// Sends money.
///
/// Sent again it answers the transfer as it stands; money moves once.
///
/// # Errors
/// `conflict`, naming the field, where the number was used for another transfer; `not_found` for a
/// wallet that is not the actor's; `payee_unknown`; those of device evidence and the PIN; what the
/// ledger refused, with the limit and what is left.
pub async fn send(app: &App, actor: &Actor, ask: TransferAsk) -> Result<Transfer> {
    text::key("out_transfer_no", &ask.out_transfer_no)?;
    if ask.out_transfer_no.parse::<PaymentRequestId>().is_ok() {
        return Err(Problem::new(Code::InvalidRequest)
            .field("out_transfer_no")
            .detail("This is the number of a request to pay: pay the request, or choose another number."));
    }
    accept(app, actor, TransferId::new(app.clock.millis()), ask).await
}

/// Pays a request, under the request's own number in the ledger too: however often it is tried, and
/// whatever became of a try that nobody heard of, its money moves once. What failed can be tried again,
/// from another wallet too.
///
/// # Errors
/// Those of [`send`].
pub(crate) async fn pay_request(
    app: &App,
    actor: &Actor,
    request: PaymentRequestId,
    ask: TransferAsk,
) -> Result<Transfer> {
    accept(app, actor, request.cast(), ask).await
}

async fn accept(app: &App, actor: &Actor, id: TransferId, ask: TransferAsk) -> Result<Transfer> {
    text::optional_line("note", ask.note.as_deref(), MAX_NOTE)?;
    let amount = ask.amount.positive("amount")?;
    let known = store::numbered(app, actor.person, &ask.out_transfer_no).await?;
    if let Some(row) = known.filter(|row| !row.can_be_tried_again(id)) {
        rules::same(app, &row, &ask)?;
        return again(app, row).await;
    }
    let from = wallets::of(app, actor.person, ask.from_wallet_id).await?;
    from.may_pay()?;
    let to = payees::resolve(app, actor, &ask.payee).await?;
    if to.id == from.id {
        return Err(Problem::new(Code::InvalidRequest)
            .field("payee")
            .detail("The payee is the paying wallet itself."));
    }
    let evidence = devices::Evidence {
        action: if ask.delay.is_some() { DELAYED_ACTION } else { ACTION },
        payee: ask.payee.clone(),
        amount: ask.amount,
        subject: ask.out_transfer_no.clone(),
        wallet: ask.from_wallet_id,
        expires_at: ask.evidence.expires_at,
        nonce: ask.evidence.nonce.clone(),
    };
    let proof = devices::admit(app, actor, &evidence, &ask.evidence).await?;
    pins::require_unless(app, actor, proof.by_passkey, ask.pin.as_deref(), amount).await?;
    let row = store::accept(app, actor, id, &ask, (to.id, proof.digest)).await?;
    // The same number may have been accepted a moment ago by the same request sent twice.
    rules::same(app, &row, &ask)?;
    again(app, row).await
}

/// Goes on with a transfer that is under way, and answers it as it stands.
async fn again(app: &App, row: store::Row) -> Result<Transfer> {
    let id = row.id;
    if row.state == State::Accepted {
        submit::submit(app, row).await?;
    }
    let row = store::find(app, id).await?.ok_or(Problem::new(Code::NotFound))?;
    shown(app, row).await
}

/// One of the actor's transfers, by its id or by the actor's own number of it.
///
/// # Errors
/// `not_found`.
pub async fn get(app: &App, actor: &Actor, name: &str) -> Result<Transfer> {
    let row = match name.parse::<TransferId>() {
        Ok(id) => store::find(app, id).await?.filter(|row| row.person == actor.person),
        Err(_) => store::numbered(app, actor.person, name).await?,
    };
    shown(app, row.ok_or(Problem::new(Code::NotFound))?).await
}

/// The actor's transfers, newest first.
///
/// # Errors
/// `invalid_request` for a bad page; any fault of the database.
pub async fn list(app: &App, actor: &Actor, page: &PageAsk) -> Result<Page<Transfer>> {
    let rows = store::list(app, actor.person, page).await?;
    let mut items = Vec::with_capacity(rows.items.len());
    for row in rows.items {
        items.push(shown(app, row).await?);
    }
    Ok(Page { items, has_more: rows.has_more })
}

async fn shown(app: &App, row: store::Row) -> Result<Transfer> {
    let payee = wallets::find(app, row.to_wallet).await?;
    let payee_name = match payee.owner {
        Owner::Person(person) => crate::people::display_name(app, person).await?,
        Owner::Organisation(_) => String::new(),
    };
    Ok(Transfer {
        id: row.id,
        note: store::note(app, &row)?,
        out_transfer_no: row.out_transfer_no,
        state: row.state,
        from_wallet_id: row.from_wallet,
        payee_name,
        amount: Money::fen(row.amount.unsigned_abs()),
        transaction_id: (row.state == State::Success).then(|| row.id.cast()),
        problem: row.problem,
        created_at: rfc3339(row.created_at),
        arrives_at: row.arrives_at.map(rfc3339),
        ended_at: row.ended_at.map(rfc3339),
    })
}
