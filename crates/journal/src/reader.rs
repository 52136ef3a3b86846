//! Reading what is durable, from any thread.
//!
//! A single entry is checked against its leaf hash in the tree, a whole frame against its checksum,
//! so what a reader gives is what was written or an error, never something in between.

use std::any::Any;
use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use crate::disk::{Disk, File, read_exact};
use crate::format::{
    ENTRY_LEN, FRAME_HEADER, FrameHeader, SEGMENT_HEADER, Seal, TABLE_LINE, read_table_line, segment_name,
};
use crate::hash::Hash;
use crate::proof::{self, Nodes as _};
use crate::segment::Segment;
use crate::tree::{Mark, TILE_WIDTH, TreeFiles};
use crate::{Entry, JournalError, Suite, io_error};

/// Sealed segments kept open at once.
const OPEN_FILES: usize = 64;

/// A sealed segment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sealed {
    pub(crate) base: u64,
    pub(crate) end: u64,
    pub(crate) frames: u32,
    pub(crate) table: u32,
}

impl Sealed {
    pub(crate) fn new(segment: &Segment, seal: &Seal) -> Self {
        Self { base: segment.base, end: seal.end, frames: seal.frames, table: seal.table }
    }
}

/// The unsealed segment and where its frames are: first entry and byte.
pub(crate) struct Tail {
    pub(crate) base: u64,
    pub(crate) file: Arc<dyn File>,
    pub(crate) frames: Vec<(u64, u64)>,
}

struct Segments {
    sealed: Vec<Sealed>,
    tail: Tail,
}

/// What the writer and the readers share.
pub(crate) struct Shared {
    disk: Arc<dyn Disk>,
    tree: Arc<TreeFiles>,
    segments: RwLock<Segments>,
    open: Mutex<BTreeMap<u64, Arc<dyn File>>>,
    durable: AtomicU64,
    lock: Mutex<Option<Box<dyn Any + Send + Sync>>>,
}

impl Shared {
    pub(crate) fn new(
        disk: Arc<dyn Disk>,
        tree: Arc<TreeFiles>,
        sealed: Vec<Sealed>,
        tail: Tail,
        durable: u64,
        lock: Option<Box<dyn Any + Send + Sync>>,
    ) -> Self {
        Self {
            disk,
            tree,
            segments: RwLock::new(Segments { sealed, tail }),
            open: Mutex::default(),
            durable: AtomicU64::new(durable),
            lock: Mutex::new(lock),
        }
    }

    pub(crate) fn frame_added(&self, first: u64, at: u64, end: u64) {
        self.segments.write().unwrap_or_else(PoisonError::into_inner).tail.frames.push((first, at));
        self.durable.store(end, Ordering::Release);
    }

    pub(crate) fn segment_sealed(&self, sealed: Sealed, next: &Segment) {
        let mut segments = self.segments.write().unwrap_or_else(PoisonError::into_inner);
        segments.sealed.push(sealed);
        segments.tail = Tail { base: next.base, file: next.file.clone(), frames: Vec::new() };
    }
}

/// Reads a log while it is written. Cheap to clone.
#[derive(Clone)]
pub struct Reader {
    shared: Arc<Shared>,
}

/// A frame's place: its segment's file, the byte, and its first entry.
struct Place {
    file: Arc<dyn File>,
    segment: u64,
    at: u64,
    first: u64,
}

fn damaged(segment: u64, at: u64, what: &str) -> io::Error {
    let name = segment_name(segment);
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("{name} is damaged at byte {at}: {what}; run `jialing verify`"),
    )
}

impl Reader {
    pub(crate) const fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Reads a log that nobody writes, as far as its segments are linked and whole, and changes
    /// nothing. For tools; the segments' seals and links have been checked by the caller.
    ///
    /// # Errors
    /// The system's.
    pub fn look(
        disk: Arc<dyn Disk>,
        suite: Suite,
        sealed: &[(Segment, Seal)],
        open: Option<&Segment>,
    ) -> Result<Self, JournalError> {
        let wrap = |error| io_error(format!("opening {}/tree", disk.name()), error);
        let tree = Arc::new(TreeFiles::open(disk.clone(), suite, false).map_err(wrap)?);
        let mut frames = Vec::new();
        let (segment, durable) = match (open, sealed.last()) {
            (Some(segment), _) => {
                let (_, end) = segment.walk_open(|frame| {
                    frames.push((frame.header.first, frame.at));
                    Ok(())
                })?;
                (segment, end)
            }
            (None, Some((segment, seal))) => (segment, seal.end),
            (None, None) => {
                let nothing = io::Error::from(io::ErrorKind::NotFound);
                return Err(io_error(format!("{} has no segments", disk.name()), nothing));
            }
        };
        let base = if open.is_some() { segment.base } else { durable };
        let tail = Tail { base, file: segment.file.clone(), frames };
        let sealed = sealed.iter().map(|(segment, seal)| Sealed::new(segment, seal)).collect();
        Ok(Self::new(Arc::new(Shared::new(disk, tree, sealed, tail, durable, None))))
    }

