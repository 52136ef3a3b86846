//! Onboarding (进件): how an organisation becomes a merchant or a service provider.
//!
//! `DRAFT → SUBMITTED → IN_REVIEW → RETURNED → SUBMITTED …`, or `→ REFUSED`, or
//! `→ APPROVED → AGREEMENT_PENDING → ACTIVE`. The owner fills in business data and sends documents; an operator
//! takes the application, returns it saying what to correct field by field, or approves it, and only a second
//! operator's approval counts. Then the merchant is registered and the agreement offered; once the owner's
//! device has signed the agreement's hash, the merchant is active. Its servers' keys wait for a passed
//! conformance report ([`conformance`]).
//!
//! An application's number is the merchant's: what happens to it is told as events of that merchant, which
//! it can read with its first key. Each change is one transaction with its audit entry and event; what a
//! stop leaves between two of them, [`advance`] finishes.

pub mod agreement;
pub mod choice;
pub mod conformance;
pub mod documents;
pub mod requirements;
mod review;
pub mod rules;
mod store;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::task::JoinHandle;

use crate::clock::rfc3339;
use crate::id::{ApplicationId, MerchantId, OrganisationId, PersonId};
use crate::merchants::providers::Kind;
use crate::sessions::Actor;
use crate::{
    App, Code, Money, Page, PageAsk, Problem, Result, Tx, background, files, merchants, people, policies,
    stored,
};

pub use documents::{Document, DocumentAsk, DocumentKind};
pub use requirements::{PlatformChoice, Requirements, require};
pub use review::{CorrectionsAsk, RefuseAsk, approve, refuse, return_to, take};
pub use store::ListAsk;

stored! {
    /// Where an application stands.
    #[schema(as = ApplicationState)]
    pub enum State {
        /// Being filled in.
        Draft = "DRAFT",
        /// Waits for an operator.
        Submitted = "SUBMITTED",
        /// An operator looks at it.
        InReview = "IN_REVIEW",
        /// Something is to be corrected.
        Returned = "RETURNED",
        /// Two operators approved it; the merchant is being registered.
        Approved = "APPROVED",
        /// Not approved; final.
        Refused = "REFUSED",
        /// The agreement waits for the owner's signature.
        AgreementPending = "AGREEMENT_PENDING",
        /// The merchant is active; final.
        Active = "ACTIVE",
    }
}

/// The business that applies. Personal data in it lies sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ApplicationBusiness)]
pub struct Business {
    /// The name on receipts in Chinese, up to 60 characters.
    #[schema(example = "磁器口麻花")]
    pub name_zh: String,
    /// The name on receipts in English, up to 60 characters.
    #[schema(example = "Ciqikou Twists")]
    pub name_en: String,
    /// Merchant category code, ISO 18245, four digits.
    #[schema(example = "5812")]
    pub mcc: String,
    /// The code of the institution that shall keep its wallet.
    #[schema(example = "BKA")]
    pub institution: String,
    /// What is sold and how, up to 500 characters.
    pub description: String,
    /// Where it is done, up to 120 characters.
    pub address: String,
    /// Its web site.
    pub website: Option<String>,
    /// What it expects to take in a month.
    pub monthly_volume: Money,
    /// Whom to ask, up to 60 characters.
    pub contact_name: String,
    /// Their phone.
    pub contact_phone: String,
}

/// An application to begin.
#[derive(Clone, Debug, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApplicationAsk {
    /// An organisation that you represent.
    pub organisation_id: OrganisationId,
    /// Whether it shall sell, or act for merchants as their service provider.
    pub kind: Kind,
    /// The business.
    pub business: Business,
}

/// Something to correct.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ApplicationCorrection)]
pub struct Correction {
    /// The field of `business`, `documents.` and a kind, or `requirements`.
    #[schema(example = "documents.LICENCE")]
    pub field: String,
    /// What is wrong with it and what is wanted.
    pub note: String,
}

/// A passed conformance report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = ConformancePassed)]
pub struct Passed {
    /// SHA-256 of the signed report, hexadecimal.
    pub sha256: String,
    /// The suite and its version.
    pub suite: String,
    /// When it was taken in, RFC 3339.
    #[schema(format = DateTime)]
    pub at: String,
}

