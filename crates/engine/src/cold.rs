//! Cold storage: old sealed segments move to another folder and stay part of the log.
//!
//! A segment is moved when nothing the engine does by itself needs it any more: the start stands on
//! snapshots, index files and the tree's hashes, which all stay. What remains in `segments/` is a
//! pointer with the segment's header and seal ([`jialing_journal::disk::tiered`]), so look-ups,
//! history, proofs and audits of cold records work as before, a little slower, while the folder is
//! there. Nothing of the log is rewritten: a moved file is the same bytes in another place.
//!
//! The copy is flushed, read again, and compared with the tree before the pointer is written; the
//! pointer is durable before the file is removed. So an interruption at any moment leaves the segment
//! in one place at least, and the next run goes on. It may run beside the engine.

use std::sync::Arc;

use jialing_journal::disk::tiered::{Pointer, pointer_name};
use jialing_journal::disk::{Disk, File, LockError, replace_file};
use jialing_journal::segment::{self, Segment};
use jialing_journal::tree::{Mark, TreeFiles};
use jialing_journal::{Checkpoints, Genesis, JournalError, proof};

use crate::audit::stretch::{Peaks, Stretch};
use crate::files::{FilesError, copy, crc_of, io_error};
use crate::index::run::{Kind, log_number};
use crate::index::{Part, cover};
use crate::snapshot;

/// What was moved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    /// Segments moved now.
    pub segments: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// Segments moved earlier whose cold folder has a new place, which is noted now.
    pub noted: u64,
    /// The first record that is in the data folder itself.
    pub hot_from: u64,
    /// Segments that are sealed and stay, and why not more went.
    pub kept: u64,
    /// What the start still needs, in words; empty when `keep` alone decided.
    pub held_back: String,
}

/// Moves the sealed segments of the log on `data` to `cold`, but for the newest `keep` and those that a
/// start could need. `place` is noted as where they went, also for those that went before and are found
/// there: so a cold folder may itself be moved. `told` hears the name and size of each.
///
/// # Errors
/// See [`FilesError`]. What was moved before stays moved.
pub fn move_segments(
    data: &Arc<dyn Disk>,
    cold: &dyn Disk,
    place: &str,
    keep: u64,
    told: &mut dyn FnMut(&str, u64),
) -> Result<Moved, FilesError> {
    let _lock = data.lock("cold.lock").map_err(|error| match error {
        LockError::Held(pid) => {
            FilesError::Refused(format!("process {pid} is moving segments of {}", data.name()))
        }
        LockError::Io(source) => io_error(format!("locking {}/cold.lock", data.name()), source),
    })?;
    let genesis = Genesis::load(&**data)?;
    let genesis = genesis.ok_or_else(|| FilesError::Refused(format!("{} holds no log", data.name())))?;
    belongs(cold, &genesis)?;
    let mut mover = Mover::new(data, cold, &genesis, place)?;
    let (limit, reason) = mover.limit()?;
    let bases = mover.bases()?;
    let sealed = bases.len().saturating_sub(1) as u64;
    let noted = mover.note_place()?;
    let mut moved = Moved { kept: sealed.min(keep), noted, ..Moved::default() };
    for (at, two) in bases.windows(2).enumerate() {
        let [base, end] = [two[0], two[1]];
        if sealed - (at as u64) <= keep {
            break;
        }
        if end > limit {
            moved.kept = sealed - at as u64;
            moved.held_back = reason;
            break;
        }
        if let Some(bytes) = mover.segment(base)? {
            told(&segment_file(base), bytes);
            moved.segments += 1;
            moved.bytes += bytes;
        }
    }
    moved.hot_from = mover.hot_from()?;
    Ok(moved)
}

fn segment_file(base: u64) -> String {
    jialing_journal::format::segment_name(base)
}

/// Makes the cold folder this log's, or sees that it is.
fn belongs(cold: &dyn Disk, genesis: &Genesis) -> Result<(), FilesError> {
    cold.make_folder("segments")
        .map_err(|error| io_error(format!("making {}/segments", cold.name()), error))?;
    if Genesis::load(cold)?.is_none() && !segment::bases(cold)?.is_empty() {
        return Err(FilesError::Refused(format!(
            "{} has segments but no genesis: it is not a cold folder that was made here",
            cold.name()
        )));
    }
    genesis.load_or_store(cold).map(drop).map_err(|error| match error {
        JournalError::Mismatch(what) => {
            FilesError::Refused(format!("{} is the cold folder of another log: {what}", cold.name()))
        }
        error => error.into(),
    })
}

struct Mover<'a> {
    data: &'a Arc<dyn Disk>,
    cold: &'a dyn Disk,
    genesis: &'a Genesis,
    place: &'a str,
    tree: Arc<TreeFiles>,
}