    /// What the tree is hashed with.
    #[must_use]
    pub fn suite(&self) -> Suite {
        self.shared.tree.suite()
    }

    /// Durable entries.
    #[must_use]
    pub fn durable(&self) -> u64 {
        self.shared.durable.load(Ordering::Acquire)
    }

    /// The sealed segments, each as its first entry and the one after its last.
    #[must_use]
    pub fn sealed(&self) -> Vec<(u64, u64)> {
        let segments = self.shared.segments.read().unwrap_or_else(PoisonError::into_inner);
        segments.sealed.iter().map(|sealed| (sealed.base, sealed.end)).collect()
    }

    /// Where the unsealed segment begins.
    #[must_use]
    pub fn tail_base(&self) -> u64 {
        self.shared.segments.read().unwrap_or_else(PoisonError::into_inner).tail.base
    }

    /// Lets another process open the log. Call it when the writer is gone.
    pub fn release(&self) {
        self.shared.lock.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// One durable entry.
    ///
    /// # Errors
    /// `InvalidData` with file and byte when it is not what was written.
    pub fn entry(&self, seq: u64) -> io::Result<Entry> {
        let place = self.locate(seq)?;
        let at = place.at + (FRAME_HEADER as u64) + (seq - place.first) * ENTRY_LEN as u64;
        let bytes = read_exact(&*place.file, at, ENTRY_LEN)?;
        if self.shared.tree.stored(0, seq, 1)?[0] != self.suite().leaf(&bytes) {
            return Err(damaged(place.segment, at, "a record does not fit its hash in the tree"));
        }
        Ok(bytes.try_into().expect("one entry"))
    }

    /// Visits durable entries `from` to `to` in order, reading whole frames.
    ///
    /// # Errors
    /// `InvalidData` with file and byte when a frame is not what was written; the visitor's.
    pub fn visit<E: From<io::Error>>(
        &self,
        from: u64,
        to: u64,
        mut visit: impl FnMut(u64, &Entry) -> Result<(), E>,
    ) -> Result<(), E> {
        let (mut next, to) = (from, to.min(self.durable()));
        while next < to {
            let (first, entries) = self.frame(next)?;
            let skip = (next - first) as usize;
            for entry in entries.chunks_exact(ENTRY_LEN).skip(skip) {
                if next == to {
                    return Ok(());
                }
                visit(next, entry.try_into().expect("one entry"))?;
                next += 1;
            }
        }
        Ok(())
    }

    /// At most `limit` durable entries from `from` on.
    ///
    /// # Errors
    /// As [`Reader::visit`].
    pub fn entries(&self, from: u64, limit: usize) -> io::Result<Vec<Entry>> {
        let mut found = Vec::new();
        let to = from.saturating_add(limit as u64);
        // A few entries of a large frame are cheaper one by one.
        if limit <= 16 {
            return (from..to.min(self.durable())).map(|seq| self.entry(seq)).collect();
        }
        self.visit(from, to, |_, entry| {
            found.push(*entry);
            io::Result::Ok(())
        })?;
        Ok(found)
    }

    /// The whole frame that holds `seq`: its first entry, and its entries end to end.
    fn frame(&self, seq: u64) -> io::Result<(u64, Vec<u8>)> {
        let place = self.locate(seq)?;
        let bad = |what| damaged(place.segment, place.at, what);
        let header = FrameHeader::decode(&read_exact(&*place.file, place.at, FRAME_HEADER)?);
        let header = header
            .filter(|header| header.first == place.first && seq < header.first + u64::from(header.count));
        let header = header.ok_or_else(|| bad("a frame's header does not fit"))?;
        let entries = read_exact(&*place.file, place.at + FRAME_HEADER as u64, header.body())?;
        if crc32c::crc32c(&entries) != header.crc {
            return Err(bad("a frame's checksum does not fit"));
        }
        Ok((place.first, entries))
    }

    fn locate(&self, seq: u64) -> io::Result<Place> {
        if seq >= self.durable() {
            return Err(io::Error::new(io::ErrorKind::NotFound, format!("record {seq} is not in the log")));
        }
        let sealed = {
            let segments = self.shared.segments.read().unwrap_or_else(PoisonError::into_inner);
            let tail = &segments.tail;
            if seq >= tail.base {
                let place = tail.frames.partition_point(|&(first, _)| first <= seq);
                let (first, at) = tail.frames[place - 1];
                return Ok(Place { file: tail.file.clone(), segment: tail.base, at, first });
            }
            segments.sealed[segments.sealed.partition_point(|sealed| sealed.end <= seq)]
        };
        let file = self.file(sealed.base)?;
        let (first, at) = search_table(&*file, &sealed, seq)?;
        Ok(Place { file, segment: sealed.base, at, first })
    }

    fn file(&self, base: u64) -> io::Result<Arc<dyn File>> {
        let mut open = self.shared.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = open.get(&base) {
            return Ok(file.clone());
        }
        let file = self.shared.disk.open(&segment_name(base), false)?;
        if open.len() >= OPEN_FILES {
            open.pop_first();
        }
        open.insert(base, file.clone());
        Ok(file)
    }

    /// The root over the first `size` durable entries.
    ///
    /// # Errors
    /// The system's.
    pub fn root(&self, size: u64) -> io::Result<Hash> {
        proof::root(&*self.shared.tree, size)
    }

    /// RFC 6962 inclusion path; `seq < size`, and `size` entries are durable.
    ///
    /// # Errors
    /// The system's.
    pub fn inclusion(&self, seq: u64, size: u64) -> io::Result<Vec<Hash>> {
        proof::inclusion(&*self.shared.tree, seq, size)
    }

    /// RFC 6962 consistency proof; `old <= new`, and `new` entries are durable.
    ///
    /// # Errors
    /// The system's.
    pub fn consistency(&self, old: u64, new: u64) -> io::Result<Vec<Hash>> {
        proof::consistency(&*self.shared.tree, old, new)
    }

    /// A C2SP hash tile of a tree that has all of its hashes.
    ///
    /// # Errors
    /// When the hashes are not there.
    pub fn tile(&self, level: u8, index: u64, width: u16) -> io::Result<Vec<u8>> {
        let from = index.checked_mul(TILE_WIDTH).ok_or(io::ErrorKind::NotFound)?;
        Ok(self.shared.tree.stored(usize::from(level), from, usize::from(width))?.concat())
    }

    /// Stored hashes of one level, as many as there are from `from` on, at most `count`.
    ///
    /// # Errors
    /// When they are not there.
    pub fn stored(&self, level: usize, from: u64, count: usize) -> io::Result<Vec<Hash>> {
        self.shared.tree.stored(level, from, count)
    }

    /// Makes the hashes of the first `size` entries durable and notes it, so that the next opening
    /// need not hash them again; `size` is the end of a sealed segment.
    ///
    /// # Errors
    /// The system's.
    pub fn settle_tree(&self, size: u64) -> io::Result<()> {
        self.shared.tree.sync()?;
        Mark { size, root: self.root(size)? }.store(&*self.shared.disk)
    }

    /// Bytes of the tree's files.
    #[must_use]
    pub fn tree_bytes(&self) -> u64 {
        self.shared.tree.bytes()
    }
}

/// The last frame of a sealed segment that does not begin after `seq`.
fn search_table(file: &dyn File, sealed: &Sealed, seq: u64) -> io::Result<(u64, u64)> {
    let line = |place: u32| -> io::Result<(u64, u64)> {
        let at = u64::from(sealed.table) + u64::from(place) * TABLE_LINE as u64;
        let (first, at) = read_table_line(&read_exact(file, at, TABLE_LINE)?);
        Ok((sealed.base + u64::from(first), u64::from(at)))
    };
    let (mut low, mut high) = (0, sealed.frames);
    while high - low > 1 {
        let middle = low.midpoint(high);
        if line(middle)?.0 <= seq {
            low = middle;
        } else {
            high = middle;
        }
    }
    let (first, at) = line(low)?;
    if first > seq || at < SEGMENT_HEADER {
        return Err(damaged(sealed.base, u64::from(sealed.table), "the table of frames does not fit"));
    }
    Ok((first, at))
}
