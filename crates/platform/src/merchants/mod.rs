//! Merchants: organisations that take money for goods, with their stores and signing keys.
//!
//! A person of class III or above registers a merchant for an organisation that they represent and
//! becomes its owner. Once approved it has an organisation wallet at its settlement institution and
//! may register keys and create orders. A merchant that was refused or suspended keeps what it has
//! and may still ask, refund and be paid out; it cannot create orders.
//!
//! `PENDING → ACTIVE | REFUSED`; `ACTIVE ↔ SUSPENDED`.

pub mod api_keys;
mod expiry;
mod key_limits;
mod keys;
mod of_wallets;
pub mod providers;
pub mod rules;
mod scopes;
pub mod store;
mod stores;

use serde::{Deserialize, Serialize};

use crate::audit::{self, Entry};
use crate::id::{MerchantId, OrganisationId, PersonId, StoreId, WalletId};
use crate::sessions::Actor;
use crate::{
    App, Code, Money, Page, PageAsk, Problem, Result, Tx, institutions, people, stored, text, wallets,
};

pub use expiry::{WARNINGS, warn_of_ending_keys};
pub use key_limits::{KeyLimits, Network};
pub use keys::{DoorKey, Key, KeyAsk, door_key, key, keys, own_keys, register_key, revoke_key};
pub(crate) use keys::{HeldKey, newest_suite};
pub use of_wallets::of_wallets;
pub(crate) use of_wallets::{Named, wallets_after};
pub use scopes::{Area, Scope};
pub(crate) use stores::store_name;
pub use stores::{Store, StoreAsk, add_store, stores};

stored! {
    /// Where a merchant stands.
    #[schema(as = MerchantStatus)]
    pub enum Status {
        /// Registered, awaiting approval.
        Pending = "PENDING",
        /// May create orders.
        Active = "ACTIVE",
        /// Not approved.
        Refused = "REFUSED",
        /// Stopped for now.
        Suspended = "SUSPENDED",
    }
}

/// A merchant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = Merchant)]
pub struct Merchant {
    /// Its id, `mchid` in signed requests.
    pub id: MerchantId,
    /// Whether it sells, or acts for merchants that let it.
    pub kind: providers::Kind,
    /// The organisation behind it.
    pub organisation_id: OrganisationId,
    /// The name on receipts, in Chinese.
    #[schema(example = "磁器口麻花")]
    pub name_zh: String,
    /// The name on receipts, in English.
    #[schema(example = "Ciqikou Twists")]
    pub name_en: String,
    /// Merchant category code, ISO 18245, four digits.
    #[schema(example = "5812")]
    pub mcc: String,
    /// The code of the institution that keeps its wallet.
    #[schema(example = "BKA")]
    pub institution: String,
    /// Where it stands.
    pub status: Status,
    /// Why it was refused or suspended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_reason: Option<String>,
    /// Its wallet, once active.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wallet_id: Option<WalletId>,
    /// Refunds above this amount wait for the owner's approval; none do where it is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refund_approval_above: Option<Money>,
    /// RFC 3339.
    pub created_at: String,
}

/// What is needed to register a merchant.
#[derive(Clone, Debug, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MerchantAsk)]
pub struct RegisterAsk {
    /// An organisation that you represent.
    pub organisation_id: OrganisationId,
    /// The name on receipts in Chinese, up to 60 characters; one merchant of the organisation has it.
    pub name_zh: String,
    /// The name on receipts in English, up to 60 characters.
    pub name_en: String,
    /// Merchant category code, ISO 18245, four digits.
    pub mcc: String,
    /// The code of the institution that shall keep its wallet.
    pub institution: String,
}

/// What an owner may change.
#[derive(Clone, Debug, Default, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MerchantSettingsAsk)]
pub struct SettingsAsk {
    /// Refunds above this amount wait for the owner's approval; `null` for none.
    pub refund_approval_above: Option<Money>,
}

/// A merchant's server that signed a request.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The merchant.
    pub merchant: MerchantId,
    /// The service provider that asks for the merchant, if one does.
    pub provider: Option<MerchantId>,
    /// The serial of the key that signed.
    pub serial: String,
    /// SHA-256 of the request's body, bound into the ledger with what the request moves.
    pub body_sha256: [u8; 32],
}

impl Caller {
    /// The digest a ledger leg carries: the first 24 bytes of the body's.
    #[must_use]
    pub fn digest(&self) -> [u8; 24] {
        std::array::from_fn(|i| self.body_sha256[i])
    }
}

