//! Walking the segments from the first record to the last.
//!
//! The parts of sealed segments are read, hashed and decoded by many threads ([`super::part`]); this
//! one takes them in order, joins each to the one before by its link, and replays the records.

use std::sync::Arc;
use std::thread;

use jialing_journal::disk::Disk;
use jialing_journal::format::Seal;
use jialing_journal::segment::{self, Rest, Segment};
use jialing_journal::tree::Mark;
use jialing_journal::{Genesis, JournalError, Reader};
use jialing_ledger::{Body, Ledger, Op, Record, Transfer};

use super::derived::{Indexes, Snapshots, wrong_hash};
use super::line::in_order;
use super::part::{Checked, Checker, Frames, Parts};
use super::signed::{Signed, Verdict};
use super::stretch::{Peaks, Stretch};
use super::{Finding, Report, Seen};
use crate::answer::OpenError;
use crate::record;

/// Records whose accounts are fetched into the cache together, ahead of their replay.
const AHEAD: usize = 64;

/// An audit under way.
pub(super) struct Walk<'a> {
    disk: Arc<dyn Disk>,
    pub(super) genesis: Genesis,
    pub(super) findings: Vec<Finding>,
    seen: &'a mut dyn FnMut(Seen<'_>),
    /// The peaks over all good records.
    peaks: Peaks,
    ledger: Ledger,
    sealed: Vec<(Segment, Seal)>,
    /// Sealed segments that were walked to their end.
    walked: usize,
    open: Option<Segment>,
    reader: Option<Reader>,
    torn_bytes: u64,
    /// The chain of records is broken; later segments are only looked at one by one.
    broken: bool,
    /// Checkpoints compared, and the records that the newest covers.
    checkpoints: (u64, u64),
    wrong_hash: Option<(usize, u64)>,
    settled: u64,
    indexes: Indexes,
    snapshots: Snapshots,
}

