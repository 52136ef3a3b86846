//! Refunds: giving back what was paid for an order, whole or in parts.
//!
//! `[PENDING_APPROVAL] → PROCESSING → SUCCESS | CLOSED | ABNORMAL`; `ABNORMAL → PROCESSING`. What is
//! asked for is set aside on the order by one conditional statement before anything moves, so that
//! refunds done and pending never exceed what was paid, however many run at once. A refund's number
//! is its ledger transfer, from the merchant's wallet to the wallet that paid.
//!
//! `out_refund_no` is the merchant's key for ever. `CLOSED` means that the merchant's side could not
//! pay, or its owner said no: nothing moved, and the amount is free to be refunded under a new
//! number. `ABNORMAL` means that the payer's wallet could not take it: the amount stays set aside
//! until a retry succeeds, another wallet of the payer's takes it, or the merchant gives it up: see
//! [`redirect`] and [`close`].

mod abnormal;
mod execute;
pub mod follow;
mod numbers;
mod words;

pub use words::reasons;
pub(crate) use words::{Named, named};
pub mod rules;
pub mod store;

use serde::{Deserialize, Serialize};

use crate::audit::{self, Entry};
use crate::clock::rfc3339;
use crate::id::{MerchantId, OrderId, RefundId, TransactionId};
use crate::merchants::{self, Caller};
use crate::orders::{self, Made};
use crate::sessions::Actor;
use crate::{App, Code, Money, Page, Problem, Result, Tx, outbox, policies, splits, stored, text};

pub use abnormal::{close, redirect};
pub use execute::{carry_out, execute, reconcile};
pub(crate) use numbers::{by_numbers, number_of, of_order};
pub use store::ListAsk;
pub(crate) use store::{late, whole};

stored! {
    /// Where a refund stands.
    #[schema(as = RefundProgress)]
    pub enum State {
        /// Waits for the owner's approval.
        PendingApproval = "PENDING_APPROVAL",
        /// To be paid back, or being so.
        Processing = "PROCESSING",
        /// Paid back; final.
        Success = "SUCCESS",
        /// Not made, nothing moved; final.
        Closed = "CLOSED",
        /// The payer's wallet could not take it; retry.
        Abnormal = "ABNORMAL",
    }
}

stored! {
    /// Why money is given back.
    pub enum Nature {
        /// The merchant's own decision.
        Merchant = "MERCHANT",
        /// Something went wrong in operation.
        Operational = "OPERATIONAL",
        /// A fraud is made good.
        FraudRecovery = "FRAUD_RECOVERY",
        /// An authority ordered it.
        Regulatory = "REGULATORY",
    }
}

stored! {
    /// What a refund came from.
    pub enum Origin {
        /// The merchant asked for it.
        Request = "REQUEST",
        /// A payment landed on an order that was closed.
        LatePayment = "LATE_PAYMENT",
        /// The merchant revoked the order.
        Revocation = "REVOCATION",
    }
}

/// A refund, as its merchant sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Refund {
    /// Its id.
    pub id: RefundId,
    /// The merchant.
    pub merchant_id: MerchantId,
    /// The order it belongs to.
    pub order_id: OrderId,
    /// The merchant's number of it; those that begin with `~` were made by the platform.
    pub out_refund_no: String,
    /// What is given back.
    pub amount: Money,
    /// Why, in the merchant's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Why, by kind.
    pub nature: Nature,
    /// What it came from.
    pub origin: Origin,
    /// Where it stands.
    pub state: State,
    /// The code of what stands in the way, for `CLOSED` and `ABNORMAL`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// Why the merchant gave it up, in its words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub close_reason: Option<String>,
    /// RFC 3339.
    pub created_at: String,
    /// RFC 3339, once it succeeded or was closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<String>,
    /// The ledger transfer, once it succeeded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transaction_id: Option<TransactionId>,
    /// Grows with every change.
    pub version: i64,
}

