//! The notes in the journal against what they are digests of: policies, and the supply of each day.

use std::collections::{BTreeMap, HashMap, HashSet};

use jialing_ledger::{AccountKind, Body, Id, Nanos, Record};

use super::Report;
use crate::kind::NoteKind;
use crate::supply::{Book, Day, Statement};
use crate::{Db, Result, policies, supply};

/// What the tables say, and what the journal has said so far.
pub(super) struct Notes {
    policies: HashMap<Id, (String, [u8; 32])>,
    statements: BTreeMap<u32, Stated>,
    /// Days that are not compared yet, the next one last.
    due: Vec<u32>,
    supply: Supply,
    last_time: Nanos,
}

struct Stated {
    statement: Statement,
    record_seq: Option<u64>,
    noted: bool,
}

/// What each book's issuers gave out and took back.
#[derive(Default)]
struct Supply {
    issuers: HashMap<Id, (u16, u32)>,
    books: BTreeMap<(u16, u32), (u64, u64)>,
    seen: HashSet<(u16, u32)>,
}

impl Supply {
    fn take(&mut self, record: &Record) {
        match record.body {
            Body::AccountOpened { id, currency, kind, holder, .. } => {
                self.seen.insert((currency, holder));
                if kind == AccountKind::Issuance {
                    self.issuers.insert(id, (currency, holder));
                }
            }
            Body::Transfer(transfer) if transfer.op.moves() => {
                if let Some(book) = self.issuers.get(&transfer.debit) {
                    let sums = self.books.entry(*book).or_default();
                    sums.0 = sums.0.saturating_add(transfer.amount);
                }
                if let Some(book) = self.issuers.get(&transfer.credit) {
                    let sums = self.books.entry(*book).or_default();
                    sums.1 = sums.1.saturating_add(transfer.amount);
                }
            }
            _ => {}
        }
    }

    /// Whether `book` says what the journal says, and the account exists that it speaks of.
    fn agrees(&self, book: &Book) -> bool {
        let key = (book.currency, book.holder);
        let flows = self.books.get(&key).copied().unwrap_or_default();
        self.seen.contains(&key) && flows == (book.issued, book.redeemed)
    }
}

impl Notes {
    pub(super) async fn read(db: &Db, report: &mut Report) -> Result<Self> {
        let policies = policies::stored(db).await?;
        let policies = policies
            .iter()
            .map(|policy| (policy.note_id(), (policy.name.clone(), policy.digest())))
            .collect();
        let mut statements = BTreeMap::new();
        let mut before = None;
        for (statement, record_seq) in supply::stated(db).await? {
            if statement.before != before {
                report.find(format!("the supply of {} does not follow from the one before", statement.day));
            }
            before = Some(statement.digest());
            let stated = Stated { statement, record_seq, noted: false };
            statements.insert(stated.statement.day.number(), stated);
        }
        let due = statements.keys().rev().copied().collect();
        Ok(Self { policies, statements, due, supply: Supply::default(), last_time: 0 })
    }

    /// Looks at the next record of the journal.
    pub(super) fn take(&mut self, record: &Record, report: &mut Report) {
        self.compare_supply(record.seq, Some(record.time), report);
        self.supply.take(record);
        self.last_time = record.time;
        let Body::Note { kind, id, digest } = record.body else { return };
        match NoteKind::from_number(kind) {
            Some(NoteKind::Policy) => self.policy(record.seq, id, &digest, report),
            Some(NoteKind::Supply) => self.statement(record, id, &digest, report),
            Some(NoteKind::Audit | NoteKind::Export) | None => {}
        }
    }

    /// Ends the comparison after `records`.
    pub(super) fn finish(mut self, records: u64, report: &mut Report) {
        self.compare_supply(records, None, report);
        for day in &self.due {
            report.find(format!(
                "the supply of {} stands on more records than the journal has",
                Day::from_number(*day)
            ));
        }
        for stated in self.statements.values().filter(|stated| stated.record_seq.is_some() && !stated.noted) {
            report.find(format!("the supply of {} is not in the journal", stated.statement.day));
        }
    }

    /// Compares statements that stand on the records before `seq` with what was issued by then.
    fn compare_supply(&mut self, seq: u64, time: Option<Nanos>, report: &mut Report) {
        while let Some(stated) = self.due.last().and_then(|day| self.statements.get(day)) {
            let statement = &stated.statement;
            if statement.records > seq {
                return;
            }
            let day = statement.day;
            if self.last_time >= day.cut() || time.is_some_and(|time| time < day.cut()) {
                report.find(format!("the supply of {day} does not stand on the records of its day"));
            }
            let missing = self.supply.books.iter().any(|(key, (issued, redeemed))| {
                issued != redeemed && !statement.books.iter().any(|book| (book.currency, book.holder) == *key)
            });
            if missing || !statement.books.iter().all(|book| self.supply.agrees(book)) {
                report.find(format!("the supply of {day} is not what the journal issued and redeemed"));
            }
            report.supply_days += 1;
            self.due.pop();
        }
    }

    fn policy(&self, seq: u64, id: Id, digest: &[u8; 32], report: &mut Report) {
        report.policies += 1;
        match self.policies.get(&id) {
            Some((_, kept)) if kept == digest => {}
            Some((name, _)) => {
                report.find(format!("a version of policy {name} is not what record {seq} anchors"));
            }
            None => report.find(format!("the policy version that record {seq} anchors is in no table")),
        }
    }

    fn statement(&mut self, record: &Record, id: Id, digest: &[u8; 32], report: &mut Report) {
        let day = u32::try_from(id).ok();
        // A note from before its day's end was withdrawn: somebody had set the clock back.
        if day.is_some_and(|day| record.time < Day::from_number(day).cut()) {
            return;
        }
        match day.and_then(|day| self.statements.get_mut(&day)) {
            Some(stated) if stated.statement.digest() == *digest => stated.noted = true,
            _ => report.find(format!("the supply that record {} anchors is in no table", record.seq)),
        }
    }
}
