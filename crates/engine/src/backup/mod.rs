//! Backup of a running ledger, and restore.
//!
//! A backup is a folder with the same files as a data folder, which holds what the newest signed
//! checkpoint covers: sealed segments whole, the open one cut at a frame, the checkpoints, the tree's
//! hashes, the newest snapshot, and a manifest. Taking one needs nothing but to read the data folder: it
//! runs as another process beside the engine, which never waits for it. What was copied is flushed,
//! read again and walked, link by link, to the signed root.
//!
//! Segments only grow, so a second backup into the same folder copies what is new, and one that was
//! interrupted goes on where the last verified segment ended. Every state between is a good backup of
//! the time before. Cost: one read and one write of what is new, one more read of it, its hashing;
//! memory for one frame, and for the state while a snapshot is checked.

mod manifest;
mod restore;

use std::io;
use std::sync::Arc;

use jialing_journal::checkpoint::LINE;
use jialing_journal::disk::{Disk, LockError, read_exact, read_file, replace_file};
use jialing_journal::format::{FRAME_HEADER, FrameHeader, SEGMENT_HEADER};
use jialing_journal::segment::{self, Frame, Segment};
use jialing_journal::tree::{Edge, Tree, TreeFiles};
use jialing_journal::{Checkpoint, Checkpoints, Genesis, JournalError, Reader, proof};

use crate::files::{FilesError, copy, crc_of, io_error, open_or_create};
use crate::snapshot;
use manifest::{Complete, Kept, Manifest};

pub(crate) use restore::refuse_restored;
pub use restore::{At, Restored, restore};

/// How far a backup or restore has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Records whose copies are there and were verified.
    pub verified: u64,
    /// Records there will be.
    pub of: u64,
}

/// A backup that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Records in it, all covered by `checkpoint`.
    pub records: u64,
    /// Records that were in it before.
    pub before: u64,
    /// Bytes copied now.
    pub copied: u64,
    /// Segments in it.
    pub segments: u64,
    /// Records in the snapshot that goes with it; 0 for none.
    pub snapshot: u64,
    /// The signed note of the checkpoint that it ends with.
    pub checkpoint: String,
    /// When that was signed, nanoseconds since 1970.
    pub time: u64,
}

/// Takes a backup of the log on `from` into `to`, or brings the one that is there up to date. With
/// `recheck` everything that is there is read and verified again, and copied again where it is bad.
///
/// # Errors
/// See [`FilesError`]. What `to` held before is still good.
pub fn take(
    from: &Arc<dyn Disk>,
    to: &Arc<dyn Disk>,
    recheck: bool,
    told: &mut dyn FnMut(Progress),
) -> Result<Taken, FilesError> {
    let _lock = lock(&**to)?;
    let genesis = Genesis::load(&**from)?;
    let genesis = genesis.ok_or_else(|| FilesError::Refused(format!("{} holds no log", from.name())))?;
    // First the checkpoint, then the segments: what it covers is durable in them.
    let (checkpoint, checkpoints) = newest(&**from, &genesis)?;
    let mut taking = Taking::new(from.clone(), to.clone(), &genesis, &checkpoint, recheck)?;
    let before = taking.manifest.complete.map_or(0, |complete| complete.records);
    for base in segment::bases(&**from)?.into_iter().filter(|&base| base < checkpoint.size) {
        taking.segment(base)?;
        told(Progress { verified: taking.tree.edge().size(), of: checkpoint.size });
    }
    taking.finish(&checkpoint, checkpoints)?;
    let snapshot = taking.snapshot()?;
    Ok(Taken {
        records: checkpoint.size,
        before,
        copied: taking.copied,
        segments: taking.manifest.segments.len() as u64,
        snapshot,
        checkpoint: checkpoint.note(&genesis.key),
        time: checkpoint.time,
    })
}

fn lock(to: &dyn Disk) -> Result<Box<dyn std::any::Any + Send + Sync>, FilesError> {
    to.lock("lock").map_err(|error| match error {
        LockError::Held(pid) => FilesError::Refused(format!("{} is in use by process {pid}", to.name())),
        LockError::Io(source) => io_error(format!("locking {}/lock", to.name()), source),
    })
}

/// The newest checkpoint, and how many there are up to it.
fn newest(from: &dyn Disk, genesis: &Genesis) -> Result<(Checkpoint, u64), FilesError> {
    let reading = |error| io_error(format!("reading {}/checkpoints", from.name()), error);
    let signed = Checkpoints::look(from).map_err(reading)?;
    let nothing = || FilesError::Refused(format!("{} has no signed checkpoint yet", from.name()));
    let newest = *signed.newest().ok_or_else(nothing)?;
    if newest.verify(&genesis.key) {
        return Ok((newest, signed.count()));
    }
    Err(FilesError::Refused(format!(
        "the newest checkpoint in {} is not signed by the log's key: run `jialing verify`; no backup was taken",
        from.name()
    )))
}

