//! Walking the segments from the first record to the last.

use std::sync::Arc;

use jialing_journal::disk::Disk;
use jialing_journal::format::{ENTRY_LEN, FRAME_HEADER, Seal};
use jialing_journal::segment::{self, Frame, Rest, Segment};
use jialing_journal::tree::Edge;
use jialing_journal::{Genesis, Hash, JournalError, Reader};
use jialing_ledger::{Body, Ledger, Op, Record, Transfer};

use super::derived::{Hashes, Indexes, Snapshots};
use super::signed::Signed;
use super::{Finding, Report, Seen};
use crate::answer::OpenError;
use crate::record;

/// Records between two signs of progress.
const PROGRESS: u64 = 1 << 14;

/// An audit under way.
pub(super) struct Walk<'a> {
    disk: Arc<dyn Disk>,
    pub(super) genesis: Genesis,
    pub(super) findings: Vec<Finding>,
    seen: &'a mut dyn FnMut(Seen<'_>),
    edge: Edge,
    ledger: Ledger,
    sealed: Vec<(Segment, Seal)>,
    open: Option<Segment>,
    reader: Option<Reader>,
    torn_bytes: u64,
    /// The chain of records is broken; later segments are only looked at one by one.
    broken: bool,
    signed: Signed,
    hashes: Hashes,
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
        let mut findings = Vec::new();
        let mut walk = Self {
            signed: Signed::open(&*disk, &mut findings).map_err(reading)?,
            snapshots: Snapshots::open(&*disk).map_err(reading)?,
            hashes: Hashes::open(&*disk),
            indexes: Indexes::default(),
            disk: disk.clone(),
            edge: Edge::new(genesis.suite()),
            genesis,
            findings,
            seen,
            ledger: Ledger::new(),
            sealed: Vec::new(),
            open: None,
            reader: None,
            torn_bytes: 0,
            broken: false,
        };
        walk.chain()?;
        let sealed: Vec<(u64, u64)> =
            walk.sealed.iter().map(|(segment, seal)| (segment.base, seal.end)).collect();
        walk.indexes = Indexes::open(&*disk, &walk.genesis, &sealed).map_err(reading)?;
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
                    self.find(
                        &segment.name,
                        segment.size,
                        base,
                        "it has no good seal, yet it is not the last",
                    );
                    self.broken = true;
                    next = bases[place + 1];
                }
            }
        }
        Ok(())
    }

    /// Walks all records.
    pub(super) fn segments(&mut self) {
        self.signed.reached(&self.edge, &self.genesis, &mut self.findings);
        for (segment, seal) in self.sealed.clone() {
            let walked = self.sealed_segment(&segment, &seal);
            self.broken |= walked.is_err();
            walked.unwrap_or_else(|error| self.note(error));
        }
        if let Some(segment) = self.open.clone() {
            let walked = self.open_segment(&segment);
            self.broken |= walked.is_err();
            walked.unwrap_or_else(|error| self.note(error));
        }
        let records = self.edge.size();
        (self.seen)(Seen::Progress { records, of: records });
    }

    fn sealed_segment(&mut self, segment: &Segment, seal: &Seal) -> Result<(), JournalError> {
        if self.broken {
            return segment.walk_sealed(seal, |_| Ok(()));
        }
        self.header(segment)?;
        segment.walk_sealed(seal, |frame| self.frame(segment, frame))?;
        if seal.root != self.edge.root() {
            return Err(segment.damaged(
                segment.size,
                segment.base,
                "the seal's root does not fit the records",
            ));
        }
        self.snapshots.reached(&*self.disk, &self.genesis, &self.ledger, &seal.root, &mut self.findings);
        Ok(())
    }

    fn open_segment(&mut self, segment: &Segment) -> Result<(), JournalError> {
        let (at, next) = if self.broken {
            segment.walk_open(|_| Ok(()))?
        } else {
            self.header(segment)?;
            segment.walk_open(|frame| self.frame(segment, frame))?
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

    fn header(&self, segment: &Segment) -> Result<(), JournalError> {
        let header = segment.header()?;
        if header.base != self.edge.size() || header.root != self.edge.root() {
            return Err(segment.damaged(64, segment.base, "its link does not fit the records before it"));
        }
        Ok(())
    }

    fn frame(&mut self, segment: &Segment, frame: &Frame) -> Result<(), JournalError> {
        if frame.header.root != self.edge.root() {
            let what = "the frame's link does not fit the records before it";
            return Err(segment.damaged(frame.at, frame.header.first, what));
        }
        for (place, entry) in frame.entries.chunks_exact(ENTRY_LEN).enumerate() {
            let seq = frame.header.first + place as u64;
            let byte = frame.at + (FRAME_HEADER + place * ENTRY_LEN) as u64;
            let entry = entry.try_into().expect("one entry");
            let record =
                record::decode(seq, entry).map_err(|error| segment.damaged(byte, seq, error.to_string()))?;
            let replayed = self.ledger.replay(&record);
            replayed.map_err(|error| {
                segment.damaged(byte, seq, format!("it contradicts the records before: {error}"))
            })?;
            self.transfer(segment, byte, &record);
            let leaf = self.genesis.suite().leaf(entry);
            let (hashes, reader) = (&mut self.hashes, self.reader.as_ref());
            self.edge.push(leaf, |level, index, hash| hashes.compare(reader, level, index, &hash));
            self.signed.reached(&self.edge, &self.genesis, &mut self.findings);
            (self.seen)(Seen::Record(&record));
            if seq.is_multiple_of(PROGRESS) {
                let of = self.reader.as_ref().map_or(seq, Reader::durable);
                (self.seen)(Seen::Progress { records: seq, of });
            }
        }
        if self.ledger.mid_group() {
            return Err(segment.damaged(frame.at, frame.header.first, "the frame ends inside a group"));
        }
        Ok(())
    }

    /// What replay leaves to the caller: ids occur once, and a reversal gives back what was paid.
    fn transfer(&mut self, segment: &Segment, byte: u64, record: &Record) {
        let Body::Transfer(transfer) = &record.body else { return };
        if transfer.op == Op::Reverse
            && let Err(what) = self.reversal(record.seq, transfer)
        {
            self.find(&segment.name, byte, record.seq, what);
        }
        self.indexes.saw(record.seq, transfer);
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

    /// Compares what is stored beside the segments, and the sums.
    pub(super) fn finish(&mut self) {
        self.signed.finish(&self.edge, self.broken, &mut self.findings);
        self.hashes.finish(&mut self.findings);
        if self.broken {
            return;
        }
        self.snapshots.finish(&mut self.findings);
        self.indexes.finish(&mut self.findings);
        if let Err(what) = self.ledger.audit() {
            let (seq, what) = (self.edge.size(), format!("the state does not add up: {what}"));
            self.findings.push(Finding { file: "segments".to_owned(), byte: None, seq: Some(seq), what });
        }
    }

    pub(super) fn report(self) -> Report {
        let root: Hash = self.edge.root();
        Report {
            origin: self.genesis.key.origin.clone(),
            verifier_key: self.genesis.key.to_string(),
            records: self.edge.size(),
            segments: self.sealed.len() as u64 + u64::from(self.open.is_some()),
            root,
            checkpoints: self.signed.checked,
            newest_checkpoint: self.signed.newest,
            snapshots: self.snapshots.compared,
            indexes: self.indexes.compared,
            torn_bytes: self.torn_bytes,
            ledger: self.ledger,
            findings: self.findings,
        }
    }
}
