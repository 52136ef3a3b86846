//! Deposit money becomes wallet money.
//!
//! The bank debits the linked account first, then the ledger moves the amount from the bank's side
//! (its vault, or its issuance where the wallet is its own liability) into the wallet, under the
//! top-up's id. A top-up that the wallet could not hold is refused before the bank is asked; if that
//! becomes so while the bank works, or the wallet was frozen or closed meanwhile, the money is pushed
//! back to the account and the top-up is RETURNED.

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
use crate::id::{LinkId, TopUpId, TopUpTag, WalletId};
use crate::sessions::Actor;
use crate::{App, Code, Money, Page, PageAsk, Problem, Result, pins, text, wallets};

pub use crate::exchange::{State, resolve};

/// What the device signs that it does.
pub const ACTION: &str = "top_up";

/// A top-up to make.
///
/// The device signs: action `top_up`, payee the wallet's id, subject the `out_topup_no`.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TopUpAsk {
    /// The app's own number for it: carried out once, ever.
    #[schema(example = "T-20261122-0001", max_length = 64)]
    pub out_topup_no: String,
    /// Where the money comes from.
    pub link_id: LinkId,
    /// Where it arrives.
    pub wallet_id: WalletId,
    /// How much.
    pub amount: Money,
    /// The payment PIN, where the amount asks for it.
    pub pin: Option<String>,
    /// The device's evidence.
    pub evidence: EvidenceAsk,
}

/// A top-up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct TopUp {
    /// Its id; also the ledger transfer's.
    pub topup_id: TopUpId,
    /// The app's own number for it.
    pub out_topup_no: String,
    /// Where the money comes from.
    pub link_id: LinkId,
    /// Where it arrives.
    pub wallet_id: WalletId,
    /// How much.
    pub amount: Money,
    /// How far it has come.
    pub state: State,
    /// Why it failed or is going back: a code of the error registry, or of the bank.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When it was asked for, RFC 3339.
    pub created_at: String,
    /// When the money arrived, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settled_at: Option<String>,
}

/// Starts a top-up and answers how far it has come within [`exchange::ANSWER_WITHIN`].
///
/// The same number with the same content answers the top-up as it stands.
///
/// # Errors
/// `conflict`; `not_found` for a wallet or link that is not the actor's; `link_unusable`;
/// `wallet_unavailable`; the link's limits; `balance_too_high`; those of the evidence and the PIN.
/// Nothing was asked of the bank then.
pub async fn request(app: &App, actor: &Actor, ask: TopUpAsk) -> Result<TopUp> {
    let id = reserve(app, actor, ask).await?;
    exchange::drive_for_a_moment(app, &id.to_string()).await?;
    read(app, actor, id).await
}

/// The first part of [`request`]: takes the top-up in and asks nobody.
///
/// # Errors
/// As [`request`].
pub async fn reserve(app: &App, actor: &Actor, ask: TopUpAsk) -> Result<TopUpId> {
    text::key("out_topup_no", &ask.out_topup_no)?;
    let amount = ask.amount.positive("amount")?;
    let wallet = wallets::of(app, actor.person, ask.wallet_id).await?;
    let mut wanted = Wanted {
        id: TopUpId::new(app.clock.millis()).to_string(),
        direction: Direction::TopUp,
        sweep: false,
        person: actor.person,
        wallet: ask.wallet_id,
        link: ask.link_id,
        out_no: ask.out_topup_no.clone(),
        amount,
        room: None,
    };
    if let Some(row) = reserve::earlier(app, &wanted).await? {
        return parse(&row);
    }
    wallet.may_receive()?;
    let account = app.engine.account(ask.wallet_id.number()).await.map_err(Problem::internal)?;
    wanted.room = Some(account.map_or(0, |account| wallets::room(&account)));
    let evidence = Evidence {
        action: ACTION,
        payee: ask.wallet_id.to_string(),
        amount: ask.amount,
        subject: ask.out_topup_no,
        wallet: ask.wallet_id,
        expires_at: ask.evidence.expires_at,
        nonce: ask.evidence.nonce.clone(),
    };
    let signed = devices::evidence::check(app, actor, &evidence, &ask.evidence).await?;
    pins::require_unless(app, actor, signed.by_passkey(), ask.pin.as_deref(), amount).await?;
    match reserve::reserve(app, wanted, signed).await {
        Ok(row) => parse(&row),
        Err(problem) if problem.code == Code::BalanceTooHigh => {
            Err(wallets::too_high(app, ask.wallet_id).await?)
        }
        Err(problem) => Err(problem),
    }
}

/// The actor's own top-up.
///
/// # Errors
/// `not_found`.
pub async fn read(app: &App, actor: &Actor, id: TopUpId) -> Result<TopUp> {
    let row = store::read(app.db.read(), &id.to_string()).await?;
    if row.person_id == actor.person { row.try_into() } else { Err(Problem::new(Code::NotFound)) }
}

/// The actor's top-ups, newest first.
///
/// # Errors
/// `invalid_request` for a page that cannot be.
pub async fn list(app: &App, actor: &Actor, ask: &PageAsk) -> Result<Page<TopUp>> {
    let (limit, cursor) = (ask.limit()?, ask.cursor::<TopUpTag>()?);
    let page = store::list(app.db.read(), actor.person, Direction::TopUp, &cursor, limit).await?;
    let has_more = page.has_more;
    Ok(Page { items: page.items.into_iter().map(TopUp::try_from).collect::<Result<_>>()?, has_more })
}

fn parse(row: &Row) -> Result<TopUpId> {
    row.id.parse().map_err(Problem::internal)
}

impl TryFrom<Row> for TopUp {
    type Error = Problem;
    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            topup_id: parse(&row)?,
            amount: Money::fen(row.fen()),
            out_topup_no: row.out_no,
            link_id: row.link_id,
            wallet_id: row.wallet_id,
            state: row.state,
            reason: row.reason,
            created_at: rfc3339(row.created_at),
            settled_at: row.settled_at.map(rfc3339),
        })
    }
}