/// A copy of a log that grows and is verified as it does.
struct Taking<'a> {
    from: Arc<dyn Disk>,
    to: Arc<dyn Disk>,
    genesis: &'a Genesis,
    manifest: Manifest,
    files: Arc<TreeFiles>,
    tree: Tree,
    /// Records that will be in it.
    size: u64,
    copied: u64,
}

impl<'a> Taking<'a> {
    fn new(
        from: Arc<dyn Disk>,
        to: Arc<dyn Disk>,
        genesis: &'a Genesis,
        checkpoint: &Checkpoint,
        recheck: bool,
    ) -> Result<Self, FilesError> {
        let mut manifest = prepare(&*to, genesis)?;
        let before = manifest.complete.map_or(0, |complete| complete.records);
        if before > checkpoint.size {
            return Err(FilesError::Refused(format!(
                "{} holds {before} records, the newest checkpoint in {} covers {}: this log is older than its backup; do not overwrite it",
                to.name(),
                from.name(),
                checkpoint.size
            )));
        }
        let size = |kept: &Kept| Segment::open(&*to, kept.base, false).ok().map(|segment| segment.size);
        if recheck || manifest.segments.iter().any(|kept| size(kept).is_none_or(|size| size < kept.bytes)) {
            manifest.verified = (0, genesis.suite().empty());
        }
        let opening = |error| io_error(format!("opening {}/tree", to.name()), error);
        let files = Arc::new(TreeFiles::open(to.clone(), genesis.suite(), true).map_err(opening)?);
        let tree = Tree::new(files.clone(), edge(&manifest, &files, genesis));
        Ok(Self { from, to, genesis, manifest, files, tree, size: checkpoint.size, copied: 0 })
    }

    /// Brings the copy of one segment up to date and verifies what is new.
    fn segment(&mut self, base: u64) -> Result<(), FilesError> {
        let known = self.manifest.segments.iter().find(|kept| kept.base == base).cloned();
        let done = |kept: &Kept| kept.sealed && kept.end <= self.tree.edge().size();
        if known.as_ref().is_some_and(done) {
            return Ok(());
        }
        let (end, bytes, sealed) = self.extent(base, known.as_ref())?;
        let there = Segment::open(&*self.to, base, false).map_or(0, |segment| segment.size.min(bytes));
        self.copy(base, there, bytes)?;
        let kept = match self.verify(base, end, bytes, sealed) {
            // What was there need not be what was meant: an interrupted run, or a bad sector since.
            Err(FilesError::Log(JournalError::Damaged { .. })) if there > 0 => {
                self.tree = Tree::new(self.files.clone(), edge(&self.manifest, &self.files, self.genesis));
                self.copy(base, 0, bytes)?;
                self.verify(base, end, bytes, sealed)?
            }
            verified => verified?,
        };
        self.manifest.segments.retain(|other| other.base != base);
        self.manifest.segments.push(kept);
        self.note_verified()
    }

    fn note_verified(&mut self) -> Result<(), FilesError> {
        let storing = |error| io_error(format!("writing {}/backup", self.to.name()), error);
        self.files.sync().map_err(storing)?;
        self.manifest.verified = (self.tree.edge().size(), self.tree.edge().root());
        self.manifest.store(&*self.to).map_err(storing)
    }

    /// How much of a segment belongs in: the record after its last, bytes, and whether that is all.
    fn extent(&self, base: u64, known: Option<&Kept>) -> Result<(u64, u64, bool), FilesError> {
        let source = Segment::open(&*self.from, base, false)?;
        if let Some(seal) = source.seal()?.filter(|seal| seal.end <= self.size) {
            return Ok((seal.end, source.size, true));
        }
        let known = known.filter(|kept| !kept.sealed && kept.end <= self.size);
        let (mut next, mut at) = known.map_or((base, SEGMENT_HEADER), |kept| (kept.end, kept.bytes));
        while next < self.size {
            let header = read_exact(&*source.file, at, FRAME_HEADER).ok();
            let header = header.and_then(|bytes| FrameHeader::decode(&bytes));
            let Some(header) = header.filter(|header| header.first == next) else {
                return Err(source
                    .damaged(at, next, "no good frame, yet a signed checkpoint covers it")
                    .into());
            };
            next += u64::from(header.count);
            at += (FRAME_HEADER + header.body()) as u64;
        }
        if next == self.size {
            return Ok((next, at, false));
        }
        Err(source.damaged(at, self.size, "the newest checkpoint ends inside a frame").into())
    }

