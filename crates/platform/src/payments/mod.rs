//! Payments: attempts of a person to pay an order.
//!
//! An attempt reserves the order for a short time, moves the money in the ledger under the order's
//! own number, and lets the follower confirm. Two who try at once: one holds the order, the other is
//! told to wait; and whatever is believed, the ledger lets one transfer of that number pass. An
//! attempt that was never heard of again is resolved by looking that number up. Sending the same
//! payment again, after a lost answer, answers the paid order.
//!
//! `PAYING → SUCCESS | FAILED`.

mod attempt;
mod limits;
mod seen;
mod store;

use serde::{Deserialize, Serialize};

use crate::clock::rfc3339;
use crate::codes::{self, Asked};
use crate::id::{MerchantId, OrderId, TransactionId, WalletId};
use crate::money::Money;
use crate::orders::qr::Named;
use crate::orders::{self, State, TradeType};
use crate::policies::RiskClass;
use crate::sessions::Actor;
use crate::static_codes::{self, Place};
use crate::{App, Code, Problem, Result, devices, merchants, pins, stored, wallets};

pub(crate) use attempt::passed;
pub use attempt::{Agreed, Attempt, Claim, Reserved, move_money, reserve, resolve};
pub use limits::{Extra, LimitedBy};
pub(crate) use limits::{discreet, reached};
pub use seen::{Saw, SeenBy, seen_by};
pub(crate) use store::succeeded;

stored! {
    /// Where an attempt stands.
    #[schema(as = PaymentState)]
    pub enum AttemptState {
        /// Under way.
        Paying = "PAYING",
        /// It paid the order.
        Success = "SUCCESS",
        /// It did not.
        Failed = "FAILED",
    }
}

/// An order, as a payer sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PayerOrder {
    /// Its id, the subject of what the device signs.
    pub id: OrderId,
    /// Who is paid, the payee of what the device signs.
    pub merchant_id: MerchantId,
    /// The merchant's name in Chinese.
    pub merchant_name_zh: String,
    /// The merchant's name in English.
    pub merchant_name_en: String,
    /// The store's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub store_name: Option<String>,
    /// What is sold.
    pub description: String,
    /// What is to be paid.
    pub amount: Money,
    /// Where it stands.
    pub state: State,
    /// When it closes unpaid, RFC 3339.
    pub expires_at: String,
    /// RFC 3339, once paid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paid_at: Option<String>,
    /// The wallet of yours that paid it, or whose code was charged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wallet_id: Option<WalletId>,
    /// The ledger transfer, if you paid it: what a receipt is asked for with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transaction_id: Option<TransactionId>,
    /// What was given back, if you paid it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refunded: Option<Money>,
    /// The code of the problem that your last attempt met.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_problem: Option<String>,
}

stored! {
    /// How a merchant's code came into the payer's app.
    pub enum Via {
        /// It was seen where it is shown.
        Camera = "CAMERA",
        /// It was read from a picture, which may be old or somebody else's: the limit of codes that
        /// never change applies.
        Image = "IMAGE",
        /// A link opened the app.
        Link = "LINK",
        /// It was read from an NFC tag.
        Nfc = "NFC",
    }
}

/// A payment of an order.
#[derive(Clone, Debug, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PayAsk {
    /// The wallet that pays.
    pub wallet_id: WalletId,
    /// What you agree to pay. The signed text says it in any case; said here too, an order of another
    /// amount is refused as `amount_mismatch`.
    pub amount: Option<Money>,
    /// How the code came into your app; `CAMERA` by default.
    pub via: Option<Via>,
    /// The payment PIN, needed above the no-PIN amount.
    pub pin: Option<String>,
    /// What your device signed: action `pay`, payee the merchant's id, subject the order's id.
    pub evidence: devices::EvidenceAsk,
}

/// The action a device signs to pay an order.
pub const ACTION: &str = "pay";

/// An order that somebody may pay or has paid.
///
/// # Errors
/// `not_found`.
pub async fn view(app: &App, actor: &Actor, id: OrderId) -> Result<PayerOrder> {
    let seen = look(app, actor, id).await?;
    let merchant = merchants::read(app, seen.row.merchant).await?;
    told(app, seen, &merchant).await
}

