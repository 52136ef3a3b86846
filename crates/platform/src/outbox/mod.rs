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

use crate::id::{EventId, MerchantId, WebhookId};
use crate::webhooks::{self, Queued, To};
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
        /// A try of an endpoint.
        WebhookPing = "webhook.ping",
        /// An endpoint was disabled because it failed or wants nothing more.
        WebhookDisabled = "webhook.disabled",
        /// A signing key ends soon.
        KeyExpiring = "key.expiring",
        /// An order waits for the payer's PIN.
        OrderUserPaying = "order.user_paying",
        /// An attempt to pay an order failed.
        OrderPayError = "order.pay_error",
        /// An order was taken back by the merchant, or by time.
        OrderRevoked = "order.revoked",
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
        /// A mandate was pushed to the merchant and may be charged.
        MandateActivated = "mandate.activated",
        /// A mandate may not be charged for now.
        MandatePaused = "mandate.paused",
        /// A mandate may be charged again.
        MandateResumed = "mandate.resumed",
        /// A mandate may never be charged again.
        MandateRevoked = "mandate.revoked",
        /// The payer approved a debit agreement.
        DebitAgreementApproved = "debit_agreement.approved",
        /// The payer said no to a debit agreement.
        DebitAgreementRefused = "debit_agreement.refused",
        /// Nobody approved a debit agreement in time.
        DebitAgreementExpired = "debit_agreement.expired",
        /// Either side ended a debit agreement.
        DebitAgreementCancelled = "debit_agreement.cancelled",
        /// A debit agreement's time is over.
        DebitAgreementEnded = "debit_agreement.ended",
        /// A debit was made.
        DebitPaid = "debit.paid",
        /// A debit failed and will be tried again.
        DebitRetrying = "debit.retrying",
        /// A debit failed for good.
        DebitFailed = "debit.failed",
        /// A debit was taken back before it was made.
        DebitCancelled = "debit.cancelled",
        /// A merchant lets a service provider act for it, or changed what it may do.
        ProviderGranted = "provider.granted",
        /// A merchant took back what it let a service provider do.
        ProviderRevoked = "provider.revoked",
        /// An application to become a merchant was submitted.
        ApplicationSubmitted = "application.submitted",
        /// An operator looks at it.
        ApplicationTaken = "application.taken",
        /// Something is to be corrected.
        ApplicationReturned = "application.returned",
        /// Two operators approved it.
        ApplicationApproved = "application.approved",
        /// It was refused.
        ApplicationRefused = "application.refused",
        /// The agreement waits for a signature.
        ApplicationOffered = "application.offered",
        /// The merchant is active.
        ApplicationActivated = "application.activated",
        /// Every item of a reconciliation has its outcome.
        ReconciliationDone = "reconciliation.done",
        /// A reconciliation's file could not be had or understood.
        ReconciliationFailed = "reconciliation.failed",
        /// Somebody said why a case is as it is.
        CaseExplained = "case.explained",
        /// A case was put right.
        CaseResolved = "case.resolved",
        /// A day's statement can be fetched.
        StatementReady = "statement.ready",
        /// Something is wrong with the integration.
        IntegrationAlert = "integration.alert",
        /// What was wrong with it is over.
        IntegrationRecovered = "integration.recovered",
        /// The people who run the platform answered what was written to them.
        FeedbackAnswered = "feedback.answered",
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

pub(crate) use follow::{order, stuck};

/// Writes `event` in the transaction of the change, and into the queues of the merchant's endpoints.
/// One of the same type about the same object on the same occasion is written once, however often
/// this is called.
///
/// # Errors
/// Any fault of the database.
pub async fn publish(tx: &mut Tx, event: NewEvent) -> Result<()> {
    write(tx, event, To::All).await.map(drop)
}

/// The same for one endpoint, whatever it wants to be told; the event's id.
///
/// # Errors
/// Any fault of the database.
pub(crate) async fn write_for(tx: &mut Tx, event: NewEvent, webhook: WebhookId) -> Result<EventId> {
    write(tx, event, To::One(webhook)).await
}

async fn write(tx: &mut Tx, event: NewEvent, to: To) -> Result<EventId> {
    let (id, fresh) = store::insert(tx, &event).await?;
    if fresh {
        let NewEvent { merchant, event, notify_url, at, .. } = event;
        let queued = Queued { merchant, id, event, notify_url: notify_url.as_deref(), at };
        webhooks::fan_out(tx, queued, to, false).await?;
    }
    Ok(id)
}

/// An event to deliver again.
#[derive(Clone, Debug)]
pub(crate) struct Picked {
    pub(crate) id: EventId,
    pub(crate) event: EventType,
    pub(crate) notify_url: Option<String>,
}

/// Which events to deliver again, the oldest first.
#[derive(Clone, Debug)]
pub(crate) struct Pick {
    pub(crate) event: Option<EventType>,
    /// Milliseconds, included.
    pub(crate) since: Option<i64>,
    /// Milliseconds, excluded.
    pub(crate) until: Option<i64>,
    pub(crate) delivered: Option<bool>,
    pub(crate) after: Option<EventId>,
    /// One more than this is answered if there are more.
    pub(crate) limit: i64,
}

pub(crate) use store::{pick, pick_many, took};

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