    /// Copies bytes `from` to `end` of a segment and cuts its copy there.
    fn copy(&mut self, base: u64, from: u64, end: u64) -> Result<(), FilesError> {
        let source = Segment::open(&*self.from, base, false)?;
        let reading = |error| io_error(format!("copying {}", source.name), error);
        let writing = |error| io_error(format!("writing {}/{}", self.to.name(), source.name), error);
        let target = open_or_create(&*self.to, &source.name).map_err(writing)?;
        copy(&*source.file, &*target, from, end, &mut |more| self.copied += more).map_err(reading)?;
        target.truncate(end).and_then(|()| target.sync()).map_err(writing)?;
        self.to.sync_folder("segments").map_err(writing)?;
        // What is read now comes from the medium, where that can be had.
        target.forget();
        Ok(())
    }

    /// Reads a segment's copy and adds what is new in it to the tree.
    fn verify(&mut self, base: u64, end: u64, bytes: u64, sealed: bool) -> Result<Kept, FilesError> {
        let segment = Segment::open(&*self.to, base, false)?;
        let grown = grow(&segment, sealed, self.genesis, &self.files, &mut self.tree)?;
        if grown != (bytes, end) {
            return Err(segment.damaged(grown.0, grown.1, "the copy has not all frames").into());
        }
        let reading = |error| io_error(format!("reading {}/{}", self.to.name(), segment.name), error);
        let crc = crc_of(&*segment.file, bytes).map_err(reading)?;
        Ok(Kept { base, bytes, crc, end, sealed })
    }

    /// Ends the backup: the records lead to the signed root, the checkpoints are there too.
    fn finish(&mut self, newest: &Checkpoint, count: u64) -> Result<(), FilesError> {
        let edge = self.tree.edge();
        if (edge.size(), edge.root()) != (newest.size, newest.root) {
            return Err(FilesError::Refused(format!(
                "the {} copied records do not lead to the root that was signed over {}: run `jialing verify` on {}",
                edge.size(),
                newest.size,
                self.from.name()
            )));
        }
        let (from, to) = (&*self.from, &*self.to);
        let wrap = |error| io_error(format!("copying {}/checkpoints", from.name()), error);
        let before = self.manifest.complete.map_or(0, |complete| complete.checkpoints);
        let target = open_or_create(to, "checkpoints").map_err(wrap)?;
        let there = (before * LINE as u64).min(target.size().map_err(wrap)?);
        let end = count * LINE as u64;
        copy(&*from.open("checkpoints", false).map_err(wrap)?, &*target, there, end, &mut |_| ())
            .map_err(wrap)?;
        target.truncate(end).and_then(|()| target.sync()).map_err(wrap)?;
        to.sync_folder("").map_err(wrap)?;
        target.forget();
        if Checkpoints::look(to).map_err(wrap)?.newest() != Some(newest) {
            let what = format!("{}/checkpoints is not what was copied there: is that disk good?", to.name());
            return Err(FilesError::Refused(what));
        }
        let Checkpoint { size: records, root, time, .. } = *newest;
        self.manifest.complete = Some(Complete { records, root, time, checkpoints: count });
        self.note_verified()
    }

    /// Copies the newest good snapshot; gives its size, 0 for none.
    fn snapshot(&self) -> Result<u64, FilesError> {
        let (from, to) = (&*self.from, &*self.to);
        let reader = look(&self.to, self.genesis, self.size)?;
        let settling = |error| io_error(format!("writing {}/tree/mark", to.name()), error);
        let sealed = reader.sealed().last().map_or(0, |&(_, end)| end);
        reader.settle_tree(sealed).map_err(settling)?;
        let wrap = |error| io_error(format!("copying {}/snapshots", from.name()), error);
        for size in snapshot::sizes(from).map_err(wrap)?.into_iter().rev().filter(|&size| size <= sealed) {
            let name = snapshot::name(size);
            if to.open(&name, false).is_err() {
                match read_file(from, &name) {
                    Ok(bytes) => replace_file(to, &name, &bytes).map_err(wrap)?,
                    // The engine takes old ones away beside us.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                    Err(error) => return Err(wrap(error)),
                }
            }
            let good = snapshot::load(to, self.genesis, &reader, size);
            let others = snapshot::sizes(to).map_err(wrap)?.into_iter();
            for other in others.filter(|&other| (other == size) != good.is_ok()) {
                to.remove(&snapshot::name(other)).map_err(wrap)?;
            }
            to.sync_folder("snapshots").map_err(wrap)?;
            match good {
                Ok(_) => return Ok(size),
                Err(reason) => {
                    tracing::warn!(size, reason, "a snapshot is bad and is left out of the backup")
                }
            }
        }
        Ok(0)
    }
}

