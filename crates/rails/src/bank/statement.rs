//! A bank's statement of one day, which settles what no answer did.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::Money;
use super::wire::StatementPage;
use crate::Why;

/// The most pages a day's statement is read in.
pub const MAX_STATEMENT_PAGES: usize = 10_000;

/// Which way an entry's money went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum EntryKind {
    /// From the account to us (top-up).
    Pull,
    /// From us to the account (withdrawal).
    Push,
    /// A push that came back.
    Return,
}

/// One movement as the bank booked it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its place in the day's statement, from 1.
    pub line: u64,
    /// The bank's name for it.
    pub bank_ref: String,
    /// Our reference, as we gave it.
    pub reference: String,
    /// Which way.
    pub kind: EntryKind,
    /// How much.
    pub money: Money,
    /// When the bank booked it.
    pub at: Timestamp,
}

/// A whole day, whose lines are complete and whose totals add up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The natural day at UTC+8.
    pub day: Date,
    /// All entries, in order.
    pub entries: Vec<Entry>,
}

impl Statement {
    /// Joins the pages of a day and checks them against the bank's own totals.
    pub(super) fn assemble(day: Date, pages: Vec<StatementPage>) -> Result<Self, Why> {
        let bad = Why::Unreadable;
        let last = pages.last().ok_or(bad("no page"))?;
        let (count, totals) = (last.count, [last.pulled, last.pushed, last.returned]);
        let mut sums = [0u64; 3];
        let mut entries = Vec::new();
        for entry in pages.into_iter().flat_map(|page| page.entries) {
            if entry.line != entries.len() as u64 + 1 {
                return Err(bad("a line of the statement is missing"));
            }
            let sum = &mut sums[entry.kind as usize];
            *sum = sum.checked_add(entry.money.amount).ok_or(bad("the statement's sum overflows"))?;
            entries.push(entry);
        }
        if entries.len() as u64 != count || sums != totals {
            return Err(bad("the statement does not add up"));
        }
        Ok(Self { day, entries })
    }
}