impl<'a> Mover<'a> {
    /// Sees that the tree on disk is the one that was signed last.
    fn new(
        data: &'a Arc<dyn Disk>,
        cold: &'a dyn Disk,
        genesis: &'a Genesis,
        place: &'a str,
    ) -> Result<Self, FilesError> {
        let reading = |what: &str| format!("reading {}/{what}", data.name());
        let signed = Checkpoints::look(&**data).map_err(|error| io_error(reading("checkpoints"), error))?;
        let newest = signed.newest().copied();
        let newest = newest.filter(|newest| newest.verify(&genesis.key)).ok_or_else(|| {
            FilesError::Refused(format!(
                "{} has no checkpoint signed by its key; nothing is moved",
                data.name()
            ))
        })?;
        let suite = genesis.suite();
        let tree =
            TreeFiles::open(data.clone(), suite, false).map_err(|error| io_error(reading("tree"), error))?;
        let root = proof::root(&tree, newest.size).map_err(|error| io_error(reading("tree"), error))?;
        if root != newest.root {
            return Err(FilesError::Refused(format!(
                "the hashes in {}/tree do not lead to the root that was signed: run `jialing verify`; nothing is moved",
                data.name()
            )));
        }
        Ok(Self { data, cold, genesis, place, tree: Arc::new(tree) })
    }

    /// Records below which a start needs no segment, and what keeps it from being more.
    fn limit(&self) -> Result<(u64, String), FilesError> {
        let wrap = |source| io_error(format!("reading {}", self.data.name()), source);
        let snapshots = snapshot::sizes(&**self.data).map_err(wrap)?;
        let snapshot = snapshots.first().copied().unwrap_or(0);
        let index = indexed(&**self.data, self.genesis).map_err(wrap)?;
        let mark = Mark::load(&**self.data).map_or(0, |mark| mark.size);
        let reasons = [
            (snapshot, "the oldest snapshot that a start may stand on"),
            (index, "the index files"),
            (mark, "the tree's durable hashes"),
        ];
        let (limit, what) = reasons.into_iter().min_by_key(|reason| reason.0).unwrap_or_default();
        Ok((limit, format!("{what} covers {limit} records; what comes after is needed to start")))
    }

    fn bases(&self) -> Result<Vec<u64>, FilesError> {
        let mut bases = segment::bases(&**self.data)?;
        let names = self.data.list("segments");
        let names =
            names.map_err(|error| io_error(format!("listing {}/segments", self.data.name()), error))?;
        let moved = |name: &String| segment_base_of_pointer(name);
        bases.extend(names.iter().filter_map(moved));
        bases.sort_unstable();
        bases.dedup();
        Ok(bases)
    }

    /// Notes the new place of segments that were moved before and lie in the cold folder now.
    fn note_place(&self) -> Result<u64, FilesError> {
        let mut noted = 0;
        let wrap = |error| io_error(format!("reading the pointers in {}/segments", self.data.name()), error);
        for (base, pointer) in places(&**self.data).map_err(wrap)? {
            if pointer.place == self.place {
                continue;
            }
            let Ok(cold) = Segment::open(self.cold, base, false) else { continue };
            let found = Pointer::to(&*cold.file, base, pointer.crc, &pointer.place);
            let same = found.is_ok_and(|found| found == pointer)
                && crc_of(&*cold.file, cold.size).is_ok_and(|crc| crc == pointer.crc);
            if !same {
                let what = format!("{} in {} is not the segment that was moved", cold.name, self.cold.name());
                return Err(FilesError::Refused(what));
            }
            let mut renewed = pointer;
            renewed.place = self.place.to_owned();
            replace_file(&**self.data, &pointer_name(base), &renewed.encode()).map_err(wrap)?;
            noted += 1;
        }
        Ok(noted)
    }

    fn hot_from(&self) -> Result<u64, FilesError> {
        Ok(segment::bases(&**self.data)?.first().copied().unwrap_or(0))
    }

