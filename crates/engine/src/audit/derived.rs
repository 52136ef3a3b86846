//! What is derived from the records, against the records: tree hashes, indexes, snapshots.
//!
//! A fault here loses no money: the file can be removed, and the next start makes it again.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::io;

use jialing_journal::disk::{Disk, read_file};
use jialing_journal::tree::Mark;
use jialing_journal::{Genesis, Hash, Reader};
use jialing_ledger::{Id, Ledger, Transfer};

use super::Finding;
use crate::index::run::{Kind, Pair, Run, log_number, merge};
use crate::index::{Part, cover};
use crate::snapshot;

const ADVICE: &str = "it is derived: remove it, and the next start makes it again";

/// The stored hashes of the tree. Those beyond the durable mark are made again at the next start,
/// so they may be anything.
pub(super) struct Hashes {
    settled: u64,
    first_wrong: Option<(u32, u64)>,
    /// Leaf hashes read ahead, and the index of the first.
    leaves: (u64, Vec<Hash>),
}

/// Leaf hashes read at once.
const AHEAD: u64 = 1024;

impl Hashes {
    pub(super) fn open(disk: &dyn Disk) -> Self {
        Self {
            settled: Mark::load(disk).map_or(0, |mark| mark.size),
            first_wrong: None,
            leaves: (0, Vec::new()),
        }
    }

    pub(super) fn compare(&mut self, reader: Option<&Reader>, level: u32, index: u64, hash: &Hash) {
        let settled = (index + 1) << level <= self.settled;
        if !level.is_multiple_of(8) || !settled || self.first_wrong.is_some() {
            return;
        }
        let stored = if level == 0 { self.leaf(reader, index) } else { read(reader, level, index, 1).pop() };
        if stored != Some(*hash) {
            self.first_wrong = Some((level / 8, index));
        }
    }

    fn leaf(&mut self, reader: Option<&Reader>, index: u64) -> Option<Hash> {
        let (first, leaves) = &mut self.leaves;
        if index < *first || index - *first >= leaves.len() as u64 {
            *first = index;
            *leaves = read(reader, 0, index, (self.settled - index).min(AHEAD) as usize);
        }
        leaves.get((index - *first) as usize).copied()
    }

    pub(super) fn finish(&self, findings: &mut Vec<Finding>) {
        if let Some((stored, index)) = self.first_wrong {
            let file = format!("tree/{stored}");
            let what =
                format!("a stored hash does not fit the records ({ADVICE}; remove the whole folder tree)");
            findings.push(Finding { file, byte: Some(index * 32), seq: Some(index << (8 * stored)), what });
        }
    }
}

fn read(reader: Option<&Reader>, level: u32, from: u64, count: usize) -> Vec<Hash> {
    reader.and_then(|reader| reader.stored(level as usize / 8, from, count).ok()).unwrap_or_default()
}

/// A sum over pairs in any order, under keys nobody knows beforehand: equal sums, equal sets.
#[derive(Default)]
struct Print {
    keys: (RandomState, RandomState),
}

impl Print {
    fn of(&self, pair: Pair) -> u128 {
        u128::from(self.keys.0.hash_one(pair)) << 64 | u128::from(self.keys.1.hash_one(pair))
    }
}

struct Checked {
    run: Run,
    sum: u128,
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
    pub(super) fn open(disk: &dyn Disk, genesis: &Genesis, sealed: &[(u64, u64)]) -> io::Result<Self> {
        let runs = |kind| -> io::Result<Vec<Checked>> {
            let parts = cover(disk, &log_number(genesis), kind, sealed)?.into_iter();
            let run = |part| match part {
                Part::Run(run) => Some(Checked { run, sum: 0 }),
                Part::Missing(..) => None,
            };
            Ok(parts.filter_map(run).collect())
        };
        Ok(Self { ids: runs(Kind::Ids)?, accounts: runs(Kind::Accounts)?, ..Self::default() })
    }

    /// Counts a transfer of the log.
    pub(super) fn saw(&mut self, seq: u64, transfer: &Transfer) {
        let covering = |runs: &mut Vec<Checked>| {
            let place = runs.partition_point(|checked| checked.run.span.end <= seq);
            (place < runs.len() && runs[place].run.span.first <= seq).then_some(place)
        };
        match covering(&mut self.ids) {
            Some(place) => {
                let more = self.print.of((Kind::Ids.key(transfer.id), seq));
                self.ids[place].sum = self.ids[place].sum.wrapping_add(more);
            }
            None => {
                if self.uncovered.insert(transfer.id, seq).is_some() {
                    self.repeated.push((transfer.id, seq));
                }
            }
        }
        if let Some(place) = covering(&mut self.accounts) {
            for account in [transfer.debit, transfer.credit] {
                let more = self.print.of((Kind::Accounts.key(account), seq));
                self.accounts[place].sum = self.accounts[place].sum.wrapping_add(more);
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
        for checked in self.ids.iter().chain(&self.accounts) {
            self.compared += 1;
            let name = checked.run.span.name();
            if let Err(what) = self.compare(checked) {
                findings.push(Finding {
                    file: name,
                    byte: None,
                    seq: None,
                    what: format!("{what} ({ADVICE})"),
                });
            }
        }
        self.repeats(findings);
    }

    fn compare(&self, checked: &Checked) -> Result<(), String> {
        let (mut sum, mut last) = (0u128, None);
        for pair in checked.run.pairs() {
            let pair = pair.map_err(|error| error.to_string())?;
            if last.is_some_and(|last| last >= pair) {
                return Err("its entries are not in order".to_owned());
            }
            (sum, last) = (sum.wrapping_add(self.print.of(pair)), Some(pair));
        }
        if sum == checked.sum { Ok(()) } else { Err("its entries are not those of the records".to_owned()) }
    }

    /// Looks for ids that occur twice: all sorted streams side by side.
    fn repeats(&mut self, findings: &mut Vec<Finding>) {
        let mut rest: Vec<Pair> = self.uncovered.iter().map(|(&id, &seq)| (Kind::Ids.key(id), seq)).collect();
        rest.sort_unstable();
        let mut streams: Vec<Box<dyn Iterator<Item = io::Result<Pair>>>> =
            vec![Box::new(rest.into_iter().map(Ok))];
        streams.extend(
            self.ids.iter().map(|checked| Box::new(checked.run.pairs()) as Box<dyn Iterator<Item = _>>),
        );
        let mut last: Option<Pair> = None;
        for pair in merge(streams).map_while(Result::ok) {
            if let Some((key, _)) = last.filter(|last| last.0 == pair.0) {
                self.repeated.push((key.rotate_right(2), pair.1));
            }
            last = Some(pair);
        }
        for &(id, seq) in &self.repeated {
            let what = format!("the transfer id {id:032x} was used before");
            findings.push(Finding { file: "segments".to_owned(), byte: None, seq: Some(seq), what });
        }
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
