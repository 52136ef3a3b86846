//! Restore: a new data folder from a backup, whole or up to an earlier position.
//!
//! The records are copied, read again and hashed to the signed root; for an earlier position it is
//! shown that the restored log is the beginning of the signed one. A log that goes on from an earlier
//! position would contradict what its key has signed since, and whoever kept a later checkpoint or
//! receipt could prove it. So such a folder carries a file `restored`, and no engine opens it until a
//! person has decided that.

use std::io;
use std::sync::Arc;

use jialing_journal::checkpoint::LINE;
use jialing_journal::disk::{Disk, read_file, replace_file};
use jialing_journal::format::{ENTRY_LEN, FrameHeader, SEGMENT_HEADER};
use jialing_journal::segment::{Frame, Segment};
use jialing_journal::tree::{Edge, Tree, TreeFiles};
use jialing_journal::{Checkpoint, Checkpoints, Genesis, Hash, JournalError, proof};
use jialing_ledger::{Body, Nanos};

use super::manifest::{Complete, Kept, Manifest};
use super::{Progress, grow, look};
use crate::answer::OpenError;
use crate::files::{FilesError, copy, crc_of, io_error};
use crate::{record, snapshot};

/// Marks a folder that was restored to a position before what is known to be signed.
const MARKER: &str = "restored";

/// How far a restore goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// All that the backup holds.
    Newest,
    /// At most so many records, down to the last whole group.
    Records(u64),
    /// The records up to this time, inclusive.
    Time(Nanos),
}

/// What was restored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// Records in the new folder.
    pub records: u64,
    /// Records that the log's key is known to have signed for.
    pub known: u64,
    /// Records covered by the newest checkpoint in the new folder.
    pub checkpoint: u64,
    /// Whether the folder is marked, so that no engine opens it.
    pub marked: bool,
}

/// Restores the backup on `from` into the empty `to`. `published`, the newest checkpoint of this log that
/// anybody has (a witness, a website), says how far the log had gone. With `go_on` the folder is not
/// marked even when the log had gone further.
///
/// # Errors
/// See [`FilesError`]; what was written to `to` is then to be removed.
pub fn restore(
    from: &Arc<dyn Disk>,
    to: &Arc<dyn Disk>,
    at: At,
    published: Option<&str>,
    go_on: bool,
    told: &mut dyn FnMut(Progress),
) -> Result<Restored, FilesError> {
    let reading = |error| io_error(format!("reading {}/backup", from.name()), error);
    let manifest = Manifest::load(&**from).map_err(reading)?;
    let complete = manifest.as_ref().and_then(|manifest| manifest.complete);
    let (Some(manifest), Some(complete)) = (manifest, complete) else {
        return Err(FilesError::Refused(format!("{} holds no backup that came to its end", from.name())));
    };
    let genesis = Genesis::load(&**from)?.filter(|genesis| genesis.log() == manifest.log);
    let genesis = genesis.ok_or_else(|| {
        FilesError::Refused(format!("the file genesis in {} is not the backup's", from.name()))
    })?;
    let known = known(&genesis, &complete, published)?;
    empty(&**to)?;
    let mut copying = Copying::new(from, to, &genesis, told)?;
    let records = copying.segments(&manifest, &complete, at)?;
    copying.proves(&complete, records)?;
    let checkpoint = copying.checkpoints(&complete, records)?;
    copying.snapshot(records)?;
    let marked = records < known && !go_on;
    if marked {
        let text = format!("jialing restored, format 1\nrecords {records}\nknown {known}\n");
        replace_file(&**to, MARKER, text.as_bytes())
            .map_err(|error| io_error(format!("writing {}/{MARKER}", to.name()), error))?;
    }
    // Last, so that an unfinished restore is no log.
    genesis.load_or_store(&**to)?;
    Ok(Restored { records, known, checkpoint, marked })
}

