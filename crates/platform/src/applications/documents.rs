//! Documents of an application: promised, sent, checked by their first bytes, kept sealed.
//!
//! Nobody is served a document but operators who review it, and each of those reads is in the audit chain.

use serde::{Deserialize, Serialize};

use super::{rules, store};
use crate::audit::{self, Entry};
use crate::clock::rfc3339;
use crate::exports::Reader;
use crate::files::{self, For, Promise, Stored, Upload};
use crate::id::{ApplicationId, FileId};
use crate::sessions::Actor;
use crate::{App, Code, Problem, Result, Tx, policies, stored};

stored! {
    /// What a document is.
    pub enum DocumentKind {
        /// The business licence.
        Licence = "LICENCE",
        /// The legal representative's identity document.
        LegalRepresentative = "LEGAL_REPRESENTATIVE",
        /// The place of business, from outside and inside.
        Premises = "PREMISES",
        /// A permit that the trade needs.
        Permit = "PERMIT",
        /// Proof of the bank account.
        BankAccount = "BANK_ACCOUNT",
        /// A signed conformance report.
        ConformanceReport = "CONFORMANCE_REPORT",
        /// Anything else.
        Other = "OTHER",
    }
}

stored! {
    /// The type of a document's file.
    pub enum DocumentType {
        /// PDF.
        Pdf = "application/pdf",
        /// PNG.
        Png = "image/png",
        /// JPEG.
        Jpeg = "image/jpeg",
        /// JSON, for reports.
        Json = "application/json",
    }
}

impl DocumentType {
    /// Whether a file that begins with these bytes may be of this type.
    fn fits(self, head: &[u8]) -> bool {
        match self {
            Self::Pdf => head.starts_with(b"%PDF-"),
            Self::Png => head.starts_with(b"\x89PNG\r\n\x1a\n"),
            Self::Jpeg => head.starts_with(b"\xff\xd8\xff"),
            Self::Json => head.trim_ascii_start().starts_with(b"{"),
        }
    }
}

/// A document to send.
#[derive(Clone, Debug, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DocumentAsk {
    /// What it is.
    pub kind: DocumentKind,
    /// The type of the file.
    pub content_type: DocumentType,
    /// The file.
    pub file: Promise,
}

/// A document of an application.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = ApplicationDocument)]
pub struct Document {
    /// Its id.
    pub id: FileId,
    /// What it is.
    pub kind: DocumentKind,
    /// The type of the file.
    pub content_type: DocumentType,
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256, hexadecimal.
    pub sha256: String,
    /// Whether the file has come.
    pub stored: bool,
    /// Where to send it, in the answer to whoever asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upload: Option<Upload>,
    /// When it was promised, RFC 3339.
    #[schema(format = DateTime)]
    pub created_at: String,
}

#[derive(Clone, sqlx::FromRow)]
struct Row {
    id: FileId,
    application: ApplicationId,
    kind: DocumentKind,
    content_type: DocumentType,
    bytes: i64,
    sha256: String,
    file: Option<FileId>,
    created_at: i64,
}

impl Row {
    fn shown(&self) -> Document {
        Document {
            id: self.id,
            kind: self.kind,
            content_type: self.content_type,
            bytes: self.bytes.unsigned_abs(),
            sha256: self.sha256.clone(),
            stored: self.file.is_some(),
            upload: None,
            created_at: rfc3339(self.created_at),
        }
    }
}

/// Promises a document under `id`; the answer says where to send it. The same id again answers the same.
///
/// # Errors
/// `not_found` unless the application is the actor's; `invalid_request`, naming the field; `state_conflict`
/// unless the application may be changed, or with too many documents.
pub async fn promise(
    app: &App,
    actor: &Actor,
    application: ApplicationId,
    id: FileId,
    ask: DocumentAsk,
) -> Result<Document> {
    super::own(app, actor, application).await?;
    ask.file.check(policies::number(app, "document_bytes").await?)?;
    let is_report = ask.kind == DocumentKind::ConformanceReport;
    if is_report != (ask.content_type == DocumentType::Json) {
        return Err(Problem::new(Code::InvalidRequest)
            .field("content_type")
            .detail("Reports are JSON; every other document is PDF, PNG or JPEG."));
    }
    let (most, now) = (policies::number(app, "documents_per_application").await?, app.clock.millis());
    let row = app
        .db
        .write(async move |tx: &mut Tx| {
            let known = find_in(tx, application, id).await?;
            if let Some(row) = known {
                return Ok(row);
            }
            rules::editable(store::locked(tx, application).await?.state)?;
            let count = "SELECT COUNT(*) FROM application_documents WHERE application = $1";
            let count: i64 = sqlx::query_scalar(count).bind(application).fetch_one(&mut *tx).await?;
            if count >= most {
                return Err(Problem::new(Code::StateConflict)
                    .detail(format!("An application has at most {most} documents: remove one first.")));
            }
            let row = sqlx::query_as(
                "INSERT INTO application_documents (id, application, kind, content_type, bytes, sha256, created_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO NOTHING RETURNING *",
            )
            .bind(id)
            .bind(application)
            .bind(ask.kind)
            .bind(ask.content_type)
            .bind(ask.file.bytes as i64)
            .bind(ask.file.sha256.clone())
            .bind(now)
            .fetch_optional(&mut *tx)
            .await?;
            row.ok_or(Problem::new(Code::NotFound))
        })
        .await?;
    let upload = match row.file {
        Some(_) => None,
        None => Some(files::address(app, For::Document(application, id)).await?),
    };
    Ok(Document { upload, ..row.shown() })
}

