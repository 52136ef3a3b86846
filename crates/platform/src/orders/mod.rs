//! Orders: what a merchant asks to be paid, once.
//!
//! `NOTPAY → USERPAYING → SUCCESS`; `USERPAYING → PAYERROR → NOTPAY`; `NOTPAY → CLOSED` by the
//! merchant or by time; orders charged to a mandate also `→ REVOKED`. The number of an order is the
//! ledger transfer that pays it, so an order is paid once, whoever tries, however often. Only the
//! follower of the journal makes an order `SUCCESS`. A payment that lands on a closed order is given
//! back by itself: see [`follow`].
//!
//! `out_trade_no` is the merchant's key for ever: the same parameters answer the order there is,
//! others are refused. Time closes an order at the moment of reading; the sweeper writes it down.

pub mod follow;
mod numbers;
pub mod qr;
pub mod rules;
pub mod store;
pub mod sweep;
mod words;

use serde::{Deserialize, Serialize};

use crate::clock::rfc3339;
use crate::id::{MandateId, MerchantId, OrderId, StoreId, TransactionId};
use crate::merchants::{self, Caller};
use crate::{App, Code, Money, Page, Problem, Result, Tx, outbox, policies, splits, stored};

pub(crate) use numbers::number_of;
pub use store::ListAsk;
pub use sweep::{reconcile, start, sweep};
pub use words::descriptions;

stored! {
    /// Where an order stands.
    #[schema(as = OrderState)]
    pub enum State {
        /// Waits to be paid.
        NotPay = "NOTPAY",
        /// Somebody is paying it.
        UserPaying = "USERPAYING",
        /// Paid; final.
        Success = "SUCCESS",
        /// Closed unpaid; final.
        Closed = "CLOSED",
        /// The last attempt failed; it can be tried again.
        PayError = "PAYERROR",
        /// Charged to a mandate and taken back by the merchant; final.
        Revoked = "REVOKED",
    }
}

stored! {
    /// How an order is paid.
    pub enum TradeType {
        /// A payer scans or opens it.
        Qr = "QR",
        /// The merchant charges a mandate.
        Mandate = "MANDATE",
    }
}

stored! {
    /// How much of a paid order was given back.
    pub enum RefundState {
        /// Nothing.
        None = "NONE",
        /// A part.
        Partial = "PARTIAL",
        /// All.
        Full = "FULL",
    }
}

stored! {
    /// Why an order was closed.
    pub enum CloseReason {
        /// Its time was over.
        Expired = "EXPIRED",
        /// The merchant closed it.
        Merchant = "MERCHANT",
    }
}

/// An order, as its merchant sees it. Who paid is not in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Order {
    /// Its id.
    pub id: OrderId,
    /// The merchant.
    pub merchant_id: MerchantId,
    /// The merchant's number of it.
    pub out_trade_no: String,
    /// How it is paid.
    pub trade_type: TradeType,
    /// Where it stands.
    pub state: State,
    /// The store it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub store_id: Option<StoreId>,
    /// What is sold.
    pub description: String,
    /// What is to be paid.
    pub amount: Money,
    /// The merchant's own data, told back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attach: Option<String>,
    /// Where events about it are sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notify_url: Option<String>,
    /// What campaigns look at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub goods_tag: Option<String>,
    /// What to show as a QR code, while it can be paid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub qr: Option<String>,
    /// How much was given back.
    pub refund_state: RefundState,
    /// Given back, and done.
    pub refunded: Money,
    /// Promised by refunds that have not ended.
    pub refunding: Money,
    /// RFC 3339.
    pub created_at: String,
    /// When it closes unpaid, RFC 3339.
    pub expires_at: String,
    /// RFC 3339, once paid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paid_at: Option<String>,
    /// The ledger transfer that paid it: what a receipt is asked for with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transaction_id: Option<TransactionId>,
    /// RFC 3339, once closed or revoked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<String>,
    /// Why it was closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub close_reason: Option<CloseReason>,
    /// Whether what is paid is frozen, to be shared out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub split: bool,
    /// Grows with every change.
    pub version: i64,
}

