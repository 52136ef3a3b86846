//! The passed conformance report without which no key is registered.
//!
//! Whoever builds and checks the report hands its digest in here; what counts is kept with the application and
//! written into the audit chain, so that the report can be compared with it for ever.

use serde::{Deserialize, Serialize};

use super::{Application, State, store};
use crate::audit::{self, Entry};
use crate::id::{ApplicationId, MerchantId};
use crate::{App, Code, Problem, Result, Tx, text};

/// A report that was checked: its signature holds and every scenario passed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ConformanceAsk)]
pub struct Report {
    /// SHA-256 of the signed report's bytes, 64 hexadecimal digits in lower case.
    pub sha256: String,
    /// The suite and its version.
    #[schema(example = "jialing-conformance/1")]
    pub suite: String,
}

/// Longest name of a suite, characters.
const MAX_SUITE: usize = 64;

/// Keeps the digest of a passed report. `by` names who checked it, for the record. The same again changes
/// nothing; another report takes the place of the one before.
///
/// # Errors
/// `not_found`; `invalid_request`, naming the field; `state_conflict` for an application that was refused.
pub async fn keep(app: &App, id: ApplicationId, report: Report, by: &str) -> Result<Application> {
    text::line("suite", &report.suite, MAX_SUITE)?;
    let is_hash = report.sha256.len() == 64
        && report.sha256.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    if !is_hash {
        return Err(Problem::new(Code::InvalidRequest)
            .field("sha256")
            .detail("A SHA-256 has 64 hexadecimal digits in lower case."));
    }
    let (by, now) = (by.to_owned(), app.clock.millis());
    app.db
        .write(async move |tx: &mut Tx| {
            let row = store::locked(tx, id).await?;
            if row.state == State::Refused {
                return Err(super::rules::conflict(row.state));
            }
            if row.conformance_sha256.as_deref() == Some(report.sha256.as_str()) {
                return Ok(());
            }
            store::conform(tx, id, (&report.sha256, &report.suite), &by, now).await?;
            let entry = Entry::new(&by, "application.conform", id, now).after(report.sha256.as_str());
            audit::log(tx, entry).await.map(drop)
        })
        .await?;
    super::read(app, id).await
}

/// Lets pass a merchant whose application has a passed report.
///
/// # Errors
/// `state_conflict` without one.
pub async fn require(app: &App, merchant: MerchantId) -> Result<()> {
    match store::conformance_of(app, merchant).await? {
        Some(_) => Ok(()),
        None => Err(Problem::new(Code::StateConflict)
            .detail("No key is registered without a passed conformance report: run the suite and hand its report in.")
            .with("missing", "conformance")),
    }
}
