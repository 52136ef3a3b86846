//! Opening, recovering and writing the log.
//!
//! Opening walks the one segment that has no seal, frame by frame, and looks at header and seal of
//! the others; what it costs depends on the tail, not on the age of the log. The rules:
//!
//! * Bytes after the last good frame of the unsealed segment, with no later frame behind them, are a
//!   torn write that nobody was told about: they are zeroed and reported.
//! * Anything else that does not fit is damage: refused, with file, byte and entry, nothing changed.
//! * The newest stored checkpoint must be met: fewer entries or another root is a rollback: refused.

use std::sync::Arc;

use crate::checkpoint::Checkpoints;
use crate::disk::{Disk, File, LockError, read_exact};
use crate::format::{
    ENTRY_LEN, FRAME_HEADER, FrameHeader, MAX_FRAME_ENTRIES, SEAL, SEGMENT_HEADER, Seal, SegmentHeader,
    TABLE_LINE, segment_name, table_line,
};
use crate::genesis::Genesis;
use crate::hash::{self, Hash, hex};
use crate::reader::{Reader, Sealed, Shared, Tail};
use crate::segment::{self, Rest, Segment};
use crate::tree::{Mark, Tree, TreeFiles};
use crate::{Entry, JournalError, io_error, proof};

/// Entries from which on hashing and flushing are worth two threads.
const PARALLEL_FROM: usize = 256;
/// Largest segment: positions in its table of frames have 32 bits.
const MAX_SEGMENT: u64 = 1 << 31;

/// What opening found and did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Entries in the log.
    pub records: u64,
    /// Whether the log was made now.
    pub created: bool,
    /// Bytes of a torn tail that were cut.
    pub torn_bytes: u64,
    /// Entries hashed again, because their hashes were not known to be durable.
    pub rehashed: u64,
}

/// Entries to be appended together, with room for the frame's header before them.
#[derive(Debug)]
pub struct Batch {
    bytes: Vec<u8>,
}

impl Default for Batch {
    fn default() -> Self {
        Self { bytes: vec![0; FRAME_HEADER] }
    }
}

impl Batch {
    /// Adds an entry.
    pub fn push(&mut self, entry: &Entry) {
        self.bytes.extend_from_slice(entry);
    }

    /// Adds all entries of another batch.
    pub fn append(&mut self, other: &Self) {
        self.bytes.extend_from_slice(other.entries());
    }

    /// The entries, end to end.
    #[must_use]
    pub fn entries(&self) -> &[u8] {
        &self.bytes[FRAME_HEADER..]
    }

    /// How many entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries().len() / ENTRY_LEN
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries().is_empty()
    }

    /// Forgets the entries, keeps the room.
    pub fn clear(&mut self) {
        self.bytes.truncate(FRAME_HEADER);
    }
}

/// What an append did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Sequence number of the first entry.
    pub first: u64,
    /// Sequence number after the last: all before it are durable.
    pub end: u64,
    /// Root of the tree over all of them.
    pub root: Hash,
    /// The segment that was sealed before, as its first entry and the one after its last.
    pub sealed: Option<(u64, u64)>,
}

/// The writer of a log. There is one per data folder, by a lock.
pub struct Journal {
    disk: Arc<dyn Disk>,
    shared: Arc<Shared>,
    log: Hash,
    segment_bytes: u64,
    file: Arc<dyn File>,
    base: u64,
    position: u64,
    capacity: u64,
    table: Vec<u8>,
    tree: Tree,
    failed: bool,
}

