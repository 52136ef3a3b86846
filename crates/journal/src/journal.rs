//! Opening, recovering and writing the log.
//!
//! Opening walks the one segment that has no seal, frame by frame, and looks at header and seal of
//! the others; what it costs depends on the tail, not on the age of the log. The rules:
//!
//! * Bytes after the last good frame of the unsealed segment, with no later frame behind them, are a
//!   torn write that nobody was told about: they are zeroed and reported.
//! * Anything else that does not fit is damage: refused, with file, byte and entry, nothing changed.
//! * The newest stored checkpoint must be met: fewer entries or another root is a rollback: refused.

use std::any::Any;
use std::sync::Arc;

use crate::batch::Batch;
use crate::checkpoint::Checkpoints;
use crate::disk::{Disk, File, LockError};
use crate::flusher::Flusher;
use crate::format::{
    FRAME_HEADER, FrameHeader, MAX_FRAME_ENTRIES, SEAL, SEGMENT_HEADER, Seal, SegmentHeader, TABLE_LINE,
    segment_name, table_line,
};
use crate::genesis::Genesis;
use crate::hash::Hash;
use crate::prepare::Preparer;
use crate::reader::{Reader, Sealed, Shared, Tail};
use crate::recovery::{Found, clean_tail, write_again};
use crate::segment;
use crate::tree::{Tree, TreeFiles};
use crate::{ENTRY_LEN, JournalError, Suite, io_error};

/// Entries from which on hashing and flushing are worth two threads: a tenth of a millisecond.
const PARALLEL_FROM: usize = 1024;

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
    suite: Suite,
    log: Hash,
    preparer: Preparer,
    flusher: Flusher,
    file: Arc<dyn File>,
    base: u64,
    position: u64,
    capacity: u64,
    table: Vec<u8>,
    tree: Tree,
    root: Hash,
    /// The leaf hashes of the frame at hand.
    leaves: Vec<Hash>,
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
        let files = TreeFiles::open(disk.clone(), genesis.suite(), true)
            .map_err(|error| io_error(format!("opening {}/tree", disk.name()), error))?;
        let found = Found::look(&*disk, genesis, &bases, Arc::new(files))?;
        let preparer = Preparer::new(disk.clone(), segment_bytes);
        Self::go_on(disk, genesis, preparer, found, lock, created)
    }

    /// Goes on where the log was left.
    fn go_on(
        disk: Arc<dyn Disk>,
        genesis: &Genesis,
        preparer: Preparer,
        found: Found,
        lock: Box<dyn Any + Send + Sync>,
        created: bool,
    ) -> Result<(Self, Checkpoints, Recovered), JournalError> {
        let Found { checkpoints, chain, tail, tree, files, rehashed } = found;
        let flusher =
            Flusher::start().map_err(|error| io_error("starting the flushing thread".to_owned(), error))?;
        let (log, root) = (genesis.log(), tree.edge().root());
        let mut recovered =
            Recovered { records: tree.edge().size(), created, torn_bytes: tail.torn, rehashed };
        let (segment, frames) = match chain.open {
            Some(segment) => {
                recovered.torn_bytes = clean_tail(&segment, &tail, preparer.bytes())?;
                (segment, tail.frames)
            }
            None => {
                if let Some((last, seal)) = &chain.last {
                    write_again(last, u64::from(seal.table), last.size)?;
                }
                (preparer.segment(&SegmentHeader { base: recovered.records, log, root })?, Vec::new())
            }
        };
        let line = |&(first, at): &(u64, u64)| table_line((first - segment.base) as u32, at as u32);
        let table = frames.iter().flat_map(line).collect();
        let sealed = chain.sealed.into_iter().map(|(sealed, _)| sealed).collect();
        let open = Tail { base: segment.base, file: segment.file.clone(), frames };
        let journal = Self {
            shared: Arc::new(Shared::new(disk.clone(), files, sealed, open, recovered.records, Some(lock))),
            suite: genesis.suite(),
            log,
            base: segment.base,
            position: tail.end.max(SEGMENT_HEADER),
            capacity: preparer.bytes().max(segment.size),
            table,
            file: segment.file,
            tree,
            root,
            leaves: Vec::new(),
            failed: false,
            disk,
            preparer,
            flusher,
        };
        Ok((journal, checkpoints, recovered))
    }

    /// What makes the next segment's file ahead; to be called at the start and after every seal.
    #[must_use]
    pub fn preparer(&self) -> Preparer {
        self.preparer.clone()
    }

    /// A reader of what is durable.
    #[must_use]
    pub fn reader(&self) -> Reader {
        Reader::new(self.shared.clone())
    }

    /// Durable entries and the root over them.
    #[must_use]
    pub fn head(&self) -> (u64, Hash) {
        (self.tree.edge().size(), self.root)
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
        let written = self.file.write_at(&batch.bytes, self.position);
        written.map_err(|error| self.trouble("writing", error))?;
        let flushed = self.hash_and_flush(batch.entries());
        flushed.map_err(|error| self.trouble("flushing", error))?;
        let hashed = self.tree.append(&self.leaves);
        hashed.map_err(|error| self.trouble("hashing", error))?;
        self.root = self.tree.edge().root();
        self.table.extend_from_slice(&table_line((first - self.base) as u32, self.position as u32));
        let (end, root) = self.head();
        self.shared.frame_added(first, self.position, end);
        self.position += batch.bytes.len() as u64;
        Ok(Appended { first, end, root, sealed })
    }

    fn trouble(&self, what: &str, error: std::io::Error) -> JournalError {
        io_error(format!("{what} {}/{}", self.disk.name(), segment_name(self.base)), error)
    }

    /// Makes the written entries durable and their leaf hashes.
    fn hash_and_flush(&mut self, entries: &[u8]) -> std::io::Result<()> {
        let Self { flusher, file, leaves, suite, .. } = self;
        leaves.clear();
        if entries.len() < PARALLEL_FROM * ENTRY_LEN {
            file.sync()?;
            suite.leaves(entries, leaves);
            return Ok(());
        }
        flusher.flush_while(file, || suite.leaves(entries, leaves))
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
        let seal = Seal {
            frames: (self.table.len() / TABLE_LINE) as u32,
            end,
            root,
            table: self.position as u32,
            table_crc: crc32c::crc32c(&self.table),
        };
        self.table.extend_from_slice(&seal.encode());
        let file = &self.file;
        let written = file.write_at(&self.table, self.position);
        let cut = written.and_then(|()| file.truncate(self.position + self.table.len() as u64));
        cut.and_then(|()| file.sync()).map_err(|error| self.trouble("sealing", error))?;
        let next = self.preparer.segment(&SegmentHeader { base: end, log: self.log, root })?;
        self.preparer.sealed(u64::from(seal.frames), self.position - SEGMENT_HEADER);
        self.shared.segment_sealed(Sealed { base, end, frames: seal.frames, table: seal.table }, &next);
        self.table.clear();
        self.file = next.file;
        self.base = end;
        self.position = SEGMENT_HEADER;
        self.capacity = self.preparer.bytes();
        Ok(Some((base, end)))
    }
}
