//! What merchants are told: one event per change of something of theirs, kept 30 days.
//!
//! An event is written in the transaction of the change, or by the follower in that of its cursor,
//! so none is lost and none is told twice. It shows the object as it was then, with a version that
//! grows per object: whoever receives events late or out of order keeps the highest. Merchants read
//! them by `GET /v1/merchant/events` and acknowledge each.

pub mod follow;
mod store;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::id::{EventId, MerchantId};
use crate::{App, Code, Page, PageAsk, Problem, Result, Tx};

/// How long events are kept, milliseconds.
pub const KEPT_MS: i64 = 30 * 24 * 3_600_000;
/// The version of the shape of resources.
pub const API_VERSION: &str = "2026-11-22";

crate::stored! {
    /// What happened.
    pub enum EventType {
        /// An order was paid.
        OrderPaid = "order.paid",
        /// An order was closed by the merchant or by time.
        OrderClosed = "order.closed",
        /// A refund reached the payer.
        RefundSucceeded = "refund.succeeded",
        /// A refund was closed without money moving.
        RefundClosed = "refund.closed",
        /// A refund cannot go on by itself.
        RefundAbnormal = "refund.abnormal",
        /// Every share of a split has ended.
        SplitFinished = "split.finished",
        /// What was left of an order's frozen money went to the merchant.
        SplitUnfrozen = "split.unfrozen",
        /// A share came back.
        SplitReturned = "split.returned",
        /// A share could not be taken back.
        SplitReturnClosed = "split.return_closed",
        /// A settlement batch was cut.
        SettlementCut = "settlement.cut",
        /// What the ledger and the tables say of a settlement batch differs.
        SettlementException = "settlement.exception",
        /// A settlement batch will be paid.
        SettlementApproved = "settlement.approved",
        /// A settlement batch is in the bank account.
        SettlementPaid = "settlement.paid",
        /// A settlement batch is not in the bank account, or came back.
        SettlementFailed = "settlement.failed",
        /// A settlement batch was stopped.
        SettlementHeld = "settlement.held",
        /// Every line of a batch of payouts has ended.
        PayoutFinished = "payout.finished",
        /// A batch of payouts was cancelled by the merchant before it began.
        PayoutCancelled = "payout.cancelled",
        /// The owner said no to a batch of payouts.
        PayoutRejected = "payout.rejected",
    }
}

/// An event to write.
#[derive(Clone, Debug)]
pub struct NewEvent {
    /// Whose.
    pub merchant: MerchantId,
    /// What happened.
    pub event: EventType,
    /// The id of what it is about.
    pub object: String,
    /// The version of the object that `resource` shows.
    pub object_version: i64,
    /// What makes it one event, however often it is written: the record it follows from, or the
    /// version of the object where no money moved.
    pub occasion: i64,
    /// The object, as the merchant reads it elsewhere.
    pub resource: Value,
    /// Where the merchant wants to be told, if it said so.
    pub notify_url: Option<String>,
    /// When, milliseconds.
    pub at: i64,
}

/// An event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Event {
    /// Its id.
    pub id: EventId,
    /// What happened.
    #[serde(rename = "type")]
    pub event: EventType,
    /// When, RFC 3339.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// The version of the shape of `resource`.
    pub api_version: String,
    /// Grows per object: of two events about one object, the higher one is newer.
    pub object_version: i64,
    /// The object as it was.
    pub resource: Value,
    /// When it was delivered or acknowledged, RFC 3339; absent before.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub delivered_at: Option<String>,
}

/// Which events are asked for.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EventsAsk {
    /// Only those delivered, or only those not.
    pub delivered: Option<bool>,
    /// Items wanted, 1 to 100; 20 by default.
    pub limit: Option<u32>,
    /// The last id of the page before this one.
    pub after: Option<String>,
    /// The first id of the page after this one.
    pub before: Option<String>,
}

pub(crate) use follow::{closed, stuck};

/// Writes `event` in the transaction of the change. One of the same type about the same object on
/// the same occasion is written once, however often this is called.
///
/// # Errors
/// Any fault of the database.
pub async fn publish(tx: &mut Tx, event: NewEvent) -> Result<()> {
    store::insert(tx, event).await
}

/// The events of `merchant`, newest first.
///
/// # Errors
/// `invalid_request` for a bad page; any fault of the database.
pub async fn list(app: &App, merchant: MerchantId, ask: EventsAsk) -> Result<Page<Event>> {
    let page = PageAsk { limit: ask.limit, after: ask.after, before: ask.before };
    store::list(app, merchant, ask.delivered, &page).await
}

/// One event of `merchant`.
///
/// # Errors
/// `not_found`; any fault of the database.
pub async fn get(app: &App, merchant: MerchantId, id: EventId) -> Result<Event> {
    store::get(app, merchant, id).await?.ok_or_else(|| Problem::new(Code::NotFound))
}

/// The merchant has taken the event: it is delivered. Acknowledging again changes nothing.
///
/// # Errors
/// `not_found`; any fault of the database.
pub async fn acknowledge(app: &App, merchant: MerchantId, id: EventId) -> Result<Event> {
    store::acknowledge(app, merchant, id).await?;
    get(app, merchant, id).await
}

/// Drops events older than [`KEPT_MS`]; how many. Call it now and then.
///
/// # Errors
/// Any fault of the database.
pub async fn expire(app: &App) -> Result<u64> {
    let before = app.clock.millis() - KEPT_MS;
    app.db.write(async move |tx: &mut Tx| store::expire(tx, before).await).await
}