/// An order to create.
#[derive(Clone, Debug, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OrderAsk {
    /// Your number of it, 1 to 64 letters, digits and `_-|*.:`; yours for ever.
    #[schema(example = "20261122-0001")]
    pub out_trade_no: String,
    /// What is sold, up to 127 characters.
    #[schema(example = "小面 × 2")]
    pub description: String,
    /// What is to be paid.
    pub amount: Money,
    /// One of your stores.
    pub store_id: Option<StoreId>,
    /// Seconds until it closes unpaid; 1200 by default.
    pub expires_in: Option<i64>,
    /// Your own data, up to 128 characters, told back.
    pub attach: Option<String>,
    /// Where events about it are sent: http or https.
    pub notify_url: Option<String>,
    /// What campaigns look at, up to 32 characters.
    pub goods_tag: Option<String>,
    /// Freeze what is paid, to share it out; false by default.
    pub split: Option<bool>,
}

/// What was made, or was there before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made<T> {
    /// The thing.
    pub value: T,
    /// Whether this request made it.
    pub fresh: bool,
}

/// How a merchant names an order.
#[derive(Clone, Debug)]
pub enum Name {
    /// By its id.
    Id(OrderId),
    /// By the merchant's own number.
    OutTradeNo(String),
}

/// Creates an order. The same parameters again answer the order there is, as it stands now.
///
/// # Errors
/// `invalid_request` or `amount_invalid`, naming the field; `merchant_inactive`; `conflict`, naming
/// the first field that differs from what the number was used for.
pub async fn create(app: &App, caller: &Caller, ask: OrderAsk) -> Result<Made<Order>> {
    let made = place(app, caller, ask, None).await?;
    Ok(Made { value: shown(app, made.value).await?, fresh: made.fresh })
}

/// Creates an order that is scanned, or one that is charged to `mandate`.
pub(crate) async fn place(
    app: &App,
    caller: &Caller,
    ask: OrderAsk,
    mandate: Option<MandateId>,
) -> Result<Made<store::Row>> {
    rules::check(&ask)?;
    let validity = validity(app, ask.expires_in).await?;
    let merchant = caller.merchant;
    // A number that was used answers whatever the merchant's status is by now.
    let used = merchants::active(app, merchant).await;
    if let (Some(true), Ok((_, wallet))) = (ask.split, &used) {
        splits::prepare(app, *wallet).await?;
    }
    let used = used.map(drop);
    if let Some(store) = ask.store_id
        && !merchants::has_store(app, merchant, store).await?
    {
        return Err(Problem::new(Code::InvalidRequest).field("store_id").detail("You have no such store."));
    }
    let now = app.clock.millis();
    app.db
        .write(async move |tx: &mut Tx| {
            if let Some(row) = store::numbered(tx, merchant, &ask.out_trade_no).await? {
                rules::same(&row, &ask, mandate)?;
                return Ok(Made { value: row, fresh: false });
            }
            used.clone()?;
            let mut placed = store::insert(tx, &ask, merchant, mandate, now, now + validity * 1000).await?;
            if ask.split == Some(true) {
                placed = store::mark_split(tx, placed).await?;
                splits::mark(tx, &placed).await?;
            }
            Ok(Made { value: placed, fresh: true })
        })
        .await
}

/// Seconds that an order waits.
async fn validity(app: &App, asked: Option<i64>) -> Result<i64> {
    let Some(asked) = asked else { return policies::number(app, "order_validity").await };
    let (least, most) = (
        policies::number(app, "order_validity_shortest").await?,
        policies::number(app, "order_validity_longest").await?,
    );
    if (least..=most).contains(&asked) {
        Ok(asked)
    } else {
        Err(Problem::new(Code::InvalidRequest)
            .field("expires_in")
            .detail(format!("An order waits from {least} to {most} seconds.")))
    }
}

/// One of the merchant's orders.
///
/// # Errors
/// `not_found` unless it is the merchant's.
pub async fn of(app: &App, merchant: MerchantId, name: &Name) -> Result<Order> {
    let mut connection = app.db.read().acquire().await?;
    let row = store::named(&mut connection, merchant, name).await?;
    drop(connection);
    shown(app, row).await
}

/// The merchant's orders, newest first, those that fit.
///
/// # Errors
/// `invalid_request` for a bad page or filter.
pub async fn list(app: &App, merchant: MerchantId, ask: &ListAsk) -> Result<Page<Order>> {
    let by = merchants::read(app, merchant).await?;
    let now = app.clock.millis();
    let rows = store::list(app, merchant, ask).await?;
    let items = rows.items.into_iter().map(|row| told(app, row, Some(&by), now)).collect::<Result<_>>()?;
    Ok(Page { items, has_more: rows.has_more })
}