/// Refuses a folder that is marked.
pub(crate) fn refuse_restored(disk: &dyn Disk) -> Result<(), OpenError> {
    let bytes = match read_file(disk, MARKER) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(source) => {
            return Err(OpenError::Io { what: format!("reading {}/{MARKER}", disk.name()), source });
        }
        Ok(bytes) => bytes,
    };
    let text = String::from_utf8_lossy(&bytes);
    let number = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
    Err(OpenError::Restored {
        dir: disk.name(),
        records: number("records ").unwrap_or(0),
        known: number("known ").unwrap_or(0),
    })
}

/// Records that are known to have been signed.
fn known(genesis: &Genesis, complete: &Complete, published: Option<&str>) -> Result<u64, FilesError> {
    let Some(note) = published else { return Ok(complete.records) };
    let opened = Checkpoint::open(note, &genesis.key).map_err(|what| {
        FilesError::Refused(format!("the published checkpoint is not one of this log: {what}"))
    })?;
    if opened.size == complete.records && opened.root != complete.root {
        return Err(FilesError::Refused(
            "the published checkpoint has another root than the backup for the same records: keep both, one of them is forged".to_owned(),
        ));
    }
    Ok(complete.records.max(opened.size))
}

fn empty(to: &dyn Disk) -> Result<(), FilesError> {
    for folder in ["", "segments", "tree", "index", "snapshots"] {
        let names = match to.list(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            names => names.map_err(|error| io_error(format!("listing {}", to.name()), error))?,
        };
        let inside = |name: &&String| !(folder.is_empty() && ["lost+found", "lock"].contains(&name.as_str()));
        if let Some(name) = names.iter().find(inside) {
            return Err(FilesError::Refused(format!(
                "{} is not empty (it has {name:?}): a restore goes into an empty folder; if this is what an interrupted restore left, remove it",
                to.name()
            )));
        }
    }
    Ok(())
}

struct Copying<'a> {
    from: &'a Arc<dyn Disk>,
    to: &'a Arc<dyn Disk>,
    genesis: &'a Genesis,
    told: &'a mut dyn FnMut(Progress),
    files: Arc<TreeFiles>,
    tree: Tree,
}

impl<'a> Copying<'a> {
    fn new(
        from: &'a Arc<dyn Disk>,
        to: &'a Arc<dyn Disk>,
        genesis: &'a Genesis,
        told: &'a mut dyn FnMut(Progress),
    ) -> Result<Self, FilesError> {
        for folder in ["segments", "tree", "snapshots"] {
            to.make_folder(folder)
                .map_err(|error| io_error(format!("making {}/{folder}", to.name()), error))?;
        }
        let opening = |error| io_error(format!("opening {}/tree", to.name()), error);
        let files = Arc::new(TreeFiles::open(to.clone(), genesis.suite(), true).map_err(opening)?);
        let tree = Tree::new(files.clone(), Edge::new(genesis.suite()));
        Ok(Self { from, to, genesis, told, files, tree })
    }

    /// Copies the segments up to the position; gives the records copied.
    fn segments(&mut self, manifest: &Manifest, complete: &Complete, at: At) -> Result<u64, FilesError> {
        for kept in &manifest.segments {
            let source = Segment::open(&**self.from, kept.base, false)?;
            if kept.base >= complete.records || self.begins_after(&source, at)? {
                break;
            }
            let whole = kept.end <= complete.records
                && match at {
                    At::Newest => true,
                    At::Records(records) => kept.end <= records,
                    // Known only when the next one begins no later.
                    At::Time(_) => self.next_begins_within(manifest, kept, at)?,
                };
            if whole {
                self.whole(&source, kept)?;
            } else {
                self.part(&source, complete.records, at)?;
            }
            (self.told)(Progress { verified: self.tree.edge().size(), of: complete.records });
        }
        Ok(self.tree.edge().size())
    }

    /// Whether the segment's first record lies after the position.
    fn begins_after(&self, source: &Segment, at: At) -> Result<bool, FilesError> {
        let At::Time(time) = at else {
            return Ok(matches!(at, At::Records(records) if source.base >= records));
        };
        let first = source.frame(SEGMENT_HEADER, source.base)?;
        let first = first.ok_or_else(|| {
            source.damaged(SEGMENT_HEADER, source.base, "a frame's header or checksum does not fit")
        })?;
        Ok(times(&first)?.first().is_some_and(|&first| first > time))
    }