/// Registers a merchant. The same registration again answers the merchant there is.
///
/// With `settings.approve_merchants` it is active at once.
///
/// # Errors
/// `forbidden` below class III; `not_found` for an organisation that the actor does not represent;
/// `conflict`, naming the field, where the organisation has a merchant of that name with other data.
pub async fn register(app: &App, actor: &Actor, ask: RegisterAsk) -> Result<Merchant> {
    rules::check(&ask)?;
    people::require_level(app, actor, rules::LOWEST_CLASS).await?;
    people::organisation(app, actor, ask.organisation_id).await?;
    operating(app, &ask.institution).await?;
    let (owner, now) = (actor.person, app.clock.millis());
    let row = app
        .db
        .write(async move |tx: &mut Tx| {
            let fresh = store::insert(tx, MerchantId::new(now), &ask, owner, now).await?;
            let row = store::named(tx, ask.organisation_id, &ask.name_zh).await?;
            rules::same(&row, &ask)?;
            if fresh {
                note(tx, owner.to_string(), "merchant.register", &row, None, now).await?;
            }
            Ok(row)
        })
        .await?;
    if row.status == Status::Pending && app.settings.approve_merchants {
        return approve(app, row.id, "setting approve_merchants").await;
    }
    Ok(row.into())
}

/// Checks that an operating bank has this code.
pub(crate) async fn operating(app: &App, code: &str) -> Result<()> {
    let unknown =
        || Problem::new(Code::InvalidRequest).field("institution").detail("No operating bank has this code.");
    match institutions::by_code(app, code).await {
        Ok(institution) if !institution.is_central() => Ok(()),
        Ok(_) => Err(unknown()),
        Err(problem) if problem.code == Code::NotFound => Err(unknown()),
        Err(problem) => Err(problem),
    }
}

/// Registers the merchant of an approved application, in the transaction that offers the agreement: under this
/// id, or the one that the organisation has under that name already.
///
/// # Errors
/// `conflict` where the organisation has a merchant of that name with other data or of another owner.
pub(crate) async fn register_approved(
    tx: &mut Tx,
    (id, owner): (MerchantId, PersonId),
    ask: RegisterAsk,
    kind: providers::Kind,
    now: i64,
) -> Result<MerchantId> {
    let fresh = store::insert(tx, id, &ask, owner, now).await?;
    let row = store::named(tx, ask.organisation_id, &ask.name_zh).await?;
    rules::same(&row, &ask)?;
    if row.owner != owner {
        return Err(Problem::new(Code::Conflict).field("owner"));
    }
    providers::set_kind_in(tx, row.id, kind).await?;
    if fresh {
        note(tx, owner.to_string(), "merchant.register", &row, None, now).await?;
    }
    Ok(row.id)
}

/// Makes a merchant active and opens its wallet. Done again, it changes nothing.
///
/// `by` names who decided, for the record.
///
/// # Errors
/// `not_found`; `state_conflict` after it was refused.
pub async fn approve(app: &App, id: MerchantId, by: &str) -> Result<Merchant> {
    let row = read(app, id).await?;
    if row.status == Status::Refused {
        return Err(
            Problem::new(Code::StateConflict).detail("The merchant was refused; it has to register anew.")
        );
    }
    // The wallet's id follows from the merchant's, so a crash between the two steps leaves one wallet.
    let wallet = wallets::open_for_merchant(app, row.id, row.organisation, &row.institution).await?;
    decide(app, id, Status::Active, None, by, Some(wallet)).await
}

/// Refuses a merchant that awaits approval.
///
/// # Errors
/// `not_found`; `state_conflict` unless it is pending.
pub async fn refuse(app: &App, id: MerchantId, reason: &str, by: &str) -> Result<Merchant> {
    text::line("reason", reason, rules::MAX_REASON)?;
    match read(app, id).await?.status {
        Status::Pending | Status::Refused => decide(app, id, Status::Refused, Some(reason), by, None).await,
        _ => {
            Err(Problem::new(Code::StateConflict)
                .detail("Only a merchant that awaits approval can be refused."))
        }
    }
}

/// Stops an active merchant: no new orders until it is approved again.
///
/// # Errors
/// `not_found`; `state_conflict` unless it is active.
pub async fn suspend(app: &App, id: MerchantId, reason: &str, by: &str) -> Result<Merchant> {
    text::line("reason", reason, rules::MAX_REASON)?;
    match read(app, id).await?.status {
        Status::Active | Status::Suspended => {
            decide(app, id, Status::Suspended, Some(reason), by, None).await
        }
        _ => Err(Problem::new(Code::StateConflict).detail("Only an active merchant can be suspended.")),
    }
}