/// Closes an unpaid order. Done again, it changes nothing.
///
/// # Errors
/// `not_found`; `in_progress` while somebody pays; `order_paid`; `state_conflict` after a revocation.
pub async fn close(app: &App, merchant: MerchantId, name: Name) -> Result<Order> {
    let now = app.clock.millis();
    let told = app.clone();
    let row = app
        .db
        .write(async move |tx: &mut Tx| {
            let row = store::named(tx, merchant, &name).await?;
            match row.state_at(now) {
                State::Closed => Ok(row),
                State::NotPay | State::PayError => {
                    let row = store::close(tx, row.id, CloseReason::Merchant, now).await?;
                    outbox::closed(&told, tx, row.clone()).await?;
                    Ok(row)
                }
                State::UserPaying => Err(rules::being_paid()),
                State::Success => Err(Problem::new(Code::OrderPaid)),
                State::Revoked => Err(Problem::new(Code::StateConflict).detail("The order was revoked.")),
            }
        })
        .await?;
    shown(app, row).await
}

/// Takes back an order that was charged to a mandate: unpaid ones end, paid ones are refunded whole.
/// Done again, it changes nothing.
///
/// # Errors
/// `not_found`; `in_progress` while it is being charged; `state_conflict` for an order that is
/// scanned, was refunded in part, is older than the policy `revoke_window`, or is above what the
/// merchant wants approved; `order_closed`.
pub async fn revoke(app: &App, caller: &Caller, name: Name) -> Result<Order> {
    let caller = caller.clone();
    let above = merchants::read(app, caller.merchant).await?.refund_approval_above;
    let (now, window) = (app.clock.millis(), policies::number(app, "revoke_window").await? * 1000);
    let (row, refund) = app
        .db
        .write(async move |tx: &mut Tx| {
            let row = store::named(tx, caller.merchant, &name).await?;
            rules::revocable(&row, now, window, above)?;
            match row.state_at(now) {
                State::Revoked => Ok((row, None)),
                State::Success => {
                    let row = store::revoke(tx, row.id, row.amount, now).await?;
                    let refund =
                        crate::refunds::whole(tx, &row, crate::refunds::Origin::Revocation, &caller, now)
                            .await?;
                    Ok((row, Some(refund)))
                }
                _ => Ok((store::revoke(tx, row.id, 0, now).await?, None)),
            }
        })
        .await?;
    if let Some(refund) = refund {
        crate::refunds::execute(app, refund).await?;
        return of(app, row.merchant, &Name::Id(row.id)).await;
    }
    shown(app, row).await
}

/// The order as its merchant sees it now.
pub(crate) async fn shown(app: &App, row: store::Row) -> Result<Order> {
    let now = app.clock.millis();
    let merchant = if row.scannable_at(now) { Some(merchants::read(app, row.merchant).await?) } else { None };
    told(app, row, merchant.as_ref(), now)
}

fn told(app: &App, row: store::Row, merchant: Option<&merchants::store::Row>, now: i64) -> Result<Order> {
    let state = row.state_at(now);
    let expired = state == State::Closed && row.state != State::Closed;
    let qr = match merchant {
        Some(merchant) if row.scannable_at(now) => Some(qr::payload(app, &row, merchant)?),
        _ => None,
    };
    Ok(Order {
        qr,
        state,
        refund_state: rules::refund_state(row.refunded, row.amount),
        id: row.id,
        merchant_id: row.merchant,
        out_trade_no: row.out_trade_no,
        trade_type: row.trade_type,
        store_id: row.store,
        description: row.description,
        amount: fen(row.amount),
        attach: row.attach,
        notify_url: row.notify_url,
        goods_tag: row.goods_tag,
        refunded: fen(row.refunded),
        refunding: fen(row.refunding),
        created_at: rfc3339(row.created_at),
        expires_at: rfc3339(row.expires_at),
        paid_at: row.paid_at.map(rfc3339),
        transaction_id: row.paid_at.map(|_| row.id.cast()),
        closed_at: row.closed_at.or(expired.then_some(row.expires_at)).map(rfc3339),
        close_reason: row.close_reason.or(expired.then_some(CloseReason::Expired)),
        split: row.split != 0,
        version: row.version,
    })
}

/// Money from a column.
pub(crate) const fn fen(amount: i64) -> Money {
    Money::fen(amount.unsigned_abs())
}
