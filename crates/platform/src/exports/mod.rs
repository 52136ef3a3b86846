//! Exports: an account's history over any range as a file, CSV or Parquet.
//!
//! Asking for one puts it in a queue; [`work::keep`] makes them one after the other, a thousand lines at
//! a time, so memory does not grow with the range. While it writes, every line is checked to follow from the
//! one before and the last to leave what the ledger says: a file that does not fit the ledger is never
//! finished. The file lies sealed in the exports' folder, under a key of its own that goes with it.
//!
//! A finished file is bound to the ledger: its manifest (what it holds, and its SHA-256) is hashed into a
//! note in the ledger's log. With the proof that [`get`] gives, anyone who has the ledger's public key
//! can check that a file is the one that was made then, by whom it was kept in between notwithstanding.

mod chest;
mod made;
mod make;
mod proof;
mod store;
pub mod work;

use serde::{Deserialize, Serialize};

use crate::history::account::{Account, Asker};
use crate::history::range::{self, RangeAsk};
use crate::id::{ExportId, InstitutionId, MerchantId, PersonId};
use crate::kind::NoteKind;
use crate::sessions::Actor;
use crate::{App, Code, Money, Page, PageAsk, Problem, Result, Tx, policies};

pub use chest::{Chest, Reader};
pub(crate) use chest::{Writer, new_key, open_key};
pub(crate) use made::{Made, find as made, queue, reader};
pub(crate) use proof::hex;
pub use proof::{Checked, Fault, PROOF_FORMAT, Proof, check};

/// The kind of ledger note that binds an export; its id is the export's.
pub const NOTE_KIND: u16 = NoteKind::Export as u16;

crate::stored! {
    /// The form of the file.
    pub enum Form {
        /// Comma-separated values, RFC 4180, UTF-8.
        Csv = "csv",
        /// The same, packed with gzip.
        CsvGz = "csv.gz",
        /// Apache Parquet.
        Parquet = "parquet",
    }
}

crate::stored! {
    /// What a file holds.
    #[schema(as = ExportContent)]
    pub enum Content {
        /// Everything that happened to the account.
        History = "history",
        /// The same as a statement of funds, with the merchant's own numbers.
        Funds = "funds",
        /// A statement of trades: payments of the merchant's orders, and refunds.
        Trades = "trades",
    }
}

crate::stored! {
    /// The language of titles and words in a CSV file. Parquet always has the same names.
    #[schema(as = ExportLanguage)]
    pub enum Language {
        /// Chinese.
        Chinese = "zh",
        /// English.
        English = "en",
    }
}

crate::stored! {
    /// How far an export has come.
    #[schema(as = ExportState)]
    pub enum State {
        /// It waits.
        Queued = "QUEUED",
        /// It is being made.
        Running = "RUNNING",
        /// The file can be fetched until `expires_at`.
        Ready = "READY",
        /// It could not be made; ask for another.
        Failed = "FAILED",
        /// Its owner wanted it no longer.
        Cancelled = "CANCELLED",
        /// The file and its key were destroyed.
        Expired = "EXPIRED",
    }
}

/// An export to make.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ExportAsk)]
pub struct ExportAsk {
    /// `csv`, `csv.gz` or `parquet`.
    pub format: Form,
    /// A year, month or day at UTC+8: `2026`, `2026-11` or `2026-11-22`; instead of `from` and `to`.
    #[schema(example = "2026-11")]
    pub period: Option<String>,
    /// Not before this time, RFC 3339.
    #[schema(format = DateTime)]
    pub from: Option<String>,
    /// Before this time, RFC 3339; what lies in the future is left out.
    #[schema(format = DateTime)]
    pub to: Option<String>,
    /// The language of a CSV file: `zh` or `en`; Chinese by default.
    pub language: Option<Language>,
    /// Begin a CSV file with a byte order mark, for spreadsheet programs; true by default.
    pub bom: Option<bool>,
}

/// An export.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Export {
    /// Its id.
    pub id: ExportId,
    /// The wallet's id, or the institution's code and account.
    pub account: String,
    /// The form of the file.
    pub format: Form,
    /// The language of a CSV file.
    pub language: Language,
    /// Whether a CSV file begins with a byte order mark.
    pub bom: bool,
    /// The range's first moment, RFC 3339 at UTC+8.
    #[schema(format = DateTime)]
    pub from: String,
    /// The first moment after the range.
    #[schema(format = DateTime)]
    pub to: String,
    /// What the account held before the range.
    pub opening: Money,
    /// What it held at its end.
    pub closing: Money,
    /// How far it has come.
    pub state: State,
    /// Lines the file will have.
    pub rows: u64,
    /// Lines written so far.
    pub rows_done: u64,
    /// Bytes of the file; absent until it is ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// SHA-256 of the file, hexadecimal; absent until it is ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// SM3 of the file, hexadecimal; absent until it is ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sm3: Option<String>,
    /// When it was asked for, RFC 3339.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// Until when the file can be fetched; absent until it is ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub expires_at: Option<String>,
    /// What binds the file to the ledger; only of one export that is ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proof: Option<Proof>,
}

