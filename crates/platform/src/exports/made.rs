//! Exports that another part of the platform asks for, in its own name.

use super::store::{self, Row};
use super::{Content, Form, Language, Owner, Proof, Reader, State, chest, proof};
use crate::history::account::Account;
use crate::history::range::{self, Places, Range};
use crate::history::statement::balances;
use crate::id::ExportId;
use crate::{App, Code, Problem, Result, Tx, policies};

/// Which file is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) content: Content,
    pub(super) format: Form,
    pub(super) language: Language,
    pub(super) bom: bool,
}

/// Puts the export of a range into the queue, unless its owner has as many unfinished ones, or asked for as
/// many within a day, as `most` says.
pub(super) async fn insert(
    app: &App,
    account: &Account,
    owner: &Owner,
    id: ExportId,
    wanted: Wanted,
    (range, places): (Range, Places),
    (unfinished, per_day): (i64, i64),
) -> Result<()> {
    range::told(app, places.end).await?;
    let (opening, closing) = balances(app, account, places).await?;
    let most = policies::number(app, "export_rows").await?;
    let key = account.key();
    let rows = crate::history::store::count(app, &key, places.first, places.end, most + 1).await?;
    if rows > most {
        return Err(Problem::new(Code::InvalidRequest)
            .field("to")
            .detail(format!("An export has at most {most} lines: ask for the range in parts.")));
    }
    let new = store::New {
        id,
        owner: owner.clone(),
        account: key,
        shown: account.shown.clone(),
        content: wanted.content,
        format: wanted.format,
        language: wanted.language,
        bom: wanted.bom,
        range,
        first: places.first as i64,
        end: places.end as i64,
        opening,
        closing,
        rows,
        now: app.clock.millis(),
    };
    app.db.write(async move |tx: &mut Tx| store::insert(tx, &new, unfinished, per_day).await).await
}

/// Whose exports those are that statements are made of: nobody lists them.
fn owner(account: &Account) -> Owner {
    Owner(format!("statements/{}", account.asker))
}

/// Puts a statement's file into the queue. The same id again changes nothing.
///
/// # Errors
/// `overloaded` while the history is behind the ledger; any fault of the database or the ledger.
pub(crate) async fn queue(
    app: &App,
    account: &Account,
    id: ExportId,
    (content, format): (Content, Form),
    (range, places): (Range, Places),
) -> Result<()> {
    let wanted = Wanted { content, format, language: Language::English, bom: false };
    let unbounded = (i64::MAX, i64::MAX);
    insert(app, account, &owner(account), id, wanted, (range, places), unbounded).await
}

/// A statement's file as far as it is.
pub(crate) struct Made {
    row: Row,
}

/// The export with this id of a statement over `account`, if there is one.
pub(crate) async fn find(app: &App, account: &Account, id: ExportId) -> Result<Option<Made>> {
    Ok(store::find(app, &owner(account), id).await?.map(|row| Made { row }))
}

impl Made {
    /// How far it is.
    pub(crate) const fn state(&self) -> State {
        self.row.state
    }

    /// Balances before and after, fen.
    pub(crate) const fn balances(&self) -> (i64, i64) {
        (self.row.opening, self.row.closing)
    }

    /// What the lines add up to, as it was written down.
    pub(crate) fn totals(&self) -> Option<&str> {
        self.row.totals.as_deref()
    }

    /// Bytes, SHA-256 and SM3 of the file.
    pub(crate) fn file(&self) -> Option<(i64, String, String)> {
        Some((self.row.bytes?, self.row.sha256.clone()?, self.row.sm3.clone()?))
    }

    /// When the file is destroyed.
    pub(crate) const fn expires_at(&self) -> Option<i64> {
        self.row.expires_at
    }

    /// What binds the file to the ledger.
    pub(crate) async fn proof(&self, app: &App) -> Result<Option<Proof>> {
        proof::of(app, &self.row).await
    }
}

/// Opens the file of an export that is ready; `None` once it is gone.
pub(crate) fn reader(app: &App, made: &Made, id: ExportId) -> Result<Option<Reader>> {
    let row = &made.row;
    if row.state != State::Ready || row.expires_at.is_none_or(|at| at <= app.clock.millis()) {
        return Ok(None);
    }
    let key = chest::open_key(app, id, row.data_key.as_deref().unwrap_or_default())?;
    let size = u64::try_from(row.bytes.unwrap_or(0)).map_err(Problem::internal)?;
    app.exports.open(id, key, size).map(Some).map_err(Problem::internal)
}
