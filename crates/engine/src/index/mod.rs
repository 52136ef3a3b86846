//! Finding transfers: by id, and by account newest first.
//!
//! The unsealed segment is indexed in memory ([`tail`]). When it is sealed, its index is written as
//! two sorted files ([`run`]), and files are merged in tiers, so that a look-up meets few of them.
//! Memory is bounded by a few segments' worth, plus 24 bytes per 10,880 entries of the files.
//! What is here is derived: whatever is missing or bad at the start is made again from the journal.

mod keyed;
pub(crate) mod run;
mod tail;

use std::io;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use jialing_journal::disk::Disk;
use jialing_journal::{Genesis, Hash, Reader};
use jialing_ledger::{Id, Record};

pub(crate) use keyed::Keyed;
use run::{Kind, Pair, Run, Span};
pub(crate) use tail::Tail;

/// The whole index; shared by the writer, the keeper and all who look up.
pub(crate) struct Index {
    disk: Arc<dyn Disk>,
    log: Hash,
    fan_in: usize,
    state: RwLock<State>,
}

struct State {
    live: Tail,
    /// Sealed segments whose runs are not written yet, oldest first.
    frozen: Vec<Arc<Tail>>,
    ids: Runs,
    accounts: Runs,
}

/// Runs in order; together they cover all records up to the oldest frozen segment.
/// Shared as a whole, so that a look-up takes one reference and no lock while it reads.
type Runs = Arc<Vec<Arc<Run>>>;

impl State {
    fn runs(&mut self, kind: Kind) -> &mut Runs {
        match kind {
            Kind::Ids => &mut self.ids,
            Kind::Accounts => &mut self.accounts,
        }
    }
}

