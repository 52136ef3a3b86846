//! The settlement account and when batches are cut: the owner's choice, with PIN and device.

use serde::{Deserialize, Serialize};

use super::store::{self, Set};
use super::{ACTION_SET, When, rules};
use crate::audit::{self, Entry};
use crate::devices::{self, Evidence, EvidenceAsk};
use crate::id::{LinkId, MerchantId};
use crate::orders::fen;
use crate::sessions::Actor;
use crate::{App, Code, Money, Problem, Result, Tx, links, merchants, pins, policies};

/// A merchant's settlement settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = SettlementSettings)]
pub struct Settings {
    /// The linked bank account that is paid to.
    pub link_id: LinkId,
    /// When batches are cut.
    pub cut: When,
    /// Minutes after midnight at UTC+8 of a daily cut.
    pub cut_minute: i64,
    /// Less than this is left for the next batch.
    pub minimum: Money,
    /// What stays in the wallet.
    pub keep: Money,
    /// Batches above this wait for the owner; none do where it is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval_above: Option<Money>,
    /// When the next cut is, RFC 3339; absent for `ON_DEMAND`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub next_cut_at: Option<String>,
}

/// What the owner chooses: the whole set is replaced. The device signs: action `set_settlement`, payee
/// the link's id, amount `keep`, subject the merchant's id, wallet the merchant's.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SettlementSettingsAsk)]
pub struct SettingsAsk {
    /// One of your signed bank links.
    pub link_id: LinkId,
    /// When batches are cut.
    pub cut: When,
    /// Minutes after midnight at UTC+8 of a daily cut, 0 to 1439; 1380 (23:00) by default.
    pub cut_minute: Option<i64>,
    /// Less than this is left for the next batch; at least the policy `settlement_minimum`, its default.
    pub minimum: Option<Money>,
    /// What stays in the wallet; nothing by default.
    pub keep: Option<Money>,
    /// Batches above this wait for you; `null` for none.
    pub approval_above: Option<Money>,
    /// The payment PIN.
    pub pin: String,
    /// The device's evidence.
    pub evidence: EvidenceAsk,
}

/// Minutes after midnight unless the owner says otherwise.
const CUT_MINUTE: i64 = 1_380;

/// The settings of one's own merchant.
///
/// # Errors
/// `not_found` unless the actor owns it and has chosen an account.
pub async fn settings(app: &App, actor: &Actor, merchant: MerchantId) -> Result<Settings> {
    merchants::owned(app, actor, merchant).await?;
    let mut connection = app.db.read().acquire().await?;
    store::set_of(&mut connection, merchant).await?.map(Into::into).ok_or(Problem::new(Code::NotFound))
}

/// Chooses the account and when batches are cut; the first choice opens the first batch.
///
/// # Errors
/// `not_found` unless the actor owns the merchant and the link; `link_unusable`; `merchant_inactive`;
/// `invalid_request` or `amount_invalid`, naming the field; those of the PIN and the evidence.
pub async fn set(app: &App, actor: &Actor, merchant: MerchantId, ask: SettingsAsk) -> Result<Settings> {
    merchants::owned(app, actor, merchant).await?;
    let (_, wallet) = merchants::active(app, merchant).await?;
    let least = policies::number(app, "settlement_minimum").await?;
    let set = check(&ask, merchant, least, app.clock.millis())?;
    let evidence = Evidence {
        action: ACTION_SET,
        payee: ask.link_id.to_string(),
        amount: fen(set.keep),
        subject: merchant.to_string(),
        wallet,
        expires_at: ask.evidence.expires_at,
        nonce: ask.evidence.nonce.clone(),
    };
    let signed = devices::check(app, actor, &evidence, &ask.evidence).await?;
    pins::require(app, actor, Some(&ask.pin), ask.keep.map_or(0, |keep| keep.amount)).await?;
    let (person, now) = (actor.person, app.clock.millis());
    app.db
        .write(async move |tx: &mut Tx| {
            signed.keep(tx).await?;
            links::signed(tx, person, set.link).await?;
            store::put_set(tx, &set, now).await?;
            store::open(tx, merchant, 0, now).await?;
            let entry = Entry::new(person, "settlement.set", merchant, now);
            let shown = serde_json::to_value(Settings::from(set.clone())).map_err(Problem::internal)?;
            audit::log(tx, entry.after(shown)).await.map(drop)
        })
        .await?;
    settings(app, actor, merchant).await
}

fn check(ask: &SettingsAsk, merchant: MerchantId, least: i64, now: i64) -> Result<Set> {
    let wrong = |field: &str, detail: String| Problem::new(Code::InvalidRequest).field(field).detail(detail);
    let cut_minute = ask.cut_minute.unwrap_or(CUT_MINUTE);
    if !(0..rules::DAY).contains(&cut_minute) {
        return Err(wrong("cut_minute", format!("`cut_minute` is from 0 to {}.", rules::DAY - 1)));
    }
    let minimum = match ask.minimum {
        Some(minimum) => minimum.positive("minimum")? as i64,
        None => least,
    };
    if minimum < least {
        return Err(wrong("minimum", format!("The least is {least} fen.")));
    }
    let keep = match ask.keep {
        Some(keep) if keep.amount > 0 => keep.positive("keep")? as i64,
        _ => 0,
    };
    let above = ask.approval_above.map(|above| above.positive("approval_above")).transpose()?;
    Ok(Set {
        merchant,
        link: ask.link_id,
        cut: ask.cut,
        cut_minute,
        minimum,
        keep,
        approval_above: above.map(|fen| fen as i64),
        next_cut_at: (ask.cut == When::Daily).then(|| rules::next_cut(now, cut_minute)),
    })
}

impl From<Set> for Settings {
    fn from(set: Set) -> Self {
        Self {
            link_id: set.link,
            cut: set.cut,
            cut_minute: set.cut_minute,
            minimum: fen(set.minimum),
            keep: fen(set.keep),
            approval_above: set.approval_above.map(fen),
            next_cut_at: set.next_cut_at.map(crate::clock::rfc3339),
        }
    }
}
