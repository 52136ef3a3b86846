//! What merchants saw of a payer.

use serde::{Deserialize, Serialize};

use super::store;
use crate::clock::rfc3339;
use crate::id::MerchantId;
use crate::sessions::Actor;
use crate::{App, Page, PageAsk, Result, merchants, stored};

stored! {
    /// Something that a merchant saw.
    pub enum Saw {
        /// How much was paid.
        Amount = "amount",
        /// When.
        Time = "time",
        /// A reference that is the same at each payment to this merchant and means nothing elsewhere.
        PayerReference = "payer_reference",
        /// What the payer let it charge: limits, periods, pauses.
        Agreement = "agreement",
    }
}

/// A merchant that was paid, and what it saw: never a name, a phone or a wallet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SeenBy {
    /// The merchant.
    pub merchant_id: MerchantId,
    /// Its name in Chinese.
    pub name_zh: String,
    /// Its name in English.
    pub name_en: String,
    /// Payments to it.
    pub payments: i64,
    /// When it was last paid, RFC 3339.
    #[schema(format = DateTime)]
    pub last_at: String,
    /// What it saw.
    pub saw: Vec<Saw>,
}

/// The merchants that the actor paid, the one that was registered last first.
///
/// # Errors
/// `invalid_request` for a bad page; any fault of the database.
pub async fn seen_by(app: &App, actor: &Actor, page: &PageAsk) -> Result<Page<SeenBy>> {
    let rows = store::merchants_paid(app, actor.person, page).await?;
    let mut items = Vec::with_capacity(rows.items.len());
    for row in rows.items {
        let merchant = merchants::get(app, row.merchant).await?;
        let mut saw = vec![Saw::Amount, Saw::Time, Saw::PayerReference];
        saw.extend((row.agreed != 0).then_some(Saw::Agreement));
        items.push(SeenBy {
            merchant_id: row.merchant,
            name_zh: merchant.name_zh,
            name_en: merchant.name_en,
            payments: row.payments,
            last_at: rfc3339(row.last_at),
            saw,
        });
    }
    Ok(Page { items, has_more: rows.has_more })
}