/// A refund to make. Name the order by `order_id` or by `out_trade_no`.
#[derive(Clone, Debug, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefundAsk {
    /// Your number of it, 1 to 64 letters, digits and `_-|*.:`; yours for ever.
    #[schema(example = "20261122-0001-R1")]
    pub out_refund_no: String,
    /// The order's id.
    pub order_id: Option<OrderId>,
    /// Or your number of the order.
    pub out_trade_no: Option<String>,
    /// What is given back, at most what is left.
    pub amount: Money,
    /// Why, up to 80 characters; the payer sees it.
    pub reason: Option<String>,
    /// Why, by kind; `MERCHANT` by default.
    pub nature: Option<Nature>,
}

/// A no: an owner's to a refund that waits, or a merchant's to one that cannot be made.
#[derive(Clone, Debug, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RejectAsk {
    /// Why, up to 80 characters.
    pub reason: String,
}

/// How a merchant names a refund.
#[derive(Clone, Debug)]
pub enum Name {
    /// By its id.
    Id(RefundId),
    /// By the merchant's own number.
    OutRefundNo(String),
}

/// Asks for a refund. The same parameters again answer the refund there is, as it stands now, and
/// finish what was left in between.
///
/// # Errors
/// `invalid_request` or `amount_invalid`, naming the field; `not_found` for an order that is not the
/// merchant's; `state_conflict` for an order that is not paid or has too many refunds;
/// `refund_window_closed`; `refund_exceeds_paid` with what is left; `conflict`, naming the field.
pub async fn request(app: &App, caller: &Caller, ask: RefundAsk) -> Result<Made<Refund>> {
    let order = rules::check(&ask)?;
    let merchant = merchants::read(app, caller.merchant).await?;
    let (window, most) = (
        policies::number(app, "refund_window").await? * 86_400_000,
        policies::number(app, "refunds_per_order").await?,
    );
    let (caller, now, above) = (caller.clone(), app.clock.millis(), merchant.refund_approval_above);
    let made =
        app.db
            .write(async move |tx: &mut Tx| {
                let order = orders::store::named(tx, caller.merchant, &order).await?;
                if let Some(row) = store::numbered(tx, caller.merchant, &ask.out_refund_no).await? {
                    rules::same(&row, &ask, order.id)?;
                    return Ok(Made { value: row, fresh: false });
                }
                rules::refundable(&order, now, window)?;
                if store::count(tx, order.id).await? >= most {
                    return Err(Problem::new(Code::StateConflict)
                        .detail(format!("An order has at most {most} refunds.")));
                }
                let amount = ask.amount.amount as i64;
                if !orders::store::set_aside(tx, order.id, amount).await? {
                    return Err(rules::exceeds(&order));
                }
                let state = rules::first_state(amount, above);
                Ok(Made { value: store::insert(tx, &ask, &order, &caller, state, now).await?, fresh: true })
            })
            .await?;
    if made.value.state == State::Processing {
        execute(app, made.value.id).await?;
        return Ok(Made { value: read(app, made.value.id).await?.into(), fresh: made.fresh });
    }
    Ok(Made { value: made.value.into(), fresh: made.fresh })
}

/// One of the merchant's refunds.
///
/// # Errors
/// `not_found` unless it is the merchant's.
pub async fn of(app: &App, merchant: MerchantId, name: &Name) -> Result<Refund> {
    let mut connection = app.db.read().acquire().await?;
    Ok(store::named(&mut connection, merchant, name).await?.into())
}

/// The merchant's refunds, newest first, those that fit.
///
/// # Errors
/// `invalid_request` for a bad page.
pub async fn list(app: &App, merchant: MerchantId, ask: &ListAsk) -> Result<Page<Refund>> {
    Ok(store::list(app, merchant, ask).await?.map(Into::into))
}

/// Tries an `ABNORMAL` refund again; one that is under way or done is answered as it stands.
///
/// # Errors
/// `not_found`; `state_conflict` for one that is closed or awaits approval.
pub async fn retry(app: &App, merchant: MerchantId, name: Name) -> Result<Refund> {
    let row = app
        .db
        .write(async move |tx: &mut Tx| {
            let row = store::named(tx, merchant, &name).await?;
            match row.state {
                State::Abnormal => store::resume(tx, row.id, State::Abnormal, None).await,
                State::Processing | State::Success => Ok(row),
                State::Closed | State::PendingApproval => Err(Problem::new(Code::StateConflict)
                    .detail(format!("The refund is {}; only an ABNORMAL one is tried again.", row.state))),
            }
        })
        .await?;
    execute(app, row.id).await?;
    Ok(read(app, row.id).await?.into())
}

