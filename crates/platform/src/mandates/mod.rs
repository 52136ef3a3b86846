//! Mandates: sub-wallets that a person pushes to a merchant.
//!
//! A mandate lets one merchant charge one wallet without PIN or device, within its own limit for one
//! payment and for a day. The limits are a policy of the mandate's own in the ledger and every charge
//! is counted by the mandate's meter as well as by the wallet's, so ten charges at once cannot pass
//! the limit. The merchant knows it by a token alone: neither the person nor the wallet.
//!
//! `OPENING → ACTIVE ↔ PAUSED`; `→ REVOKED`, for good. A mandate is opening until the ledger knows
//! its limits; [`reconcile`] finishes those that a crash left in between.

mod charge;
mod store;

use jialing_engine::SubmitError;
use jialing_ledger::{Command, Policy, PolicyVersion};
use serde::{Deserialize, Serialize};

use crate::audit::{self, Entry};
use crate::clock::rfc3339;
use crate::id::{MandateId, MerchantId, WalletId};
use crate::merchants;
use crate::outbox::{self, EventType, NewEvent};
use crate::sessions::Actor;
use crate::{App, Code, Money, Page, PageAsk, Problem, Result, Tx, devices, pins, policies, stored, wallets};

pub use charge::{ChargeAsk, charge};
pub(crate) use store::next_policy;

/// The action a device signs to push a mandate.
pub const ACTION: &str = "mandate";
/// The lowest policy number of a mandate; wallet classes have those below.
pub const FIRST_POLICY: i64 = 1000;

stored! {
    /// Where a mandate stands.
    #[schema(as = MandateState)]
    pub enum State {
        /// The ledger does not know its limits yet.
        Opening = "OPENING",
        /// May be charged.
        Active = "ACTIVE",
        /// May not be charged for now.
        Paused = "PAUSED",
        /// May never be charged again.
        Revoked = "REVOKED",
    }
}

/// A mandate, as the person who pushed it sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Mandate {
    /// Its id.
    pub id: MandateId,
    /// What the merchant knows it by.
    pub token: String,
    /// Who may charge it.
    pub merchant_id: MerchantId,
    /// The merchant's name in Chinese.
    pub merchant_name_zh: String,
    /// The merchant's name in English.
    pub merchant_name_en: String,
    /// The wallet that pays.
    pub wallet_id: WalletId,
    /// Most of one payment.
    pub single: Money,
    /// Most of a natural day.
    pub day: Money,
    /// What was paid under it today.
    pub paid_today: Money,
    /// Where it stands.
    pub state: State,
    /// RFC 3339.
    pub created_at: String,
    /// When it last changed, RFC 3339.
    pub changed_at: String,
}

/// A mandate, as its merchant sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct MandateToken {
    /// What it is charged by.
    pub token: String,
    /// Most of one payment.
    pub single: Money,
    /// Most of a natural day.
    pub day: Money,
    /// Where it stands.
    pub state: State,
    /// RFC 3339.
    pub created_at: String,
}

/// A mandate to push.
#[derive(Clone, Debug, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MandateAsk {
    /// Who may charge it.
    pub merchant_id: MerchantId,
    /// The wallet that pays.
    pub wallet_id: WalletId,
    /// Most of one payment, not above `day`.
    pub single: Money,
    /// Most of a natural day.
    pub day: Money,
    /// The payment PIN: a mandate pays without one later.
    pub pin: String,
    /// What your device signed: action `mandate`, payee the merchant's id, amount the day's limit,
    /// subject `single:` with the limit for one payment in fen.
    pub evidence: devices::EvidenceAsk,
}

/// The subject a device signs: the limit for one payment; the day's is the amount.
#[must_use]
pub fn subject(single: u64) -> String {
    format!("single:{single}")
}

