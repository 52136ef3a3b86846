//! A run: a sorted, immutable file of keys and sequence numbers that covers some segments.
//!
//! One format serves ids and accounts. 4 KiB pages of 170 entries, each page with its own checksum;
//! after them fences, the first entry of every page, in blocks of 64 with a checksum each; the first
//! fence of every block is in memory. A look-up reads one block and one page, whatever the size. A run
//! of ids ends with a filter ([`super::filter`]).
//! Runs are derived from the journal: a bad one is made again.

use std::io;
use std::sync::{Arc, OnceLock};

use jialing_journal::disk::{Disk, File, read_exact};
use jialing_journal::{Hash, hash};
use jialing_ledger::Id;

use super::filter::{self, Budget, Filter, Loaded};

const MAGIC: &[u8; 16] = b"jialing run 2\n\0\0";
const PAGE: usize = 4096;
const ENTRY: usize = 24;
/// Entries in a full page.
const PER_PAGE: usize = (PAGE - 8) / ENTRY;
/// Fences in a full block.
const PER_BLOCK: usize = 64;
const BLOCK: usize = PER_BLOCK * ENTRY + 4;

/// A key and the sequence number it leads to.
pub(crate) type Pair = (Id, u64);

/// What a run is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Transfer ids.
    Ids = 1,
    /// Accounts.
    Accounts = 2,
}

impl Kind {
    const fn word(self) -> &'static str {
        match self {
            Self::Ids => "ids",
            Self::Accounts => "accounts",
        }
    }

    /// The sort key: ids are turned by two bits, so that the two that mark reversals and expiries
    /// stand last and the time in an id's highest 48 bits leads.
    pub(crate) const fn key(self, id: Id) -> Id {
        match self {
            Self::Ids => id.rotate_left(2),
            Self::Accounts => id,
        }
    }
}

/// What a run covers: records `first` to `end`, and its tier: 0 for one segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) kind: Kind,
    pub(crate) first: u64,
    pub(crate) end: u64,
    pub(crate) tier: u32,
}

impl Span {
    pub(crate) fn name(&self) -> String {
        format!("index/{}-{:020}-{:020}.run", self.kind.word(), self.first, self.end)
    }

    /// Reads kind, first and end from a file name without folder.
    pub(crate) fn parse(name: &str) -> Option<(Kind, u64, u64)> {
        let mut parts = name.strip_suffix(".run")?.split('-');
        let word = parts.next()?;
        let kind = [Kind::Ids, Kind::Accounts].into_iter().find(|kind| kind.word() == word)?;
        let (first, end) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        parts.next().is_none().then_some((kind, first, end))
    }
}

/// An open run.
pub(crate) struct Run {
    pub(crate) span: Span,
    name: String,
    file: Arc<dyn File>,
    pages: u64,
    /// The first entry of every fence block.
    sparse: Vec<Pair>,
    last: Pair,
    filter_bytes: u64,
    /// `None` inside when it did not fit into the budget.
    filter: OnceLock<Option<Loaded>>,
}

/// A file of the index that is not what was written.
#[derive(Debug, thiserror::Error)]
#[error("{name} is damaged ({what}): it is removed, and the next start makes it anew from the journal")]
pub(crate) struct BadRun {
    pub(crate) name: String,
    what: String,
}

fn bad(name: &str, what: &str) -> io::Error {
    let bad = BadRun { name: name.to_owned(), what: what.to_owned() };
    io::Error::new(io::ErrorKind::InvalidData, bad)
}

fn put(bytes: &mut Vec<u8>, pair: Pair) {
    bytes.extend_from_slice(&pair.0.to_le_bytes());
    bytes.extend_from_slice(&pair.1.to_le_bytes());
}

fn get(bytes: &[u8]) -> Pair {
    let key = Id::from_le_bytes(bytes[..16].try_into().expect("sixteen bytes"));
    (key, u64::from_le_bytes(bytes[16..24].try_into().expect("eight bytes")))
}

/// The first page: what the run is, and how much of it there is.
struct Header {
    span: Span,
    entries: u64,
    last: Pair,
    log: Hash,
    filter_bytes: u64,
}