async fn decide(
    app: &App,
    id: MerchantId,
    status: Status,
    reason: Option<&str>,
    by: &str,
    wallet: Option<WalletId>,
) -> Result<Merchant> {
    let (reason, by, now) = (reason.map(str::to_owned), by.to_owned(), app.clock.millis());
    let row = app
        .db
        .write(async move |tx: &mut Tx| {
            let before = store::find(tx, id).await?.ok_or(Problem::new(Code::NotFound))?;
            store::decide(tx, id, status, reason.as_deref(), &by, wallet, now).await?;
            let row = store::find(tx, id).await?.ok_or(Problem::new(Code::NotFound))?;
            if before.status != status {
                let action = match status {
                    Status::Active => "merchant.approve",
                    Status::Refused => "merchant.refuse",
                    Status::Suspended | Status::Pending => "merchant.suspend",
                };
                note(tx, by.clone(), action, &row, Some(before.status), now).await?;
            }
            Ok(row)
        })
        .await?;
    Ok(row.into())
}

async fn note(
    tx: &mut Tx,
    who: String,
    action: &'static str,
    row: &store::Row,
    before: Option<Status>,
    at: i64,
) -> Result<()> {
    let after =
        serde_json::json!({ "status": row.status, "refund_approval_above": row.refund_approval_above });
    let before = before.map(|status| serde_json::json!({ "status": status }));
    audit::log(tx, Entry { who, action, subject: row.id.to_string(), before, after: Some(after), at })
        .await
        .map(drop)
}

/// Changes the settings of one's own merchant.
///
/// # Errors
/// `not_found` unless the actor owns it; `amount_invalid`.
pub async fn set(app: &App, actor: &Actor, id: MerchantId, ask: SettingsAsk) -> Result<Merchant> {
    owned(app, actor, id).await?;
    let (person, now) = (actor.person, app.clock.millis());
    let above = ask.refund_approval_above.map(|above| above.positive("refund_approval_above")).transpose()?;
    let row = app
        .db
        .write(async move |tx: &mut Tx| {
            store::set_approval(tx, id, above).await?;
            let row = store::find(tx, id).await?.ok_or(Problem::new(Code::NotFound))?;
            note(tx, person.to_string(), "merchant.set", &row, None, now).await?;
            Ok(row)
        })
        .await?;
    Ok(row.into())
}

/// The actor's own merchant.
///
/// # Errors
/// `not_found` unless the actor owns it.
pub async fn of(app: &App, actor: &Actor, id: MerchantId) -> Result<Merchant> {
    owned(app, actor, id).await.map(Into::into)
}

/// The actor's merchants, newest first.
///
/// # Errors
/// `invalid_request` for a bad page.
pub async fn list(app: &App, actor: &Actor, page: &PageAsk) -> Result<Page<Merchant>> {
    let rows = store::owned_by(app, actor.person, page).await?;
    Ok(rows.map(Into::into))
}

/// What anyone may know of a merchant: the page a payer sees, and the operator's.
///
/// # Errors
/// `not_found`.
pub async fn get(app: &App, id: MerchantId) -> Result<Merchant> {
    read(app, id).await.map(Into::into)
}

/// The merchant's row, if the actor owns it.
pub(crate) async fn owned(app: &App, actor: &Actor, id: MerchantId) -> Result<store::Row> {
    let row = read(app, id).await?;
    if row.owner == actor.person { Ok(row) } else { Err(Problem::new(Code::NotFound)) }
}

/// The merchant's row, if it may create orders, with the wallet that takes the money.
pub(crate) async fn active(app: &App, id: MerchantId) -> Result<(store::Row, WalletId)> {
    let row = read(app, id).await?;
    match (row.status, row.wallet) {
        (Status::Active, Some(wallet)) => Ok((row, wallet)),
        _ => Err(Problem::new(Code::MerchantInactive).detail(format!("The merchant is {}.", row.status))),
    }
}

/// The merchant's row.
pub(crate) async fn read(app: &App, id: MerchantId) -> Result<store::Row> {
    let memory = &app.memory().merchants;
    let at = match memory.get(&app.db, &id) {
        Ok(row) => return Ok(row),
        Err(at) => at,
    };
    let row = store::find(&mut app.db.quick().await?, id).await?.ok_or(Problem::new(Code::NotFound))?;
    memory.put(at, id, &row);
    Ok(row)
}

/// Whether `store` is one of the merchant's.
pub(crate) async fn has_store(app: &App, merchant: MerchantId, store: StoreId) -> Result<bool> {
    stores::belongs(app, merchant, store).await
}
