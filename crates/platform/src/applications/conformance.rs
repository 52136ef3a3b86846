//! The passed conformance report without which no key is registered.
//!
//! The edge checks the report, its signature and that it passed; its digest is kept with the application and written
//! into the audit chain, so that the report can be compared with it for ever.

use super::{Application, State, store};
use crate::audit::{self, Entry};
use crate::id::{ApplicationId, MerchantId};
use crate::{App, Code, Problem, Result, Tx};

/// A report that was checked: its signature holds and every scenario passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passed {
    /// SHA-256 of the signed report's bytes, 64 hexadecimal digits in lower case.
    pub sha256: String,
    /// The suite and its version, such as `jialing-conformance/1`.
    pub suite: String,
}

/// Keeps the digest of a passed report. `by` names who handed it in, for the record. The same again changes
/// nothing; another report takes the place of the one before.
///
/// # Errors
/// `not_found`; `state_conflict` for an application that was refused.
pub async fn keep(app: &App, id: ApplicationId, report: Passed, by: &str) -> Result<Application> {
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
