//! The tables against the journal: does SQL say what the ledger did?
//!
//! [`compare`] reads the journal once, in order, with memory for one batch, and looks up what each
//! movement of money paid for: the row must be there, be settled, and say the same amount and
//! parties; both sides must show in the history; and there may be no more settled rows and movements
//! than the journal accounts for. The audit chain, the versions of policies and the published supply
//! of each day are checked against the digests that the journal anchored. Records that a follower has not handled yet are left out and counted: it will handle
//! them when the platform runs.
//!
//! This is the auditor: it reads other domains' tables itself, on purpose, with none of their code.

mod claims;
mod counts;
mod notes;
mod rows;

use std::collections::BTreeMap;

use jialing_ledger::{Body, Record};

use crate::follow::{BATCH, Follower};
use crate::history::rules;
use crate::kind::Kind;
use crate::{Db, Result, audit};

use claims::Claim;

/// Findings that are told in words; further ones are only counted.
pub const MOST_FINDINGS: usize = 100;

/// What [`compare`] saw.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Records read.
    pub records: u64,
    /// Movements of money compared with the rows they paid for.
    pub movements: u64,
    /// Sides of movements compared with the history.
    pub sides: u64,
    /// Audit entries checked.
    pub audit_entries: u64,
    /// Hashes of the audit chain that the journal anchors.
    pub anchors: u64,
    /// Versions of policies that the journal anchors.
    pub policies: u64,
    /// Days whose published supply was compared with what the journal issued and redeemed.
    pub supply_days: u64,
    /// Records that the slowest follower has still to handle.
    pub behind: u64,
    /// What does not fit, in words, the first [`MOST_FINDINGS`]; empty when all is well.
    pub findings: Vec<String>,
    /// How much does not fit.
    pub found: u64,
}

impl Report {
    /// Whether everything fits.
    #[must_use]
    pub const fn is_clean(&self) -> bool {
        self.found == 0
    }

    fn find(&mut self, what: String) {
        self.found += 1;
        if self.findings.len() < MOST_FINDINGS {
            self.findings.push(what);
        }
    }
}

/// Compares the tables of `db` with the whole journal.
///
/// `records` are all of them from the first on. Nothing is written, and nothing else may write while
/// this runs: the platform is stopped, or this is a copy.
///
/// # Errors
/// Any fault of the database; what does not fit is in the report.
pub async fn compare(db: &Db, records: impl IntoIterator<Item = Record>) -> Result<Report> {
    let mut report = Report::default();
    let settled = rows::cursor(db, Follower::Settlement).await?;
    let told = rows::cursor(db, Follower::History).await?;
    let mut tally = counts::Tally::default();
    let mut notes = notes::Notes::read(db, &mut report).await?;
    let mut batch = Vec::with_capacity(BATCH + 16);
    for record in records {
        report.records += 1;
        notes.take(&record, &mut report);
        if let Body::Note { kind: audit::NOTE_KIND, id, digest } = record.body {
            report.anchors += 1;
            rows::anchor(db, &mut report, id, digest, record.seq).await?;
        }
        batch.push(record);
        // Only between groups, so that a batch holds whole ones.
        if batch.len() >= BATCH && claims::ends_group(&record) {
            check(db, &mut report, &mut tally, &batch, settled, told).await?;
            batch.clear();
        }
    }
    check(db, &mut report, &mut tally, &batch, settled, told).await?;
    notes.finish(report.records, &mut report);
    counts::compare(db, &mut report, &tally).await?;
    report.behind = report.records.saturating_sub(settled.min(told));
    let chain = audit::check_chain(db).await?;
    report.audit_entries = chain.chained;
    for finding in chain.findings {
        report.find(finding);
    }
    Ok(report)
}

/// The codes of the institutions whose liability money is, by their holder's number.
///
/// # Errors
/// Any fault of the database.
pub async fn holders(db: &Db) -> Result<BTreeMap<u32, String>> {
    let rows: Vec<(i64, String)> =
        sqlx::query_as("SELECT holder, code FROM institutions WHERE holder <> 1 OR role = 'CENTRAL'")
            .fetch_all(db.read())
            .await?;
    rows.into_iter()
        .map(|(holder, code)| Ok((u32::try_from(holder).map_err(crate::Problem::internal)?, code)))
        .collect()
}

/// Checks one batch of whole groups.
async fn check(
    db: &Db,
    report: &mut Report,
    tally: &mut counts::Tally,
    batch: &[Record],
    settled: u64,
    told: u64,
) -> Result<()> {
    let claims: Vec<Claim> = claims::of(batch).into_iter().filter(|claim| claim.seq < settled).collect();
    for kind in Kind::ALL {
        let of_kind: Vec<&Claim> = claims.iter().filter(|claim| claim.kind == *kind).collect();
        if !of_kind.is_empty() {
            report.movements += of_kind.len() as u64;
            tally.add(*kind, of_kind.len() as u64);
            // A bank's bulk work is between it and the ledger: no row stands for it.
            if *kind != Kind::Bulk {
                rows::check(db, report, *kind, &of_kind).await?;
            }
        }
    }
    let accounts = rules::accounts(batch);
    let wallets = rows::wallets(db, &accounts).await?;
    let institutions = rows::institution_accounts(db, &accounts).await?;
    let sides: Vec<rules::Side> = rules::sides(batch, |account| wallets.contains(&account))
        .into_iter()
        .chain(rules::institution_sides(batch, |account| institutions.get(&account).copied()))
        .filter(|side| side.seq < told)
        .collect();
    report.sides += sides.len() as u64;
    tally.sides += sides.len() as u64;
    rows::check_sides(db, report, &sides).await
}