/// Pushes a mandate to a merchant. The same signed request again answers the mandate there is.
///
/// # Errors
/// `amount_invalid`; `not_found` for a merchant, or a wallet that is not the actor's;
/// `merchant_inactive`; those of device evidence and the PIN; `state_conflict` when the wallet has
/// as many mandates as the policy `mandates_per_wallet` allows.
pub async fn create(app: &App, actor: &Actor, ask: MandateAsk) -> Result<Mandate> {
    let (single, day) = (ask.single.positive("single")?, ask.day.positive("day")?);
    if single > day {
        return Err(Problem::new(Code::AmountInvalid)
            .field("single")
            .detail("One payment is at most what a day allows."));
    }
    wallets::of(app, actor.person, ask.wallet_id).await?.may_pay()?;
    merchants::active(app, ask.merchant_id).await?;
    let evidence = devices::Evidence {
        action: ACTION,
        payee: ask.merchant_id.to_string(),
        amount: ask.day,
        subject: subject(single),
        wallet: ask.wallet_id,
        expires_at: ask.evidence.expires_at,
        nonce: ask.evidence.nonce.clone(),
    };
    let signed = devices::check(app, actor, &evidence, &ask.evidence).await?;
    pins::verify(app, actor, &ask.pin).await?;
    let most = policies::number(app, "mandates_per_wallet").await?;
    let (person, now) = (actor.person, app.clock.millis());
    let row = app
        .db
        .write(async move |tx: &mut Tx| {
            let digest = signed.keep(tx).await?.digest;
            if let Some(row) = store::signed(tx, person, &digest).await? {
                return Ok(row);
            }
            if store::live(tx, ask.wallet_id).await? >= most {
                return Err(Problem::new(Code::StateConflict)
                    .detail(format!("A wallet has at most {most} mandates. Revoke one first."))
                    .with("limit", most));
            }
            let new =
                store::New { person, wallet: ask.wallet_id, merchant: ask.merchant_id, single, day, digest };
            let row = store::insert(tx, &new, now).await?;
            note(tx, actor_name(person), "mandate.create", &row, None, now).await?;
            Ok(row)
        })
        .await?;
    let row = if row.state == State::Opening { publish(app, &row).await? } else { row };
    shown(app, row).await
}

/// One of the actor's mandates.
///
/// # Errors
/// `not_found` unless it is the actor's.
pub async fn of(app: &App, actor: &Actor, id: MandateId) -> Result<Mandate> {
    let mut connection = app.db.read().acquire().await?;
    let row = store::find(&mut connection, id).await?.filter(|row| row.person == actor.person);
    drop(connection);
    shown(app, row.ok_or(Problem::new(Code::NotFound))?).await
}

/// The actor's mandates, newest first.
///
/// # Errors
/// `invalid_request` for a bad page.
pub async fn list(app: &App, actor: &Actor, page: &PageAsk) -> Result<Page<Mandate>> {
    let rows = store::of_person(app, actor.person, page).await?;
    let mut items = Vec::with_capacity(rows.items.len());
    for row in rows.items {
        items.push(shown(app, row).await?);
    }
    Ok(Page { items, has_more: rows.has_more })
}

/// What a merchant may know of a mandate that was pushed to it.
///
/// # Errors
/// `not_found` unless it was pushed to this merchant.
pub async fn of_merchant(app: &App, merchant: MerchantId, token: &str) -> Result<MandateToken> {
    let mut connection = app.db.read().acquire().await?;
    let row = store::named(&mut connection, merchant, token).await?;
    Ok(row.into())
}

/// The mandates pushed to a merchant, newest first.
///
/// # Errors
/// `invalid_request` for a bad page; its cursors are tokens.
pub async fn list_of_merchant(app: &App, merchant: MerchantId, page: &PageAsk) -> Result<Page<MandateToken>> {
    Ok(store::of_merchant(app, merchant, page).await?.map(Into::into))
}

/// Stops charges for now. Done again, it changes nothing.
///
/// # Errors
/// `not_found` unless it is the actor's; `mandate_unusable` once it is revoked.
pub async fn pause(app: &App, actor: &Actor, id: MandateId) -> Result<Mandate> {
    turn(app, actor, id, State::Paused).await
}

/// Allows charges again. Done again, it changes nothing.
///
/// # Errors
/// `not_found` unless it is the actor's; `mandate_unusable` once it is revoked.
pub async fn resume(app: &App, actor: &Actor, id: MandateId) -> Result<Mandate> {
    turn(app, actor, id, State::Active).await
}

/// Ends a mandate for good. Done again, it changes nothing.
///
/// # Errors
/// `not_found` unless it is the actor's.
pub async fn revoke(app: &App, actor: &Actor, id: MandateId) -> Result<Mandate> {
    turn(app, actor, id, State::Revoked).await
}

async fn turn(app: &App, actor: &Actor, id: MandateId, to: State) -> Result<Mandate> {
    let (person, now) = (actor.person, app.clock.millis());
    let row = app
        .db
        .write(async move |tx: &mut Tx| {
            let row = store::find(tx, id)
                .await?
                .filter(|row| row.person == person)
                .ok_or(Problem::new(Code::NotFound))?;
            match (row.state, to) {
                (from, to) if from == to => Ok(row),
                (State::Revoked, _) => {
                    Err(Problem::new(Code::MandateUnusable).detail("The mandate was revoked."))
                }
                // Opening ends by itself; what the person wants then holds.
                (from, to) => {
                    let turned = store::turn(tx, id, from, to, now).await?;
                    let (action, event) = match to {
                        State::Paused => ("mandate.pause", EventType::MandatePaused),
                        State::Revoked => ("mandate.revoke", EventType::MandateRevoked),
                        State::Active | State::Opening => ("mandate.resume", EventType::MandateResumed),
                    };
                    tell(tx, event, &turned, now).await?;
                    note(tx, actor_name(person), action, &turned, Some(from), now).await?;
                    Ok(turned)
                }
            }
        })
        .await?;
    // A mandate that was opening and is resumed must have its limits in the ledger first.
    if to == State::Active {
        limit(app, &row).await?;
    }
    shown(app, row).await
}

