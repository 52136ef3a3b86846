//! Parts of the log, each checked by itself on any thread: frames, links, records, hashes.

use std::sync::Arc;

use jialing_journal::disk::read_exact;
use jialing_journal::format::{
    ENTRY_LEN, FRAME_HEADER, FrameHeader, SEGMENT_HEADER, Seal, TABLE_LINE, read_table_line,
};
use jialing_journal::segment::{Frame, Segment};
use jialing_journal::{Genesis, Hash, JournalError, Reader};
use jialing_ledger::Record;

use super::derived::{Prints, Sums};
use super::signed::{Due, Signed, Verdict};
use super::stretch::{Peaks, Stretch};
use crate::record;

/// Bytes of a part, unless one frame is larger.
const PART: u64 = 1 << 20;

/// Some frames of one segment, as they should be.
pub(super) struct Part {
    segment: Arc<Segment>,
    /// The first record and the byte of each frame.
    frames: Vec<(u64, u64)>,
    /// The record and the byte after the last.
    end: (u64, u64),
    /// Where the table of frames is, which named them.
    table: u64,
    /// The seal, when this part is the segment's last.
    seal: Option<Seal>,
    due: Vec<Due>,
}

/// A frame's place.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) first: u64,
    pub(super) at: u64,
    pub(super) count: u64,
    pub(super) root: Hash,
}

/// Frames with good checksums.
pub(super) struct Frames {
    pub(super) segment: Arc<Segment>,
    pub(super) places: Vec<Place>,
    /// The entries of all, end to end.
    entries: Vec<u8>,
    pub(super) seal: Option<Seal>,
    due: Vec<Due>,
    /// Why there are no more.
    pub(super) fault: Option<JournalError>,
}

/// Records whose links and hashes are good.
pub(super) struct Checked {
    pub(super) frames: Frames,
    pub(super) records: Vec<Record>,
    pub(super) stretch: Stretch,
    /// The first stored hash that is not what it must be: stored level and index.
    pub(super) wrong_hash: Option<(usize, u64)>,
    /// Prints of the pairs that the indexes must have.
    pub(super) ids: Sums,
    pub(super) accounts: Sums,
    pub(super) verdicts: Vec<Verdict>,
}

/// All parts of the sealed segments in order.
pub(super) struct Parts<'a> {
    sealed: &'a [(Segment, Seal)],
    signed: &'a mut Signed,
    open: Option<Table>,
}

/// A segment that is being cut into parts.
struct Table {
    segment: Arc<Segment>,
    seal: Seal,
    lines: std::iter::Peekable<std::vec::IntoIter<(u64, u64)>>,
}

impl<'a> Parts<'a> {
    pub(super) const fn new(sealed: &'a [(Segment, Seal)], signed: &'a mut Signed) -> Self {
        Self { sealed, signed, open: None }
    }

    /// The next part, or why the next segment has none; then there are no more, since what follows such a
    /// segment cannot be joined to what came before it.
    pub(super) fn next(&mut self) -> Option<Result<Part, JournalError>> {
        let mut table = match self.open.take() {
            Some(table) => table,
            None => {
                let ((segment, seal), rest) = self.sealed.split_first()?;
                self.sealed = rest;
                match Table::read(segment, seal) {
                    Ok(table) => table,
                    Err(error) => {
                        self.sealed = &[];
                        return Some(Err(error));
                    }
                }
            }
        };
        let mut part = table.part();
        part.due = self.signed.until(part.end.0);
        if part.seal.is_none() {
            self.open = Some(table);
        }
        Some(Ok(part))
    }
}

impl Table {
    fn read(segment: &Segment, seal: &Seal) -> Result<Self, JournalError> {
        let at = u64::from(seal.table);
        let bytes = read_exact(&*segment.file, at, seal.frames as usize * TABLE_LINE)
            .map_err(|source| JournalError::Io { what: format!("reading {}", segment.name), source })?;
        if crc32c::crc32c(&bytes) != seal.table_crc {
            let what = "the checksum of the table of frames does not fit";
            return Err(segment.damaged(at, segment.base, what));
        }
        let line = |line: &[u8]| {
            let (first, at) = read_table_line(line);
            (segment.base + u64::from(first), u64::from(at))
        };
        let lines: Vec<(u64, u64)> = bytes.chunks_exact(TABLE_LINE).map(line).collect();
        let begins = lines.first() == Some(&(segment.base, SEGMENT_HEADER));
        let grows = lines.windows(2).all(|two| two[0].0 < two[1].0 && two[0].1 < two[1].1);
        let ends = lines.last().is_none_or(|line| line.0 < seal.end && line.1 < at);
        if begins && grows && ends {
            let lines = lines.into_iter().peekable();
            return Ok(Self { segment: Arc::new(segment.clone()), seal: seal.clone(), lines });
        }
        Err(segment.damaged(at, segment.base, "the table of frames does not fit the frames"))
    }

