//! Paying a static code: the payer types the amount, and an order of its own is made and paid.

use serde::{Deserialize, Serialize};

use super::store;
use crate::id::{MerchantId, OrderId, StaticCodeId, WalletId};
use crate::orders::{self, OrderAsk, Way};
use crate::payments::{self, Agreed, Claim, Extra, PayerOrder, Reserved, move_money, reserve};
use crate::policies::{self, RiskClass};
use crate::sessions::Actor;
use crate::{App, Code, Money, Problem, Result, Tx, devices, merchants, pins, wallets};

/// The action a device signs to pay a static code.
pub const ACTION: &str = "pay_static";

/// A static code, as a payer who scanned it sees it: type the amount and pay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Place {
    /// The code's id, the subject of what the device signs.
    pub static_code_id: StaticCodeId,
    /// Who is paid, the payee of what the device signs.
    pub merchant_id: MerchantId,
    /// The merchant's name in Chinese.
    pub merchant_name_zh: String,
    /// The merchant's name in English.
    pub merchant_name_en: String,
    /// The store's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub store_name: Option<String>,
    /// The till.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub terminal: Option<String>,
    /// What is paid for.
    pub description: String,
    /// What you may still pay by static codes today; absent where there is no bound.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left_today: Option<Money>,
}

/// A payment of a static code.
#[derive(Clone, Debug, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StaticPayAsk {
    /// The wallet that pays.
    pub wallet_id: WalletId,
    /// What the payer typed.
    pub amount: Money,
    /// The payment PIN, needed above the no-PIN amount.
    pub pin: Option<String>,
    /// What your device signed: action `pay_static`, payee the merchant's id, subject the static
    /// code's id, and the amount.
    pub evidence: devices::EvidenceAsk,
}

/// The place of a static code that was scanned.
///
/// # Errors
/// `not_found` for a code that is unknown or was revoked.
pub async fn place(app: &App, actor: &Actor, id: StaticCodeId) -> Result<Place> {
    let code = usable(app, id).await?;
    let merchant = merchants::read(app, code.merchant).await?;
    let store_name = match code.store {
        Some(store) => merchants::store_name(app, store).await?,
        None => None,
    };
    let meter = policies::risk_meter(app, RiskClass::D, actor.person).await?;
    let left = app.engine.allowance(meter).await.map_err(Problem::internal)?.map_or(0, |left| left.largest());
    Ok(Place {
        static_code_id: id,
        merchant_id: code.merchant,
        merchant_name_zh: merchant.name_zh,
        merchant_name_en: merchant.name_en,
        store_name,
        terminal: code.terminal,
        description: code.description,
        left_today: (left < u64::MAX).then_some(Money::fen(left)),
    })
}

/// Pays a static code. The same signed request again answers the order there is, and pays it if it was
/// not paid.
///
/// # Errors
/// `amount_invalid`; `not_found` for a code that is unknown or was revoked, or a wallet that is not the
/// actor's; those of device evidence and the PIN; `merchant_inactive`; `order_closed` for a request
/// that comes again too late; what the ledger refused, with the limit and what is left.
pub async fn pay(app: &App, actor: &Actor, id: StaticCodeId, ask: StaticPayAsk) -> Result<PayerOrder> {
    let amount = ask.amount.positive("amount")?;
    let code = usable(app, id).await?;
    let payer = wallets::of(app, actor.person, ask.wallet_id).await?;
    payer.may_pay()?;
    let (_, payee) = merchants::active(app, code.merchant).await?;
    let payee = wallets::find(app, payee).await?;
    let evidence = devices::Evidence {
        action: ACTION,
        payee: code.merchant.to_string(),
        amount: ask.amount,
        subject: id.to_string(),
        wallet: ask.wallet_id,
        expires_at: ask.evidence.expires_at,
        nonce: ask.evidence.nonce.clone(),
    };
    let signed = devices::check(app, actor, &evidence, &ask.evidence).await?;
    if let Some(paid) = paid_before(app, actor, &signed).await? {
        return Ok(paid);
    }
    pins::require_unless(app, actor, signed.by_passkey(), ask.pin.as_deref(), amount).await?;
    let extra = Extra::risk(app, RiskClass::D, actor.person).await?;
    let order = order(app, actor, code, &ask, &signed).await?;
    let claim = Claim {
        order,
        person: actor.person,
        wallet: ask.wallet_id,
        extra: Some(extra),
        amount,
        agreed: Agreed::Device(Box::new(signed)),
    };
    if let Reserved::Ours(attempt) = reserve(app, &claim).await? {
        move_money(app, &attempt, &payer, &payee.account()).await?;
    }
    payments::view(app, actor, order).await
}

/// The paid order that this signature made, if it did.
async fn paid_before(app: &App, actor: &Actor, signed: &devices::Signed) -> Result<Option<PayerOrder>> {
    let (signed, person) = (signed.clone(), actor.person);
    let known = app
        .db
        .write(async move |tx: &mut Tx| {
            let digest = signed.keep(tx).await?.digest;
            match store::signed(tx, person, &digest).await? {
                Some(order) => orders::store::find(tx, order).await,
                None => Ok(None),
            }
        })
        .await?;
    match known.filter(|row| row.paid_at.is_some()) {
        Some(row) => payments::view(app, actor, row.id).await.map(Some),
        None => Ok(None),
    }
}

/// The order that this signature makes, made once.
async fn order(
    app: &App,
    actor: &Actor,
    code: store::Row,
    ask: &StaticPayAsk,
    signed: &devices::Signed,
) -> Result<OrderId> {
    let now = app.clock.millis();
    let (id, person, signed) = (OrderId::new(now), actor.person, signed.clone());
    let expires_at = Way::Static.expiry(app, None, now).await?;
    let made = OrderAsk {
        // Outside what merchants may choose, so that it takes no number of theirs.
        out_trade_no: format!("~{id}"),
        description: code.description,
        amount: ask.amount,
        goods_detail: None,
        store_id: code.store,
        terminal: code.terminal,
        expires_in: None,
        attach: None,
        notify_url: code.notify_url,
        return_url: None,
        goods_tag: None,
        split: None,
    };
    app.db
        .write(async move |tx: &mut Tx| {
            let digest = signed.keep(tx).await?.digest;
            if let Some(order) = store::signed(tx, person, &digest).await? {
                return Ok(order);
            }
            let merchant = code.merchant;
            let new = orders::store::New { id, ask: &made, merchant, way: Way::Static, now, expires_at };
            orders::store::insert(tx, new).await?.ok_or_else(Problem::again)?;
            store::made(tx, id, code.id, person, &digest).await?;
            Ok(id)
        })
        .await
}

async fn usable(app: &App, id: StaticCodeId) -> Result<store::Row> {
    let mut connection = app.db.read().acquire().await?;
    let row = store::find(&mut connection, id).await?.filter(|row| row.revoked_at.is_none());
    row.ok_or(Problem::new(Code::NotFound))
}
