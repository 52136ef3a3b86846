//! Stored checkpoints against the records.

use std::io;

use jialing_journal::checkpoint::LINE;
use jialing_journal::disk::Disk;
use jialing_journal::{Checkpoint, Checkpoints, Genesis};

use super::Finding;
use super::stretch::Stretch;

const FILE: &str = "checkpoints";

/// The checkpoints in order of size, each handed out to be compared with the records it covers.
pub(super) struct Signed {
    stored: Option<Checkpoints>,
    place: u64,
    next: Option<Checkpoint>,
    /// Where the one handed out last stood.
    size: u64,
    findings: Vec<Finding>,
}

/// A checkpoint to be compared.
pub(super) struct Due {
    place: u64,
    checkpoint: Checkpoint,
    in_order: bool,
}

/// What came of it.
pub(super) struct Verdict {
    pub(super) size: u64,
    pub(super) findings: Vec<Finding>,
}

fn finding(place: u64, what: impl Into<String>) -> Finding {
    Finding { file: FILE.to_owned(), byte: Some(place * LINE as u64), seq: None, what: what.into() }
}

impl Due {
    /// Compares root and signature.
    pub(super) fn judge(self, genesis: &Genesis, stretch: &Stretch) -> Verdict {
        let Self { place, checkpoint, in_order } = self;
        let mut findings = Vec::new();
        if !in_order {
            findings.push(finding(place, "checkpoints are not in order of size"));
        } else if checkpoint.size <= stretch.end() && checkpoint.root != stretch.root(checkpoint.size) {
            let what = format!("the first {} records have another root than was signed", checkpoint.size);
            findings.push(finding(place, what));
        }
        if !checkpoint.verify(&genesis.key) {
            findings.push(finding(place, "the signature does not fit the log's key"));
        }
        Verdict { size: checkpoint.size, findings }
    }
}

impl Signed {
    pub(super) fn open(disk: &dyn Disk) -> io::Result<Self> {
        let stored = match Checkpoints::look(disk) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            stored => Some(stored?),
        };
        let mut signed = Self { stored, ..Self::none() };
        signed.next = signed.read();
        Ok(signed)
    }

    /// No checkpoints.
    pub(super) const fn none() -> Self {
        Self { stored: None, place: 0, next: None, size: 0, findings: Vec::new() }
    }

    /// The next good line.
    fn read(&mut self) -> Option<Checkpoint> {
        let count = self.stored.as_ref()?.count();
        while self.place < count {
            let place = self.place;
            self.place += 1;
            match self.stored.as_ref()?.read(place) {
                Ok(Some(checkpoint)) => return Some(checkpoint),
                Ok(None) => self.findings.push(finding(place, "the checksum of a checkpoint does not fit")),
                Err(error) => self.findings.push(finding(place, error.to_string())),
            }
        }
        None
    }

    /// Hands out the checkpoints up to this size.
    pub(super) fn until(&mut self, size: u64) -> Vec<Due> {
        let mut due = Vec::new();
        while let Some(checkpoint) = self.next.filter(|next| next.size <= size) {
            // The first may be of an empty log.
            let in_order = checkpoint.size > self.size || (checkpoint.size == 0 && self.place == 1);
            due.push(Due { place: self.place - 1, checkpoint, in_order });
            self.size = self.size.max(checkpoint.size);
            self.next = self.read();
        }
        due
    }

    /// All complaints about the file, also that a checkpoint covers more records than there are.
    pub(super) fn finish(mut self, records: u64, broken: bool) -> Vec<Finding> {
        if let (Some(next), false) = (self.next, broken) {
            let what = format!(
                "a signed checkpoint covers {} records, the journal has {records}: it was rolled back",
                next.size
            );
            self.findings.push(finding(self.place - 1, what));
        }
        self.findings
    }
}