/// An application.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Application {
    /// Its id.
    pub id: ApplicationId,
    /// The organisation that applies.
    pub organisation_id: OrganisationId,
    /// What it shall be.
    pub kind: Kind,
    /// Where it stands.
    pub state: State,
    /// The business.
    pub business: Business,
    /// What is to be connected, once the form is filled in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requirements: Option<Requirements>,
    /// What fits the requirements.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub choice: Option<PlatformChoice>,
    /// Its documents.
    pub documents: Vec<Document>,
    /// What to correct, while it is returned.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub corrections: Vec<Correction>,
    /// Why it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How many operators have approved it; two are needed.
    pub approvals: u8,
    /// The agreement that waits for a signature, or was signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agreement: Option<agreement::Offered>,
    /// The merchant that it became.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merchant_id: Option<MerchantId>,
    /// The passed conformance report; without one no key is registered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conformance: Option<Passed>,
    /// When it was begun, RFC 3339.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// Grows with every change.
    pub version: i64,
}

/// Begins an application under `id`. The same id again answers what there is.
///
/// # Errors
/// `forbidden` below class III; `not_found` for an organisation that the actor does not represent;
/// `invalid_request`, naming the field; `rate_limited` with too many unfinished.
pub async fn begin(app: &App, actor: &Actor, id: ApplicationId, ask: ApplicationAsk) -> Result<Application> {
    if store::find(app, id).await?.is_some_and(|row| row.owner == actor.person) {
        return get(app, actor, id).await;
    }
    people::require_level(app, actor, merchants::rules::LOWEST_CLASS).await?;
    people::organisation(app, actor, ask.organisation_id).await?;
    check(app, &ask.business).await?;
    let most = policies::number(app, "applications_unfinished").await?;
    let business = seal(app, actor.person, &ask.business).await?;
    let (owner, now) = (actor.person, app.clock.millis());
    app.db
        .write(async move |tx: &mut Tx| {
            store::insert(tx, (id, owner), (&ask, &business), most, now).await?;
            review::log(tx, id, (owner.to_string(), "application.begin"), None, now).await
        })
        .await?;
    get(app, actor, id).await
}

async fn check(app: &App, business: &Business) -> Result<()> {
    rules::check(business)?;
    merchants::operating(app, &business.institution)
        .await
        .map_err(|problem| problem.field("business.institution"))
}

/// Where the business is sealed.
const BUSINESS: &str = "applications.business";

async fn seal(app: &App, owner: PersonId, business: &Business) -> Result<Vec<u8>> {
    let text = serde_json::to_string(business).map_err(Problem::internal)?;
    people::seal(app, owner, BUSINESS, &text).await
}

/// Changes the business of one's own application that is a draft or was returned.
///
/// # Errors
/// `not_found` unless it is the actor's; `invalid_request`, naming the field; `state_conflict`.
pub async fn set(app: &App, actor: &Actor, id: ApplicationId, business: Business) -> Result<Application> {
    own(app, actor, id).await?;
    check(app, &business).await?;
    let sealed = seal(app, actor.person, &business).await?;
    app.db
        .write(async move |tx: &mut Tx| {
            let row = store::locked(tx, id).await?;
            rules::editable(row.state)?;
            store::set(tx, id, &business, &sealed).await
        })
        .await?;
    get(app, actor, id).await
}

/// Submits one's own application. Done again, it changes nothing.
///
/// # Errors
/// `not_found` unless it is the actor's; `invalid_request`, naming the document that is missing;
/// `state_conflict` once it is decided.
pub async fn submit(app: &App, actor: &Actor, id: ApplicationId) -> Result<Application> {
    own(app, actor, id).await?;
    let (who, now) = (actor.person.to_string(), app.clock.millis());
    app.db
        .write(async move |tx: &mut Tx| {
            let row = store::locked(tx, id).await?;
            if matches!(row.state, State::Submitted | State::InReview) {
                return Ok(());
            }
            rules::editable(row.state)?;
            rules::complete(&documents::stored(tx, id).await?)?;
            review::turn(tx, &row, State::Submitted, (&who, "application.submit"), now).await
        })
        .await?;
    get(app, actor, id).await
}

/// One's own application, with its documents.
///
/// # Errors
/// `not_found` unless it is the actor's.
pub async fn get(app: &App, actor: &Actor, id: ApplicationId) -> Result<Application> {
    let row = own(app, actor, id).await?;
    shown(app, row).await
}

