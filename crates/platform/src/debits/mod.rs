//! Debits: what a merchant takes again and again from a payer who agreed to it once (代扣).
//!
//! The merchant proposes an agreement: the most that one debit takes, how many there may be in a
//! period, until when. The payer approves it with PIN and device. From then on the merchant announces
//! each debit; the payer is told days before (policy `debit_notice_days`), and when its time has come
//! the platform makes it: an order of its own, charged to the wallet's meter and to the agreement's, so
//! that no two at once pass what was agreed. One that fails is tried again as the merchant chose: not
//! at all, or three times within seven days. Either side ends the agreement at any time, and with it
//! what was announced.
//!
//! Agreement: `PROPOSED → OPENING → ACTIVE → CANCELLED | ENDED`; `PROPOSED → REFUSED | EXPIRED |
//! CANCELLED`. Debit: `NOTICED → SUCCESS | FAILED | CANCELLED`; `NOTICED → RETRYING → …`. An agreement is
//! opening until the ledger knows its limits. Only the follower of the journal makes a debit `SUCCESS`.
//!
//! Not to be mixed up with [`crate::mandates`], sub-wallets that a person pushes to a merchant.

mod agree;
mod announce;
mod end;
mod rules;
mod run;
mod store;

use serde::{Deserialize, Serialize};

use crate::clock::rfc3339;
use crate::id::{DebitAgreementId, DebitId, MerchantId, OrderId, WalletId};
use crate::{App, Money, Page, PageAsk, Problem, Result, merchants, stored};

pub use agree::{AgreementAsk, ApproveAsk, approve, propose, refuse};
pub use announce::{DebitAsk, announce};
pub use end::{cancel, cancel_debit, cancel_own};
pub use rules::subject;
pub(crate) use run::succeeded;
pub use run::{reconcile, start, sweep};

/// The action a device signs to approve an agreement.
pub const ACTION: &str = "debit_agreement";

stored! {
    /// Where an agreement stands.
    #[schema(as = DebitAgreementState)]
    pub enum State {
        /// Waits for the payer.
        Proposed = "PROPOSED",
        /// Approved; the ledger does not know its limits yet.
        Opening = "OPENING",
        /// Debits may be announced and made.
        Active = "ACTIVE",
        /// The payer said no; final.
        Refused = "REFUSED",
        /// Nobody approved it in time; final.
        Expired = "EXPIRED",
        /// Either side ended it; final.
        Cancelled = "CANCELLED",
        /// Its time is over; final.
        Ended = "ENDED",
    }
}

stored! {
    /// What the number of debits is counted in: natural periods at UTC+8.
    pub enum Period {
        /// A day.
        Day = "DAY",
        /// A month.
        Month = "MONTH",
        /// A quarter.
        Quarter = "QUARTER",
        /// A year.
        Year = "YEAR",
    }
}

stored! {
    /// What is done about a debit that failed.
    pub enum Retry {
        /// Nothing.
        None = "NONE",
        /// It is tried again three times within seven days.
        ThreeInSevenDays = "THREE_IN_SEVEN_DAYS",
    }
}

stored! {
    /// Where a debit stands.
    pub enum DebitState {
        /// The payer was told; its time has not come.
        Noticed = "NOTICED",
        /// It failed and will be tried again.
        Retrying = "RETRYING",
        /// Paid; final.
        Success = "SUCCESS",
        /// It failed for good; final.
        Failed = "FAILED",
        /// Taken back before it was made; final.
        Cancelled = "CANCELLED",
    }
}

stored! {
    /// Which side ended an agreement.
    pub enum Side {
        /// The merchant.
        Merchant = "MERCHANT",
        /// The payer.
        Payer = "PAYER",
    }
}