/// The owner lets a refund pass that waits for approval. Done again, it changes nothing.
///
/// # Errors
/// `not_found` unless the actor owns the merchant and it has the refund; `state_conflict` for one
/// that was rejected.
pub async fn approve(app: &App, actor: &Actor, merchant: MerchantId, id: RefundId) -> Result<Refund> {
    let row = decide(app, actor, merchant, id, None).await?;
    execute(app, row.id).await?;
    Ok(read(app, row.id).await?.into())
}

/// The owner says no to a refund that waits for approval. Done again, it changes nothing.
///
/// # Errors
/// `not_found` unless the actor owns the merchant and it has the refund; `state_conflict` for one
/// that was approved.
pub async fn reject(
    app: &App,
    actor: &Actor,
    merchant: MerchantId,
    id: RefundId,
    ask: &RejectAsk,
) -> Result<Refund> {
    text::line("reason", &ask.reason, rules::MAX_REASON)?;
    Ok(decide(app, actor, merchant, id, Some(ask.reason.clone())).await?.into())
}

async fn decide(
    app: &App,
    actor: &Actor,
    merchant: MerchantId,
    id: RefundId,
    no: Option<String>,
) -> Result<store::Row> {
    merchants::owned(app, actor, merchant).await?;
    let (person, now) = (actor.person, app.clock.millis());
    app.db
        .write(async move |tx: &mut Tx| {
            let row = store::named(tx, merchant, &Name::Id(id)).await?;
            let decided = match (row.state, &no) {
                (State::PendingApproval, None) => {
                    store::resume(tx, id, State::PendingApproval, Some(person)).await?
                }
                (State::PendingApproval, Some(_)) => {
                    orders::store::end_refund(tx, row.order_id, row.amount, 0).await?;
                    splits::refunds::give_up(tx, id, now).await?;
                    let closed = store::close(tx, id, Code::Forbidden.text(), Some(person), now).await?;
                    outbox::stuck(tx, id, now).await?;
                    closed
                }
                (State::Closed, Some(_)) if row.approver.is_some() => return Ok(row),
                (_, None) if row.approver.is_some() && row.state != State::Closed => return Ok(row),
                _ => {
                    return Err(Problem::new(Code::StateConflict)
                        .detail(format!("The refund is {}; it does not wait for approval.", row.state)));
                }
            };
            let entry = Entry {
                who: person.to_string(),
                action: if no.is_none() { "refund.approve" } else { "refund.reject" },
                subject: id.to_string(),
                before: Some(row.state.text().into()),
                after: Some(serde_json::json!({ "state": decided.state, "reason": no })),
                at: now,
            };
            audit::log(tx, entry).await?;
            Ok(decided)
        })
        .await
}

/// The refunds of one's own merchant that wait for approval or went elsewhere: as the merchant's
/// server lists them, for the owner.
///
/// # Errors
/// `not_found` unless the actor owns the merchant; `invalid_request` for a bad page.
pub async fn list_owned(
    app: &App,
    actor: &Actor,
    merchant: MerchantId,
    ask: &ListAsk,
) -> Result<Page<Refund>> {
    merchants::owned(app, actor, merchant).await?;
    list(app, merchant, ask).await
}

async fn read(app: &App, id: RefundId) -> Result<store::Row> {
    let mut connection = app.db.read().acquire().await?;
    store::find(&mut connection, id).await?.ok_or(Problem::new(Code::NotFound))
}

impl From<store::Row> for Refund {
    fn from(row: store::Row) -> Self {
        Self {
            id: row.id,
            merchant_id: row.merchant,
            order_id: row.order_id,
            out_refund_no: row.out_refund_no,
            amount: orders::fen(row.amount),
            reason: row.reason,
            nature: row.nature,
            origin: row.origin,
            state: row.state,
            problem: row.problem,
            close_reason: row.close_reason,
            created_at: rfc3339(row.created_at),
            ended_at: row.ended_at.map(rfc3339),
            transaction_id: (row.state == State::Success).then(|| row.id.cast()),
            version: row.version,
        }
    }
}