    fn part(&mut self) -> Part {
        let end = (self.seal.end, u64::from(self.seal.table));
        let begin = self.lines.peek().map_or(end.1, |line| line.1);
        let mut frames: Vec<(u64, u64)> = self.lines.next().into_iter().collect();
        while let Some(line) = self.lines.next_if(|line| line.1 - begin < PART) {
            frames.push(line);
        }
        let next = self.lines.peek().copied();
        Part {
            segment: self.segment.clone(),
            frames,
            end: next.unwrap_or(end),
            table: end.1,
            seal: next.is_none().then(|| self.seal.clone()),
            due: Vec::new(),
        }
    }
}

impl Part {
    /// Reads its frames, as far as they are good.
    fn read(self) -> Frames {
        let Self { segment, frames, end, table, seal, due } = self;
        let begin = frames.first().map_or(end.1, |frame| frame.1);
        let mut read = Frames { segment, places: Vec::new(), entries: Vec::new(), seal, due, fault: None };
        let bytes = match read_exact(&*read.segment.file, begin, (end.1 - begin) as usize) {
            Ok(bytes) => bytes,
            Err(source) => {
                let what = format!("reading {}", read.segment.name);
                read.fault = Some(JournalError::Io { what, source });
                return read;
            }
        };
        read.entries.reserve(bytes.len());
        let ends = frames.iter().skip(1).chain([&end]);
        for (&(first, at), &(next, until)) in frames.iter().zip(ends) {
            let frame = &bytes[(at - begin) as usize..(until - begin) as usize];
            let header = FrameHeader::decode(frame).filter(|header| header.first == first);
            let body =
                header.as_ref().and_then(|header| frame.get(FRAME_HEADER..FRAME_HEADER + header.body()));
            let whole = |(header, body): &(FrameHeader, &[u8])| crc32c::crc32c(body) == header.crc;
            let Some((header, body)) = header.zip(body).filter(whole) else {
                let what = "a frame's header or checksum does not fit";
                read.fault = Some(read.segment.damaged(at, first, what));
                break;
            };
            read.add(at, &header, body);
            if (first + u64::from(header.count), at + (FRAME_HEADER + body.len()) as u64) != (next, until) {
                let what = "the table of frames does not fit the frames";
                read.fault = Some(read.segment.damaged(table, first + u64::from(header.count), what));
                break;
            }
        }
        read
    }

    /// Checks all that needs nothing of the records before it; `Err` gives back the frames when
    /// stored hashes do not lead to the first one's link.
    pub(super) fn check(self, with: &Checker<'_>) -> Result<Checked, Box<Frames>> {
        let frames = self.read();
        let Some(place) = frames.places.first() else { return Err(Box::new(frames)) };
        let peaks = with.reader.and_then(|reader| {
            let suite = with.genesis.suite();
            let stored = |level, from, count| reader.stored(level, from, count);
            let peaks = Peaks::stored(suite, place.first, stored).ok()?;
            (peaks.root() == place.root).then_some(peaks)
        });
        match peaks {
            Some(peaks) => Ok(with.check(frames, peaks)),
            None => Err(Box::new(frames)),
        }
    }
}

impl Frames {
    /// None yet, of the segment that has no seal.
    pub(super) const fn of(segment: Arc<Segment>) -> Self {
        Self { segment, places: Vec::new(), entries: Vec::new(), seal: None, due: Vec::new(), fault: None }
    }

    /// Adds a good frame; says whether the part is large enough.
    pub(super) fn push(&mut self, frame: &Frame) -> bool {
        self.add(frame.at, &frame.header, &frame.entries);
        self.entries.len() as u64 >= PART
    }

    fn add(&mut self, at: u64, header: &FrameHeader, entries: &[u8]) {
        let place = Place { first: header.first, at, count: u64::from(header.count), root: header.root };
        self.places.push(place);
        self.entries.extend_from_slice(entries);
    }