impl Header {
    fn encode(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&(self.span.kind as u32).to_le_bytes());
        bytes.extend_from_slice(&self.span.tier.to_le_bytes());
        for number in [self.span.first, self.span.end, self.entries] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        put(&mut bytes, self.last);
        bytes.extend_from_slice(&self.log);
        bytes.extend_from_slice(&self.filter_bytes.to_le_bytes());
        let crc = crc(&bytes);
        bytes.extend_from_slice(&crc.to_le_bytes());
        bytes.resize(PAGE, 0);
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let u64_at = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"));
        let u32_at = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
        if bytes.len() != PAGE
            || &bytes[..16] != MAGIC
            || crc(&bytes[..112]) != u32_at(112)
            || bytes[116..].iter().any(|&byte| byte != 0)
        {
            return None;
        }
        let kind = [Kind::Ids, Kind::Accounts].into_iter().find(|&kind| kind as u32 == u32_at(16))?;
        let span = Span { kind, first: u64_at(24), end: u64_at(32), tier: u32_at(20) };
        let log = bytes[72..104].try_into().expect("thirty-two bytes");
        Some(Self { span, entries: u64_at(40), last: get(&bytes[48..72]), log, filter_bytes: u64_at(104) })
    }
}

fn crc(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes)
}

/// Bytes written between two flushes of a run that is being made. A flush of the journal waits for
/// what the disk has taken before it, so no more than this is ever ahead of it.
const SYNC_EVERY: u64 = 4 << 20;

/// Pages gathered before they are written.
const PAGES_AT_ONCE: usize = 64;

/// A run being made, under a temporary name until it is whole and durable.
pub(crate) struct Builder<'a> {
    disk: &'a dyn Disk,
    log: &'a Hash,
    span: Span,
    file: Arc<dyn File>,
    at: u64,
    synced: u64,
    /// Pages to be written; the last one is being filled.
    buffer: Vec<u8>,
    /// Entries in the page being filled.
    filled: usize,
    fences: Vec<Pair>,
    entries: u64,
    last: Pair,
    filter: Option<Filter>,
}

impl<'a> Builder<'a> {
    /// Begins a run of these records.
    pub(crate) fn new(disk: &'a dyn Disk, log: &'a Hash, span: Span) -> io::Result<Self> {
        let file = disk.create(&format!("{}.tmp", span.name()))?;
        Ok(Self {
            disk,
            log,
            span,
            file,
            at: PAGE as u64,
            synced: 0,
            buffer: Vec::with_capacity(PAGES_AT_ONCE * PAGE),
            filled: 0,
            fences: Vec::new(),
            entries: 0,
            last: (0, 0),
            // One id a record at most.
            filter: (span.kind == Kind::Ids).then(|| Filter::new(span.end - span.first)),
        })
    }

    /// Adds a pair, which sorts after all before it.
    pub(crate) fn push(&mut self, pair: Pair) -> io::Result<()> {
        debug_assert!(self.entries == 0 || self.last < pair, "pairs come in order");
        if self.filled == 0 {
            self.fences.push(pair);
            self.buffer.extend_from_slice(&[0; 8]);
        }
        put(&mut self.buffer, pair);
        if let Some(filter) = &mut self.filter {
            filter.add(pair.0);
        }
        self.last = pair;
        self.entries += 1;
        self.filled += 1;
        if self.filled == PER_PAGE { self.end_page() } else { Ok(()) }
    }

