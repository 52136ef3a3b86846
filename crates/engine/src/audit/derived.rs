//! What is derived from the records, against the records: tree hashes, indexes, snapshots.
//!
//! A fault here loses no money: the file can be removed, and the next start makes it again.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::{io, thread};

use jialing_journal::disk::{Disk, read_file};
use jialing_journal::{Genesis, Hash};
use jialing_ledger::{Body, Id, Ledger, Record, Transfer};

use super::Finding;
use crate::index::run::{Kind, Pair, Run, log_number, merge};
use crate::index::{Part, cover};
use crate::snapshot;

const ADVICE: &str = "it is derived: remove it, and the next start makes it again";

/// A stored hash that does not fit: its stored level and index.
pub(super) fn wrong_hash((stored, index): (usize, u64)) -> Finding {
    let what = format!("a stored hash does not fit the records ({ADVICE}; remove the whole folder tree)");
    let file = format!("tree/{stored}");
    Finding { file, byte: Some(index * 32), seq: Some(index << (8 * stored)), what }
}

/// A sum over pairs in any order, under keys nobody knows beforehand: equal sums, equal sets.
#[derive(Clone)]
struct Print {
    keys: [u64; 6],
}

impl Default for Print {
    fn default() -> Self {
        let random = RandomState::new();
        Self { keys: std::array::from_fn(|n| random.hash_one(n)) }
    }
}

const fn fold(a: u64, b: u64) -> u64 {
    let product = a as u128 * b as u128;
    product as u64 ^ (product >> 64) as u64
}

impl Print {
    const fn of(&self, (key, seq): Pair) -> u128 {
        let [a, b, c, d, e, f] = self.keys;
        let (low, high) = (key as u64, (key >> 64) as u64);
        let left = fold(fold(low ^ a, high ^ b) ^ seq, c);
        let right = fold(fold(low ^ d, high ^ e) ^ seq, f);
        (left as u128) << 64 | right as u128
    }
}

struct Checked {
    run: Run,
    sum: u128,
}

/// Sums of prints by the place of the index file that must have the pairs.
pub(super) type Sums = Vec<(usize, u128)>;

/// Makes the prints that index files are compared with.
pub(super) struct Prints {
    print: Print,
    ids: Vec<(u64, u64)>,
    accounts: Vec<(u64, u64)>,
}

impl Prints {
    /// Those of the ids and of the accounts of records in order.
    pub(super) fn of(&self, records: &[Record]) -> (Sums, Sums) {
        let ids = sums(&self.ids, records, |seq, transfer| self.print.of((Kind::Ids.key(transfer.id), seq)));
        let accounts = sums(&self.accounts, records, |seq, transfer| {
            let of = |account| self.print.of((Kind::Accounts.key(account), seq));
            of(transfer.debit).wrapping_add(of(transfer.credit))
        });
        (ids, accounts)
    }
}

fn sums(spans: &[(u64, u64)], records: &[Record], print: impl Fn(u64, &Transfer) -> u128) -> Sums {
    let mut sums: Sums = Vec::new();
    let (mut first, mut end) = (0, 0);
    for record in records {
        let Body::Transfer(transfer) = &record.body else { continue };
        if record.seq >= end {
            let place = spans.partition_point(|span| span.1 <= record.seq);
            let Some(&span) = spans.get(place) else { break };
            (first, end) = span;
            sums.push((place, 0));
        }
        if record.seq >= first
            && let Some(last) = sums.last_mut()
        {
            last.1 = last.1.wrapping_add(print(record.seq, transfer));
        }
    }
    sums
}

/// The index files, and the ids of what they do not cover.
#[derive(Default)]
pub(super) struct Indexes {
    print: Print,
    ids: Vec<Checked>,
    accounts: Vec<Checked>,
    uncovered: HashMap<Id, u64>,
    repeated: Vec<(Id, u64)>,
    pub(super) compared: u64,
}

impl Indexes {
    pub(super) fn open(disk: &dyn Disk, genesis: &Genesis) -> io::Result<Self> {
        let runs = |kind| -> io::Result<Vec<Checked>> {
            let parts = cover(disk, &log_number(genesis), kind, u64::MAX)?.into_iter();
            let run = |part| match part {
                Part::Run(run) => Some(Checked { run, sum: 0 }),
                Part::Missing(..) => None,
            };
            Ok(parts.filter_map(run).collect())
        };
        Ok(Self { ids: runs(Kind::Ids)?, accounts: runs(Kind::Accounts)?, ..Self::default() })
    }

    /// What prints are to be made of.
    pub(super) fn prints(&self) -> Prints {
        let spans =
            |runs: &[Checked]| runs.iter().map(|run| (run.run.span.first, run.run.span.end)).collect();
        Prints { print: self.print.clone(), ids: spans(&self.ids), accounts: spans(&self.accounts) }
    }

    /// Whether an index file knows the id of record `seq`.
    pub(super) fn knows(&self, seq: u64) -> bool {
        let place = self.ids.partition_point(|checked| checked.run.span.end <= seq);
        self.ids.get(place).is_some_and(|checked| checked.run.span.first <= seq)
    }

    /// Remembers a transfer whose id no index file knows.
    pub(super) fn remember(&mut self, seq: u64, id: Id) {
        if self.uncovered.insert(id, seq).is_some() {
            self.repeated.push((id, seq));
        }
    }

