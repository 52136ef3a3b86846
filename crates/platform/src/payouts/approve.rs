//! The second person: the owner's settings, yes and no.

use serde::{Deserialize, Serialize};

use super::store::{self, Row};
use super::{ACTION, ListAsk, Payout, State, tell};
use crate::audit::{self, Entry};
use crate::devices::{self, Evidence, EvidenceAsk};
use crate::id::{MerchantId, PayoutId};
use crate::orders::fen;
use crate::outbox::EventType;
use crate::sessions::Actor;
use crate::{App, Code, Money, Page, Problem, Result, Tx, merchants, pins, text};

/// Longest reason, characters.
const MAX_REASON: usize = 80;

/// What the owner has set for payouts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = PayoutSettings)]
pub struct Settings {
    /// Batches above this sum wait for the owner's approval; none do where it is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval_above: Option<Money>,
}

/// What the owner sets: the whole set is replaced.
#[derive(Clone, Copy, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PayoutSettingsAsk)]
pub struct SettingsAsk {
    /// Batches above this sum wait for the owner's approval; `null` for none.
    pub approval_above: Option<Money>,
}

/// The owner's yes. The device signs: action `approve_payout`, payee the merchant's id, amount the sum
/// of the batch, subject the batch's id, wallet the merchant's.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PayoutApproveAsk)]
pub struct ApproveAsk {
    /// The payment PIN.
    pub pin: String,
    /// The device's evidence.
    pub evidence: EvidenceAsk,
}

/// The owner's no.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PayoutRejectAsk)]
pub struct RejectAsk {
    /// Why, up to 80 characters.
    pub reason: String,
}

/// The settings of one's own merchant.
///
/// # Errors
/// `not_found` unless the actor owns it.
pub async fn settings(app: &App, actor: &Actor, merchant: MerchantId) -> Result<Settings> {
    merchants::owned(app, actor, merchant).await?;
    Ok(Settings { approval_above: above(app, merchant).await?.map(fen) })
}

/// Changes them.
///
/// # Errors
/// `not_found` unless the actor owns the merchant; `amount_invalid`.
pub async fn set(app: &App, actor: &Actor, merchant: MerchantId, ask: SettingsAsk) -> Result<Settings> {
    merchants::owned(app, actor, merchant).await?;
    let above = ask.approval_above.map(|above| above.positive("approval_above")).transpose()?;
    let (person, now) = (actor.person, app.clock.millis());
    app.db
        .write(async move |tx: &mut Tx| {
            sqlx::query(
                "INSERT INTO payout_settings (merchant, approval_above, changed_at) VALUES ($1, $2, $3) \
                 ON CONFLICT (merchant) DO UPDATE SET approval_above = $2, changed_at = $3",
            )
            .bind(merchant)
            .bind(above.map(|fen| fen as i64))
            .bind(now)
            .execute(&mut *tx)
            .await?;
            let entry = Entry::new(person, "payout.set", merchant, now);
            audit::log(tx, entry.after(serde_json::json!({ "approval_above": above }))).await.map(drop)
        })
        .await?;
    settings(app, actor, merchant).await
}

/// Fen above which the merchant's batches wait for its owner.
pub(super) async fn above(app: &App, merchant: MerchantId) -> Result<Option<i64>> {
    let above: Option<Option<i64>> =
        sqlx::query_scalar("SELECT approval_above FROM payout_settings WHERE merchant = $1")
            .bind(merchant)
            .fetch_optional(app.db.read())
            .await?;
    Ok(above.flatten())
}

/// The batches of one's own merchant, newest first.
///
/// # Errors
/// `not_found` unless the actor owns it; `invalid_request` for a bad page.
pub async fn list_owned(
    app: &App,
    actor: &Actor,
    merchant: MerchantId,
    ask: &ListAsk,
) -> Result<Page<Payout>> {
    merchants::owned(app, actor, merchant).await?;
    super::list(app, merchant, ask).await
}

