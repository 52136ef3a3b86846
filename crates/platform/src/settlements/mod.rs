//! Settlement: what a merchant's wallet holds goes to its bank account, batch by batch.
//!
//! `OPEN → CUT → RECONCILED | EXCEPTION → APPROVED → PAYING → PAID | FAILED`; `HELD` from any state
//! before `PAYING`, and back to where it was. A merchant has one `OPEN` batch, which gathers what happens
//! from one place of the journal on. A cut, daily or asked for, ends it at the journal's present end and
//! opens the next. Then what the wallet held before and after is taken from the ledger, what moved in
//! between from the history, what orders and refunds say from their tables; only if all of it agrees to
//! the fen is the batch `RECONCILED`, else it is an `EXCEPTION` with what differs. Approved, by rule or by
//! the owner, it is paid by a withdrawal over the owner's linked account, whose number is the batch's: held
//! in the ledger first, asked for once, and while the bank's answer is unknown the batch stays `PAYING`.
//!
//! What is paid is what the wallet held at the cut, less what is to stay and the fee. Frozen money of
//! splits is not in the wallet, so it is never settled. Batches follow each other: no cut while one is
//! under way.

mod approve;
mod cut;
pub mod follow;
mod pay;
pub mod rules;
mod set;
mod store;
pub mod work;

use serde::{Deserialize, Serialize};

use crate::clock::rfc3339;
use crate::history::statement::KindTotal;
use crate::id::{LinkId, MerchantId, SettlementId, SettlementTag};
use crate::orders::fen;
use crate::outbox::{self, EventType, NewEvent};
use crate::{App, Code, Money, Page, Problem, Result, Tx, stored};

pub use approve::{ApproveAsk, HoldAsk, approve, hold, list_owned, release};
pub use cut::{RequestAsk, request};
pub use set::{Settings, SettingsAsk, set, settings};
pub use work::{keep, recheck, round};

/// The action a device signs to choose the settlement account.
pub const ACTION_SET: &str = "set_settlement";
/// The action a device signs to approve a batch.
pub const ACTION_APPROVE: &str = "approve_settlement";

stored! {
    /// Where a batch stands.
    #[schema(as = SettlementState)]
    pub enum State {
        /// Gathers.
        Open = "OPEN",
        /// Cut; to be reconciled.
        Cut = "CUT",
        /// The ledger and the tables agree.
        Reconciled = "RECONCILED",
        /// They do not; somebody has to look.
        Exception = "EXCEPTION",
        /// To be paid.
        Approved = "APPROVED",
        /// The bank is at work, or its answer is not known.
        Paying = "PAYING",
        /// The money is in the bank account.
        Paid = "PAID",
        /// It is not, or has come back; the money is in the wallet, for the next batch. Final.
        Failed = "FAILED",
        /// Stopped.
        Held = "HELD",
    }
}

stored! {
    /// When batches are cut.
    #[schema(as = SettlementCut)]
    pub enum When {
        /// Each day at the same minute.
        Daily = "DAILY",
        /// When the merchant asks.
        OnDemand = "ON_DEMAND",
    }
}

/// A settlement batch, as its merchant sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Settlement {
    /// Its id.
    pub id: SettlementId,
    /// The merchant.
    pub merchant_id: MerchantId,
    /// The merchant's number of one that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub out_settlement_no: Option<String>,
    /// Where it stands.
    pub state: State,
    /// Why it failed, is held, or is an exception.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What goes to the bank account; zero until it is cut.
    pub amount: Money,
    /// What it costs.
    pub fee: Money,
    /// What the wallet held before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opening: Option<Money>,
    /// What the wallet held at the cut.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closing: Option<Money>,
    /// What moved in between, by kind and direction; absent until it is reconciled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by_kind: Option<Vec<KindTotal>>,
    /// The first record of the ledger's log that it is about.
    pub first_record: u64,
    /// The record after its last; absent until it is cut.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_record: Option<u64>,
    /// The linked bank account that it is paid to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link_id: Option<LinkId>,
    /// RFC 3339.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub cut_at: Option<String>,
    /// RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub paid_at: Option<String>,
    /// When it was paid or failed, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub ended_at: Option<String>,
    /// Grows with every change.
    pub version: i64,
}

/// Which batches are listed.
pub type ListAsk = crate::page::ListAsk<State>;

/// How a merchant names a batch.
#[derive(Clone, Debug)]
pub enum Name {
    /// By its id.
    Id(SettlementId),
    /// By the merchant's own number.
    OutSettlementNo(String),
}

/// One of the merchant's batches.
///
/// # Errors
/// `not_found` unless it is the merchant's.
pub async fn of(app: &App, merchant: MerchantId, name: &Name) -> Result<Settlement> {
    named(app, merchant, name).await.map(Into::into)
}

async fn named(app: &App, merchant: MerchantId, name: &Name) -> Result<store::Row> {
    let mut connection = app.db.read().acquire().await?;
    let row = match name {
        Name::Id(id) => store::find(&mut connection, *id).await?.filter(|row| row.merchant == merchant),
        Name::OutSettlementNo(number) => store::numbered(&mut connection, merchant, number).await?,
    };
    row.ok_or(Problem::new(Code::NotFound))
}

/// The merchant's batches, newest first.
///
/// # Errors
/// `invalid_request` for a bad page.
pub async fn list(app: &App, merchant: MerchantId, ask: &ListAsk) -> Result<Page<Settlement>> {
    let page = ask.page();
    let (limit, cursor) = (page.limit()?, page.cursor::<SettlementTag>()?);
    Ok(store::list(app, merchant, ask.state, &cursor, limit).await?.map(Into::into))
}

/// Tells the merchant of a batch, in the transaction that changes it.
async fn tell(tx: &mut Tx, row: store::Row, at: i64) -> Result<()> {
    let event = match row.state {
        State::Cut => EventType::SettlementCut,
        State::Exception => EventType::SettlementException,
        State::Approved => EventType::SettlementApproved,
        State::Paid => EventType::SettlementPaid,
        State::Failed => EventType::SettlementFailed,
        State::Held => EventType::SettlementHeld,
        State::Open | State::Reconciled | State::Paying => return Ok(()),
    };
    let (merchant, object, version) = (row.merchant, row.id.to_string(), row.version);
    let resource = serde_json::to_value(Settlement::from(row)).map_err(Problem::internal)?;
    let event = NewEvent {
        merchant,
        event,
        object,
        object_version: version,
        occasion: version,
        resource,
        notify_url: None,
        at,
    };
    outbox::publish(tx, event).await
}

impl From<store::Row> for Settlement {
    fn from(row: store::Row) -> Self {
        Self {
            by_kind: row.figures.as_deref().and_then(|text| serde_json::from_str(text).ok()),
            id: row.id,
            merchant_id: row.merchant,
            out_settlement_no: row.out_settlement_no,
            state: row.state,
            reason: row.reason,
            amount: fen(row.amount),
            fee: fen(row.fee),
            opening: row.opening.map(fen),
            closing: row.closing.map(fen),
            first_record: row.first_seq.unsigned_abs(),
            end_record: row.end_seq.map(i64::unsigned_abs),
            link_id: row.link,
            created_at: rfc3339(row.created_at),
            cut_at: row.cut_at.map(rfc3339),
            paid_at: row.paid_at.map(rfc3339),
            ended_at: row.ended_at.map(rfc3339),
            version: row.version,
        }
    }
}