/// Makes the folders, and sees that the target is a backup of this log or empty.
fn prepare(to: &dyn Disk, genesis: &Genesis) -> Result<Manifest, FilesError> {
    for folder in ["segments", "tree", "snapshots"] {
        to.make_folder(folder).map_err(|error| io_error(format!("making {}/{folder}", to.name()), error))?;
    }
    let reading = |error| io_error(format!("reading {}/backup", to.name()), error);
    match Manifest::load(to).map_err(reading)? {
        Some(manifest) if manifest.log == genesis.log() => {
            // An interrupted first run may have come no further than the manifest.
            genesis.load_or_store(to)?;
            Ok(manifest)
        }
        Some(_) => Err(FilesError::Refused(format!("{} is the backup of another log", to.name()))),
        None if Genesis::load(to)?.is_some() || !segment::bases(to)?.is_empty() => {
            Err(FilesError::Refused(format!(
                "{} holds a log that is no backup (it has no file backup): choose another folder",
                to.name()
            )))
        }
        None => {
            let manifest = Manifest::new(genesis.log(), genesis.suite().empty());
            // First the manifest, so that an interrupted first run is known for what it is.
            manifest.store(to).map_err(reading)?;
            genesis.load_or_store(to)?;
            Ok(manifest)
        }
    }
}

/// The edge of what was verified, or of nothing when the stored hashes do not bear it out.
fn edge(manifest: &Manifest, files: &TreeFiles, genesis: &Genesis) -> Edge {
    let (records, root) = manifest.verified;
    let edge = Edge::load(files, records).ok().filter(|edge| edge.root() == root);
    edge.unwrap_or_else(|| Edge::new(genesis.suite()))
}

/// Walks a segment, checks checksums and links, and adds the records that `tree` does not have yet.
/// Gives the byte and the record after its last frame.
fn grow(
    segment: &Segment,
    sealed: bool,
    genesis: &Genesis,
    files: &TreeFiles,
    tree: &mut Tree,
) -> Result<(u64, u64), FilesError> {
    let header = segment.header()?;
    if segment.base > tree.edge().size() {
        let what =
            format!("the log should go on with record {} here: a segment is missing", tree.edge().size());
        return Err(segment.damaged(0, tree.edge().size(), what).into());
    }
    let root =
        proof::root(files, segment.base).map_err(|error| io_error("reading tree/".to_owned(), error))?;
    if (header.log, header.root) != (genesis.log(), root) {
        return Err(segment
            .damaged(32, segment.base, "its header does not fit the records before it")
            .into());
    }
    let mut leaves = Vec::new();
    let mut add = |frame: &Frame| {
        let size = tree.edge().size();
        if frame.header.first + u64::from(frame.header.count) <= size {
            return Ok(());
        }
        if (frame.header.first, frame.header.root) != (size, tree.edge().root()) {
            let what = "the frame's link does not fit the records before it";
            return Err(segment.damaged(frame.at, frame.header.first, what));
        }
        leaves.clear();
        genesis.suite().leaves(&frame.entries, &mut leaves);
        tree.append(&leaves).map_err(|source| JournalError::Io { what: "writing tree/".to_owned(), source })
    };
    let seal = if sealed { segment.seal()? } else { None };
    let Some(seal) = seal else { return Ok(segment.walk_open(add)?) };
    segment.walk_sealed(&seal, &mut add)?;
    if (seal.end, seal.root) == (tree.edge().size(), tree.edge().root()) || seal.end < tree.edge().size() {
        return Ok((segment.size, seal.end));
    }
    Err(segment.damaged(segment.size, segment.base, "the seal's root does not fit the records").into())
}

/// A reader of the first `records` records of a folder that nobody writes.
fn look(disk: &Arc<dyn Disk>, genesis: &Genesis, records: u64) -> Result<Reader, FilesError> {
    let (mut sealed, mut open) = (Vec::new(), None);
    for base in segment::bases(&**disk)?.into_iter().filter(|&base| base < records) {
        let segment = Segment::open(&**disk, base, false)?;
        match segment.seal()? {
            Some(seal) => sealed.push((segment, seal)),
            None => open = Some(segment),
        }
    }
    Ok(Reader::look(disk.clone(), genesis.suite(), &sealed, open.as_ref())?)
}
