//! Finding transfers: by id, and by account newest first.
//!
//! The newest records are indexed in memory ([`tail`]), a fixed number of them together. A tail that
//! is full and durable is written as two sorted files ([`run`]), one of ids and one of accounts, and
//! files are merged in tiers ([`merge`]), so that a look-up meets few of them. What exists at a moment
//! is a [`View`], which is never changed, only replaced: whoever looks holds no lock.
//!
//! Memory is bounded: one tail that grows, those that wait to be written and one spare, 24 bytes for
//! every 10,880 entries of the files, and filters of ids ([`filter`]) up to a budget. What is here is derived: whatever is missing or bad at the
//! start is made again from the journal.

mod cover;
mod filter;
mod keyed;
mod merge;
pub(crate) mod run;
mod sort;
mod tail;

use std::io;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use jialing_journal::disk::Disk;
use jialing_journal::{Genesis, Hash, Reader};
use jialing_ledger::{Id, Record};

use crate::config::Config;
pub(crate) use cover::{Part, cover, discard_bad};
use filter::Budget;
use run::{Kind, Run, Span};
pub(crate) use tail::Tail;

/// Most records in one tail; at the default size of a segment, a little less than a segment's.
const MOST_RECORDS: u64 = 1 << 19;
/// Fewest.
const FEWEST_RECORDS: u64 = 64;

/// How large parts of the index are.
pub(crate) struct Sizes {
    /// Runs of one tier that are merged.
    fan_in: usize,
    /// Records that one tail covers.
    capacity: usize,
    /// Bytes of filters that may be loaded.
    filter_bytes: u64,
}

impl Sizes {
    pub(crate) fn of(config: &Config) -> Self {
        let records = config.segment_bytes / jialing_journal::ENTRY_LEN as u64;
        Self {
            fan_in: config.index_fan_in.max(2),
            capacity: records.clamp(FEWEST_RECORDS, MOST_RECORDS) as usize,
            filter_bytes: config.index_filter_bytes,
        }
    }
}

/// The whole index; shared by the writer, the keeper and all who look up.
pub(crate) struct Index {
    disk: Arc<dyn Disk>,
    log: Hash,
    fan_in: usize,
    capacity: usize,
    view: RwLock<Arc<View>>,
    /// Grows with every new view.
    version: AtomicU64,
    /// Full tails that wait to be written.
    waiting: AtomicUsize,
    /// Where the oldest of them ends; `u64::MAX` for none.
    ripe_at: AtomicU64,
    memory: Mutex<Memory>,
}

/// Memory of tails that were written, to be used again.
#[derive(Default)]
struct Memory {
    spare: Option<Tail>,
    /// Somebody may still look into these.
    retired: Vec<Arc<Tail>>,
}

/// What there is to look into, at a moment.
#[derive(Clone)]
pub(crate) struct View {
    version: u64,
    /// Oldest first; the last one grows.
    tails: Vec<Arc<Tail>>,
    ids: Runs,
    accounts: Runs,
}

/// Runs in order; together they cover all records before the oldest tail.
#[derive(Clone)]
struct Runs {
    runs: Vec<Arc<Run>>,
    budget: Arc<Budget>,
    /// The highest key of all: what sorts after it is in none.
    top: Id,
}

impl Runs {
    fn new(runs: Vec<Arc<Run>>, budget: Arc<Budget>) -> Self {
        let top = runs.iter().map(|run| run.top()).max().unwrap_or(0);
        Self { runs, budget, top }
    }

    fn find(&self, key: Id) -> io::Result<Option<u64>> {
        if key > self.top {
            return Ok(None);
        }
        for run in self.runs.iter().rev() {
            if run.may_have(key, &self.budget)?
                && let Some(seq) = run.find(key)?
            {
                return Ok(Some(seq));
            }
        }
        Ok(None)
    }
}

impl View {
    fn runs(&mut self, kind: Kind) -> &mut Runs {
        match kind {
            Kind::Ids => &mut self.ids,
            Kind::Accounts => &mut self.accounts,
        }
    }

    /// The tail that grows.
    pub(crate) fn live(&self) -> &Tail {
        self.tails.last().expect("one tail grows")
    }

    /// Where the transfer with this id is, below `limit`. For any thread.
    fn find(&self, id: Id, limit: u64) -> io::Result<Option<u64>> {
        match self.tails.iter().rev().find_map(|tail| tail.find(id, limit)) {
            Some(seq) => Ok(Some(seq)),
            None => self.ids.find(Kind::Ids.key(id)),
        }
    }