impl Journal {
    /// Opens the log on `disk`, or makes it, and recovers.
    ///
    /// # Errors
    /// See [`JournalError`]. Unless a torn tail was cut, nothing but derived files was changed.
    pub fn open(
        disk: Arc<dyn Disk>,
        genesis: &Genesis,
        segment_bytes: u64,
    ) -> Result<(Self, Checkpoints, Recovered), JournalError> {
        let lock = disk.lock("lock").map_err(|error| match error {
            LockError::Held(pid) => JournalError::InUse { dir: disk.name(), pid },
            LockError::Io(error) => io_error(format!("locking {}/lock", disk.name()), error),
        })?;
        for folder in ["segments", "tree"] {
            disk.make_folder(folder)
                .map_err(|error| io_error(format!("making {}/{folder}", disk.name()), error))?;
        }
        let bases = segment::bases(&*disk)?;
        if Genesis::load(&*disk)?.is_none() && !bases.is_empty() {
            return Err(JournalError::Mismatch(
                "the file genesis is missing: restore it from a copy".to_owned(),
            ));
        }
        let created = genesis.load_or_store(&*disk)?;
        // A process that was killed may have left names that no folder's sync has made durable.
        for folder in ["segments", "tree", ""] {
            disk.sync_folder(folder)
                .map_err(|error| io_error(format!("flushing {}/{folder}", disk.name()), error))?;
        }
        let log = genesis.log();
        let checkpoints = Checkpoints::open(&*disk, true)?;
        let files = TreeFiles::open(disk.clone(), true)
            .map_err(|error| io_error(format!("opening {}/tree", disk.name()), error))?;
        let files = Arc::new(files);

        let chain = Chain::read(&*disk, &bases, &log)?;
        let mut recovered = Recovered { created, ..Recovered::default() };
        let mut tree = chain.tree(&*disk, &files, &mut recovered)?;
        let open =
            chain.open.as_ref().map(|segment| walk_tail(segment, &mut tree, &mut recovered)).transpose()?;
        meets(checkpoints.newest(), genesis, &tree, &files)?;
        recovered.records = tree.edge().size();

        let sealed: Vec<Sealed> =
            chain.sealed.iter().map(|(segment, seal)| Sealed::new(segment, seal)).collect();
        let (segment, open) = match (chain.open, open) {
            (Some(segment), Some(open)) => {
                recovered.torn_bytes = clean_tail(&segment, &open, segment_bytes)?;
                (segment, open)
            }
            _ => {
                if let Some((last, seal)) = chain.sealed.last() {
                    write_again(last, u64::from(seal.table), last.size)?;
                }
                (new_segment(&*disk, &log, &tree, segment_bytes)?, OpenTail::default())
            }
        };
        let tail = Tail { base: segment.base, file: segment.file.clone(), frames: open.frames.clone() };
        let shared = Shared::new(disk.clone(), files, sealed, tail, recovered.records, Some(lock));
        let table =
            open.frames.iter().flat_map(|&(first, at)| table_line((first - segment.base) as u32, at as u32));
        let journal = Self {
            disk,
            log,
            segment_bytes,
            base: segment.base,
            position: open.end.max(SEGMENT_HEADER),
            capacity: segment_bytes.max(segment.size),
            table: table.collect(),
            file: segment.file,
            shared: Arc::new(shared),
            tree,
            failed: false,
        };
        Ok((journal, checkpoints, recovered))
    }

    /// A reader of what is durable.
    #[must_use]
    pub fn reader(&self) -> Reader {
        Reader::new(self.shared.clone())
    }

    /// Durable entries and the root over them.
    #[must_use]
    pub fn head(&self) -> (u64, Hash) {
        (self.tree.edge().size(), self.tree.edge().root())
    }

    /// Bytes from the file's start to where the next frame goes.
    #[must_use]
    pub const fn position(&self) -> u64 {
        self.position
    }

    /// Appends a batch as one frame and makes it durable, sealing the segment first when it is full.
    ///
    /// # Errors
    /// When the disk refused. Nothing is then known about this batch until the log is opened again,
    /// and every later append fails too.
    pub fn append(&mut self, batch: &mut Batch) -> Result<Appended, JournalError> {
        if self.failed {
            return Err(JournalError::Io {
                what: "appending after a failure".to_owned(),
                source: std::io::ErrorKind::Other.into(),
            });
        }
        // Set until all went well, so that no way out of here can leave a writer that goes on.
        self.failed = true;
        let done = self.append_frame(batch)?;
        self.failed = false;
        Ok(done)
    }

    fn append_frame(&mut self, batch: &mut Batch) -> Result<Appended, JournalError> {
        let count = batch.len();
        let (first, root) = self.head();
        if count == 0 {
            return Ok(Appended { first, end: first, root, sealed: None });
        }
        assert!(count <= MAX_FRAME_ENTRIES as usize, "a batch has at most {MAX_FRAME_ENTRIES} entries");
        let sealed = self.room_for(batch.bytes.len() as u64)?;
        let header = FrameHeader { count: count as u32, first, root, crc: crc32c::crc32c(batch.entries()) };
        batch.bytes[..FRAME_HEADER].copy_from_slice(&header.encode());
        let name = segment_name(self.base);
        let wrap = |what: &str, error| io_error(format!("{what} {}/{name}", self.disk.name()), error);
        self.file.write_at(&batch.bytes, self.position).map_err(|error| wrap("writing", error))?;
        let leaves = hash_and_flush(batch.entries(), &*self.file).map_err(|error| wrap("flushing", error))?;
        self.tree.append(&leaves).map_err(|error| wrap("hashing", error))?;
        self.table.extend_from_slice(&table_line((first - self.base) as u32, self.position as u32));
        let (end, root) = self.head();
        self.shared.frame_added(first, self.position, end);
        self.position += batch.bytes.len() as u64;
        Ok(Appended { first, end, root, sealed })
    }