    fn end_page(&mut self) -> io::Result<()> {
        let start = self.buffer.len() - 8 - self.filled * ENTRY;
        self.buffer.resize(start + PAGE, 0);
        let page = &mut self.buffer[start..];
        page[4..8].copy_from_slice(&(self.filled as u32).to_le_bytes());
        let crc = crc(&page[4..]);
        page[..4].copy_from_slice(&crc.to_le_bytes());
        self.filled = 0;
        if self.buffer.len() >= PAGES_AT_ONCE * PAGE { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.write_at(&self.buffer, self.at)?;
        self.at += self.buffer.len() as u64;
        self.buffer.clear();
        if self.at - self.synced >= SYNC_EVERY {
            self.file.sync()?;
            self.synced = self.at;
        }
        Ok(())
    }

    /// Ends the run and opens it. Its filter stays loaded when filters are in use.
    pub(crate) fn finish(mut self, budget: &Arc<Budget>) -> io::Result<Run> {
        if self.filled > 0 {
            self.end_page()?;
        }
        for block in std::mem::take(&mut self.fences).chunks(PER_BLOCK) {
            let start = self.buffer.len();
            block.iter().for_each(|&pair| put(&mut self.buffer, pair));
            self.buffer.resize(start + PER_BLOCK * ENTRY, 0);
            let crc = crc(&self.buffer[start..]);
            self.buffer.extend_from_slice(&crc.to_le_bytes());
        }
        let filter_bytes = self.end_filter()?;
        let Self { span, entries, last, log, .. } = self;
        self.file.write_at(&Header { span, entries, last, log: *log, filter_bytes }.encode(), 0)?;
        self.file.sync()?;
        let name = span.name();
        self.disk.rename(&format!("{name}.tmp"), &name)?;
        self.disk.sync_folder("index")?;
        let run = Run::open(self.disk, log, &name)?;
        if let Some(filter) = self.filter.filter(|_| budget.is_used()) {
            let loaded = budget.load(filter_bytes, || io::Result::Ok(Some(filter)))?;
            run.filter.get_or_init(|| loaded);
        }
        Ok(run)
    }

    fn end_filter(&mut self) -> io::Result<u64> {
        let mut length = 0;
        if let Some(filter) = &self.filter {
            let start = self.buffer.len();
            self.buffer.extend(filter.bytes());
            length = (self.buffer.len() - start) as u64;
            let crc = crc(&self.buffer[start..]);
            self.buffer.extend_from_slice(&crc.to_le_bytes());
        }
        self.flush()?;
        Ok(length)
    }
}

impl Run {
    /// Opens a run and loads what it keeps in memory.
    ///
    /// `InvalidData` when the file is not a whole, good run of this log.
    pub(crate) fn open(disk: &dyn Disk, log: &Hash, name: &str) -> io::Result<Self> {
        let file = disk.open(name, false)?;
        let header = Header::decode(&read_exact(&*file, 0, PAGE)?).filter(|header| header.log == *log);
        let header = header.ok_or_else(|| bad(name, "header"))?;
        let records = header.span.end.saturating_sub(header.span.first);
        if header.entries > records.saturating_mul(2) {
            return Err(bad(name, "more entries than records allow"));
        }
        let pages = header.entries.div_ceil(PER_PAGE as u64);
        let blocks = pages.div_ceil(PER_BLOCK as u64);
        let filter_length = match header.span.kind {
            Kind::Ids => header.filter_bytes.saturating_add(4),
            Kind::Accounts => 0,
        };
        let length = (1 + pages) * PAGE as u64 + blocks * BLOCK as u64;
        if header.span.name() != name
            || header.filter_bytes > filter::bytes_for(records)
            || file.size()? != length + filter_length
        {
            return Err(bad(name, "length"));
        }
        let mut run = Self {
            span: header.span,
            name: name.to_owned(),
            file,
            pages,
            sparse: Vec::new(),
            last: header.last,
            filter_bytes: header.filter_bytes,
            filter: OnceLock::new(),
        };
        for block in 0..blocks {
            let first = run.block(block)?[0];
            run.sparse.push(first);
        }
        Ok(run)
    }

    fn block(&self, block: u64) -> io::Result<Vec<Pair>> {
        let at = (1 + self.pages) * PAGE as u64 + block * BLOCK as u64;
        let bytes = read_exact(&*self.file, at, BLOCK)?;
        let stored = u32::from_le_bytes(bytes[BLOCK - 4..].try_into().expect("four bytes"));
        if crc(&bytes[..BLOCK - 4]) != stored {
            return Err(bad(&self.name, "fences"));
        }
        let count = (self.pages - block * PER_BLOCK as u64).min(PER_BLOCK as u64) as usize;
        Ok(bytes.chunks_exact(ENTRY).take(count).map(get).collect())
    }

    /// The highest key.
    pub(crate) const fn top(&self) -> Id {
        self.last.0
    }

    pub(crate) const fn pages(&self) -> u64 {
        self.pages
    }

    fn page(&self, page: u64) -> io::Result<Vec<Pair>> {
        let mut pairs = Vec::with_capacity(PER_PAGE);
        self.read_pages(page, page + 1, &mut pairs)?;
        Ok(pairs)
    }

    /// Reads the pairs of some pages in a row.
    pub(crate) fn read_pages(&self, from: u64, to: u64, pairs: &mut Vec<Pair>) -> io::Result<()> {
        let bytes = read_exact(&*self.file, (1 + from) * PAGE as u64, (to - from) as usize * PAGE)?;
        for page in bytes.chunks_exact(PAGE) {
            let word = |at: usize| u32::from_le_bytes(page[at..at + 4].try_into().expect("four bytes"));
            let count = (word(4) as usize).min(PER_PAGE);
            if crc(&page[4..]) != word(0) {
                return Err(bad(&self.name, "page"));
            }
            pairs.extend(page[8..8 + count * ENTRY].chunks_exact(ENTRY).map(get));
        }
        Ok(())
    }

