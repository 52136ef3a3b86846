//! Links that are good for a short time: to a file and nothing else.
//!
//! A link's last part is sealed under the platform's ring, so nobody can make one or read what is in it, and
//! every node of the platform understands it. Whoever has the link has the file: it is answered only to
//! the merchant, in an answer that is signed.

use serde::{Deserialize, Serialize};

use super::store;
use crate::clock::rfc3339;
use crate::exports::{self, Reader};
use crate::history::account;
use crate::id::{MerchantId, StatementId};
use crate::{App, Code, Problem, Result, policies};

/// What links are sealed for.
const PLACE: &str = "statements.link";

/// Where a file can be fetched, without a signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = StatementDownload)]
pub struct Download {
    /// The address.
    pub url: String,
    /// Until when, RFC 3339.
    #[schema(format = DateTime)]
    pub expires_at: String,
}

/// The file behind a link.
#[derive(Debug)]
pub struct File {
    /// A name for it that any file system takes.
    pub name: String,
    /// Its media type.
    pub content_type: &'static str,
    /// Its SHA-256, hexadecimal.
    pub sha256: String,
    /// Its bytes.
    pub reader: Reader,
}

/// A link to the file of `row`.
pub(super) async fn make(app: &App, row: &store::Row) -> Result<Download> {
    let seconds = policies::number(app, "statement_link_seconds").await?;
    let expires = app.clock.millis() + seconds * 1000;
    let token = app.seal.seal_text(&format!("{} {} {expires}", row.merchant, row.id), PLACE);
    let base = app.settings.public_url.trim_end_matches('/');
    Ok(Download { url: format!("{base}/v1/public/downloads/{token}"), expires_at: rfc3339(expires) })
}

/// Opens the file that a link leads to.
///
/// # Errors
/// `not_found` for a link that is none or whose time is over, and for a file that was destroyed.
pub async fn open(app: &App, token: &str) -> Result<File> {
    let (merchant, id) = read(app, token).ok_or_else(over)?;
    let row = store::find(app, merchant, id).await?.ok_or_else(over)?;
    let account = account::merchant_wallet(app, merchant).await?;
    let made = exports::made(app, &account, row.export).await?.ok_or_else(over)?;
    let reader = exports::reader(app, &made, row.export)?.ok_or_else(over)?;
    Ok(File {
        name: format!("jialing-{}-{}.{}", row.kind, row.day, row.format),
        content_type: match row.format {
            super::Format::CsvGz => "application/gzip",
            super::Format::Parquet => "application/vnd.apache.parquet",
        },
        sha256: row.sha256.unwrap_or_default(),
        reader,
    })
}

fn over() -> Problem {
    Problem::new(Code::NotFound)
        .detail("The link is none, or its time is over: ask for the statement again to get another.")
}

/// What a link leads to, while it is good.
fn read(app: &App, token: &str) -> Option<(MerchantId, StatementId)> {
    let text = app.seal.open_text(token, PLACE).ok()?;
    let mut words = text.split(' ');
    let (merchant, id, expires) = (words.next()?, words.next()?, words.next()?);
    let good = expires.parse::<i64>().is_ok_and(|expires| expires > app.clock.millis());
    Some((merchant.parse().ok()?, id.parse().ok()?)).filter(|_| good)
}
