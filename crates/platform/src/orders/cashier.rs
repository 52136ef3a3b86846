//! The cashier: an order as anyone sees it who holds its token, without signing in.
//!
//! The token is 128 random bits in the address that the merchant sends its customer to. It shows what
//! a page needs to let somebody pay, and nothing of who paid. [`wait`] answers when the order has left
//! a state, so that a page need not ask again and again.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{State, TradeType, carriers, fen, qr, store};
use crate::clock::rfc3339;
use crate::id::{OrderId, digits};
use crate::{App, Code, Money, Problem, Result, merchants};

/// The longest that a question waits for a change, milliseconds.
pub const MAX_WAIT_MS: u64 = 25_000;
/// How often a waiting question looks: another node may have changed the order, or time alone.
pub const LOOK_EVERY: Duration = Duration::from_millis(250);

/// An order, as the page shows it where it can be paid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Cashier {
    /// The order.
    pub order_id: OrderId,
    /// Where it stands.
    pub state: State,
    /// What is to be paid.
    pub amount: Money,
    /// What is sold.
    pub description: String,
    /// Who is paid.
    pub merchant: CashierMerchant,
    /// What to show as a QR code, while it can be paid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub qr_code: Option<String>,
    /// What opens the payer's app on the same phone, while it can be paid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_link: Option<String>,
    /// When it closes unpaid, RFC 3339.
    pub expires_at: String,
    /// Where the merchant wants the customer to go afterwards.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub return_url: Option<String>,
}

/// Who is paid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CashierMerchant {
    /// The name in Chinese.
    pub name_zh: String,
    /// The name in English.
    pub name_en: String,
    /// Merchant category code, ISO 18245.
    pub mcc: String,
}

/// A question that waits for a change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WaitAsk {
    /// The state that the page shows: the answer comes as soon as the order is in another.
    pub seen: Option<State>,
    /// How long to wait for that, milliseconds, at most 25,000; not at all by default.
    pub wait_ms: Option<u64>,
}

impl WaitAsk {
    /// How long the answer may take.
    ///
    /// # Errors
    /// `invalid_request` above [`MAX_WAIT_MS`].
    pub fn patience(&self) -> Result<Duration> {
        let millis = self.wait_ms.unwrap_or(0);
        if millis > MAX_WAIT_MS {
            return Err(Problem::new(Code::InvalidRequest)
                .field("wait_ms")
                .detail(format!("An answer waits at most {MAX_WAIT_MS} milliseconds.")));
        }
        Ok(Duration::from_millis(millis))
    }
}

/// A token: as long as an id, all of it random.
pub(super) fn token() -> String {
    digits(u128::from_le_bytes(jialing_crypto::random::bytes()))
}

/// The address of the page for this token.
pub(super) fn address(app: &App, token: &str) -> String {
    format!("{}/cashier/{token}", app.settings.public_url.trim_end_matches('/'))
}

/// The order with this token, as it stands.
///
/// # Errors
/// `not_found`.
pub async fn of(app: &App, token: &str) -> Result<Cashier> {
    shown(app, row(app, token).await?).await
}

/// The order with this token, once it is no longer in the state that was seen, or as it stands after
/// `patience`.
///
/// # Errors
/// `not_found`.
pub async fn wait(app: &App, token: &str, seen: State, patience: Duration) -> Result<Cashier> {
    let end = tokio::time::Instant::now() + patience;
    loop {
        let row = row(app, token).await?;
        let now = tokio::time::Instant::now();
        if row.state_at(app.clock.millis()) != seen || now >= end {
            return shown(app, row).await;
        }
        tokio::time::sleep_until(end.min(now + LOOK_EVERY)).await;
    }
}

async fn row(app: &App, token: &str) -> Result<store::Row> {
    store::of_cashier(app, token).await?.ok_or(Problem::new(Code::NotFound))
}

async fn shown(app: &App, row: store::Row) -> Result<Cashier> {
    let now = app.clock.millis();
    let merchant = merchants::read(app, row.merchant).await?;
    let payload = match row.trade_type {
        TradeType::Qr if row.scannable_at(now) => Some(qr::payload(app, &row, &merchant)?),
        _ => None,
    };
    Ok(Cashier {
        order_id: row.id,
        state: row.state_at(now),
        amount: fen(row.amount),
        app_link: payload.as_deref().map(carriers::link),
        qr_code: payload,
        expires_at: rfc3339(row.expires_at),
        description: row.description,
        return_url: row.return_url,
        merchant: CashierMerchant { name_zh: merchant.name_zh, name_en: merchant.name_en, mcc: merchant.mcc },
    })
}