    /// Where the transfer with this id is, for the thread that adds: ids that sort after all of a
    /// tail's, as new ones led by a time do, need not be looked for there.
    pub(crate) fn find_added(&self, id: Id) -> io::Result<Option<u64>> {
        let key = Kind::Ids.key(id);
        for tail in self.tails.iter().rev().filter(|tail| !tail.is_above(key)) {
            if let Some(seq) = tail.find(id, u64::MAX) {
                return Ok(Some(seq));
            }
        }
        self.ids.find(key)
    }
}

impl Index {
    /// Loads the runs on disk, makes missing ones again, and indexes what comes after them. Says how
    /// many files were made. `decode` reads a record.
    pub(crate) fn open<E: From<io::Error>>(
        disk: Arc<dyn Disk>,
        genesis: &Genesis,
        reader: &Reader,
        sizes: &Sizes,
        decode: impl Fn(u64, &jialing_journal::Entry) -> Result<Record, E>,
    ) -> Result<(Self, u64), E> {
        disk.make_folder("index")?;
        let log = run::log_number(genesis);
        let durable = reader.durable();
        let &Sizes { fan_in, capacity, filter_bytes } = sizes;
        let budget = Budget::new(filter_bytes);
        let fill = |first: u64, end: u64| -> Result<Tail, E> {
            let tail = Tail::new(first, capacity);
            reader.visit(first, end, |seq, entry| {
                tail.add(&decode(seq, entry)?);
                Ok::<(), E>(())
            })?;
            Ok(tail)
        };
        let covers =
            [cover(&*disk, &log, Kind::Ids, durable)?, cover(&*disk, &log, Kind::Accounts, durable)?];
        // Both kinds end together, and what is left fits into one tail.
        let mut goal = covers.iter().filter_map(|parts| parts.last()).map(Part::end).max().unwrap_or(0);
        let whole_tails = (durable - goal).saturating_sub(1) / capacity as u64;
        goal += whole_tails * capacity as u64;
        let (mut rebuilt, mut both) = (0, Vec::new());
        for (mut parts, kind) in covers.into_iter().zip([Kind::Ids, Kind::Accounts]) {
            let end = parts.last().map_or(0, Part::end);
            parts.push(Part::Missing(end, goal));
            let mut runs = Vec::new();
            for part in parts {
                match part {
                    Part::Run(run) => runs.push(Arc::new(run)),
                    Part::Missing(first, end) => {
                        for first in (first..end).step_by(capacity) {
                            let end = end.min(first + capacity as u64);
                            let span = Span { kind, first, end, tier: 0 };
                            let tail = fill(first, end)?;
                            runs.push(Arc::new(write_tail(&*disk, &log, span, &tail, &budget)?));
                            rebuilt += 1;
                        }
                    }
                }
            }
            cover::remove_others(&*disk, kind, &runs)?;
            both.push(Runs::new(runs, budget.clone()));
        }
        let tails = vec![Arc::new(fill(goal, durable)?)];
        let accounts = both.pop().expect("the second kind");
        let ids = both.pop().expect("the first kind");
        let index = Self {
            disk,
            log,
            fan_in,
            capacity,
            view: RwLock::new(Arc::new(View { version: 0, tails, ids, accounts })),
            version: AtomicU64::new(0),
            waiting: AtomicUsize::new(0),
            ripe_at: AtomicU64::new(u64::MAX),
            memory: Mutex::default(),
        };
        Ok((index, rebuilt))
    }

    /// What there is now.
    pub(crate) fn view(&self) -> Arc<View> {
        self.view.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Replaces an old view by the present one.
    pub(crate) fn refresh(&self, view: &mut Arc<View>) {
        if view.version != self.version.load(Ordering::Acquire) {
            *view = self.view();
        }
    }

    fn change(&self, change: impl FnOnce(&mut View)) {
        let mut held = self.view.write().unwrap_or_else(PoisonError::into_inner);
        let mut view = View::clone(&held);
        change(&mut view);
        view.version += 1;
        let waiting = view.tails.len() - 1;
        self.waiting.store(waiting, Ordering::Release);
        let ripe_at = if waiting > 0 { view.tails[0].end() } else { u64::MAX };
        // Ordered with the number of durable records: whoever changes one looks at the other after.
        self.ripe_at.store(ripe_at, Ordering::SeqCst);
        self.version.store(view.version, Ordering::Release);
        *held = Arc::new(view);
    }

    /// Adds the next record. For one thread, whose own view this is.
    pub(crate) fn add(&self, view: &mut Arc<View>, record: &Record) {
        if view.live().is_full() {
            let spare = self.memory().spare.take();
            let base = view.live().end();
            let fresh = match spare {
                Some(spare) => spare.from(base),
                None => Tail::new(base, self.capacity),
            };
            self.change(|view| view.tails.push(Arc::new(fresh)));
            *view = self.view();
        }
        view.live().add(record);
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Full tails that wait to be written.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Acquire)
    }