    /// The last page whose first entry is not above `pair`; `None` when all are.
    fn page_of(&self, pair: Pair) -> io::Result<Option<u64>> {
        let Some(block) = self.sparse.partition_point(|&first| first <= pair).checked_sub(1) else {
            return Ok(None);
        };
        let within = self.block(block as u64)?.partition_point(|&first| first <= pair);
        Ok(Some((block * PER_BLOCK + within - 1) as u64))
    }

    /// The filter, as it stands in the file; a run of accounts has none.
    pub(crate) fn read_filter(&self) -> io::Result<Option<Filter>> {
        if self.span.kind != Kind::Ids {
            return Ok(None);
        }
        let at = (1 + self.pages) * PAGE as u64 + self.sparse.len() as u64 * BLOCK as u64;
        let bytes = read_exact(&*self.file, at, self.filter_bytes as usize + 4)?;
        let (bytes, stored) = bytes.split_at(self.filter_bytes as usize);
        if stored != crc(bytes).to_le_bytes() {
            return Err(bad(&self.name, "filter"));
        }
        Ok(Some(Filter::of(bytes)))
    }

    /// Whether a run of ids may have a key, without reading its pages; `false` is certain.
    pub(crate) fn may_have(&self, key: Id, budget: &Arc<Budget>) -> io::Result<bool> {
        if self.sparse.first().is_none_or(|first| key < first.0) || key > self.last.0 {
            return Ok(false);
        }
        let loaded = match self.filter.get() {
            Some(loaded) => loaded,
            None => {
                let loaded = budget.load(self.filter_bytes, || self.read_filter())?;
                self.filter.get_or_init(|| loaded)
            }
        };
        Ok(loaded.as_ref().is_none_or(|loaded| loaded.may_have(key)))
    }

    /// The sequence number under a key; the highest when there are many.
    pub(crate) fn find(&self, key: Id) -> io::Result<Option<u64>> {
        let mut found = Vec::new();
        self.before(key, u64::MAX, 1, &mut found)?;
        Ok(found.first().copied())
    }

    /// The sequence numbers under a key that are below `before`, highest first, until `found` has
    /// `limit`.
    pub(crate) fn before(&self, key: Id, before: u64, limit: usize, found: &mut Vec<u64>) -> io::Result<()> {
        let Some(bound) = before.checked_sub(1).map(|seq| (key, seq)) else { return Ok(()) };
        if self.sparse.first().is_none_or(|&first| first > bound) || self.last < (key, 0) {
            return Ok(());
        }
        let mut at = self.page_of(bound)?;
        while let Some(page) = at {
            for &(other, seq) in self.page(page)?.iter().rev().filter(|&&pair| pair <= bound) {
                if other != key || found.len() >= limit {
                    return Ok(());
                }
                found.push(seq);
            }
            at = page.checked_sub(1);
        }
        Ok(())
    }

    /// All pairs in order.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = io::Result<Pair>> + '_ {
        (0..self.pages).flat_map(|page| match self.page(page) {
            Ok(pairs) => pairs.into_iter().map(Ok).collect::<Vec<_>>(),
            Err(error) => vec![Err(error)],
        })
    }
}

/// Joins sorted streams into one.
pub(crate) fn merge<I: Iterator<Item = io::Result<Pair>>>(
    streams: Vec<I>,
) -> impl Iterator<Item = io::Result<Pair>> {
    let mut sources: Vec<_> = streams.into_iter().map(Iterator::peekable).collect();
    std::iter::from_fn(move || {
        let mut least: Option<(usize, Pair)> = None;
        for (place, source) in sources.iter_mut().enumerate() {
            match source.peek() {
                Some(&Ok(pair)) if least.is_none_or(|(_, other)| pair < other) => least = Some((place, pair)),
                Some(Err(_)) => return source.next(),
                _ => {}
            }
        }
        sources[least?.0].next()
    })
}

/// The number of this log that goes into each run, so that runs of two logs cannot be mixed.
pub(crate) fn log_number(genesis: &jialing_journal::Genesis) -> Hash {
    hash::sha256(&genesis.log())
}