/// Whose exports: the one who asked for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner(String);

impl Owner {
    /// A person.
    #[must_use]
    pub fn person(actor: &Actor) -> Self {
        Self(actor.person.to_string())
    }

    /// A merchant.
    #[must_use]
    pub fn merchant(merchant: MerchantId) -> Self {
        Self(merchant.to_string())
    }

    /// An institution.
    #[must_use]
    pub fn institution(institution: InstitutionId) -> Self {
        Self(institution.to_string())
    }
}

impl From<&Asker> for Owner {
    fn from(asker: &Asker) -> Self {
        Self(asker.to_string())
    }
}

/// Asks for an export of `account`, to be made under `id`. The same id again answers what there is.
///
/// # Errors
/// `invalid_request`, naming the field; `rate_limited` with as many as are allowed; `overloaded` while
/// the history is behind the ledger; any fault of the database or the ledger.
pub async fn request(app: &App, account: &Account, id: ExportId, ask: ExportAsk) -> Result<Export> {
    let owner = Owner::from(&account.asker);
    if let Some(known) = store::find(app, &owner, id).await? {
        return Ok(known.shown());
    }
    let days = policies::number(app, "export_days").await?;
    let asked = RangeAsk { period: ask.period, from: ask.from, to: ask.to };
    let asked = asked.range()?.within(days, (app.engine.now() / 1_000_000) as i64)?;
    let places = range::places(app, account.number(), asked).await?;
    let most =
        (policies::number(app, "exports_unfinished").await?, policies::number(app, "exports_per_day").await?);
    let form = made::Wanted {
        content: Content::History,
        format: ask.format,
        language: ask.language.unwrap_or(Language::Chinese),
        bom: ask.bom.unwrap_or(true),
    };
    made::insert(app, account, &owner, id, form, (asked, places), most).await?;
    get(app, &owner, id).await
}

/// The owner's export, with its proof once it is ready.
///
/// # Errors
/// `not_found` if there is none or it is somebody else's; any fault of the database or the ledger.
pub async fn get(app: &App, owner: &Owner, id: ExportId) -> Result<Export> {
    let row = store::find(app, owner, id).await?.ok_or(Problem::new(Code::NotFound))?;
    let proof = proof::of(app, &row).await?;
    Ok(Export { proof, ..row.shown() })
}

/// The owner's exports, newest first, without their proofs.
///
/// # Errors
/// `invalid_request` for a bad page; any fault of the database.
pub async fn list(app: &App, owner: &Owner, page: &PageAsk) -> Result<Page<Export>> {
    Ok(store::list(app, owner, page).await?.map(|row| row.shown()))
}

/// Opens the owner's finished file for reading.
///
/// # Errors
/// `not_found` if there is none or it is somebody else's; `state_conflict` unless it is ready; `internal`
/// if the file is gone or was changed.
pub async fn open(app: &App, owner: &Owner, id: ExportId) -> Result<(Export, Reader)> {
    let row = store::find(app, owner, id).await?.ok_or(Problem::new(Code::NotFound))?;
    if row.state != State::Ready || row.expires_at.is_none_or(|at| at <= app.clock.millis()) {
        return Err(Problem::new(Code::StateConflict)
            .detail(format!("The export is {}: there is no file to fetch.", row.state))
            .with("state", row.state.text()));
    }
    let key = open_key(app, id, row.data_key.as_deref().unwrap_or_default())?;
    let size = u64::try_from(row.bytes.unwrap_or(0)).map_err(Problem::internal)?;
    let reader = app.exports.open(id, key, size).map_err(Problem::internal)?;
    Ok((row.shown(), reader))
}

/// Stops an export that is being made, or destroys one that is ready. Done again, it changes nothing.
///
/// # Errors
/// `not_found` if there is none or it is somebody else's; any fault of the database.
pub async fn cancel(app: &App, owner: &Owner, id: ExportId) -> Result<Export> {
    let now = app.clock.millis();
    let whose = owner.clone();
    app.db.write(async move |tx: &mut Tx| store::cancel(tx, &whose, id, now).await).await?;
    let row = store::find(app, owner, id).await?.ok_or(Problem::new(Code::NotFound))?;
    app.exports.remove(id).map_err(Problem::internal)?;
    Ok(row.shown())
}

/// Destroys the keys of all of a person's exports, in the transaction that erases the person. The sealed
/// files go with the next [`work::tidy`].
///
/// # Errors
/// Any fault of the database.
pub async fn forget(tx: &mut Tx, person: PersonId, now: i64) -> Result<()> {
    store::forget(tx, &person.to_string(), now).await
}
