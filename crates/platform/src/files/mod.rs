//! Files that somebody sent, or that were made for somebody: sealed on the disk, each under a key of its own.
//!
//! A file comes in two steps. Whoever may send one says its size and SHA-256 in a request that is
//! authenticated like any other, and is answered an address ([`address`]) that is good for a short time, for
//! this file alone. What is then sent there is written sealed as it comes, never held whole, and refused
//! unless it is exactly the file that was promised. So a large file needs no signature of its own, and
//! whoever finds an address can send nothing else.
//!
//! [`keep`] adds a file's row in the transaction of what refers to it; [`forget`] destroys its key. Files
//! without a row go with [`tidy`].

mod store;

use serde::{Deserialize, Serialize};

use crate::clock::rfc3339;
use crate::exports::{self, Chest, Reader, Writer};
use crate::id::{ApplicationId, FileId, FileTag, ReconciliationId};
use crate::{App, Code, Problem, Result, Tx, policies};

/// The folder beside that of exports.
const FOLDER: &str = "files";
/// What addresses are sealed for.
const PLACE: &str = "files.address";
/// How long a file without a row is left alone, milliseconds: it may be being written.
const UNKEPT_MS: i64 = 3_600_000;
/// Bytes by which a file's type is known.
pub const HEAD: usize = 8;

/// What somebody says of a file before sending it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = FilePromise)]
pub struct Promise {
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256, 64 hexadecimal digits in lower case.
    pub sha256: String,
}

impl Promise {
    /// Checks what was said.
    ///
    /// # Errors
    /// `invalid_request`, naming the field.
    pub fn check(&self, most: i64) -> Result<()> {
        let refused =
            |field: &str, detail: String| Err(Problem::new(Code::InvalidRequest).field(field).detail(detail));
        if self.bytes == 0 || i64::try_from(self.bytes).is_ok_and(|bytes| bytes > most) {
            return refused("file.bytes", format!("A file has from 1 to {most} bytes."));
        }
        if i64::try_from(self.bytes).is_err() {
            return refused("file.bytes", format!("A file has from 1 to {most} bytes."));
        }
        let is_hash = self.sha256.len() == 64
            && self.sha256.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        if is_hash {
            return Ok(());
        }
        refused("file.sha256", "A SHA-256 has 64 hexadecimal digits in lower case.".into())
    }
}

/// Where to send a file: `PUT` its bytes there, without a signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = FileUpload)]
pub struct Upload {
    /// The address.
    pub url: String,
    /// Until when, RFC 3339.
    #[schema(format = DateTime)]
    pub expires_at: String,
}

/// What a file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum For {
    /// A merchant's file to compare.
    Reconciliation(ReconciliationId),
    /// A document of an application, promised under this id.
    Document(ApplicationId, FileId),
}

impl std::fmt::Display for For {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Reconciliation(id) => id.fmt(f),
            Self::Document(application, file) => write!(f, "{application}/{file}"),
        }
    }
}

impl std::str::FromStr for For {
    type Err = crate::id::BadId;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('/') {
            Some((application, file)) => Ok(Self::Document(application.parse()?, file.parse()?)),
            None => text.parse().map(Self::Reconciliation),
        }
    }
}

/// The address to send a file to.
pub(crate) async fn address(app: &App, what: For) -> Result<Upload> {
    let seconds = policies::number(app, "upload_seconds").await?;
    let expires = app.clock.millis() + seconds * 1000;
    let token = app.seal.seal_text(&format!("{what} {expires}"), PLACE);
    let base = app.settings.public_url.trim_end_matches('/');
    Ok(Upload { url: format!("{base}/v1/public/uploads/{token}"), expires_at: rfc3339(expires) })
}

/// What an address is for, while it is good.
fn read(app: &App, token: &str) -> Option<For> {
    let text = app.seal.open_text(token, PLACE).ok()?;
    let (what, expires) = text.split_once(' ')?;
    let good = expires.parse::<i64>().is_ok_and(|expires| expires > app.clock.millis());
    what.parse().ok().filter(|_| good)
}

/// A file that is being sent.
pub struct Incoming {
    app: App,
    what: For,
    promise: Promise,
    draft: Draft,
    head: Vec<u8>,
}

impl Incoming {
    /// Begins to take the file that `token` is good for.
    ///
    /// # Errors
    /// `not_found` for an address that is none or whose time is over; `state_conflict` where the file is there
    /// already or wanted no longer.
    pub async fn begin(app: &App, token: &str) -> Result<Self> {
        let over = || {
            Problem::new(Code::NotFound)
                .detail("The address is none, or its time is over: ask again to get another.")
        };
        let what = read(app, token).ok_or_else(over)?;
        let promise = match what {
            For::Reconciliation(id) => crate::reconciliations::promised(app, id).await?,
            For::Document(application, file) => {
                crate::applications::documents::promised(app, application, file).await?
            }
        };
        Ok(Self { what, promise, draft: Draft::begin(app)?, app: app.clone(), head: Vec::new() })
    }

    /// Adds bytes.
    ///
    /// # Errors
    /// `body_too_large` beyond what was promised.
    pub fn add(&mut self, bytes: &[u8]) -> Result<()> {
        if self.draft.bytes() + bytes.len() as u64 > self.promise.bytes {
            return Err(Problem::new(Code::BodyTooLarge)
                .detail(format!("{} bytes were promised.", self.promise.bytes)));
        }
        let wanted = HEAD.saturating_sub(self.head.len()).min(bytes.len());
        self.head.extend_from_slice(&bytes[..wanted]);
        self.draft.add(bytes)
    }