impl Index {
    /// Loads the runs on disk, makes missing ones again, and indexes the unsealed segment. Says how
    /// many files were made. `decode` reads a record.
    pub(crate) fn open<E: From<io::Error>>(
        disk: Arc<dyn Disk>,
        genesis: &Genesis,
        reader: &Reader,
        fan_in: usize,
        decode: impl Fn(u64, &jialing_journal::Entry) -> Result<Record, E>,
    ) -> Result<(Self, u64), E> {
        disk.make_folder("index")?;
        let log = run::log_number(genesis);
        let sealed = reader.sealed();
        let fill = |first: u64, end: u64| -> Result<Tail, E> {
            let mut tail = Tail::new(first);
            reader.visit(first, end, |seq, entry| {
                tail.add(&decode(seq, entry)?);
                Ok::<(), E>(())
            })?;
            Ok(tail)
        };
        let mut rebuilt = 0;
        let mut both = [Kind::Ids, Kind::Accounts].map(|_| Vec::new());
        for (runs, kind) in both.iter_mut().zip([Kind::Ids, Kind::Accounts]) {
            for part in cover(&*disk, &log, kind, &sealed)? {
                runs.push(Arc::new(match part {
                    Part::Run(run) => run,
                    Part::Missing(first, end) => {
                        rebuilt += 1;
                        let span = Span { kind, first, end, tier: 0 };
                        write_tail(&*disk, &log, span, &fill(first, end)?)?
                    }
                }));
            }
            remove_others(&*disk, kind, runs)?;
        }
        let live = fill(reader.tail_base(), reader.durable())?;
        let [ids, accounts] = both.map(Arc::new);
        let state = RwLock::new(State { live, frozen: Vec::new(), ids, accounts });
        Ok((Self { disk, log, fan_in: fan_in.max(2), state }, rebuilt))
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds durable records, in order. With `sealed`, the segment before them has just ended.
    pub(crate) fn add(&self, records: &[Record], sealed: Option<(u64, u64)>) {
        let mut state = self.write();
        if let Some((_, end)) = sealed {
            let full = std::mem::replace(&mut state.live, Tail::new(end));
            debug_assert_eq!(full.end, end, "all of the segment is indexed");
            state.frozen.push(Arc::new(full));
        }
        records.iter().for_each(|record| state.live.add(record));
    }

    /// Sealed segments that wait for their runs.
    pub(crate) fn frozen(&self) -> usize {
        self.read().frozen.len()
    }

    /// Where the transfer with this id is.
    pub(crate) fn find(&self, id: Id) -> io::Result<Option<u64>> {
        let (frozen, runs) = {
            let state = self.read();
            if let Some(seq) = state.live.find(id) {
                return Ok(Some(seq));
            }
            (state.frozen.clone(), state.ids.clone())
        };
        if let Some(seq) = frozen.iter().rev().find_map(|tail| tail.find(id)) {
            return Ok(Some(seq));
        }
        let key = Kind::Ids.key(id);
        runs.iter().rev().find_map(|run| run.find(key).transpose()).transpose()
    }

    /// Sequence numbers below `before` of transfers that name the account, newest first.
    pub(crate) fn history(&self, account: Id, before: u64, limit: usize) -> io::Result<Vec<u64>> {
        let mut found = Vec::new();
        let (frozen, runs) = {
            let state = self.read();
            state.live.history(account, before, limit, &mut found);
            (state.frozen.clone(), state.accounts.clone())
        };
        for tail in frozen.iter().rev() {
            tail.history(account, before, limit, &mut found);
        }
        let key = Kind::Accounts.key(account);
        for run in runs.iter().rev().filter(|run| run.span.first < before) {
            if found.len() >= limit {
                break;
            }
            run.before(key, before, limit, &mut found)?;
        }
        Ok(found)
    }

    /// Writes the runs of the oldest frozen segment. Says whether there was one.
    pub(crate) fn write_frozen(&self) -> io::Result<bool> {
        let Some(tail) = self.read().frozen.first().cloned() else { return Ok(false) };
        let write = |kind| {
            let span = Span { kind, first: tail.base, end: tail.end, tier: 0 };
            write_tail(&*self.disk, &self.log, span, &tail)
        };
        let (ids, accounts) = (write(Kind::Ids)?, write(Kind::Accounts)?);
        let mut state = self.write();
        Arc::make_mut(&mut state.ids).push(Arc::new(ids));
        Arc::make_mut(&mut state.accounts).push(Arc::new(accounts));
        state.frozen.remove(0);
        Ok(true)
    }

    /// Merges the newest runs of one tier when there are enough of them. Says whether it did.
    pub(crate) fn merge_once(&self) -> io::Result<bool> {
        for kind in [Kind::Ids, Kind::Accounts] {
            let runs = self.write().runs(kind).clone();
            let Some(from) = mergeable(&runs, self.fan_in) else { continue };
            let (parts, tier) = (&runs[from..from + self.fan_in], runs[from].span.tier + 1);
            let span = Span { kind, first: parts[0].span.first, end: parts[self.fan_in - 1].span.end, tier };
            let merged = Arc::new(run::write(
                &*self.disk,
                &self.log,
                span,
                run::merge(parts.iter().map(|run| run.pairs()).collect()),
            )?);
            Arc::make_mut(self.write().runs(kind)).splice(from..from + self.fan_in, [merged]);
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

fn write_tail(disk: &dyn Disk, log: &Hash, span: Span, tail: &Tail) -> io::Result<Run> {
    let pairs = match span.kind {
        Kind::Ids => tail.ids(),
        Kind::Accounts => tail.postings(),
    };
    let mut pairs: Vec<Pair> = pairs.into_iter().map(|(id, seq)| (span.kind.key(id), seq)).collect();
    pairs.sort_unstable();
    run::write(disk, log, span, pairs.into_iter().map(Ok))
}

/// A part of the log: a run covers it, or none does.
pub(crate) enum Part {
    Run(Run),
    Missing(u64, u64),
}

/// The fewest good runs of a kind that cover the sealed segments, in order, and the segments that
/// none covers. Reads only.
pub(crate) fn cover(disk: &dyn Disk, log: &Hash, kind: Kind, sealed: &[(u64, u64)]) -> io::Result<Vec<Part>> {
    let mut found = found_runs(disk, log, kind)?;
    // The longest first, of those that begin and end with a segment.
    found.sort_by_key(|run| std::cmp::Reverse(run.span.end));
    let mut parts = Vec::new();
    let mut next = 0;
    for &(first, end) in sealed {
        if first < next {
            continue;
        }
        let fits = |run: &Run| run.span.first == first && sealed.iter().any(|&(_, end)| end == run.span.end);
        let part = found.iter().position(fits).map(|place| found.remove(place));
        next = part.as_ref().map_or(end, |run| run.span.end);
        parts.push(part.map_or(Part::Missing(first, end), Part::Run));
    }
    Ok(parts)
}

/// All good runs of a kind on disk.
fn found_runs(disk: &dyn Disk, log: &Hash, kind: Kind) -> io::Result<Vec<Run>> {
    let names = match disk.list("index") {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        names => names?,
    };
    let mut found = Vec::new();
    for name in names {
        if Span::parse(&name).is_some_and(|(other, ..)| other == kind) {
            match Run::open(disk, log, &format!("index/{name}")) {
                Ok(run) => found.push(run),
                Err(error) if is_bad(&error) => tracing::warn!(%error, "an index file is passed over"),
                Err(error) => return Err(error),
            }
        }
    }
    Ok(found)
}

fn is_bad(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof)
}

/// Removes the files of a kind that the chosen runs make needless, and unfinished ones.
fn remove_others(disk: &dyn Disk, kind: Kind, runs: &[Arc<Run>]) -> io::Result<()> {
    for name in disk.list("index")? {
        let path = format!("index/{name}");
        let needless = Span::parse(&name)
            .is_some_and(|(other, ..)| other == kind && !runs.iter().any(|run| run.span.name() == path));
        if needless || name.ends_with(".tmp") {
            disk.remove(&path)?;
        }
    }
    Ok(())
}
