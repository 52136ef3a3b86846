//! Orders: what a merchant asks to be paid, once.
//!
//! `NOTPAY → USERPAYING → SUCCESS`; `USERPAYING → PAYERROR → NOTPAY`; `NOTPAY → CLOSED` by the
//! merchant or by time; orders that the merchant charges also `→ REVOKED`. The number of an order is the
//! ledger transfer that pays it, so an order is paid once, whoever tries, however often. Only the
//! follower of the journal makes an order `SUCCESS`. A payment that lands on a closed order is given
//! back by itself: see [`follow`].
//!
//! `out_trade_no` is the merchant's key for ever: the same parameters answer the order there is,
//! others are refused. Time closes an order at the moment of reading; the sweeper writes it down.

pub mod carriers;
pub mod cashier;
pub mod follow;
pub mod goods;
mod list;
mod numbers;
mod pace;
pub mod qr;
pub mod rules;
pub mod store;
pub mod sweep;
mod way;
mod words;

use serde::{Deserialize, Serialize};

use crate::clock::rfc3339;
use crate::id::{MerchantId, OrderId, StoreId, TransactionId};
use crate::merchants::{self, Caller};
use crate::outbox::{self, EventType};
use crate::{App, Code, Money, Page, Problem, Result, Tx, policies, splits, stored};

pub use goods::Goods;
pub use list::ListAsk;
pub(crate) use list::moment;
pub(crate) use numbers::{by_numbers, number_of};
use pace::Pace;
pub use sweep::{reconcile, start, sweep};
pub(crate) use way::Way;
pub use words::descriptions;
pub(crate) use words::{Named, named};

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
        /// Taken back, by its merchant or, where a payer's code was charged, by time; final.
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
        /// The merchant charges a code that the payer shows.
        Code = "CODE",
        /// A payer scans a code that never changes and types the amount.
        Static = "STATIC",
        /// The merchant debits an agreement.
        Debit = "DEBIT",
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
    /// The service provider that made it for the merchant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider_id: Option<MerchantId>,
    /// The merchant's number of it.
    pub out_trade_no: String,
    /// How it is paid.
    pub trade_type: TradeType,
    /// Where it stands.
    pub state: State,
    /// The store it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub store_id: Option<StoreId>,
    /// The till it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub terminal: Option<String>,
    /// What is sold.
    pub description: String,
    /// What it consists of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub goods_detail: Option<Vec<Goods>>,
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
    /// Where the customer goes after the cashier page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub return_url: Option<String>,
    /// What to show as a QR code, while it can be paid: EMVCo, merchant-presented.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub qr_code: Option<String>,
    /// What opens the payer's app on the same phone, while it can be paid. It carries `qr_code`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_link: Option<String>,
    /// What to write on an NFC tag, while it can be paid: an NDEF message with `app_link`, base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nfc: Option<String>,
    /// The page where it can be paid, for phones and screens. Whoever has the address sees the order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cashier_url: Option<String>,
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
    /// Seconds until you ask about it again, while the payer of a code is asked for the PIN.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ask_again_after: Option<i64>,
    /// The code of what the last attempt met, of an order that you charged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_problem: Option<String>,
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
    /// What it consists of, up to 50 lines, for people and campaigns to read; `amount` alone is paid.
    pub goods_detail: Option<Vec<Goods>>,
    /// One of your stores.
    pub store_id: Option<StoreId>,
    /// Your name of the till, up to 25 letters, digits and `_-|*.:`; it is also in the code.
    #[schema(example = "T-07")]
    pub terminal: Option<String>,
    /// Seconds until it closes unpaid; 1200 by default.
    pub expires_in: Option<i64>,
    /// Your own data, up to 128 characters, told back.
    pub attach: Option<String>,
    /// Where events about it are sent: http or https.
    pub notify_url: Option<String>,
    /// Where the customer goes after the cashier page: http or https.
    pub return_url: Option<String>,
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
    let made = place(app, caller, ask, Way::Scan).await?;
    Ok(Made { value: shown(app, made.value).await?, fresh: made.fresh })
}

/// Creates an order that is paid in the given way.
pub(crate) async fn place(app: &App, caller: &Caller, ask: OrderAsk, way: Way) -> Result<Made<store::Row>> {
    rules::check(&ask)?;
    let now = app.clock.millis();
    let expires_at = way.expiry(app, ask.expires_in, now).await?;
    let (merchant, provider) = (caller.merchant, caller.provider);
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
    app.db
        .write(async move |tx: &mut Tx| {
            if used.is_ok() {
                let new = store::New { id: OrderId::new(now), ask: &ask, merchant, way, now, expires_at };
                if let Some(placed) = store::insert(tx, new).await? {
                    let mut placed = store::carry_provider(tx, placed, provider).await?;
                    if ask.split == Some(true) {
                        placed = store::mark_split(tx, placed).await?;
                        splits::mark(tx, &placed).await?;
                    }
                    return Ok(Made { value: placed, fresh: true });
                }
            }
            match store::numbered(tx, merchant, &ask.out_trade_no).await? {
                Some(row) => {
                    rules::same(&row, &ask, way)?;
                    Ok(Made { value: row, fresh: false })
                }
                // Taken at the insertion and not there now: the same request came twice, so look again.
                None => Err(used.clone().err().unwrap_or_else(Problem::again)),
            }
        })
        .await
}