    fn next_begins_within(&self, manifest: &Manifest, kept: &Kept, at: At) -> Result<bool, FilesError> {
        let Some(next) = manifest.segments.iter().find(|next| next.base == kept.end) else {
            return Ok(false);
        };
        Ok(!self.begins_after(&Segment::open(&**self.from, next.base, false)?, at)?)
    }

    /// Copies a segment as it is.
    fn whole(&mut self, source: &Segment, kept: &Kept) -> Result<(), FilesError> {
        let copying = |error| io_error(format!("copying {}", source.name), error);
        let target = self.to.create(&source.name).map_err(copying)?;
        copy(&*source.file, &*target, 0, kept.bytes, &mut |_| ()).map_err(copying)?;
        self.settle(&*target, &source.name)?;
        let copied = Segment::open(&**self.to, kept.base, false)?;
        let grown = grow(&copied, kept.sealed, self.genesis, &self.files, &mut self.tree)?;
        if grown != (kept.bytes, kept.end) || crc_of(&*copied.file, kept.bytes).map_err(copying)? != kept.crc
        {
            return Err(copied.damaged(grown.0, grown.1, "the copy differs from what was backed up").into());
        }
        Ok(())
    }

    /// Copies the frames of a segment up to the position, the last one cut at a group if need be.
    fn part(&mut self, source: &Segment, most: u64, at: At) -> Result<(), FilesError> {
        let copying = |error| io_error(format!("copying {}", source.name), error);
        let target = self.to.create(&source.name).map_err(copying)?;
        copy(&*source.file, &*target, 0, SEGMENT_HEADER, &mut |_| ()).map_err(copying)?;
        let (mut place, mut next) = (SEGMENT_HEADER, source.base);
        while next < most {
            let frame = source.frame(place, next)?;
            let frame = frame
                .ok_or_else(|| source.damaged(place, next, "a frame's header or checksum does not fit"))?;
            let fits = fitting(&frame, at)?.min(most - next);
            if fits > 0 {
                let entries = &frame.entries[..fits as usize * ENTRY_LEN];
                let crc = crc32c::crc32c(entries);
                let header = FrameHeader { count: fits as u32, crc, ..frame.header.clone() };
                target.write_at(&[&header.encode()[..], entries].concat(), place).map_err(copying)?;
            }
            if fits < u64::from(frame.header.count) {
                break;
            }
            (place, next) = (frame.end(), next + fits);
        }
        self.settle(&*target, &source.name)?;
        let copied = Segment::open(&**self.to, source.base, false)?;
        grow(&copied, false, self.genesis, &self.files, &mut self.tree).map(drop)
    }

    fn settle(&self, target: &dyn jialing_journal::File, name: &str) -> Result<(), FilesError> {
        let writing = |error| io_error(format!("writing {}/{name}", self.to.name()), error);
        target.sync().map_err(writing)?;
        self.to.sync_folder("segments").map_err(writing)?;
        target.forget();
        Ok(())
    }

    /// Sees that the restored records are those that were signed, or their beginning.
    fn proves(&self, complete: &Complete, records: u64) -> Result<(), FilesError> {
        let root: Hash = self.tree.edge().root();
        if records == complete.records {
            return if root == complete.root { Ok(()) } else { Err(unproven(self.from.name())) };
        }
        let reading = |error| io_error(format!("reading {}/tree", self.from.name()), error);
        let suite = self.genesis.suite();
        let signed = TreeFiles::open(self.from.clone(), suite, false).map_err(reading)?;
        let path = proof::consistency(&signed, records, complete.records).map_err(reading)?;
        if proof::consistent(suite, records, &root, complete.records, &complete.root, &path) {
            Ok(())
        } else {
            Err(unproven(self.from.name()))
        }
    }

