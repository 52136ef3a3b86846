//! The owner's part: yes to a large batch, stop and go on.

use serde::Deserialize;

use super::store::{self, Row};
use super::{ACTION_APPROVE, ListAsk, Settlement, State, rules};
use crate::audit::{self, Entry};
use crate::devices::{self, Evidence, EvidenceAsk};
use crate::id::{MerchantId, SettlementId};
use crate::orders::fen;
use crate::sessions::Actor;
use crate::{App, Code, Page, Problem, Result, Tx, merchants, pins, text};

/// Longest reason, characters.
const MAX_REASON: usize = 80;

/// The owner's yes. The device signs: action `approve_settlement`, payee the merchant's id, amount the
/// batch's, subject its id, wallet the merchant's.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SettlementApproveAsk)]
pub struct ApproveAsk {
    /// The payment PIN.
    pub pin: String,
    /// The device's evidence.
    pub evidence: EvidenceAsk,
}

/// Why a batch is stopped.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SettlementHoldAsk)]
pub struct HoldAsk {
    /// Why, up to 80 characters.
    pub reason: String,
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
) -> Result<Page<Settlement>> {
    merchants::owned(app, actor, merchant).await?;
    super::list(app, merchant, ask).await
}

async fn owned(app: &App, actor: &Actor, merchant: MerchantId, id: SettlementId) -> Result<Row> {
    merchants::owned(app, actor, merchant).await?;
    super::named(app, merchant, &super::Name::Id(id)).await
}

/// Lets a reconciled batch be paid that waits. Done again, it changes nothing.
///
/// # Errors
/// `not_found` unless the actor owns the merchant and it has the batch; `state_conflict` unless it is
/// reconciled; those of the PIN and the evidence.
pub async fn approve(
    app: &App,
    actor: &Actor,
    merchant: MerchantId,
    id: SettlementId,
    ask: ApproveAsk,
) -> Result<Settlement> {
    let row = owned(app, actor, merchant, id).await?;
    if row.approver.is_some() {
        return Ok(row.into());
    }
    if row.state != State::Reconciled {
        return Err(waits_not(&row, "be approved"));
    }
    let wallet = merchants::read(app, merchant).await?.wallet;
    let evidence = Evidence {
        action: ACTION_APPROVE,
        payee: merchant.to_string(),
        amount: fen(row.amount),
        subject: id.to_string(),
        wallet: wallet.ok_or_else(|| Problem::internal("a merchant that settles has no wallet"))?,
        expires_at: ask.evidence.expires_at,
        nonce: ask.evidence.nonce.clone(),
    };
    let signed = devices::check(app, actor, &evidence, &ask.evidence).await?;
    pins::require(app, actor, Some(&ask.pin), row.amount.unsigned_abs()).await?;
    let (person, now) = (actor.person, app.clock.millis());
    app.db
        .write(async move |tx: &mut Tx| {
            signed.keep(tx).await?;
            if store::step(tx, id, State::Reconciled, State::Approved, None, now).await?.is_none() {
                return Err(waits_not(&store::read(tx, id).await?, "be approved"));
            }
            store::set_approver(tx, id, person).await?;
            let entry = Entry::new(person, "settlement.approve", id, now).before(State::Reconciled.text());
            audit::log(tx, entry.after(State::Approved.text())).await?;
            store::read(tx, id).await.map(Into::into)
        })
        .await
}

/// Stops a batch before it is paid. Done again, it changes nothing.
///
/// # Errors
/// `not_found` unless the actor owns the merchant and it has the batch; `invalid_request`;
/// `state_conflict` once its money is on its way.
pub async fn hold(
    app: &App,
    actor: &Actor,
    merchant: MerchantId,
    id: SettlementId,
    ask: &HoldAsk,
) -> Result<Settlement> {
    text::line("reason", &ask.reason, MAX_REASON)?;
    owned(app, actor, merchant, id).await?;
    let (person, reason, now) = (actor.person, ask.reason.clone(), app.clock.millis());
    app.db
        .write(async move |tx: &mut Tx| {
            let row = store::read(tx, id).await?;
            if row.state == State::Held {
                return Ok(row.into());
            }
            if !rules::can_be_held(row.state) {
                return Err(waits_not(&row, "be held"));
            }
            let held = store::step(tx, id, row.state, State::Held, Some(&reason), now).await?;
            let held = held.ok_or_else(Problem::again)?;
            let entry = Entry::new(person, "settlement.hold", id, now).before(row.state.text());
            audit::log(tx, entry.after(reason.as_str())).await?;
            Ok(held.into())
        })
        .await
}

/// Lets a held batch go on where it was. Done again, it changes nothing.
///
/// # Errors
/// `not_found` unless the actor owns the merchant and it has the batch.
pub async fn release(app: &App, actor: &Actor, merchant: MerchantId, id: SettlementId) -> Result<Settlement> {
    owned(app, actor, merchant, id).await?;
    let (person, now) = (actor.person, app.clock.millis());
    app.db
        .write(async move |tx: &mut Tx| {
            let row = store::read(tx, id).await?;
            let (State::Held, Some(to)) = (row.state, row.held_from) else { return Ok(row.into()) };
            let released = store::step(tx, id, State::Held, to, None, now).await?;
            let released = released.ok_or_else(Problem::again)?;
            let entry = Entry::new(person, "settlement.release", id, now).before(State::Held.text());
            audit::log(tx, entry.after(to.text())).await?;
            Ok(released.into())
        })
        .await
}

fn waits_not(row: &Row, what: &str) -> Problem {
    Problem::new(Code::StateConflict).detail(format!("The batch is {} and cannot {what}.", row.state))
}
