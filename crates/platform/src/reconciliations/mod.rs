//! Reconciliation: a merchant's own file of a day, compared item by item with the ledger.
//!
//! `AWAITING_FILE → QUEUED → RUNNING → DONE | FAILED`. The file comes from the merchant, or from an address
//! that it registered ([`source`]). Ours are the payments and refunds that the ledger's history has on that
//! day; each is put beside the file's item of the same kind and number ([`compare`]). The result is a file
//! with every item; each one that is not the same on both sides opens a case ([`cases`]) with the two sides
//! beside each other.
//!
//! Files are read in a stream and never held whole. What is kept of the merchant's file is 32 bytes an item,
//! and one reconciliation is made at a time in a process, so a million items take some 50 MiB.

pub mod cases;
mod compare;
pub mod layout;
mod run;
pub mod source;
mod store;
pub mod work;

use serde::{Deserialize, Serialize};

use crate::clock::rfc3339;
use crate::exports::Reader;
use crate::files::{self, For, Promise, Stored, Upload};
use crate::history::account;
use crate::id::{MerchantId, ReconciliationId};
use crate::{App, Code, Page, PageAsk, Problem, Result, Tx, policies, statements, stored, text};

pub use compare::{Outcome, Reason};
pub use layout::{ItemKind, Layout, TheirState, Unit};

stored! {
    /// Where a merchant's file comes from.
    #[schema(as = ReconciliationSource)]
    pub enum Source {
        /// The merchant sends it.
        Upload = "UPLOAD",
        /// The platform fetches it from the registered address.
        Url = "URL",
    }
}

stored! {
    /// How far a reconciliation has come.
    #[schema(as = ReconciliationState)]
    pub enum State {
        /// The file is still to come.
        AwaitingFile = "AWAITING_FILE",
        /// It waits to be made.
        Queued = "QUEUED",
        /// It is being made.
        Running = "RUNNING",
        /// Every item has its outcome; final.
        Done = "DONE",
        /// The file could not be had or understood; final.
        Failed = "FAILED",
    }
}

/// A reconciliation to make.
#[derive(Clone, Debug, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ReconciliationAsk)]
pub struct ReconcileAsk {
    /// A day at UTC+8 that is over.
    #[schema(example = "2026-11-21")]
    pub day: String,
    /// The file that you will send. Without it, the platform fetches one from the address you registered.
    pub file: Option<Promise>,
    /// How the file is to be read; the platform's own statements of trades by default.
    pub layout: Option<Layout>,
}

/// How many items of each outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = ReconciliationCounts)]
pub struct Counts {
    /// Both sides say the same.
    pub same: u64,
    /// Only here.
    pub more: u64,
    /// Only there.
    pub less: u64,
    /// The amounts differ.
    pub diff: u64,
    /// The states differ.
    pub state_diff: u64,
    /// It cannot be said yet.
    pub pending: u64,
}

impl Counts {
    pub(crate) const fn add(&mut self, outcome: Outcome) {
        let count = match outcome {
            Outcome::Same => &mut self.same,
            Outcome::More => &mut self.more,
            Outcome::Less => &mut self.less,
            Outcome::Diff => &mut self.diff,
            Outcome::StateDiff => &mut self.state_diff,
            Outcome::Pending => &mut self.pending,
        };
        *count += 1;
    }
}

/// Why a reconciliation failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = ReconciliationFault)]
pub struct Fault {
    /// What is wrong with the file.
    pub detail: String,
    /// In which line, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
}

/// The file with every item's outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = ReconciliationResult)]
pub struct ResultFile {
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256, hexadecimal.
    pub sha256: String,
    /// Until when it can be fetched, RFC 3339.
    #[schema(format = DateTime)]
    pub expires_at: String,
}

/// A reconciliation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Reconciliation {
    /// Its id.
    pub id: ReconciliationId,
    /// The merchant.
    pub merchant_id: MerchantId,
    /// The day at UTC+8.
    pub day: String,
    /// Where the file comes from.
    pub source: Source,
    /// How far it has come.
    pub state: State,
    /// Where to send the file; while it is awaited, in the answer about this one alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upload: Option<Upload>,
    /// Items that have an outcome so far.
    pub items_done: u64,
    /// How many items of each outcome, once it is done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub counts: Option<Counts>,
    /// The file with every item, once it is done and until it is destroyed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<ResultFile>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
    /// When it was asked for, RFC 3339.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// When it ended, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub ended_at: Option<String>,
    /// Grows with every change.
    pub version: i64,
}

