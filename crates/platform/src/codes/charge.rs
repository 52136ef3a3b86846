//! Charging a code that a payer shows.

use jialing_rails::consumer_code::ConsumerCode;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{hash, key, store};
use crate::id::{MerchantId, OrderId, StoreId};
use crate::merchants::{self, Caller};
use crate::notices::{self, NoticeCode};
use crate::orders::{self, Goods, Made, Name, Order, OrderAsk, State, Way};
use crate::outbox::{self, EventType};
use crate::payments::{self, Agreed, Claim, Extra, LimitedBy, Reserved, discreet, move_money, reserve};
use crate::policies::{self, RiskClass};
use crate::{App, Code, Money, Problem, Result, Tx, devices, pins, wallets};

/// An order to charge to the code that a payer shows.
#[derive(Clone, Debug, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CodePaymentAsk {
    /// Your number of the order, 1 to 64 letters, digits and `_-|*.:`; yours for ever.
    pub out_trade_no: String,
    /// What is sold, up to 127 characters.
    pub description: String,
    /// What is to be paid.
    pub amount: Money,
    /// The text in the payer's code, as your scanner read it.
    pub payment_code: String,
    /// What it consists of, up to 50 lines.
    pub goods_detail: Option<Vec<Goods>>,
    /// One of your stores.
    pub store_id: Option<StoreId>,
    /// Your name of the till, up to 25 letters, digits and `_-|*.:`.
    pub terminal: Option<String>,
    /// Your own data, up to 128 characters, told back.
    pub attach: Option<String>,
    /// Where events about it are sent: http or https.
    pub notify_url: Option<String>,
    /// What campaigns look at, up to 32 characters.
    pub goods_tag: Option<String>,
}

impl CodePaymentAsk {
    fn order(self) -> (OrderAsk, String) {
        let order = OrderAsk {
            out_trade_no: self.out_trade_no,
            description: self.description,
            amount: self.amount,
            goods_detail: self.goods_detail,
            store_id: self.store_id,
            terminal: self.terminal,
            expires_in: None,
            attach: self.attach,
            notify_url: self.notify_url,
            return_url: None,
            goods_tag: self.goods_tag,
            split: None,
        };
        (order, self.payment_code)
    }
}

/// Creates an order and charges it to the payer's code: paid at once (`SUCCESS`), or waiting for the
/// payer's PIN (`USERPAYING`; the answer says when to ask again). The same parameters again answer the
/// order as it stands; one whose attempt failed may be charged again, to the same code or a fresh one.
///
/// # Errors
/// Those of [`orders::create`]; `payment_code_invalid` for what is no code of ours, or one whose MAC
/// does not fit; `payment_code_expired`; `payment_code_used` for one that another order has;
/// `balance_too_low`, `over_single_limit`, `over_day_limit`, `over_year_limit`, `wallet_unavailable`,
/// without any figures of the payer's.
pub async fn charge(app: &App, caller: &Caller, ask: CodePaymentAsk) -> Result<Made<Order>> {
    let (ask, shown) = ask.order();
    let mut connection = app.db.read().acquire().await?;
    let known = orders::store::numbered(&mut connection, caller.merchant, &ask.out_trade_no).await?;
    drop(connection);
    let waits = known
        .as_ref()
        .is_none_or(|row| matches!(row.state_at(app.clock.millis()), State::NotPay | State::PayError));
    // A number that is not to be charged again answers its order, whatever code came with it.
    let number = (caller.merchant, ask.out_trade_no.as_str());
    let code = if waits { Some(read(app, &shown, number).await?) } else { None };
    let made = orders::place(app, caller, ask, Way::Code).await?;
    if let Some(code) = code {
        pay(app, caller, &code, &made.value).await?;
    }
    let order = orders::of(app, caller.merchant, &Name::Id(made.value.id)).await?;
    Ok(Made { value: order, fresh: made.fresh })
}