/// The actor's applications, newest first.
///
/// # Errors
/// `invalid_request` for a bad page.
pub async fn list(app: &App, actor: &Actor, page: &PageAsk) -> Result<Page<Application>> {
    let rows = store::owned_by(app, actor.person, page).await?;
    let mut items = Vec::with_capacity(rows.items.len());
    for row in rows.items {
        items.push(shown(app, row).await?);
    }
    Ok(Page { items, has_more: rows.has_more })
}

/// Every application that fits, newest first, for operators.
///
/// # Errors
/// `invalid_request` for a bad page.
pub async fn all(app: &App, ask: &ListAsk) -> Result<Page<Application>> {
    let rows = store::all(app, ask).await?;
    let mut items = Vec::with_capacity(rows.items.len());
    for row in rows.items {
        items.push(shown(app, row).await?);
    }
    Ok(Page { items, has_more: rows.has_more })
}

/// One application, for operators.
///
/// # Errors
/// `not_found`.
pub async fn read(app: &App, id: ApplicationId) -> Result<Application> {
    let row = store::find(app, id).await?.ok_or(Problem::new(Code::NotFound))?;
    shown(app, row).await
}

/// The states that an application was in after its draft, oldest first, and who put it there.
///
/// # Errors
/// Any fault of the database.
pub async fn states(app: &App, id: ApplicationId) -> Result<Vec<(State, String)>> {
    store::states(app, id).await
}

async fn own(app: &App, actor: &Actor, id: ApplicationId) -> Result<store::Row> {
    let row = store::find(app, id).await?.filter(|row| row.owner == actor.person);
    row.ok_or(Problem::new(Code::NotFound))
}

async fn shown(app: &App, row: store::Row) -> Result<Application> {
    let text = people::open(app, row.owner, BUSINESS, &row.business).await?;
    let business = serde_json::from_str(&text).map_err(Problem::internal)?;
    let requirements = requirements::of(app, &row).await?;
    let choice = requirements.as_ref().map(|form| choice::choose(form, row.kind, app.clock.millis()));
    let corrections = row.corrections.as_deref().map(serde_json::from_str).transpose();
    let approvals = [&row.first_approver, &row.second_approver].into_iter().flatten().count();
    Ok(Application {
        id: row.id,
        organisation_id: row.organisation,
        kind: row.kind,
        state: row.state,
        business,
        requirements,
        choice,
        documents: documents::of(app, row.id).await?,
        corrections: corrections.map_err(Problem::internal)?.unwrap_or_default(),
        reason: row.reason.clone(),
        approvals: u8::try_from(approvals).map_err(Problem::internal)?,
        agreement: agreement::Offered::of(&row),
        merchant_id: row.merchant,
        conformance: row.passed(),
        created_at: rfc3339(row.created_at),
        version: row.version,
    })
}

impl store::Row {
    fn passed(&self) -> Option<Passed> {
        Some(Passed {
            sha256: self.conformance_sha256.clone()?,
            suite: self.conformance_suite.clone()?,
            at: rfc3339(self.conformance_at?),
        })
    }
}

/// How often somebody looks for what a stop left between two steps.
const EVERY: Duration = Duration::from_secs(5);

/// Finishes what stops leave, for as long as the handle lives.
#[must_use]
pub fn keep(app: &App) -> JoinHandle<()> {
    background::every(app, EVERY, "applications could not go on", |app| async move { advance(&app).await })
}

/// Registers the merchants of approved applications and offers the agreement; makes active the merchants whose
/// agreement is signed.
///
/// # Errors
/// Any fault of the database or the ledger; safe to repeat.
pub async fn advance(app: &App) -> Result<()> {
    for row in store::between(app).await? {
        let id = row.id;
        let went = match row.state {
            State::Approved => agreement::offer(app, row).await,
            _ => agreement::activate(app, row).await,
        };
        if let Err(problem) = went {
            tracing::error!(application = %id, %problem, fault = problem.internal.as_deref(), "an application waits");
        }
    }
    Ok(())
}

/// Destroys the documents of a person's applications, in the transaction that erases the person.
///
/// # Errors
/// Any fault of the database.
pub(crate) async fn forget(tx: &mut Tx, person: PersonId) -> Result<()> {
    for file in store::files_of(tx, person).await? {
        files::forget(tx, file).await?;
    }
    Ok(())
}