/// An agreement, as its merchant sees it. Who pays is not in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DebitAgreement {
    /// Its id.
    pub id: DebitAgreementId,
    /// Who may debit.
    pub merchant_id: MerchantId,
    /// The merchant's number of it.
    pub out_agreement_no: String,
    /// What is paid for.
    pub description: String,
    /// The most that one debit takes.
    pub max_amount: Money,
    /// What the number of debits is counted in.
    pub period: Period,
    /// The most debits in one period.
    pub max_count: i64,
    /// Until when debits may be made, RFC 3339.
    pub valid_until: String,
    /// Where it stands.
    pub state: State,
    /// What opens the payer's app to approve it, while it is proposed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval_link: Option<String>,
    /// Where events about it are sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notify_url: Option<String>,
    /// RFC 3339.
    pub created_at: String,
    /// Until when it may be approved, RFC 3339.
    pub expires_at: String,
    /// RFC 3339, once approved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approved_at: Option<String>,
    /// RFC 3339, once it is over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<String>,
    /// Who cancelled it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_by: Option<Side>,
    /// Grows with every change.
    pub version: i64,
}

/// An agreement, as its payer, or whoever was sent the proposal, sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PayerAgreement {
    /// The agreement.
    pub agreement: DebitAgreement,
    /// The merchant's name in Chinese.
    pub merchant_name_zh: String,
    /// The merchant's name in English.
    pub merchant_name_en: String,
    /// The wallet that pays, once approved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wallet_id: Option<WalletId>,
    /// The subject of what the device signs to approve it.
    pub subject: String,
    /// Days between the notice of a debit and the debit, at least.
    pub notice_days: i64,
}

/// A debit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Debit {
    /// Its id.
    pub id: DebitId,
    /// The agreement it is made under.
    pub agreement_id: DebitAgreementId,
    /// Its order; refunds are asked for there.
    pub order_id: OrderId,
    /// What is taken.
    pub amount: Money,
    /// When, RFC 3339.
    pub due_at: String,
    /// What is done if it fails.
    pub retry: Retry,
    /// Where it stands.
    pub state: DebitState,
    /// The code of what the last try met.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// How often it was tried.
    pub tries: i64,
    /// When it is tried next, RFC 3339, while it waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_try_at: Option<String>,
    /// When it was announced, RFC 3339.
    pub created_at: String,
    /// RFC 3339, once it is over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<String>,
    /// Grows with every change.
    pub version: i64,
}

/// How a merchant names an agreement.
#[derive(Clone, Debug)]
pub enum Name {
    /// By its id.
    Id(DebitAgreementId),
    /// By the merchant's own number.
    OutAgreementNo(String),
}

/// One of the merchant's agreements.
///
/// # Errors
/// `not_found` unless it is the merchant's.
pub async fn of(app: &App, merchant: MerchantId, name: &Name) -> Result<DebitAgreement> {
    let mut connection = app.db.read().acquire().await?;
    Ok(store::named(&mut connection, merchant, name).await?.shown(app.clock.millis()))
}

/// The merchant's agreements, newest first.
///
/// # Errors
/// `invalid_request` for a bad page.
pub async fn list(app: &App, merchant: MerchantId, page: &PageAsk) -> Result<Page<DebitAgreement>> {
    let now = app.clock.millis();
    Ok(store::of_merchant(app, merchant, page).await?.map(|row| row.shown(now)))
}

/// An agreement that the actor approved, or one that is proposed.
///
/// # Errors
/// `not_found` for another's.
pub async fn view(app: &App, actor: &crate::sessions::Actor, id: DebitAgreementId) -> Result<PayerAgreement> {
    let mut connection = app.db.read().acquire().await?;
    let row = store::seen_by(&mut connection, id, actor.person).await?;
    drop(connection);
    told(app, row).await
}

/// The agreements that the actor approved, newest first.
///
/// # Errors
/// `invalid_request` for a bad page.
pub async fn list_own(
    app: &App,
    actor: &crate::sessions::Actor,
    page: &PageAsk,
) -> Result<Page<PayerAgreement>> {
    let rows = store::of_person(app, actor.person, page).await?;
    let mut items = Vec::with_capacity(rows.items.len());
    for row in rows.items {
        items.push(told(app, row).await?);
    }
    Ok(Page { items, has_more: rows.has_more })
}

