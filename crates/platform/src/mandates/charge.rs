//! Charging a mandate: an order that is created and paid in one request.

use serde::{Deserialize, Serialize};

use super::{State, store};
use crate::id::StoreId;
use crate::merchants::{self, Caller};
use crate::orders::{self, Goods, Made, Order, OrderAsk, Way};
use crate::payments::{Agreed, Claim, Extra, Reserved, discreet, move_money, reserve};
use crate::{App, Code, Money, Problem, Result, wallets};

/// An order to charge to a mandate.
#[derive(Clone, Debug, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChargeAsk {
    /// Your number of the order, 1 to 64 letters, digits and `_-|*.:`; yours for ever.
    pub out_trade_no: String,
    /// What is sold, up to 127 characters.
    pub description: String,
    /// What is to be paid.
    pub amount: Money,
    /// What it consists of, up to 50 lines.
    pub goods_detail: Option<Vec<Goods>>,
    /// One of your stores.
    pub store_id: Option<StoreId>,
    /// Your name of the till, up to 25 characters.
    pub terminal: Option<String>,
    /// Your own data, up to 128 characters, told back.
    pub attach: Option<String>,
    /// Where events about it are sent: http or https.
    pub notify_url: Option<String>,
    /// What campaigns look at, up to 32 characters.
    pub goods_tag: Option<String>,
}

/// Creates an order and pays it from the mandate. The same parameters again answer the paid order, or
/// try again one that was refused.
///
/// # Errors
/// Those of [`orders::create`]; `not_found` for a token of another merchant; `mandate_unusable` while
/// it is paused or after it was revoked; `balance_too_low`, `over_single_limit`, `over_day_limit`,
/// `over_year_limit`, `wallet_unavailable`, without any figures of the payer's.
pub async fn charge(app: &App, caller: &Caller, token: &str, ask: ChargeAsk) -> Result<Made<Order>> {
    let mut connection = app.db.read().acquire().await?;
    let mandate = store::named(&mut connection, caller.merchant, token).await?;
    drop(connection);
    let ask = OrderAsk {
        out_trade_no: ask.out_trade_no,
        description: ask.description,
        amount: ask.amount,
        goods_detail: ask.goods_detail,
        store_id: ask.store_id,
        terminal: ask.terminal,
        expires_in: None,
        attach: ask.attach,
        notify_url: ask.notify_url,
        return_url: None,
        goods_tag: ask.goods_tag,
        split: None,
    };
    if mandate.state != State::Active {
        usable_again(app, caller, &mandate, &ask).await?;
    }
    let made = orders::place(app, caller, ask, Way::Mandate(mandate.id)).await?;
    let order = made.value;
    if !matches!(order.state, orders::State::Success | orders::State::Revoked) {
        pay(app, caller, &mandate, &order).await.map_err(|problem| discreet(problem, &order))?;
    }
    let order = orders::of(app, caller.merchant, &orders::Name::Id(order.id)).await?;
    Ok(Made { value: order, fresh: made.fresh })
}

/// An order that was paid is told even if the mandate has ended since; nothing new is charged.
async fn usable_again(app: &App, caller: &Caller, mandate: &store::Row, ask: &OrderAsk) -> Result<()> {
    let mut connection = app.db.read().acquire().await?;
    let known = orders::store::numbered(&mut connection, caller.merchant, &ask.out_trade_no).await?;
    match known {
        Some(order) if order.paid_at.is_some() && order.mandate == Some(mandate.id) => Ok(()),
        _ => Err(Problem::new(Code::MandateUnusable).detail(format!("The mandate is {}.", mandate.state))),
    }
}

async fn pay(app: &App, caller: &Caller, mandate: &store::Row, order: &orders::store::Row) -> Result<()> {
    let payer = wallets::find(app, mandate.wallet).await?;
    let (_, payee) = merchants::active(app, caller.merchant).await?;
    let payee = wallets::find(app, payee).await?;
    let claim = Claim {
        order: order.id,
        person: mandate.person,
        wallet: mandate.wallet,
        extra: Some(Extra::mandate(mandate.id)),
        amount: order.amount.unsigned_abs(),
        agreed: Agreed::Request(caller.digest()),
    };
    match reserve(app, &claim).await? {
        Reserved::Ours(attempt) => move_money(app, &attempt, &payer, &payee.account()).await,
        Reserved::Paid => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_of_an_order_but_its_expiry_and_return_can_be_charged() {
        let order = serde_json::json!({
            "out_trade_no": "1", "description": "d", "amount": {"amount": 1, "currency": "CNY"},
            "attach": "a", "terminal": "T-1", "notify_url": "https://shop.example/", "goods_tag": "g",
        });
        assert!(serde_json::from_value::<ChargeAsk>(order.clone()).is_ok());
        assert!(serde_json::from_value::<OrderAsk>(order).is_ok());
    }
}