    /// Whether a tail can be written now that so many records are durable.
    pub(crate) fn is_ripe(&self, durable: u64) -> bool {
        self.ripe_at.load(Ordering::SeqCst) <= durable
    }

    /// Where the transfer with this id is, below `limit`, up to which records are durable.
    pub(crate) fn find(&self, id: Id, limit: u64) -> io::Result<Option<u64>> {
        self.view().find(id, limit)
    }

    /// Sequence numbers below `before` of transfers that name the account, newest first. `before` is
    /// not above the number of durable records.
    pub(crate) fn history(&self, account: Id, before: u64, limit: usize) -> io::Result<Vec<u64>> {
        let mut found = Vec::new();
        let view = self.view();
        for tail in view.tails.iter().rev().filter(|tail| tail.base < before) {
            tail.history(account, before, limit, &mut found);
        }
        let key = Kind::Accounts.key(account);
        for run in view.accounts.runs.iter().rev().filter(|run| run.span.first < before) {
            if found.len() >= limit {
                break;
            }
            run.before(key, before, limit, &mut found)?;
        }
        Ok(found)
    }

    /// Writes the runs of the oldest full tail whose records are all durable. Says whether there was
    /// one.
    pub(crate) fn write_ripe(&self, durable: u64) -> io::Result<bool> {
        let view = self.view();
        let tail = match view.tails.as_slice() {
            [oldest, _, ..] if oldest.end() <= durable => oldest.clone(),
            _ => return Ok(false),
        };
        let write = |kind| {
            let span = Span { kind, first: tail.base, end: tail.end(), tier: 0 };
            write_tail(&*self.disk, &self.log, span, &tail, &view.ids.budget).map(Arc::new)
        };
        let new = [(Kind::Ids, write(Kind::Ids)?), (Kind::Accounts, write(Kind::Accounts)?)];
        self.change(|view| {
            for (kind, run) in new {
                let runs = view.runs(kind);
                runs.top = runs.top.max(run.top());
                runs.runs.push(run);
            }
            view.tails.remove(0);
        });
        drop(view);
        self.memory().retired.push(tail);
        self.prepare();
        Ok(true)
    }

    /// Keeps memory ready for the next tail, so that the writer need not make it.
    pub(crate) fn prepare(&self) {
        let mut memory = self.memory();
        let retired = std::mem::take(&mut memory.retired);
        let mut freed = None;
        for tail in retired {
            match Arc::try_unwrap(tail) {
                Ok(tail) => freed = Some(tail),
                Err(tail) => memory.retired.push(tail),
            }
        }
        if memory.spare.is_none() {
            drop(memory);
            let spare = freed.map_or_else(|| Tail::new(0, self.capacity), Tail::emptied);
            self.memory().spare = Some(spare);
        }
    }

    /// Merges the newest runs of one tier when there are enough of them. Says whether it did; it does
    /// not when `closing` comes true meanwhile.
    pub(crate) fn merge_once(&self, closing: impl Fn() -> bool) -> io::Result<bool> {
        for kind in [Kind::Ids, Kind::Accounts] {
            let Runs { runs, budget, .. } = View::clone(&self.view()).runs(kind).clone();
            let Some(from) = mergeable(&runs, self.fan_in) else { continue };
            let (parts, tier) = (&runs[from..from + self.fan_in], runs[from].span.tier + 1);
            let span = Span { kind, first: parts[0].span.first, end: parts[self.fan_in - 1].span.end, tier };
            let Some(merged) = merge::merge(&*self.disk, &self.log, span, parts, &budget, closing)? else {
                return Ok(false);
            };
            let merged = Arc::new(merged);
            self.change(|view| {
                view.runs(kind).runs.splice(from..from + self.fan_in, [merged]);
            });
            // Readers that still hold the parts keep their open files.
            parts.iter().try_for_each(|part| self.disk.remove(&part.span.name()))?;
            return Ok(true);
        }
        Ok(false)
    }
}

/// Where `fan_in` neighbours of one tier begin.
fn mergeable(runs: &[Arc<Run>], fan_in: usize) -> Option<usize> {
    let same = |part: &[Arc<Run>]| part.iter().all(|run| run.span.tier == part[0].span.tier);
    runs.windows(fan_in).position(same)
}

fn write_tail(disk: &dyn Disk, log: &Hash, span: Span, tail: &Tail, budget: &Arc<Budget>) -> io::Result<Run> {
    let mut builder = run::Builder::new(disk, log, span)?;
    tail.pairs(span.kind, |pair| builder.push(pair))?;
    builder.finish(budget)
}