/// An order and what a person has to do with it.
struct Seen {
    row: orders::store::Row,
    /// Their attempt at it that matters.
    mine: Option<store::Row>,
    /// Whose code it charges, if it charges one: theirs, where they have not tried to pay it.
    asked: Option<Asked>,
}

/// The order as the actor may see it. One that is not open to whoever scans it is its payer's alone.
async fn look(app: &App, actor: &Actor, id: OrderId) -> Result<Seen> {
    let mut connection = app.db.quick().await?;
    let mut row = orders::store::find(&mut connection, id).await?.ok_or(Problem::new(Code::NotFound))?;
    let mine = store::last_of(&mut connection, id, actor.person).await?;
    if mine.as_ref().is_some_and(|mine| mine.state == AttemptState::Success) && row.paid_at.is_none() {
        // It was paid between the two reads: an attempt succeeds in one commit with its order.
        row = orders::store::find(&mut connection, id).await?.ok_or(Problem::new(Code::NotFound))?;
    }
    let asked = codes::asked(&mut connection, &row).await?.filter(|asked| asked.person == actor.person);
    let open = matches!(row.trade_type, TradeType::Qr | TradeType::Mandate);
    if open || mine.is_some() || asked.is_some() {
        Ok(Seen { row, mine, asked })
    } else {
        Err(Problem::new(Code::NotFound))
    }
}

async fn told(app: &App, seen: Seen, merchant: &merchants::store::Row) -> Result<PayerOrder> {
    let Seen { row, mine, asked } = seen;
    let store_name = match row.store {
        Some(store) => merchants::store_name(app, store).await?,
        None => None,
    };
    let paid = mine.as_ref().filter(|mine| mine.state == AttemptState::Success);
    Ok(PayerOrder {
        id: row.id,
        merchant_id: row.merchant,
        merchant_name_zh: merchant.name_zh.clone(),
        merchant_name_en: merchant.name_en.clone(),
        store_name,
        state: row.state_at(app.clock.millis()),
        amount: orders::fen(row.amount),
        expires_at: rfc3339(row.expires_at),
        paid_at: row.paid_at.map(rfc3339),
        wallet_id: paid.map(|paid| paid.wallet).or(asked.map(|asked| asked.wallet)),
        transaction_id: paid.map(|_| row.id.cast()),
        refunded: paid.map(|_| orders::fen(row.refunded)),
        last_problem: mine.and_then(|mine| mine.problem),
        description: row.description,
    })
}

/// What a payer scanned.
#[derive(Clone, Debug, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScanAsk {
    /// The text in the merchant's QR code, or the link that opened your app.
    pub payload: String,
}

/// What a scanned code leads to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(untagged)]
pub enum Scanned {
    /// An order to pay.
    Order(Box<PayerOrder>),
    /// A place where the payer types the amount.
    Place(Box<Place>),
}

/// What a QR code or link leads to, as a payer sees it.
///
/// # Errors
/// `invalid_request` for what is no code of this scheme; `not_found`.
pub async fn scan(app: &App, actor: &Actor, ask: &ScanAsk) -> Result<Scanned> {
    match orders::qr::named_in(&orders::carriers::payload_in(&ask.payload))? {
        Named::Order(id) => Ok(Scanned::Order(Box::new(view(app, actor, id).await?))),
        Named::Static(id) => Ok(Scanned::Place(Box::new(static_codes::place(app, actor, id).await?))),
    }
}

