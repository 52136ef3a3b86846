//! What the city's page reads.

use std::collections::HashMap;

use jialing_platform::clock::rfc3339;
use jialing_platform::id::{TransactionId, WalletId};
use jialing_platform::institutions::{self, Supply};
use jialing_platform::kind::Kind;
use jialing_platform::{App, Money, Result, merchants};
use serde::Serialize;
use utoipa::ToSchema;

use super::window::Window;
use crate::public::log::Checkpoint;

/// A demonstration city. Amounts are fen.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct City {
    /// Where the money is.
    supply: CitySupply,
    /// How much is paid.
    payments: Pace,
    /// The latest movements, newest first.
    latest: Vec<Latest>,
    /// The newest checkpoint.
    checkpoint: Checkpoint,
}

/// Where the money is: `issued − redeemed = circulating = vaults + wallets + transit`, over all who issue.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct CitySupply {
    /// All that was ever issued.
    issued: u64,
    /// All that was ever redeemed.
    redeemed: u64,
    /// What is outstanding.
    circulating: u64,
    /// In wallets of people and shops.
    wallets: u64,
    /// Of these, in people's.
    people: u64,
    /// Of these, in organisations'.
    shops: u64,
    /// On its way.
    transit: u64,
    /// In banks' vaults.
    vaults: Vec<CityVault>,
}

/// A bank's vault.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct CityVault {
    /// The bank's name in Chinese.
    name_zh: String,
    /// The bank's name in English.
    name_en: String,
    /// What it holds.
    amount: u64,
}

/// How much is paid.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct Pace {
    /// Payments in each of the last 60 full seconds, oldest first.
    per_second: Vec<u64>,
    /// Payments since midnight, UTC+8.
    today_count: u64,
    /// Their sum.
    today_amount: u64,
}

/// One movement, without persons.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct Latest {
    /// The transaction; its receipt is at `/v1/public/city/receipts/{txn}`.
    txn: TransactionId,
    /// What it was.
    kind: Kind,
    /// How much.
    amount: u64,
    /// When, RFC 3339.
    at: String,
    /// The shop in Chinese, where one took or gave back the money.
    #[serde(skip_serializing_if = "Option::is_none")]
    place_zh: Option<String>,
    /// The shop in English.
    #[serde(skip_serializing_if = "Option::is_none")]
    place_en: Option<String>,
}

impl City {
    /// The city now; none while the vaults move too fast to be read at one instant with the sums.
    pub(super) async fn of(app: &App, window: &Window) -> Result<Option<Self>> {
        let supply = institutions::supply(app).await?;
        if !supply.vaults_exact {
            return Ok(None);
        }
        let now = app.clock.millis();
        let (today_count, today_amount) = window.today(now);
        Ok(Some(Self {
            supply: CitySupply::of(app, supply).await?,
            payments: Pace { per_second: window.per_second(now), today_count, today_amount },
            latest: latest(app, window).await?,
            checkpoint: Checkpoint::newest(app),
        }))
    }
}

impl CitySupply {
    async fn of(app: &App, supply: Supply) -> Result<Self> {
        let sum = |of: fn(&institutions::Holder) -> Money| {
            supply.holders.iter().map(|holder| of(holder).amount).sum::<u64>()
        };
        let mut vaults = Vec::with_capacity(supply.vaults.len());
        for vault in &supply.vaults {
            let bank = institutions::by_code(app, &vault.institution).await?;
            vaults.push(CityVault {
                name_zh: bank.name_zh,
                name_en: bank.name_en,
                amount: vault.amount.amount,
            });
        }
        let (issued, redeemed) = (sum(|holder| holder.issued), sum(|holder| holder.redeemed));
        Ok(Self {
            issued,
            redeemed,
            circulating: issued.saturating_sub(redeemed),
            wallets: sum(|holder| holder.in_wallets) + sum(|holder| holder.in_organisations),
            people: sum(|holder| holder.in_wallets),
            shops: sum(|holder| holder.in_organisations),
            transit: sum(|holder| holder.in_transit),
            vaults,
        })
    }
}

async fn latest(app: &App, window: &Window) -> Result<Vec<Latest>> {
    let sides = window.latest.iter().flat_map(|movement| [movement.payer, movement.payee]);
    let wallets: Vec<WalletId> = sides.map(WalletId::from_number).collect();
    let shops: HashMap<u128, (String, String)> = merchants::of_wallets(app, &wallets)
        .await?
        .into_iter()
        .map(|(wallet, _, name_zh, name_en)| (wallet.number(), (name_zh, name_en)))
        .collect();
    let shown = window.latest.iter().map(|movement| {
        let shop = shops.get(&movement.payee).or_else(|| shops.get(&movement.payer));
        Latest {
            txn: movement.id,
            kind: movement.kind,
            amount: movement.amount,
            at: rfc3339(movement.at),
            place_zh: shop.map(|(name_zh, _)| name_zh.clone()),
            place_en: shop.map(|(_, name_en)| name_en.clone()),
        }
    });
    Ok(shown.collect())
}