impl<'a> Walk<'a> {
    pub(super) fn new(
        disk: Arc<dyn Disk>,
        genesis: Genesis,
        seen: &'a mut dyn FnMut(Seen<'_>),
    ) -> Result<Self, OpenError> {
        let reading = |source| OpenError::Io { what: format!("reading {}", disk.name()), source };
        let mut walk = Self {
            snapshots: Snapshots::open(&*disk).map_err(reading)?,
            settled: Mark::load(&*disk).map_or(0, |mark| mark.size),
            indexes: Indexes::default(),
            peaks: Peaks::none(genesis.suite()),
            disk: disk.clone(),
            genesis,
            findings: Vec::new(),
            seen,
            ledger: Ledger::new(),
            sealed: Vec::new(),
            walked: 0,
            open: None,
            reader: None,
            torn_bytes: 0,
            broken: false,
            checkpoints: (0, 0),
            wrong_hash: None,
        };
        walk.chain()?;
        walk.indexes = Indexes::open(&*disk, &walk.genesis).map_err(reading)?;
        walk.reader = Reader::look(disk, walk.genesis.suite(), &walk.sealed, walk.open.as_ref()).ok();
        Ok(walk)
    }

    fn find(&mut self, file: &str, byte: u64, seq: u64, what: impl Into<String>) {
        let finding = Finding { file: file.to_owned(), byte: Some(byte), seq: Some(seq), what: what.into() };
        self.findings.push(finding);
    }

    fn note(&mut self, error: JournalError) {
        match error {
            JournalError::Damaged { file, byte, seq, what } => self.find(&file, byte, seq, what),
            other => {
                let what = other.to_string();
                self.findings.push(Finding { file: "segments".to_owned(), byte: None, seq: None, what });
            }
        }
    }

    /// Opens all segments and checks that each begins where the one before ends.
    fn chain(&mut self) -> Result<(), OpenError> {
        let bases = segment::bases(&*self.disk).map_err(OpenError::from)?;
        let mut next = 0;
        for (place, &base) in bases.iter().enumerate() {
            let segment = Segment::open(&*self.disk, base, false).map_err(OpenError::from)?;
            if base != next {
                let what = format!("the log should go on with record {next} here: a segment is missing");
                self.find(&segment.name, 0, next, what);
                self.broken = true;
            }
            match segment.header() {
                Ok(header) if header.log != self.genesis.log() => {
                    self.find(&segment.name, 32, base, "it belongs to another log");
                    self.broken = true;
                }
                Ok(_) => {}
                Err(error) => {
                    self.note(error);
                    self.broken = true;
                }
            }
            match segment.seal().map_err(OpenError::from)? {
                Some(seal) => {
                    next = seal.end;
                    self.sealed.push((segment, seal));
                }
                None if place + 1 == bases.len() => self.open = Some(segment),
                None => {
                    let what = "it has no good seal, yet it is not the last";
                    self.find(&segment.name, segment.size, base, what);
                    self.broken = true;
                    next = bases[place + 1];
                }
            }
        }
        Ok(())
    }

    /// Walks all records.
    pub(super) fn segments(&mut self) {
        let mut signed = match Signed::open(&*self.disk) {
            Ok(signed) => signed,
            Err(error) => {
                let what = format!("it cannot be read: {error}");
                self.findings.push(Finding { file: "checkpoints".to_owned(), byte: None, seq: None, what });
                Signed::none()
            }
        };
        let nothing = Stretch::new(self.peaks.clone(), Vec::new());
        let of_nothing = signed.until(0).into_iter().map(|due| due.judge(&self.genesis, &nothing));
        self.judged(of_nothing.collect());
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let mut loose = 0;
        if !self.broken {
            self.sealed_parts(&mut signed, threads);
            // The one with the fault was looked at.
            loose = self.walked + 1;
        }
        if self.broken {
            self.loose_segments(loose, threads);
        }
        if let Some(segment) = self.open.clone() {
            let walked = self.open_segment(segment, &mut signed);
            self.broken |= walked.is_err();
            walked.unwrap_or_else(|error| self.note(error));
        }
        let records = self.peaks.size();
        self.findings.extend(signed.finish(records, self.broken));
        (self.seen)(Seen::Progress { records, of: records });
    }

    /// Walks the sealed segments until there is a fault.
    fn sealed_parts(&mut self, signed: &mut Signed, threads: usize) {
        let sealed = std::mem::take(&mut self.sealed);
        let (genesis, reader, prints) = (self.genesis.clone(), self.reader.clone(), self.indexes.prints());
        let settled = self.settled;
        let checker = Checker { genesis: &genesis, reader: reader.as_ref(), settled, prints: &prints };
        let mut parts = Parts::new(&sealed, signed);
        in_order(
            threads,
            || parts.next(),
            |part| part.map(|part| part.check(&checker)),
            |checked| {
                let taken = match checked {
                    Ok(Ok(checked)) => self.take(checked),
                    Ok(Err(frames)) => self.take_frames(*frames, &checker),
                    Err(error) => Err(error),
                };
                self.broken = taken.is_err();
                taken.unwrap_or_else(|error| self.note(error));
                !self.broken
            },
        );
        self.sealed = sealed;
    }

    /// Looks at the sealed segments from this one on, each by itself.
    fn loose_segments(&mut self, from: usize, threads: usize) {
        let mut rest = self.sealed.clone().into_iter().skip(from);
        let look = |(segment, seal): (Segment, Seal)| segment.walk_sealed(&seal, |_| Ok(()));
        in_order(
            threads,
            || rest.next(),
            look,
            |walked| {
                walked.unwrap_or_else(|error| self.note(error));
                true
            },
        );
    }

    /// Takes frames that were not hashed yet.
    fn take_frames(&mut self, mut frames: Frames, checker: &Checker<'_>) -> Result<(), JournalError> {
        let Some(&place) = frames.places.first() else { return frames.fault.take().map_or(Ok(()), Err) };
        if place.root != self.peaks.root() {
            let what = "the frame's link does not fit the records before it";
            return Err(frames.segment.damaged(place.at, place.first, what));
        }
        self.take(checker.check(frames, self.peaks.clone()))
    }

    /// Joins checked records to the ones before.
    fn take(&mut self, checked: Checked) -> Result<(), JournalError> {
        let Checked { frames, records, stretch, wrong_hash, ids, accounts, verdicts } = checked;
        let segment = frames.segment.clone();
        let Some(&place) = frames.places.first() else { return frames.fault.map_or(Ok(()), Err) };
        if place.first == segment.base {
            self.header(&segment)?;
        }
        if (place.first, place.root) != (self.peaks.size(), self.peaks.root()) {
            let what = "the frame's link does not fit the records before it";
            return Err(segment.damaged(place.at, place.first, what));
        }
        let replayed = self.replay(&frames, &records);
        self.peaks = stretch.peaks(self.ledger.next_seq());
        self.wrong_hash = self.wrong_hash.or(wrong_hash);
        self.indexes.saw(&ids, &accounts);
        self.judged(verdicts);
        let of = self.reader.as_ref().map_or(self.peaks.size(), Reader::durable);
        (self.seen)(Seen::Progress { records: self.peaks.size(), of });
        replayed?;
        if let Some(fault) = frames.fault {
            return Err(fault);
        }
        if let Some(seal) = frames.seal {
            let root = self.peaks.root();
            if (seal.end, seal.root) != (self.peaks.size(), root) {
                let what = "the seal's root does not fit the records";
                return Err(segment.damaged(segment.size, segment.base, what));
            }
            self.walked += 1;
            self.snapshots.reached(&*self.disk, &self.genesis, &self.ledger, &root, &mut self.findings);
        }
        Ok(())
    }

    fn header(&self, segment: &Segment) -> Result<(), JournalError> {
        let header = segment.header()?;
        if header.base != self.peaks.size() || header.root != self.peaks.root() {
            return Err(segment.damaged(64, segment.base, "its link does not fit the records before it"));
        }
        Ok(())
    }

    fn replay(&mut self, frames: &Frames, records: &[Record]) -> Result<(), JournalError> {
        let (segment, mut left) = (&frames.segment, records);
        for (place, frame) in frames.places.iter().enumerate() {
            let (inside, rest) = left.split_at(left.len().min(frame.count as usize));
            left = rest;
            for some in inside.chunks(AHEAD) {
                self.ledger.warm_records(some);
                for record in some {
                    self.ledger.replay(record).map_err(|error| {
                        let what = format!("it contradicts the records before: {error}");
                        segment.damaged(frames.byte(record.seq), record.seq, what)
                    })?;
                    if let Body::Transfer(transfer) = &record.body {
                        self.transfer(frames, record.seq, transfer);
                    }
                    (self.seen)(Seen::Record(record));
                }
            }
            // A frame that was cut at a fault may end anywhere.
            let whole = frames.fault.is_none() || place + 1 < frames.places.len();
            if whole && self.ledger.mid_group() {
                return Err(segment.damaged(frame.at, frame.first, "the frame ends inside a group"));
            }
        }
        Ok(())
    }

    /// What replay leaves to the caller: ids occur once, and a reversal gives back what was paid.
    fn transfer(&mut self, frames: &Frames, seq: u64, transfer: &Transfer) {
        if transfer.op == Op::Reverse
            && let Err(what) = self.reversal(seq, transfer)
        {
            self.find(&frames.segment.name, frames.byte(seq), seq, what);
        }
        if !self.indexes.knows(seq) {
            self.indexes.remember(seq, transfer.id);
        }
    }

    fn reversal(&self, seq: u64, reversal: &Transfer) -> Result<(), String> {
        let target = reversal.target().ok_or("the reversal names no transfer")?;
        let found = self.indexes.find(target).map_err(|error| error.to_string())?;
        let at =
            found.filter(|&at| at < seq).ok_or("it reverses a transfer that is not in the log before it")?;
        let mut reversed = None;
        let reader = self.reader.as_ref().ok_or("the log cannot be read")?;
        let visited = reader.visit(at, at + 1, |at, entry| {
            reversed = Some(record::decode(at, entry)?);
            std::io::Result::Ok(())
        });
        visited.map_err(|error| error.to_string())?;
        match reversed.map(|record| record.body) {
            Some(Body::Transfer(paid))
                if paid.id == target
                    && matches!(paid.op, Op::Plain | Op::Post)
                    && (paid.debit, paid.credit, paid.amount)
                        == (reversal.credit, reversal.debit, reversal.amount) =>
            {
                Ok(())
            }
            _ => Err(format!("it does not give back what record {at} moved")),
        }
    }

    /// Counts what was compared with good records.
    fn judged(&mut self, verdicts: Vec<Verdict>) {
        for verdict in verdicts.into_iter().filter(|verdict| verdict.size <= self.peaks.size()) {
            self.checkpoints = (self.checkpoints.0 + 1, self.checkpoints.1.max(verdict.size));
            self.findings.extend(verdict.findings);
        }
    }

    fn open_segment(&mut self, segment: Segment, signed: &mut Signed) -> Result<(), JournalError> {
        let (at, next) = if self.broken {
            segment.walk_open(|_| Ok(()))?
        } else {
            self.header(&segment)?;
            self.open_frames(&segment, signed)?
        };
        match segment.rest(at, next)? {
            Rest::Clean => Ok(()),
            Rest::Torn(bytes) => {
                self.torn_bytes = bytes;
                Ok(())
            }
            Rest::LaterFrame(later, first) => {
                let what = format!("no good frame here, yet one with record {first} follows at byte {later}");
                Err(segment.damaged(at, next, what))
            }
        }
    }

    fn open_frames(&mut self, segment: &Segment, signed: &mut Signed) -> Result<(u64, u64), JournalError> {
        let (genesis, reader, prints) = (self.genesis.clone(), self.reader.clone(), self.indexes.prints());
        let settled = self.settled;
        let checker = Checker { genesis: &genesis, reader: reader.as_ref(), settled, prints: &prints };
        let shared = Arc::new(segment.clone());
        let mut frames = Frames::of(shared.clone());
        let ended = segment.walk_open(|frame| {
            if frames.push(frame) {
                let mut full = std::mem::replace(&mut frames, Frames::of(shared.clone()));
                full.expect(signed);
                self.take_frames(full, &checker)?;
            }
            Ok(())
        })?;
        frames.expect(signed);
        self.take_frames(frames, &checker)?;
        Ok(ended)
    }

    /// Compares what is stored beside the segments, and the sums.
    pub(super) fn finish(&mut self) {
        self.findings.extend(self.wrong_hash.map(wrong_hash));
        if self.broken {
            return;
        }
        self.snapshots.finish(&mut self.findings);
        self.indexes.finish(&mut self.findings);
        if let Err(what) = self.ledger.audit() {
            let (seq, what) = (self.peaks.size(), format!("the state does not add up: {what}"));
            self.findings.push(Finding { file: "segments".to_owned(), byte: None, seq: Some(seq), what });
        }
    }

    pub(super) fn report(self) -> Report {
        Report {
            origin: self.genesis.key.origin.clone(),
            verifier_key: self.genesis.key.to_string(),
            records: self.peaks.size(),
            segments: self.sealed.len() as u64 + u64::from(self.open.is_some()),
            root: self.peaks.root(),
            checkpoints: self.checkpoints.0,
            newest_checkpoint: self.checkpoints.1,
            snapshots: self.snapshots.compared,
            indexes: self.indexes.compared,
            torn_bytes: self.torn_bytes,
            ledger: self.ledger,
            findings: self.findings,
        }
    }
}