    /// Copies the checkpoints that cover no more than was restored; gives what the newest covers.
    fn checkpoints(&self, complete: &Complete, records: u64) -> Result<u64, FilesError> {
        let wrap = |error| io_error(format!("copying {}/checkpoints", self.from.name()), error);
        let stored = Checkpoints::look(&**self.from).map_err(wrap)?;
        let (mut count, mut newest) = (stored.count().min(complete.checkpoints), None);
        while count > 0 && newest.is_none() {
            newest = stored.read(count - 1).map_err(wrap)?.filter(|found| found.size <= records);
            count -= u64::from(newest.is_none());
        }
        let target = self.to.create("checkpoints").map_err(wrap)?;
        let source = self.from.open("checkpoints", false).map_err(wrap)?;
        copy(&*source, &*target, 0, count * LINE as u64, &mut |_| ()).map_err(wrap)?;
        target.sync().map_err(wrap)?;
        self.to.sync_folder("").map_err(wrap)?;
        match newest {
            Some(newest) if !newest.verify(&self.genesis.key) => Err(unproven(self.from.name())),
            newest => Ok(newest.map_or(0, |newest| newest.size)),
        }
    }

    /// Copies the snapshot if it is of no more than was restored, and notes that the tree is whole.
    fn snapshot(&self, records: u64) -> Result<(), FilesError> {
        let wrap = |error| io_error(format!("copying {}/snapshots", self.from.name()), error);
        let settling = |error| io_error(format!("writing {}/tree", self.to.name()), error);
        self.files.sync().map_err(settling)?;
        self.to.sync_folder("tree").map_err(settling)?;
        if records == 0 {
            return Ok(());
        }
        let reader = look(self.to, self.genesis, records)?;
        let sealed = reader.sealed().last().map_or(0, |&(_, end)| end);
        reader.settle_tree(sealed).map_err(settling)?;
        for size in snapshot::sizes(&**self.from).map_err(wrap)?.into_iter().filter(|&size| size <= sealed) {
            let name = snapshot::name(size);
            let bytes = read_file(&**self.from, &name).map_err(wrap)?;
            replace_file(&**self.to, &name, &bytes).map_err(wrap)?;
            if let Err(reason) = snapshot::load(&**self.to, self.genesis, &reader, size) {
                tracing::warn!(
                    size,
                    reason,
                    "the backup's snapshot is bad; the first start replays the records"
                );
                self.to.remove(&name).map_err(wrap)?;
            }
        }
        Ok(())
    }
}

fn unproven(from: String) -> FilesError {
    FilesError::Refused(format!(
        "the records in {from} do not lead to the root that was signed: take the backup again with --recheck, or use another one"
    ))
}

/// The times of a frame's records.
fn times(frame: &Frame) -> Result<Vec<Nanos>, JournalError> {
    decoded(frame).map(|records| records.iter().map(|record| record.time).collect())
}

fn decoded(frame: &Frame) -> Result<Vec<jialing_ledger::Record>, JournalError> {
    let entries = frame.entries.as_chunks::<ENTRY_LEN>().0.iter();
    let decode = |(seq, entry)| {
        record::decode(seq, entry).map_err(|error| JournalError::Damaged {
            file: "segments".to_owned(),
            byte: frame.at,
            seq,
            what: error.to_string(),
        })
    };
    (frame.header.first..).zip(entries).map(decode).collect()
}

/// How many of a frame's records belong to groups that end by the position.
fn fitting(frame: &Frame, at: At) -> Result<u64, JournalError> {
    let (first, count) = (frame.header.first, u64::from(frame.header.count));
    match at {
        At::Newest => return Ok(count),
        At::Records(records) if records >= first + count => return Ok(count),
        _ => {}
    }
    let mut fits = 0;
    for record in decoded(frame)? {
        let within = match at {
            At::Newest => true,
            At::Records(records) => record.seq < records,
            At::Time(time) => record.time <= time,
        };
        if !within {
            break;
        }
        let ends_group = match record.body {
            Body::Terms { .. } => false,
            Body::Transfer(transfer) => transfer.leg + 1 == transfer.legs,
            _ => true,
        };
        if ends_group {
            fits = record.seq + 1 - first;
        }
    }
    Ok(fits)
}