/// Tells the ledger the limits of a mandate that is opening, and makes it active.
async fn publish(app: &App, row: &store::Row) -> Result<store::Row> {
    limit(app, row).await?;
    let (id, now) = (row.id, app.clock.millis());
    app.db
        .write(async move |tx: &mut Tx| {
            match store::find(tx, id).await?.ok_or(Problem::new(Code::NotFound))? {
                row if row.state == State::Opening => {
                    let active = store::turn(tx, id, State::Opening, State::Active, now).await?;
                    tell(tx, EventType::MandateActivated, &active, now).await?;
                    Ok(active)
                }
                row => Ok(row),
            }
        })
        .await
}

/// Publishes the mandate's limits and opens its meter. Done again, it changes nothing: everything
/// follows from the row.
async fn limit(app: &App, row: &store::Row) -> Result<()> {
    let policy = u32::try_from(row.policy).map_err(Problem::internal)?;
    let bounds =
        Policy { single: row.single.unsigned_abs(), day: row.day.unsigned_abs(), ..Policy::UNBOUNDED };
    let from = row.created_at.unsigned_abs() * 1_000_000;
    let published = Command::PublishPolicy(PolicyVersion { policy, version: 1, from, bounds });
    for command in [published, Command::SetMeter { meter: row.id.number(), policy }] {
        match app.engine.submit(command).await {
            Ok(_) => {}
            Err(SubmitError::Refused(refusal)) => {
                return Err(Problem::internal(format!("the ledger refused a mandate's limits: {refusal}")));
            }
            Err(other) => return Err(wallets::stopped(other)),
        }
    }
    Ok(())
}

/// Finishes mandates that a stopped process left opening.
///
/// # Errors
/// Any fault of the database or the ledger.
pub async fn reconcile(app: &App) -> Result<()> {
    for row in store::opening(app).await? {
        publish(app, &row).await?;
    }
    Ok(())
}

async fn shown(app: &App, row: store::Row) -> Result<Mandate> {
    let merchant = merchants::get(app, row.merchant).await?;
    let meter = app.engine.meter(row.id.number()).await.map_err(Problem::internal)?;
    let paid_today = meter.map_or(0, |meter| meter.rolled(app.engine.now()).day_amount);
    Ok(Mandate {
        id: row.id,
        token: row.token,
        merchant_id: row.merchant,
        merchant_name_zh: merchant.name_zh,
        merchant_name_en: merchant.name_en,
        wallet_id: row.wallet,
        single: crate::orders::fen(row.single),
        day: crate::orders::fen(row.day),
        paid_today: Money::fen(paid_today),
        state: row.state,
        created_at: rfc3339(row.created_at),
        changed_at: rfc3339(row.changed_at),
    })
}

impl From<store::Row> for MandateToken {
    fn from(row: store::Row) -> Self {
        Self {
            token: row.token,
            single: crate::orders::fen(row.single),
            day: crate::orders::fen(row.day),
            state: row.state,
            created_at: rfc3339(row.created_at),
        }
    }
}

/// Tells the merchant what became of a mandate; it knows it by its token alone.
async fn tell(tx: &mut Tx, event: EventType, row: &store::Row, at: i64) -> Result<()> {
    let resource = serde_json::to_value(MandateToken::from(row.clone())).map_err(Problem::internal)?;
    let new = NewEvent {
        merchant: row.merchant,
        event,
        object: row.token.clone(),
        object_version: row.version,
        occasion: row.version,
        resource,
        notify_url: None,
        at,
    };
    outbox::publish(tx, new).await
}

fn actor_name(person: crate::id::PersonId) -> String {
    person.to_string()
}

async fn note(
    tx: &mut Tx,
    who: String,
    action: &'static str,
    row: &store::Row,
    before: Option<State>,
    at: i64,
) -> Result<()> {
    let entry = Entry {
        who,
        action,
        subject: row.id.to_string(),
        before: before.map(|state| state.text().into()),
        after: Some(row.state.text().into()),
        at,
    };
    audit::log(tx, entry).await.map(drop)
}