    /// Seals the segment and begins the next one when a frame of `bytes` does not fit.
    fn room_for(&mut self, bytes: u64) -> Result<Option<(u64, u64)>, JournalError> {
        let footer = (self.table.len() + TABLE_LINE + SEAL) as u64;
        if self.position == SEGMENT_HEADER || self.position + bytes + footer <= self.capacity {
            // A first frame larger than a whole segment makes its segment longer.
            return Ok(None);
        }
        let (end, root) = self.head();
        let base = self.base;
        let name = segment_name(base);
        let wrap = |error| io_error(format!("sealing {}/{name}", self.disk.name()), error);
        let seal = Seal {
            frames: (self.table.len() / TABLE_LINE) as u32,
            end,
            root,
            table: self.position as u32,
            table_crc: crc32c::crc32c(&self.table),
        };
        let mut bytes = std::mem::take(&mut self.table);
        bytes.extend_from_slice(&seal.encode());
        self.file.write_at(&bytes, self.position).map_err(wrap)?;
        self.file.truncate(self.position + bytes.len() as u64).map_err(wrap)?;
        self.file.sync().map_err(wrap)?;
        let next = new_segment(&*self.disk, &self.log, &self.tree, self.segment_bytes)?;
        self.shared.segment_sealed(Sealed { base, end, frames: seal.frames, table: seal.table }, &next);
        self.file = next.file;
        self.base = end;
        self.position = SEGMENT_HEADER;
        self.capacity = self.segment_bytes;
        Ok(Some((base, end)))
    }
}

/// Hashes the entries while the file is flushed.
fn hash_and_flush(entries: &[u8], file: &dyn File) -> std::io::Result<Vec<Hash>> {
    let leaves = || entries.chunks_exact(ENTRY_LEN).map(hash::leaf).collect();
    if entries.len() < PARALLEL_FROM * ENTRY_LEN {
        file.sync()?;
        return Ok(leaves());
    }
    std::thread::scope(|scope| {
        let flush = scope.spawn(|| file.sync());
        let leaves = leaves();
        flush.join().map_err(|_| std::io::Error::other("the flush panicked"))??;
        Ok(leaves)
    })
}

/// Makes the next segment under a temporary name, so that a segment that has its name has its header.
fn new_segment(disk: &dyn Disk, log: &Hash, tree: &Tree, bytes: u64) -> Result<Segment, JournalError> {
    let base = tree.edge().size();
    let name = segment_name(base);
    let wrap = |error| io_error(format!("making {}/{name} of {bytes} bytes", disk.name()), error);
    let bytes = bytes.clamp(2 * SEGMENT_HEADER, MAX_SEGMENT);
    let file = disk.create("segments/next").map_err(wrap)?;
    file.allocate(bytes).map_err(wrap)?;
    file.write_at(&SegmentHeader { base, log: *log, root: tree.edge().root() }.encode(), 0).map_err(wrap)?;
    file.sync().map_err(wrap)?;
    disk.rename("segments/next", &name).map_err(wrap)?;
    disk.sync_folder("segments").map_err(wrap)?;
    Ok(Segment { base, name, file, size: bytes })
}

/// The segments of a log, each linked to the one before.
struct Chain {
    sealed: Vec<(Segment, Seal)>,
    open: Option<Segment>,
}

impl Chain {
    fn read(disk: &dyn Disk, bases: &[u64], log: &Hash) -> Result<Self, JournalError> {
        let mut chain = Self { sealed: Vec::new(), open: None };
        let (mut next, mut root) = (0, hash::empty());
        for (place, &base) in bases.iter().enumerate() {
            let segment = Segment::open(disk, base, true)?;
            let header = segment.header()?;
            if header.log != *log {
                return Err(JournalError::Mismatch(format!("{} belongs to another log", segment.name)));
            }
            if base != next {
                let what = format!("the log should go on with record {next} here: a segment is missing");
                return Err(segment.damaged(0, next, what));
            }
            if header.root != root {
                return Err(segment.damaged(64, base, "its link does not fit the segment before"));
            }
            match segment.seal()? {
                Some(seal) => {
                    (next, root) = (seal.end, seal.root);
                    chain.sealed.push((segment, seal));
                }
                None if place + 1 == bases.len() => chain.open = Some(segment),
                None => {
                    return Err(segment.damaged(
                        segment.size,
                        base,
                        "it has no good seal, yet it is not the last",
                    ));
                }
            }
        }
        Ok(chain)
    }

