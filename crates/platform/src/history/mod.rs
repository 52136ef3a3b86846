//! What happened to a wallet, newest first, as its holder reads it.
//!
//! One row per wallet and movement, made by a follower of the journal: money that was only set
//! aside does not show. Each side sees the other as far as it may: a person's masked name, a
//! merchant's name, a bank's name; a merchant does not see who paid, only a reference that is the
//! same for the same payer and means nothing elsewhere. Reading a page is one index range, whatever is
//! filtered by.
//!
//! Times are asked of the ledger: [`asof`] gives the balance at any time from one record, and
//! [`statement`] adds up a range and compares it with the ledger before it answers.

pub mod account;
pub mod asof;
mod filter;
pub mod follow;
mod memos;
pub(crate) mod range;
mod reference;
pub mod rules;
pub mod statement;
pub(crate) mod store;

use serde::{Deserialize, Serialize};

use crate::id::{MerchantId, TransactionId, WalletId};
use crate::kind::Kind;
use crate::sessions::Actor;
use crate::{App, Code, Money, Page, Problem, Result};

pub(crate) use account::of_number as account_of_institution;
pub use account::{Account, InstitutionAccount};
pub use asof::{BalanceAsk, BalanceAt, balance_at};
pub(crate) use memos::add as add_memos;
pub use range::{Range, RangeAsk};
pub use statement::{Line, Statement, StatementAsk, statement};
pub(crate) use store::of_transaction;

crate::stored! {
    /// Which way money went, seen from the wallet.
    #[schema(as = HistoryDirection)]
    pub enum Direction {
        /// Into the wallet.
        In = "in",
        /// Out of the wallet.
        Out = "out",
    }
}

impl Direction {
    /// The other one.
    #[must_use]
    pub const fn turned(self) -> Self {
        match self {
            Self::In => Self::Out,
            Self::Out => Self::In,
        }
    }
}

/// One movement, seen from one wallet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Movement {
    /// The position of its record in the ledger's log; also the cursor of lists.
    #[schema(example = "10482")]
    pub id: String,
    /// The wallet.
    pub wallet_id: WalletId,
    /// The transaction: ask for its receipt with it. Both sides see the same id.
    pub transaction_id: TransactionId,
    /// The id of what it was for: an order, a refund, a transfer, a top-up, a withdrawal.
    #[schema(example = "ord_01k9zq6m8e0000000000000000")]
    pub subject: String,
    /// What it was.
    pub kind: Kind,
    /// Which way the money went.
    pub direction: Direction,
    /// How much.
    pub amount: Money,
    /// What the wallet held after it.
    pub balance: Money,
    /// The other side.
    pub counterparty: Counterparty,
    /// What the order, or the payer, said it was for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memo: Option<String>,
    /// When, RFC 3339.
    #[schema(format = DateTime)]
    pub at: String,
}

/// The other side of a movement, as far as this side may know it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Counterparty {
    /// A masked name of a person, or the name of a merchant or bank; absent where it is not to be
    /// known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The same in English, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name_en: Option<String>,
    /// The same for the same other side of this wallet; filter by it. It says nothing elsewhere.
    pub reference: String,
}

/// Which movements are asked for. All that is given must fit.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct HistoryAsk {
    /// Not before this time, RFC 3339.
    #[param(format = DateTime)]
    pub from: Option<String>,
    /// Before this time, RFC 3339.
    #[param(format = DateTime)]
    pub to: Option<String>,
    /// Of this kind.
    pub kind: Option<Kind>,
    /// In this direction.
    pub direction: Option<Direction>,
    /// With this other side: a movement's `counterparty.reference`.
    pub counterparty: Option<String>,
    /// For this: the id of an order, refund, transfer, top-up, withdrawal, issuance or transaction, or
    /// your own number of it. An order brings its refunds with it.
    pub reference: Option<String>,
    /// Of at least so many fen.
    pub min_amount: Option<u64>,
    /// Of at most so many fen.
    pub max_amount: Option<u64>,
    /// Items wanted, 1 to 100; 20 by default.
    pub limit: Option<u32>,
    /// The last id of the page before this one.
    pub after: Option<String>,
    /// The first id of the page after this one.
    pub before: Option<String>,
}

/// The history of the actor's own wallet.
///
/// # Errors
/// `not_found` for another's wallet; `invalid_request`, naming the field; any fault of the database.
pub async fn of_wallet(
    app: &App,
    actor: &Actor,
    wallet: WalletId,
    ask: &HistoryAsk,
) -> Result<Page<Movement>> {
    of_account(app, &account::own_wallet(app, actor, wallet).await?, ask).await
}

/// The history of the merchant's wallet; empty while it has none.
///
/// # Errors
/// `invalid_request`, naming the field; any fault of the database.
pub async fn of_merchant(app: &App, merchant: MerchantId, ask: &HistoryAsk) -> Result<Page<Movement>> {
    match crate::merchants::get(app, merchant).await?.wallet_id {
        Some(_) => of_account(app, &account::merchant_wallet(app, merchant).await?, ask).await,
        None => Ok(Page { items: Vec::new(), has_more: false }),
    }
}

/// The history of an account.
///
/// # Errors
/// `invalid_request`, naming the field; any fault of the database or the ledger.
pub async fn of_account(app: &App, account: &Account, ask: &HistoryAsk) -> Result<Page<Movement>> {
    let filter = filter::Filter::new(app, account, ask).await?;
    if filter.is_empty() {
        return Ok(filter::Filter::nothing());
    }
    let mut page = store::page(app, account, &filter).await?;
    add_memos(app, &mut page.items).await?;
    Ok(page)
}

/// How the database would find that page, step by step in its own words: for whoever wonders why a
/// question takes long, and for the tests that no filter reads what it does not want.
///
/// # Errors
/// As [`of_account`].
pub async fn plan(app: &App, account: &Account, ask: &HistoryAsk) -> Result<Vec<String>> {
    store::plan(app, account, &filter::Filter::new(app, account, ask).await?).await
}

/// The prefix of the id of what a movement of `kind` is for.
#[must_use]
pub const fn subject_prefix(kind: Kind) -> &'static str {
    match kind {
        Kind::Issue | Kind::Redeem => "iss",
        Kind::TopUp => "top",
        Kind::Withdrawal | Kind::Sweep | Kind::WithdrawalReturn => "wdr",
        Kind::Payment => "ord",
        Kind::Refund => "ref",
        Kind::Transfer => "tra",
        Kind::Settlement => "txn",
        Kind::Bulk => "blk",
        Kind::Payout => "pol",
        Kind::SplitFreeze => "spf",
        Kind::SettlementFee => "set",
        Kind::Split | Kind::SplitRelease | Kind::SplitReturn => "spm",
        Kind::RedPacket | Kind::RedPacketReturn => "rpk",
        Kind::RedPacketShare => "rps",
    }
}

/// What `text` says as a time in milliseconds.
fn time(field: &'static str, text: &str) -> Result<i64> {
    text.parse::<jiff::Timestamp>().map(|time| time.as_millisecond()).map_err(|_| {
        Problem::new(Code::InvalidRequest)
            .field(field)
            .detail(format!("`{field}` is a time as in 2026-11-22T08:00:00+08:00."))
    })
}