/// One of the merchant's debits.
///
/// # Errors
/// `not_found` unless it is the merchant's.
pub async fn debit(app: &App, merchant: MerchantId, id: DebitId) -> Result<Debit> {
    let mut connection = app.db.read().acquire().await?;
    let row = store::debit(&mut connection, id).await?.filter(|row| row.merchant == merchant);
    row.map(Into::into).ok_or(Problem::new(crate::Code::NotFound))
}

/// The debits under one of the merchant's agreements, newest first.
///
/// # Errors
/// `not_found` unless it is the merchant's; `invalid_request` for a bad page.
pub async fn debits(
    app: &App,
    merchant: MerchantId,
    id: DebitAgreementId,
    page: &PageAsk,
) -> Result<Page<Debit>> {
    of(app, merchant, &Name::Id(id)).await?;
    Ok(store::debits_of(app, id, page).await?.map(Into::into))
}

/// The debits under one of the actor's agreements, newest first.
///
/// # Errors
/// `not_found` unless the actor approved it; `invalid_request` for a bad page.
pub async fn debits_own(
    app: &App,
    actor: &crate::sessions::Actor,
    id: DebitAgreementId,
    page: &PageAsk,
) -> Result<Page<Debit>> {
    let mut connection = app.db.read().acquire().await?;
    let row = store::find(&mut connection, id).await?.filter(|row| row.person == Some(actor.person));
    drop(connection);
    row.ok_or(Problem::new(crate::Code::NotFound))?;
    Ok(store::debits_of(app, id, page).await?.map(Into::into))
}

async fn told(app: &App, row: store::Row) -> Result<PayerAgreement> {
    let merchant = merchants::read(app, row.merchant).await?;
    Ok(PayerAgreement {
        subject: rules::subject_of(&row),
        wallet_id: row.wallet,
        agreement: row.shown(app.clock.millis()),
        merchant_name_zh: merchant.name_zh,
        merchant_name_en: merchant.name_en,
        notice_days: crate::policies::number(app, "debit_notice_days").await?,
    })
}

impl store::Row {
    /// As its merchant sees it at `now`.
    fn shown(self, now: i64) -> DebitAgreement {
        let state = self.state_at(now);
        let over = match state {
            State::Expired => Some(self.expires_at),
            State::Ended => Some(self.valid_until),
            _ => None,
        };
        DebitAgreement {
            approval_link: (state == State::Proposed)
                .then(|| format!("jialing://debit-agreement/{}", self.id)),
            id: self.id,
            merchant_id: self.merchant,
            out_agreement_no: self.out_agreement_no,
            description: self.description,
            max_amount: crate::orders::fen(self.max_amount),
            period: self.period,
            max_count: self.max_count,
            valid_until: rfc3339(self.valid_until),
            state,
            notify_url: self.notify_url,
            created_at: rfc3339(self.created_at),
            expires_at: rfc3339(self.expires_at),
            approved_at: self.approved_at.map(rfc3339),
            ended_at: self.ended_at.or(over).map(rfc3339),
            ended_by: self.ended_by,
            version: self.version,
        }
    }
}

impl From<store::DebitRow> for Debit {
    fn from(row: store::DebitRow) -> Self {
        let waits = matches!(row.state, DebitState::Noticed | DebitState::Retrying);
        Self {
            id: row.id,
            agreement_id: row.agreement,
            order_id: row.order_id,
            amount: crate::orders::fen(row.amount),
            due_at: rfc3339(row.due_at),
            retry: row.retry,
            state: row.state,
            problem: row.problem,
            tries: row.tries,
            next_try_at: waits.then(|| rfc3339(row.next_try_at)),
            created_at: rfc3339(row.created_at),
            ended_at: row.ended_at.map(rfc3339),
            version: row.version,
        }
    }
}