/// Pays an order.
///
/// Sent again by the same person it answers the order as it stands; money moves once.
///
/// # Errors
/// `not_found` for an unknown order or a wallet that is not the actor's; those of device evidence and
/// the PIN; `in_progress` while somebody else pays; `order_paid`; `order_closed`; `merchant_inactive`;
/// what the ledger refused, with the limit and what is left.
pub async fn pay(app: &App, actor: &Actor, id: OrderId, ask: PayAsk) -> Result<PayerOrder> {
    let seen = look(app, actor, id).await?;
    if seen.mine.as_ref().is_some_and(|mine| mine.state == AttemptState::Success) {
        let merchant = merchants::read(app, seen.row.merchant).await?;
        return told(app, seen, &merchant).await;
    }
    let row = &seen.row;
    match row.state_at(app.clock.millis()) {
        State::Success => return Err(Problem::new(Code::OrderPaid)),
        State::Closed | State::Revoked => return Err(Problem::new(Code::OrderClosed)),
        State::NotPay | State::UserPaying | State::PayError => {}
    }
    payable(&seen, &ask)?;
    let payer = wallets::of(app, actor.person, ask.wallet_id).await?;
    payer.may_pay()?;
    let (merchant, payee) = merchants::active(app, row.merchant).await?;
    let payee = wallets::find(app, payee).await?;
    let amount = orders::fen(row.amount);
    agreed_amount(ask.amount, amount)?;
    let evidence = devices::Evidence {
        action: ACTION,
        payee: row.merchant.to_string(),
        amount,
        subject: id.to_string(),
        wallet: ask.wallet_id,
        expires_at: ask.evidence.expires_at,
        nonce: ask.evidence.nonce.clone(),
    };
    let signed = devices::check(app, actor, &evidence, &ask.evidence).await?;
    let free = match (seen.asked, ask.pin.as_deref()) {
        (_, None) if signed.by_passkey() => None,
        // The payer was asked because of the PIN.
        (Some(_), None) => return Err(Problem::new(Code::PinRequired).field("pin")),
        (_, Some(pin)) => {
            pins::verify(app, actor, pin).await?;
            None
        }
        (None, None) => match pins::Free::of(app, actor.person, amount.amount).await? {
            Some(free) => Some(free),
            None => return Err(pins::missing(app, actor).await?),
        },
    };
    let extra = match ask.via {
        Some(Via::Image) => Some(Extra::risk(app, RiskClass::D, actor.person).await?),
        _ => None,
    };
    let claim = Claim {
        order: id,
        person: actor.person,
        wallet: ask.wallet_id,
        extra,
        amount: amount.amount,
        agreed: Agreed::Device(Box::new(signed)),
    };
    match attempt::reserve_free(app, &claim, free).await? {
        Some(Reserved::Ours(attempt)) => {
            move_money(app, &attempt, &payer, &payee.account()).await?;
        }
        Some(Reserved::Paid) => {}
        None => return Err(pins::missing(app, actor).await?),
    }
    told(app, look(app, actor, id).await?, &merchant).await
}

/// Whether an order that waits may be paid by this request.
fn payable(seen: &Seen, ask: &PayAsk) -> Result<()> {
    match (seen.row.trade_type, seen.asked) {
        (TradeType::Qr | TradeType::Mandate, _) => Ok(()),
        (TradeType::Static | TradeType::Debit, _) | (TradeType::Code, None) => {
            Err(Problem::new(Code::StateConflict).detail("This order is not paid by a request of its own."))
        }
        (TradeType::Code, Some(_)) if seen.row.state != State::UserPaying => {
            Err(Problem::new(Code::StateConflict).detail("You are not asked any more: show a fresh code."))
        }
        (TradeType::Code, Some(asked)) if asked.wallet != ask.wallet_id => {
            Err(Problem::new(Code::InvalidRequest)
                .field("wallet_id")
                .detail("The wallet whose code was charged pays."))
        }
        (TradeType::Code, Some(asked)) if asked.device != ask.evidence.device_id => {
            Err(Problem::new(Code::DeviceUnknown).detail("The device that showed the code signs."))
        }
        (TradeType::Code, Some(_)) => Ok(()),
    }
}

/// Whether what the payer named is what is to be paid.
pub(crate) fn agreed_amount(named: Option<Money>, amount: Money) -> Result<()> {
    match named {
        Some(named) if named != amount => Err(Problem::new(Code::AmountMismatch)
            .field("amount")
            .with("amount", amount.amount)
            .detail("What you agreed to pay is not what the order asks for. Look at it again.")),
        _ => Ok(()),
    }
}