/// What was said of a document that is awaited.
pub(crate) async fn promised(app: &App, application: ApplicationId, id: FileId) -> Result<Promise> {
    let row = find(app, application, id).await?.filter(|row| row.file.is_none());
    let row = row.ok_or_else(|| {
        Problem::new(Code::StateConflict).detail("The document is there already, or wanted no longer.")
    })?;
    Ok(Promise { bytes: row.bytes.unsigned_abs(), sha256: row.sha256 })
}

/// The document's file has come: kept if it begins as its type does.
pub(crate) async fn received(
    app: &App,
    application: ApplicationId,
    id: FileId,
    file: Stored,
    head: &[u8],
) -> Result<()> {
    let row = find(app, application, id).await?.ok_or(Problem::new(Code::NotFound))?;
    if !row.content_type.fits(head) {
        return Err(Problem::new(Code::InvalidRequest)
            .field("content_type")
            .detail(format!("The file does not begin as {} does.", row.content_type)));
    }
    let now = app.clock.millis();
    app.db
        .write(async move |tx: &mut Tx| {
            rules::editable(store::locked(tx, application).await?.state)?;
            let done = sqlx::query(
                "UPDATE application_documents SET file = $3, stored_at = $4 WHERE id = $1 AND application = $2 AND file IS NULL",
            )
            .bind(id)
            .bind(application)
            .bind(file.id)
            .bind(now)
            .execute(&mut *tx)
            .await?;
            if done.rows_affected() != 1 {
                return Err(Problem::new(Code::StateConflict).detail("The document is there already."));
            }
            files::keep(tx, &file, now).await
        })
        .await
}

/// Removes a document and destroys its file. Done again, it changes nothing.
///
/// # Errors
/// `not_found` unless the application is the actor's; `state_conflict` unless it may be changed.
pub async fn remove(app: &App, actor: &Actor, application: ApplicationId, id: FileId) -> Result<()> {
    super::own(app, actor, application).await?;
    app.db
        .write(async move |tx: &mut Tx| {
            let Some(row) = find_in(tx, application, id).await? else { return Ok(()) };
            rules::editable(store::locked(tx, application).await?.state)?;
            if let Some(file) = row.file {
                files::forget(tx, file).await?;
            }
            sqlx::query("DELETE FROM application_documents WHERE id = $1").bind(id).execute(&mut *tx).await?;
            Ok(())
        })
        .await
}

/// Opens a document for an operator: its name, type, SHA-256 and reader. That it was read is written down.
///
/// # Errors
/// `not_found` if there is none, or its file has not come.
pub async fn open(
    app: &App,
    operator: &str,
    application: ApplicationId,
    id: FileId,
) -> Result<(String, &'static str, String, Reader)> {
    let row = find(app, application, id).await?.ok_or(Problem::new(Code::NotFound))?;
    let file = row.file.ok_or(Problem::new(Code::NotFound))?;
    let (reader, sha256) = files::open(app, file).await?.ok_or(Problem::new(Code::NotFound))?;
    let (who, now) = (format!("operator/{operator}"), app.clock.millis());
    app.db
        .write(async move |tx: &mut Tx| {
            let subject = format!("{application}/{id}");
            audit::log(tx, Entry::new(&who, "application.read_document", subject, now)).await.map(drop)
        })
        .await?;
    Ok((format!("{application}-{}-{id}", row.kind), row.content_type.text(), sha256, reader))
}

async fn find_in(tx: &mut Tx, application: ApplicationId, id: FileId) -> Result<Option<Row>> {
    let row: Option<Row> = sqlx::query_as("SELECT * FROM application_documents WHERE id = $1")
        .bind(id)
        .fetch_optional(&mut *tx)
        .await?;
    Ok(row.filter(|row| row.application == application))
}

async fn find(app: &App, application: ApplicationId, id: FileId) -> Result<Option<Row>> {
    let mut connection = app.db.read().acquire().await?;
    find_in(&mut connection, application, id).await
}

/// An application's documents, oldest first.
pub(super) async fn of(app: &App, application: ApplicationId) -> Result<Vec<Document>> {
    let sql = "SELECT * FROM application_documents WHERE application = $1 ORDER BY id";
    let rows: Vec<Row> = sqlx::query_as(sql).bind(application).fetch_all(app.db.read()).await?;
    Ok(rows.iter().map(Row::shown).collect())
}

/// The kinds of which a file has come.
pub(super) async fn stored(tx: &mut Tx, application: ApplicationId) -> Result<Vec<DocumentKind>> {
    let sql = "SELECT kind FROM application_documents WHERE application = $1 AND file IS NOT NULL";
    Ok(sqlx::query_scalar(sql).bind(application).fetch_all(&mut *tx).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_files_first_bytes_say_whether_it_may_be_of_its_type() {
        let check = |kind: DocumentType, head: &[u8], fits: bool| {
            assert_eq!(kind.fits(head), fits, "{kind} {head:x?}");
        };
        check(DocumentType::Pdf, b"%PDF-1.7", true);
        check(DocumentType::Png, b"\x89PNG\r\n\x1a\n", true);
        check(DocumentType::Jpeg, b"\xff\xd8\xff\xe0", true);
        check(DocumentType::Json, b"\n {\"a\":1", true);
        check(DocumentType::Pdf, b"<html>", false);
        check(DocumentType::Png, b"\x89PNG", false);
        check(DocumentType::Jpeg, b"%PDF-1.7", false);
        check(DocumentType::Json, b"MZ\x90\0", false);
        check(DocumentType::Pdf, b"", false);
    }
}