    /// The tree up to the end of the sealed segments, with hashes made again after the durable mark.
    fn tree(
        &self,
        disk: &dyn Disk,
        files: &Arc<TreeFiles>,
        recovered: &mut Recovered,
    ) -> Result<Tree, JournalError> {
        let known = |size| size == 0 || self.sealed.iter().any(|(_, seal)| seal.end == size);
        let edge = Mark::load(disk)
            .filter(|mark| known(mark.size))
            .and_then(|mark| mark.edge(files))
            .unwrap_or_default();
        let mut tree = Tree::new(files.clone(), edge);
        for (segment, seal) in &self.sealed {
            if seal.end > tree.edge().size() {
                segment.walk_sealed(seal, |frame| add_frame(segment, frame, &mut tree, recovered))?;
            }
            if seal.end == tree.edge().size() && tree.edge().root() != seal.root {
                return Err(segment.damaged(
                    segment.size,
                    segment.base,
                    "the seal's root does not fit the records",
                ));
            }
        }
        Ok(tree)
    }
}

/// Checks a frame's link and adds its entries to the tree.
fn add_frame(
    segment: &Segment,
    frame: &segment::Frame,
    tree: &mut Tree,
    recovered: &mut Recovered,
) -> Result<(), JournalError> {
    if frame.header.root != tree.edge().root() {
        return Err(segment.damaged(
            frame.at,
            frame.header.first,
            "the frame's link does not fit the records before it",
        ));
    }
    let leaves: Vec<Hash> = frame.entries.chunks_exact(ENTRY_LEN).map(hash::leaf).collect();
    tree.append(&leaves).map_err(|error| io_error("writing tree/".to_owned(), error))?;
    recovered.rehashed += leaves.len() as u64;
    Ok(())
}

/// Where the unsealed segment's frames are, and what follows them.
#[derive(Default)]
struct OpenTail {
    frames: Vec<(u64, u64)>,
    end: u64,
    torn: u64,
}

fn walk_tail(
    segment: &Segment,
    tree: &mut Tree,
    recovered: &mut Recovered,
) -> Result<OpenTail, JournalError> {
    let mut frames = Vec::new();
    let (end, next) = segment.walk_open(|frame| {
        frames.push((frame.header.first, frame.at));
        add_frame(segment, frame, tree, recovered)
    })?;
    match segment.rest(end, next)? {
        Rest::Clean => Ok(OpenTail { frames, end, torn: 0 }),
        Rest::Torn(torn) => Ok(OpenTail { frames, end, torn }),
        Rest::LaterFrame(at, first) => {
            let what = format!(
                "no good frame here, yet one with record {first} follows at byte {at}, so this one was durable once"
            );
            Err(segment.damaged(end, next, what))
        }
    }
}

/// Writes bytes of a segment once more and flushes them.
///
/// What an earlier process wrote last may be in the system's cache only: it was killed before its
/// flush, or its flush failed, after which the cache holds for written what the disk may not have. A
/// flush alone would then do nothing, and what is answered from here on could be lost with the power.
fn write_again(segment: &Segment, from: u64, end: u64) -> Result<(), JournalError> {
    let wrap = |error| io_error(format!("writing the end of {} once more", segment.name), error);
    let bytes = read_exact(&*segment.file, from, (end - from) as usize).map_err(wrap)?;
    segment.file.write_at(&bytes, from).map_err(wrap)?;
    segment.file.sync().map_err(wrap)
}

/// Zeroes a torn tail, so that it can never be taken for frames, and takes the segment's room again.
fn clean_tail(segment: &Segment, open: &OpenTail, segment_bytes: u64) -> Result<u64, JournalError> {
    let wrap = |error| io_error(format!("clearing the torn tail of {}", segment.name), error);
    let (mut at, end) = (open.end, open.end + open.torn);
    while at < end {
        let length = (end - at).min(1 << 20);
        segment.file.write_at(&vec![0; length as usize], at).map_err(wrap)?;
        at += length;
    }
    segment.file.allocate(segment_bytes.clamp(segment.size, MAX_SEGMENT)).map_err(wrap)?;
    let last = open.frames.last().map_or(open.end, |&(_, at)| at);
    write_again(segment, last, open.end)?;
    Ok(open.torn)
}

/// Refuses a log that is behind or beside its newest stored checkpoint.
fn meets(
    newest: Option<&crate::Checkpoint>,
    genesis: &Genesis,
    tree: &Tree,
    files: &TreeFiles,
) -> Result<(), JournalError> {
    let Some(newest) = newest else { return Ok(()) };
    if !newest.verify(&genesis.key) {
        return Err(JournalError::RolledBack(
            "the newest stored checkpoint is not signed by this log's key".to_owned(),
        ));
    }
    let size = tree.edge().size();
    if newest.size > size {
        return Err(JournalError::RolledBack(format!(
            "a stored checkpoint covers {} records, the journal has {size} whole ones",
            newest.size
        )));
    }
    let root =
        proof::root(files, newest.size).map_err(|error| io_error("reading tree/".to_owned(), error))?;
    if root != newest.root {
        return Err(JournalError::RolledBack(format!(
            "the first {} records have root {}, a stored checkpoint signed {}",
            newest.size,
            hex(&root),
            hex(&newest.root)
        )));
    }
    Ok(())
}
