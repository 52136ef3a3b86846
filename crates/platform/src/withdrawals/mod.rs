//! Wallet money becomes deposit money.
//!
//! The ledger holds the amount first, so it can be spent once only; then the bank is asked to credit
//! the linked account. What the bank has done is posted, what it refused is released, and while
//! nobody knows, the money stays held. A push that comes back later returns the money to the wallet.
//! Emptying a wallet that closes is a withdrawal too (*sweep*), of the whole balance and beyond the
//! link's limits.

pub mod follow;
mod rules;
pub(crate) mod steps;

use serde::{Deserialize, Serialize};

use crate::clock::rfc3339;
use crate::devices::evidence::EvidenceAsk;
use crate::devices::{self, Evidence};
use crate::exchange::reserve::{self, Wanted};
use crate::exchange::store::{self, Row};
use crate::exchange::{self, Direction};
use crate::id::{LinkId, WalletId, WithdrawalId, WithdrawalTag};
use crate::sessions::Actor;
use crate::{App, Code, Money, Page, PageAsk, Problem, Result, pins, text, wallets};

pub use crate::exchange::State;

/// What the device signs that it does.
pub const ACTION: &str = "withdraw";

/// A withdrawal to make.
///
/// The device signs: action `withdraw`, payee the link's id, subject the `out_withdrawal_no`.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WithdrawalAsk {
    /// The app's own number for it: carried out once, ever.
    #[schema(example = "W-20261122-0001", max_length = 64)]
    pub out_withdrawal_no: String,
    /// Where the money leaves.
    pub wallet_id: WalletId,
    /// Where it arrives.
    pub link_id: LinkId,
    /// How much.
    pub amount: Money,
    /// The payment PIN, where the amount asks for it.
    pub pin: Option<String>,
    /// The device's evidence.
    pub evidence: EvidenceAsk,
}

/// A withdrawal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Withdrawal {
    /// Its id; also the ledger transfer's.
    pub withdrawal_id: WithdrawalId,
    /// The app's own number for it.
    pub out_withdrawal_no: String,
    /// Where the money leaves.
    pub wallet_id: WalletId,
    /// Where it arrives.
    pub link_id: LinkId,
    /// How much.
    pub amount: Money,
    /// Whether it empties a wallet that closes.
    pub sweep: bool,
    /// How far it has come.
    pub state: State,
    /// Why it failed or came back: a code of the error registry, or of the bank.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When it was asked for, RFC 3339.
    pub created_at: String,
    /// When the money left for good, or came back, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settled_at: Option<String>,
}

/// Starts a withdrawal and answers how far it has come within [`exchange::ANSWER_WITHIN`].
///
/// The same number with the same content answers the withdrawal as it stands.
///
/// # Errors
/// `conflict`; `not_found` for a wallet or link that is not the actor's; `link_unusable`;
/// `wallet_unavailable`; the link's limits; `balance_too_low`; those of the evidence and the PIN.
pub async fn request(app: &App, actor: &Actor, ask: WithdrawalAsk) -> Result<Withdrawal> {
    let id = reserve(app, actor, ask, false).await?;
    exchange::drive_for_a_moment(app, &id.to_string()).await?;
    read(app, actor, id).await
}

/// The first part of [`request`]: takes the withdrawal in; nothing is held and nobody asked.
///
/// A sweep is not bound by the link's limits; closing a wallet starts it.
///
/// # Errors
/// As [`request`].
pub async fn reserve(app: &App, actor: &Actor, ask: WithdrawalAsk, sweep: bool) -> Result<WithdrawalId> {
    text::key("out_withdrawal_no", &ask.out_withdrawal_no)?;
    let amount = ask.amount.positive("amount")?;
    let wallet = wallets::of(app, actor.person, ask.wallet_id).await?;
    let wanted = Wanted {
        id: WithdrawalId::new(app.clock.millis()).to_string(),
        direction: Direction::Withdrawal,
        sweep,
        person: actor.person,
        wallet: ask.wallet_id,
        link: ask.link_id,
        out_no: ask.out_withdrawal_no.clone(),
        amount,
        room: None,
    };
    if let Some(row) = reserve::earlier(app, &wanted).await? {
        return parse(&row);
    }
    wallet.may_pay()?;
    let evidence = Evidence {
        action: ACTION,
        payee: ask.link_id.to_string(),
        amount: ask.amount,
        subject: ask.out_withdrawal_no,
        wallet: ask.wallet_id,
        expires_at: ask.evidence.expires_at,
        nonce: ask.evidence.nonce.clone(),
    };
    let signed = devices::evidence::check(app, actor, &evidence, &ask.evidence).await?;
    pins::require_unless(app, actor, signed.by_passkey(), ask.pin.as_deref(), amount).await?;
    reserve::reserve(app, wanted, signed).await.and_then(|row| parse(&row))
}

/// The actor's own withdrawal.
///
/// # Errors
/// `not_found`.
pub async fn read(app: &App, actor: &Actor, id: WithdrawalId) -> Result<Withdrawal> {
    let row = store::read(app.db.read(), &id.to_string()).await?;
    if row.person_id == actor.person { row.try_into() } else { Err(Problem::new(Code::NotFound)) }
}

/// The actor's withdrawals, newest first.
///
/// # Errors
/// `invalid_request` for a page that cannot be.
pub async fn list(app: &App, actor: &Actor, ask: &PageAsk) -> Result<Page<Withdrawal>> {
    let (limit, cursor) = (ask.limit()?, ask.cursor::<WithdrawalTag>()?);
    let page = store::list(app.db.read(), actor.person, Direction::Withdrawal, &cursor, limit).await?;
    let has_more = page.has_more;
    Ok(Page { items: page.items.into_iter().map(Withdrawal::try_from).collect::<Result<_>>()?, has_more })
}

fn parse(row: &Row) -> Result<WithdrawalId> {
    row.id.parse().map_err(Problem::internal)
}

impl TryFrom<Row> for Withdrawal {
    type Error = Problem;
    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            withdrawal_id: parse(&row)?,
            amount: Money::fen(row.fen()),
            out_withdrawal_no: row.out_no,
            link_id: row.link_id,
            wallet_id: row.wallet_id,
            sweep: row.sweep == 1,
            state: row.state,
            reason: row.reason,
            created_at: rfc3339(row.created_at),
            settled_at: row.settled_at.map(rfc3339),
        })
    }
}