    /// Moves one segment; gives its bytes, or `None` when it was moved before.
    fn segment(&mut self, base: u64) -> Result<Option<u64>, FilesError> {
        let hot = match Segment::open(&**self.data, base, false) {
            Ok(hot) => hot,
            Err(JournalError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        };
        self.check(&hot)?;
        let crc =
            crc_of(&*hot.file, hot.size).map_err(|error| io_error(format!("reading {}", hot.name), error))?;
        if !self.is_there(&hot, crc) {
            self.copy(&hot)?;
        }
        let cold = Segment::open(self.cold, base, false)?;
        // What is read now comes from the medium, where that can be had.
        cold.file.forget();
        self.check(&cold)?;
        let copied = crc_of(&*cold.file, cold.size);
        let copied = copied.map_err(|error| io_error(format!("reading {} again", cold.name), error))?;
        if (copied, cold.size) != (crc, hot.size) {
            let what = format!(
                "{} in {} is not what was copied there: is that disk good?",
                cold.name,
                self.cold.name()
            );
            return Err(FilesError::Refused(what));
        }
        let pointing = |error| io_error(format!("writing {}", pointer_name(base)), error);
        let pointer = Pointer::to(&*hot.file, base, crc, self.place).map_err(pointing)?;
        replace_file(&**self.data, &pointer_name(base), &pointer.encode()).map_err(pointing)?;
        let removing = |error| io_error(format!("removing {}", hot.name), error);
        self.data.remove(&hot.name).map_err(removing)?;
        self.data.sync_folder("segments").map_err(removing)?;
        Ok(Some(hot.size))
    }

    /// Whether the segment lies in the cold folder already, whole.
    fn is_there(&self, hot: &Segment, crc: u32) -> bool {
        Segment::open(self.cold, hot.base, false).is_ok_and(|cold| {
            cold.size == hot.size && crc_of(&*cold.file, cold.size).is_ok_and(|found| found == crc)
        })
    }

    fn copy(&self, hot: &Segment) -> Result<(), FilesError> {
        let part = format!("{}.part", hot.name);
        let writing = |error| io_error(format!("writing {}/{part}", self.cold.name()), error);
        let file: Arc<dyn File> = self.cold.create(&part).map_err(writing)?;
        copy(&*hot.file, &*file, 0, hot.size, &mut |_| ()).map_err(writing)?;
        file.sync().map_err(writing)?;
        self.cold.rename(&part, &hot.name).map_err(writing)?;
        self.cold.sync_folder("segments").map_err(writing)
    }

    /// Walks a segment's frames and compares them, link by link, with the signed tree.
    fn check(&self, segment: &Segment) -> Result<(), FilesError> {
        let reading = |error| io_error("reading tree/".to_owned(), error);
        let header = segment.header()?;
        let Some(seal) = segment.seal()? else {
            return Err(segment.damaged(segment.size, segment.base, "it has no good seal").into());
        };
        let suite = self.genesis.suite();
        let mut peaks =
            Peaks::stored(suite, segment.base, |level, from, count| self.tree.stored(level, from, count))
                .map_err(reading)?;
        if (header.log, header.root) != (self.genesis.log(), peaks.root()) {
            return Err(segment.damaged(32, segment.base, "its header does not fit the log").into());
        }
        segment.walk_sealed(&seal, |frame| {
            if frame.header.root != peaks.root() {
                let what = "the frame's link does not fit the records before it";
                return Err(segment.damaged(frame.at, frame.header.first, what));
            }
            let mut leaves = Vec::with_capacity(frame.header.count as usize);
            suite.leaves(&frame.entries, &mut leaves);
            let stretch = Stretch::new(peaks.clone(), leaves);
            peaks = stretch.peaks(stretch.end());
            Ok(())
        })?;
        let root = proof::root(&*self.tree, seal.end).map_err(reading)?;
        if (peaks.root(), seal.root) == (root, root) {
            return Ok(());
        }
        Err(segment.damaged(segment.size, segment.base, "its records do not lead to the signed tree").into())
    }
}

/// Records from the first on that good index files of both kinds cover.
fn indexed(disk: &dyn Disk, genesis: &Genesis) -> std::io::Result<u64> {
    let log = log_number(genesis);
    let until = |kind| -> std::io::Result<u64> {
        let parts = cover(disk, &log, kind, u64::MAX)?;
        let runs = parts.iter().map_while(|part| match part {
            Part::Run(run) => Some(run.span.end),
            Part::Missing(..) => None,
        });
        Ok(runs.last().unwrap_or(0))
    };
    Ok(until(Kind::Ids)?.min(until(Kind::Accounts)?))
}

fn segment_base_of_pointer(name: &str) -> Option<u64> {
    jialing_journal::format::segment_base(&format!("{}.seg", name.strip_suffix(".cold")?))
}

/// Where each cold segment of the log on `data` went, by its first record.
///
/// # Errors
/// The system's; `InvalidData` for a bad pointer.
pub fn places(data: &dyn Disk) -> std::io::Result<Vec<(u64, Pointer)>> {
    let names = data.list("segments")?;
    let mut found = Vec::new();
    for base in names.iter().filter_map(|name| segment_base_of_pointer(name)) {
        if let Some(pointer) = Pointer::load(data, base)? {
            found.push((base, pointer));
        }
    }
    Ok(found)
}