    /// The checkpoints that are due within.
    pub(super) fn expect(&mut self, signed: &mut Signed) {
        self.due = signed.until(self.end());
    }

    fn first(&self) -> u64 {
        self.places.first().map_or(0, |place| place.first)
    }

    fn end(&self) -> u64 {
        self.places.last().map_or(0, |place| place.first + place.count)
    }

    /// Forgets the records from `seq` on.
    fn cut(&mut self, seq: u64, fault: JournalError) {
        self.entries.truncate((seq - self.first()) as usize * ENTRY_LEN);
        self.places.retain(|place| place.first < seq);
        if let Some(last) = self.places.last_mut() {
            last.count = last.count.min(seq - last.first);
        }
        self.fault = Some(fault);
    }

    /// Decodes the records, as far as they are records.
    fn records(&mut self) -> Vec<Record> {
        let (mut records, mut bad) = (Vec::with_capacity(self.entries.len() / ENTRY_LEN), None);
        for (seq, entry) in (self.first()..).zip(self.entries.as_chunks::<ENTRY_LEN>().0) {
            match record::decode(seq, entry) {
                Ok(record) => records.push(record),
                Err(error) => {
                    bad = Some((seq, error.to_string()));
                    break;
                }
            }
        }
        if let Some((seq, what)) = bad {
            let fault = self.segment.damaged(self.byte(seq), seq, what);
            self.cut(seq, fault);
        }
        records
    }

    /// Where a record is in the file.
    pub(super) fn byte(&self, seq: u64) -> u64 {
        let place = self.places.iter().rev().find(|place| place.first <= seq);
        place.map_or(0, |place| place.at + FRAME_HEADER as u64 + (seq - place.first) * ENTRY_LEN as u64)
    }
}

/// What checking needs to know.
pub(super) struct Checker<'a> {
    pub(super) genesis: &'a Genesis,
    pub(super) reader: Option<&'a Reader>,
    /// Records whose stored hashes are known to be durable.
    pub(super) settled: u64,
    pub(super) prints: &'a Prints,
}

impl Checker<'_> {
    /// Checks frames against the peaks over all records before them, which are right when they lead
    /// to the first frame's link and that link is right.
    pub(super) fn check(&self, mut frames: Frames, peaks: Peaks) -> Checked {
        let mut records = frames.records();
        let stretch = self.hash(&mut frames, peaks);
        records.truncate((stretch.end() - stretch.first()) as usize);
        let (ids, accounts) = self.prints.of(&records);
        let verdicts = frames.due.drain(..).map(|due| due.judge(self.genesis, &stretch)).collect();
        let wrong_hash = self.wrong_hash(&stretch);
        Checked { frames, records, stretch, wrong_hash, ids, accounts, verdicts }
    }

    /// Hashes the records and checks each frame's link, but for the first.
    fn hash(&self, frames: &mut Frames, peaks: Peaks) -> Stretch {
        let suite = self.genesis.suite();
        let mut leaves = Vec::with_capacity(frames.entries.len() / ENTRY_LEN);
        suite.leaves(&frames.entries, &mut leaves);
        let stretch = Stretch::new(peaks, leaves);
        let unlinked = frames.places.iter().skip(1).find(|place| stretch.root(place.first) != place.root);
        let Some(&Place { first, at, .. }) = unlinked else { return stretch };
        let what = "the frame's link does not fit the records before it";
        let fault = frames.segment.damaged(at, first, what);
        frames.cut(first, fault);
        let mut leaves = Vec::with_capacity(frames.entries.len() / ENTRY_LEN);
        suite.leaves(&frames.entries, &mut leaves);
        Stretch::new(stretch.peaks(stretch.first()), leaves)
    }

    /// The first of the stretch's hashes that is stored otherwise.
    fn wrong_hash(&self, stretch: &Stretch) -> Option<(usize, u64)> {
        stretch.stored().find_map(|(stored, first, hashes)| {
            let settled = (self.settled >> (8 * stored)).saturating_sub(first);
            let hashes = &hashes[..hashes.len().min(settled as usize)];
            if hashes.is_empty() {
                return None;
            }
            let found = self.reader.and_then(|reader| reader.stored(stored, first, hashes.len()).ok());
            let found = found.unwrap_or_default();
            let same = hashes.iter().zip(&found).take_while(|(a, b)| a == b).count();
            (same < hashes.len()).then(|| (stored, first + same as u64))
        })
    }
}