/// Lets a batch pass that waits for approval. Done again, it changes nothing.
///
/// # Errors
/// `not_found` unless the actor owns the merchant and it has the batch; `state_conflict` for one that
/// was rejected or cancelled; those of the PIN and the device's evidence.
pub async fn approve(
    app: &App,
    actor: &Actor,
    merchant: MerchantId,
    id: PayoutId,
    ask: ApproveAsk,
) -> Result<Payout> {
    let row = waiting(app, actor, merchant, id).await?;
    if row.approver.is_some() && row.state != State::Rejected {
        return Ok(row.into());
    }
    does_wait(&row)?;
    let wallet = merchants::read(app, merchant).await?.wallet;
    let evidence = Evidence {
        action: ACTION,
        payee: merchant.to_string(),
        amount: fen(row.total_amount),
        subject: id.to_string(),
        wallet: wallet.ok_or_else(|| Problem::internal("a merchant that pays out has no wallet"))?,
        expires_at: ask.evidence.expires_at,
        nonce: ask.evidence.nonce.clone(),
    };
    let signed = devices::check(app, actor, &evidence, &ask.evidence).await?;
    pins::require(app, actor, Some(&ask.pin), row.total_amount.unsigned_abs()).await?;
    let (person, now) = (actor.person, app.clock.millis());
    app.db
        .write(async move |tx: &mut Tx| {
            signed.keep(tx).await?;
            let Some(row) = store::approve(tx, id, person).await? else {
                let row = store::find_in(tx, id).await?.ok_or(Problem::new(Code::NotFound))?;
                return does_wait(&row).map(|()| row.into());
            };
            let entry = Entry::new(person, "payout.approve", id, now).before(State::PendingApproval.text());
            audit::log(tx, entry.after(row.state.text())).await?;
            Ok(row.into())
        })
        .await
}

/// Says no to a batch that waits for approval. Done again, it changes nothing.
///
/// # Errors
/// `not_found` unless the actor owns the merchant and it has the batch; `invalid_request`;
/// `state_conflict` for one that was approved or cancelled.
pub async fn reject(
    app: &App,
    actor: &Actor,
    merchant: MerchantId,
    id: PayoutId,
    ask: &RejectAsk,
) -> Result<Payout> {
    text::line("reason", &ask.reason, MAX_REASON)?;
    waiting(app, actor, merchant, id).await?;
    let (person, reason, now) = (actor.person, ask.reason.clone(), app.clock.millis());
    app.db
        .write(async move |tx: &mut Tx| {
            let Some(row) = store::end(tx, id, State::Rejected, Some(&reason), Some(person), now).await?
            else {
                let row = store::find_in(tx, id).await?.ok_or(Problem::new(Code::NotFound))?;
                let is_done = row.state == State::Rejected;
                return if is_done { Ok(row.into()) } else { does_wait(&row).map(|()| row.into()) };
            };
            tell(tx, row.clone(), EventType::PayoutRejected, now).await?;
            let entry = Entry::new(person, "payout.reject", id, now).before(State::PendingApproval.text());
            let after = serde_json::json!({ "state": row.state, "reason": reason });
            audit::log(tx, entry.after(after)).await?;
            Ok(row.into())
        })
        .await
}

/// A batch of one's own merchant.
async fn waiting(app: &App, actor: &Actor, merchant: MerchantId, id: PayoutId) -> Result<Row> {
    merchants::owned(app, actor, merchant).await?;
    let row = store::find(app, id).await?.filter(|row| row.merchant == merchant);
    row.ok_or(Problem::new(Code::NotFound))
}

fn does_wait(row: &Row) -> Result<()> {
    if row.state == State::PendingApproval {
        return Ok(());
    }
    Err(Problem::new(Code::StateConflict)
        .detail(format!("The batch is {}; it does not wait for approval.", row.state)))
}