    /// Adds the prints of some records' pairs.
    pub(super) fn saw(&mut self, ids: &Sums, accounts: &Sums) {
        for (runs, sums) in [(&mut self.ids, ids), (&mut self.accounts, accounts)] {
            for &(place, more) in sums {
                runs[place].sum = runs[place].sum.wrapping_add(more);
            }
        }
    }

    /// Where a transfer seen so far is.
    pub(super) fn find(&self, id: Id) -> io::Result<Option<u64>> {
        if let Some(&seq) = self.uncovered.get(&id) {
            return Ok(Some(seq));
        }
        let mut runs = self.ids.iter().rev();
        runs.find_map(|checked| checked.run.find(Kind::Ids.key(id)).transpose()).transpose()
    }

    pub(super) fn finish(&mut self, findings: &mut Vec<Finding>) {
        self.compared = (self.ids.len() + self.accounts.len()) as u64;
        // An account's file has two entries for each transfer, an id's one, which is looked at twice.
        let (accounts, (ids, repeats)) = thread::scope(|scope| {
            let accounts = scope.spawn(|| self.compare_all(&self.accounts));
            let ids = (self.compare_all(&self.ids), self.repeats());
            (accounts.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)), ids)
        });
        findings.extend(ids.into_iter().chain(accounts).chain(repeats));
    }

    fn compare_all(&self, runs: &[Checked]) -> Vec<Finding> {
        let wrong = runs.iter().filter_map(|checked| {
            let what = self.compare(checked).err()?;
            let (file, what) = (checked.run.span.name(), format!("{what} ({ADVICE})"));
            Some(Finding { file, byte: None, seq: None, what })
        });
        wrong.collect()
    }

    fn compare(&self, checked: &Checked) -> Result<(), String> {
        let (mut sum, mut last) = (0u128, None);
        let filter = checked.run.read_filter().map_err(|error| error.to_string())?;
        for pair in checked.run.pairs() {
            let pair = pair.map_err(|error| error.to_string())?;
            // An id that the filter denies could be used a second time.
            if filter.as_ref().is_some_and(|filter| !filter.may_have(pair.0)) {
                return Err("its filter denies an id that it has".to_owned());
            }
            if last.is_some_and(|last| last >= pair) {
                return Err("its entries are not in order".to_owned());
            }
            (sum, last) = (sum.wrapping_add(self.print.of(pair)), Some(pair));
        }
        if sum == checked.sum { Ok(()) } else { Err("its entries are not those of the records".to_owned()) }
    }

    /// The ids that occur twice: all sorted streams side by side.
    fn repeats(&self) -> Vec<Finding> {
        let mut rest: Vec<Pair> = self.uncovered.iter().map(|(&id, &seq)| (Kind::Ids.key(id), seq)).collect();
        rest.sort_unstable();
        let mut streams: Vec<Box<dyn Iterator<Item = io::Result<Pair>> + '_>> =
            vec![Box::new(rest.into_iter().map(Ok))];
        streams.extend(
            self.ids.iter().map(|checked| Box::new(checked.run.pairs()) as Box<dyn Iterator<Item = _>>),
        );
        let mut repeated = self.repeated.clone();
        let mut last: Option<Pair> = None;
        for pair in merge(streams).map_while(Result::ok) {
            if let Some((key, _)) = last.filter(|last| last.0 == pair.0) {
                repeated.push((key.rotate_right(2), pair.1));
            }
            last = Some(pair);
        }
        let finding = |(id, seq): (Id, u64)| {
            let what = format!("the transfer id {id:032x} was used before");
            Finding { file: "segments".to_owned(), byte: None, seq: Some(seq), what }
        };
        repeated.into_iter().map(finding).collect()
    }
}

/// The stored snapshots.
pub(super) struct Snapshots {
    sizes: Vec<u64>,
    pub(super) compared: u64,
}

impl Snapshots {
    pub(super) fn open(disk: &dyn Disk) -> io::Result<Self> {
        Ok(Self { sizes: snapshot::sizes(disk)?, compared: 0 })
    }

    /// Compares the snapshot of the state that the walk has come to, if there is one.
    pub(super) fn reached(
        &mut self,
        disk: &dyn Disk,
        genesis: &Genesis,
        ledger: &Ledger,
        root: &Hash,
        findings: &mut Vec<Finding>,
    ) {
        let size = ledger.next_seq();
        let Some(place) = self.sizes.iter().position(|&other| other == size) else { return };
        self.sizes.remove(place);
        self.compared += 1;
        let what = match read_file(disk, &snapshot::name(size)) {
            Ok(bytes) if bytes == snapshot::file_of(genesis, root, ledger) => return,
            Ok(_) => format!("it is not the state after {size} records ({ADVICE})"),
            Err(error) => error.to_string(),
        };
        findings.push(Finding { file: snapshot::name(size), byte: None, seq: Some(size), what });
    }

    pub(super) fn finish(&self, findings: &mut Vec<Finding>) {
        for &size in &self.sizes {
            let what = format!("no segment of this log ends with record {size} ({ADVICE})");
            findings.push(Finding { file: snapshot::name(size), byte: None, seq: Some(size), what });
        }
    }
}
