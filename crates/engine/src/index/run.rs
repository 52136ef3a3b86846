//! A run: a sorted, immutable file of keys and sequence numbers that covers some segments.
//!
//! One format serves ids and accounts. 4 KiB pages of 170 entries, each page with its own checksum;
//! after them fences, the first entry of every page, in blocks of 64 with a checksum each; the first
//! fence of every block is in memory. A look-up reads one block and one page, whatever the size.
//! Runs are derived from the journal: a bad one is made again.

use std::io;
use std::sync::Arc;

use jialing_journal::disk::{Disk, File, read_exact};
use jialing_journal::{Hash, hash};
use jialing_ledger::Id;

const MAGIC: &[u8; 16] = b"jialing run 1\n\0\0";
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
}

fn bad(name: &str, what: &str) -> io::Error {
    let advice = "stop, remove this file and start again: it is made anew from the journal";
    io::Error::new(io::ErrorKind::InvalidData, format!("{name} is damaged ({what}): {advice}"))
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
            || crc(&bytes[..104]) != u32_at(104)
            || bytes[108..].iter().any(|&byte| byte != 0)
        {
            return None;
        }
        let kind = [Kind::Ids, Kind::Accounts].into_iter().find(|&kind| kind as u32 == u32_at(16))?;
        let span = Span { kind, first: u64_at(24), end: u64_at(32), tier: u32_at(20) };
        let log = bytes[72..104].try_into().expect("thirty-two bytes");
        Some(Self { span, entries: u64_at(40), last: get(&bytes[48..72]), log })
    }
}

fn crc(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes)
}

/// Writes a run from pairs in order, under a temporary name until it is whole and durable.
pub(crate) fn write(
    disk: &dyn Disk,
    log: &Hash,
    span: Span,
    pairs: impl Iterator<Item = io::Result<Pair>>,
) -> io::Result<Run> {
    let name = span.name();
    let temporary = format!("{name}.tmp");
    let file = disk.create(&temporary)?;
    let mut writer =
        Writer { file: &*file, at: PAGE as u64, page: vec![0; 8], buffer: Vec::new(), fences: Vec::new() };
    let (mut entries, mut last) = (0, (0, 0));
    for pair in pairs {
        let pair = pair?;
        debug_assert!(entries == 0 || last < pair, "pairs come in order");
        writer.push(pair)?;
        (entries, last) = (entries + 1, pair);
    }
    writer.finish()?;
    file.write_at(&Header { span, entries, last, log: *log }.encode(), 0)?;
    file.sync()?;
    disk.rename(&temporary, &name)?;
    disk.sync_folder("index")?;
    Run::open(disk, log, &name)
}

struct Writer<'a> {
    file: &'a dyn File,
    at: u64,
    page: Vec<u8>,
    buffer: Vec<u8>,
    fences: Vec<Pair>,
}

impl Writer<'_> {
    fn push(&mut self, pair: Pair) -> io::Result<()> {
        if self.page.len() == 8 {
            self.fences.push(pair);
        }
        put(&mut self.page, pair);
        if self.page.len() == 8 + PER_PAGE * ENTRY {
            self.end_page()?;
        }
        Ok(())
    }

    fn end_page(&mut self) -> io::Result<()> {
        let count = ((self.page.len() - 8) / ENTRY) as u32;
        self.page[4..8].copy_from_slice(&count.to_le_bytes());
        self.page.resize(PAGE, 0);
        let crc = crc(&self.page[4..]);
        self.page[..4].copy_from_slice(&crc.to_le_bytes());
        self.buffer.extend_from_slice(&self.page);
        self.page.clear();
        self.page.resize(8, 0);
        if self.buffer.len() >= 256 * PAGE { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.write_at(&self.buffer, self.at)?;
        self.at += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }

    fn finish(mut self) -> io::Result<()> {
        if self.page.len() > 8 {
            self.end_page()?;
        }
        for block in self.fences.chunks(PER_BLOCK) {
            let start = self.buffer.len();
            block.iter().for_each(|&pair| put(&mut self.buffer, pair));
            self.buffer.resize(start + PER_BLOCK * ENTRY, 0);
            let crc = crc(&self.buffer[start..]);
            self.buffer.extend_from_slice(&crc.to_le_bytes());
        }
        self.flush()
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
        if header.span.name() != name || file.size()? != (1 + pages) * PAGE as u64 + blocks * BLOCK as u64 {
            return Err(bad(name, "length"));
        }
        let mut run = Self {
            span: header.span,
            name: name.to_owned(),
            file,
            pages,
            sparse: Vec::new(),
            last: header.last,
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

    fn page(&self, page: u64) -> io::Result<Vec<Pair>> {
        let bytes = read_exact(&*self.file, (1 + page) * PAGE as u64, PAGE)?;
        let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
        let count = (word(4) as usize).min(PER_PAGE);
        if crc(&bytes[4..]) != word(0) {
            return Err(bad(&self.name, "page"));
        }
        Ok(bytes[8..8 + count * ENTRY].chunks_exact(ENTRY).map(get).collect())
    }

    /// The last page whose first entry is not above `pair`; `None` when all are.
    fn page_of(&self, pair: Pair) -> io::Result<Option<u64>> {
        let Some(block) = self.sparse.partition_point(|&first| first <= pair).checked_sub(1) else {
            return Ok(None);
        };
        let within = self.block(block as u64)?.partition_point(|&first| first <= pair);
        Ok(Some((block * PER_BLOCK + within - 1) as u64))
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