/// Asks for a reconciliation, to be made under `id`. The same id again answers what there is.
///
/// # Errors
/// `invalid_request`, naming the field; `not_found` for a merchant without a wallet; `state_conflict` where a
/// file is to be fetched and no address is registered; `rate_limited` with too many unfinished.
pub async fn ask(
    app: &App,
    merchant: MerchantId,
    id: ReconciliationId,
    ask: ReconcileAsk,
) -> Result<Reconciliation> {
    if store::find(app, merchant, id).await?.is_some() {
        return get(app, merchant, id).await;
    }
    let account = account::merchant_wallet(app, merchant).await?;
    statements::places_of(app, account.number(), &ask.day).await?;
    let layout = ask.layout.clone().unwrap_or_default();
    check(&layout)?;
    match &ask.file {
        Some(promise) => promise.check(policies::number(app, "reconciliation_bytes").await?)?,
        None if source::address(app, merchant).await?.is_none() => {
            return Err(Problem::new(Code::StateConflict)
                .detail("No address is registered: register one, or say which file you will send."));
        }
        None => {}
    }
    let new = store::New {
        id,
        merchant,
        day: ask.day,
        layout: serde_json::to_string(&layout).map_err(Problem::internal)?,
        promise: ask.file,
        now: app.clock.millis(),
        expires_at: app.clock.millis() + policies::number(app, "reconciliation_days").await? * DAY_MS,
    };
    let most = policies::number(app, "reconciliations_unfinished").await?;
    app.db.write(async move |tx: &mut Tx| store::insert(tx, &new, most).await).await?;
    get(app, merchant, id).await
}

/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;

/// Checks a layout's titles and words.
fn check(layout: &Layout) -> Result<()> {
    for (field, title) in [
        ("layout.number", &layout.number),
        ("layout.amount", &layout.amount),
        ("layout.kind", &layout.kind),
        ("layout.state", &layout.state),
    ] {
        text::line(field, title, layout::MAX_WORD)?;
    }
    for (field, words) in [
        ("layout.payment_words", &layout.payment_words),
        ("layout.refund_words", &layout.refund_words),
        ("layout.success_words", &layout.success_words),
        ("layout.pending_words", &layout.pending_words),
    ] {
        if words.len() > layout::MAX_WORDS {
            return Err(Problem::new(Code::InvalidRequest)
                .field(field)
                .detail(format!("At most {} words.", layout::MAX_WORDS)));
        }
        words.iter().try_for_each(|word| text::line(field, word, layout::MAX_WORD))?;
    }
    Ok(())
}

/// One of the merchant's reconciliations; while its file is awaited, with the address to send it to.
///
/// # Errors
/// `not_found` unless it is the merchant's.
pub async fn get(app: &App, merchant: MerchantId, id: ReconciliationId) -> Result<Reconciliation> {
    let row = store::find(app, merchant, id).await?.ok_or(Problem::new(Code::NotFound))?;
    let mut shown = row.shown();
    if row.state == State::AwaitingFile {
        shown.upload = Some(files::address(app, For::Reconciliation(id)).await?);
    }
    if let Some(result) = row.result
        && let Some((reader, sha256)) = files::open(app, result).await?
    {
        let expires_at = rfc3339(row.expires_at);
        shown.result = Some(ResultFile { bytes: reader.size(), sha256, expires_at });
    }
    Ok(shown)
}

/// The merchant's reconciliations, newest first, without addresses and files.
///
/// # Errors
/// `invalid_request` for a bad page.
pub async fn list(app: &App, merchant: MerchantId, page: &PageAsk) -> Result<Page<Reconciliation>> {
    Ok(store::list(app, merchant, page).await?.map(|row| row.shown()))
}

/// Opens the file with every item's outcome: its name, SHA-256 and reader.
///
/// # Errors
/// `not_found` unless it is the merchant's; `state_conflict` before it is done and once the file is destroyed.
pub async fn result(
    app: &App,
    merchant: MerchantId,
    id: ReconciliationId,
) -> Result<(String, String, Reader)> {
    let row = store::find(app, merchant, id).await?.ok_or(Problem::new(Code::NotFound))?;
    let file = match row.result {
        Some(result) => files::open(app, result).await?,
        None => None,
    };
    let (reader, sha256) = file.ok_or_else(|| {
        Problem::new(Code::StateConflict)
            .detail(format!("The reconciliation is {}: there is no file to fetch.", row.state))
            .with("state", row.state.text())
    })?;
    Ok((format!("jialing-reconciliation-{}-{id}.csv.gz", row.day), sha256, reader))
}

/// What was said of the file that is awaited.
pub(crate) async fn promised(app: &App, id: ReconciliationId) -> Result<Promise> {
    let row = store::find_any(app, id).await?.filter(|row| row.state == State::AwaitingFile);
    let promise = row.and_then(|row| row.promise());
    promise.ok_or_else(|| Problem::new(Code::StateConflict).detail("The file is there already."))
}

/// The file has come.
pub(crate) async fn received(app: &App, id: ReconciliationId, file: Stored) -> Result<()> {
    let now = app.clock.millis();
    app.db
        .write(async move |tx: &mut Tx| {
            if !store::receive(tx, id, State::AwaitingFile, file.id).await? {
                return Err(Problem::new(Code::StateConflict).detail("The file is there already."));
            }
            files::keep(tx, &file, now).await
        })
        .await
}

impl store::Row {
    fn shown(&self) -> Reconciliation {
        let fault =
            self.fault.clone().map(|detail| Fault { detail, line: self.fault_line.map(i64::unsigned_abs) });
        Reconciliation {
            id: self.id,
            merchant_id: self.merchant,
            day: self.day.clone(),
            source: self.source,
            state: self.state,
            upload: None,
            items_done: self.items_done.unsigned_abs(),
            counts: self.counts.as_deref().and_then(|text| serde_json::from_str(text).ok()),
            result: None,
            fault,
            created_at: rfc3339(self.created_at),
            ended_at: self.ended_at.map(rfc3339),
            version: self.version,
        }
    }
}