    /// Ends the file and hands it to what it is for.
    ///
    /// # Errors
    /// `invalid_request` where it is not the file that was promised, or of another type; `state_conflict`
    /// where another one came first.
    pub async fn finish(self) -> Result<()> {
        let Self { app, what, promise, draft, head } = self;
        if draft.bytes() != promise.bytes {
            return Err(Problem::new(Code::InvalidRequest).field("file.bytes").detail(format!(
                "{} bytes were sent, {} were promised.",
                draft.bytes(),
                promise.bytes
            )));
        }
        let file = draft.finish()?;
        if file.sha256 != promise.sha256 {
            return Err(Problem::new(Code::InvalidRequest)
                .field("file.sha256")
                .detail("The file's SHA-256 is not the one that was promised.")
                .with("sha256", file.sha256));
        }
        match what {
            For::Reconciliation(id) => crate::reconciliations::received(&app, id, file).await,
            For::Document(application, id) => {
                crate::applications::documents::received(&app, application, id, file, &head).await
            }
        }
    }
}

/// A file being written. Dropped before it is kept, it goes with the next [`tidy`].
pub(crate) struct Draft {
    id: FileId,
    key: Vec<u8>,
    writer: Writer,
}

/// A file that is whole on the disk, to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Its id.
    pub id: FileId,
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256, hexadecimal.
    pub sha256: String,
    key: Vec<u8>,
}

fn chest(app: &App) -> Chest {
    app.exports.beside(FOLDER)
}

impl Draft {
    /// Begins a file.
    pub(crate) fn begin(app: &App) -> Result<Self> {
        let id = FileId::new(app.clock.millis());
        let (data, key) = exports::new_key(app, id);
        let writer = chest(app).begin(id, data).map_err(Problem::internal)?;
        Ok(Self { id, key, writer })
    }

    /// Bytes so far.
    pub(crate) const fn bytes(&self) -> u64 {
        self.writer.bytes()
    }

    /// Adds bytes.
    pub(crate) fn add(&mut self, bytes: &[u8]) -> Result<()> {
        std::io::Write::write_all(&mut self.writer, bytes).map_err(Problem::internal)
    }

    /// The writer, for whoever writes a table; [`Draft::ended`] puts it back.
    pub(crate) fn writer(self) -> (DraftOf, Writer) {
        (DraftOf { id: self.id, key: self.key }, self.writer)
    }

    /// Ends the file.
    pub(crate) fn finish(self) -> Result<Stored> {
        let (of, writer) = self.writer();
        of.ended(writer)
    }
}

/// Which file a writer writes.
pub(crate) struct DraftOf {
    id: FileId,
    key: Vec<u8>,
}

impl DraftOf {
    /// Ends the file that `writer` wrote.
    pub(crate) fn ended(self, writer: Writer) -> Result<Stored> {
        let written = writer.finish().map_err(Problem::internal)?;
        let sha256 = exports::hex(&written.sha256);
        Ok(Stored { id: self.id, bytes: written.bytes, sha256, key: self.key })
    }
}

/// Keeps a file, in the transaction of what refers to it.
pub(crate) async fn keep(tx: &mut Tx, file: &Stored, now: i64) -> Result<()> {
    store::insert(tx, file.id, (file.bytes as i64, &file.sha256), &file.key, now).await
}

/// Destroys a file's key, in the transaction of whoever wants it no longer.
pub(crate) async fn forget(tx: &mut Tx, id: FileId) -> Result<()> {
    store::delete(tx, id).await
}

/// Opens a file that was kept; its reader and SHA-256. `None` once it is forgotten.
pub(crate) async fn open(app: &App, id: FileId) -> Result<Option<(Reader, String)>> {
    let Some((bytes, sha256, sealed)) = store::find(app, id).await? else { return Ok(None) };
    let key = exports::open_key(app, id, &sealed)?;
    let reader = chest(app).open(id, key, bytes.unsigned_abs()).map_err(Problem::internal)?;
    Ok(Some((reader, sha256)))
}

/// Removes every file that has no row and is not being written.
///
/// # Errors
/// Any fault of the database or the disk.
pub async fn tidy(app: &App) -> Result<()> {
    let chest = chest(app);
    let young = FileId::from_parts(app.clock.millis() - UNKEPT_MS, 0);
    for id in chest.files::<FileTag>().map_err(Problem::internal)? {
        if id < young && store::find(app, id).await?.is_none() {
            chest.remove(id).map_err(Problem::internal)?;
        }
    }
    Ok(())
}

/// The reader of a sealed file as the standard library reads. Blocks; for threads that may.
pub(crate) struct Plain {
    reader: Reader,
    piece: Vec<u8>,
    at: usize,
}

impl Plain {
    /// Reads from `reader`.
    pub(crate) const fn new(reader: Reader) -> Self {
        Self { reader, piece: Vec::new(), at: 0 }
    }
}

impl std::io::Read for Plain {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        if self.at == self.piece.len() {
            let Some(piece) = self.reader.piece()? else { return Ok(0) };
            (self.piece, self.at) = (piece, 0);
        }
        let count = into.len().min(self.piece.len() - self.at);
        into[..count].copy_from_slice(&self.piece[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}