/// The code in what a scanner read, if it may be charged now, for the order of this number or a new one.
async fn read(app: &App, shown: &str, (merchant, number): (MerchantId, &str)) -> Result<store::Row> {
    let field = |code: Code| Problem::new(code).field("payment_code");
    let read = ConsumerCode::decode(shown)
        .map_err(|bad| field(Code::PaymentCodeInvalid).detail(format!("This is no payment code: {bad}.")))?;
    let mut connection = app.db.read().acquire().await?;
    let row = store::hashed(&mut connection, &hash(&read.number)).await?;
    // Whether the number is unknown or the MAC is wrong is nobody's to know.
    let row = row.filter(|_| read.fits(&key(app, &read.number))).ok_or(field(Code::PaymentCodeInvalid))?;
    if row.order_id.is_some() {
        // Looked up after the code: the same request beside this one makes its order before it takes the code.
        let known = orders::store::numbered(&mut connection, merchant, number).await?;
        if row.order_id != known.map(|known| known.id) {
            return Err(field(Code::PaymentCodeUsed));
        }
    }
    let now = app.clock.millis();
    let (good, skew) = (
        policies::number(app, "consumer_code_validity").await? * 1000,
        policies::number(app, "consumer_code_skew").await? * 1000,
    );
    let at = i64::from(read.shown_at) * 1000;
    let fresh = at + good > now && at <= now + skew && at + 1000 > row.issued_at;
    if !fresh || !row.live_at(now) {
        return Err(field(Code::PaymentCodeExpired));
    }
    if !devices::active(&mut connection, row.person, row.device).await? {
        return Err(field(Code::PaymentCodeInvalid));
    }
    Ok(row)
}

async fn pay(app: &App, caller: &Caller, code: &store::Row, order: &orders::store::Row) -> Result<()> {
    let payer = wallets::find(app, code.wallet).await?;
    payer.may_pay().map_err(|problem| discreet(problem, order))?;
    let (_, payee) = merchants::active(app, caller.merchant).await?;
    let payee = wallets::find(app, payee).await?;
    take(app, code, order.id).await?;
    let amount = order.amount.unsigned_abs();
    let extra = Extra::risk(app, RiskClass::C, code.person).await?;
    if !without_pin(app, code, amount, extra).await? {
        return ask_payer(app, code, order).await;
    }
    let claim = Claim {
        order: order.id,
        person: code.person,
        wallet: code.wallet,
        extra: Some(extra),
        amount,
        agreed: Agreed::Request(caller.digest()),
    };
    let paid = match reserve(app, &claim).await {
        Ok(Reserved::Ours(attempt)) => move_money(app, &attempt, &payer, &payee.account()).await,
        Ok(Reserved::Paid) => Ok(()),
        // The same request is being worked on beside this one: its order is told as it stands.
        Err(problem) if problem.code == Code::InProgress => Ok(()),
        Err(problem) => Err(problem),
    };
    match paid {
        // Another payment without PIN came first: with it, this one may still be paid.
        Err(problem) if payments::reached(&problem, LimitedBy::CodeWithoutPin) => {
            ask_payer(app, code, order).await
        }
        other => other.map_err(|problem| discreet(problem, order)),
    }
}

/// Gives the code to the order, and notes whose it is.
async fn take(app: &App, code: &store::Row, order: OrderId) -> Result<()> {
    let (code, now) = (code.clone(), app.clock.millis());
    app.db
        .write(async move |tx: &mut Tx| {
            if !store::take(tx, code.id, order, now).await? {
                return Err(Problem::new(Code::PaymentCodeUsed).field("payment_code"));
            }
            store::charges(tx, order, &code, now).await
        })
        .await
}

/// Whether this amount is paid without the PIN; if so it is counted as such.
async fn without_pin(app: &App, code: &store::Row, amount: u64, extra: Extra) -> Result<bool> {
    if amount > code.pin_free.unsigned_abs() {
        return Ok(false);
    }
    let left = app.engine.allowance(extra.meter).await.map_err(Problem::internal)?;
    if left.is_none_or(|left| left.largest() < amount) {
        return Ok(false);
    }
    pins::spend_free(app, code.person, amount).await
}

/// Asks the payer for the PIN. Done again, it changes nothing.
async fn ask_payer(app: &App, code: &store::Row, order: &orders::store::Row) -> Result<()> {
    let merchant = merchants::read(app, order.merchant).await?;
    let (told, id, person, now) = (app.clone(), order.id, code.person, app.clock.millis());
    app.db
        .write(async move |tx: &mut Tx| {
            let Some(row) = orders::store::ask_payer(tx, id, now).await? else { return Ok(()) };
            let params = json!({
                "amount": row.amount,
                "counterparty": merchant.name_zh,
                "counterparty_en": merchant.name_en,
            });
            let notice = notices::New::about(person, NoticeCode::ConfirmPayment, params, id.to_string(), now);
            notices::tell(tx, notice).await?;
            outbox::order(&told, tx, EventType::OrderUserPaying, row, now).await
        })
        .await
}