/// One of the merchant's orders.
///
/// # Errors
/// `not_found` unless it is the merchant's.
pub async fn of(app: &App, merchant: MerchantId, name: &Name) -> Result<Order> {
    let mut connection = app.db.quick().await?;
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
    let (rows, pace) = (list::list(app, merchant, ask).await?, Pace::in_force(app).await?);
    let items = rows
        .items
        .into_iter()
        .map(|row| told(app, row, Some(&by), Some(pace), now))
        .collect::<Result<_>>()?;
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
                State::NotPay | State::PayError if row.trade_type == TradeType::Debit => {
                    Err(Problem::new(Code::StateConflict).detail("Cancel the debit instead."))
                }
                State::NotPay | State::PayError => {
                    let row = store::close(tx, row.id, CloseReason::Merchant, now).await?;
                    outbox::order(&told, tx, EventType::OrderClosed, row.clone(), now).await?;
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

/// Takes back an order that the merchant charged to a mandate, or a payer's code: unpaid ones end, paid ones are refunded whole. Done again, it changes nothing.
///
/// # Errors
/// `not_found`; `in_progress` while it is being charged, or its payer was asked for the PIN less than
/// `code_reversal_after` seconds ago; `state_conflict` for an order that is scanned, was refunded in part, is older than the policy `revoke_window`, or is above what the
/// merchant wants approved; `order_closed`.
pub async fn revoke(app: &App, caller: &Caller, name: Name) -> Result<Order> {
    let (caller, told) = (caller.clone(), app.clone());
    let above = merchants::read(app, caller.merchant).await?.refund_approval_above;
    let (now, window) = (app.clock.millis(), policies::number(app, "revoke_window").await? * 1000);
    let pace = Pace::in_force(app).await?;
    let (row, refund) = app
        .db
        .write(async move |tx: &mut Tx| {
            let row = store::named(tx, caller.merchant, &name).await?;
            rules::revocable(&row, now, window, above, pace.revocable_from(&row))?;
            match row.state_at(now) {
                State::Revoked => Ok((row, None)),
                State::Success => {
                    let row = store::revoke(tx, row.id, row.amount, now).await?;
                    outbox::order(&told, tx, EventType::OrderRevoked, row.clone(), now).await?;
                    let refund =
                        crate::refunds::whole(tx, &row, crate::refunds::Origin::Revocation, &caller, now)
                            .await?;
                    Ok((row, Some(refund)))
                }
                _ => {
                    let row = store::revoke(tx, row.id, 0, now).await?;
                    outbox::order(&told, tx, EventType::OrderRevoked, row.clone(), now).await?;
                    Ok((row, None))
                }
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
    let pace = if row.trade_type == TradeType::Code { Some(Pace::in_force(app).await?) } else { None };
    told(app, row, merchant.as_ref(), pace, now)
}

fn told(
    app: &App,
    row: store::Row,
    merchant: Option<&merchants::store::Row>,
    pace: Option<Pace>,
    now: i64,
) -> Result<Order> {
    let state = row.state_at(now);
    let expired = state != row.state;
    let payload = match merchant {
        Some(merchant) if row.scannable_at(now) => Some(qr::payload(app, &row, merchant)?),
        _ => None,
    };
    Ok(Order {
        ask_again_after: pace.and_then(|pace| pace.ask_again(&row, now)),
        app_link: payload.as_deref().map(carriers::link),
        nfc: payload.as_deref().map(carriers::nfc).transpose()?,
        qr_code: payload,
        cashier_url: row.cashier.as_deref().map(|token| cashier::address(app, token)),
        goods_detail: goods::read(row.goods_detail.as_deref())?,
        state,
        refund_state: rules::refund_state(row.refunded, row.amount),
        id: row.id,
        merchant_id: row.merchant,
        provider_id: row.provider,
        out_trade_no: row.out_trade_no,
        trade_type: row.trade_type,
        store_id: row.store,
        terminal: row.terminal,
        description: row.description,
        amount: fen(row.amount),
        attach: row.attach,
        notify_url: row.notify_url,
        return_url: row.return_url,
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
        last_problem: row.pay_problem.filter(|_| row.trade_type != TradeType::Qr && state != State::Success),
        version: row.version,
    })
}

/// Money from a column.
pub(crate) const fn fen(amount: i64) -> Money {
    Money::fen(amount.unsigned_abs())
}
