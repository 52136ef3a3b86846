//! Stored checkpoints against the records.

use std::io;

use jialing_journal::checkpoint::LINE;
use jialing_journal::disk::Disk;
use jialing_journal::tree::Edge;
use jialing_journal::{Checkpoint, Checkpoints, Genesis};

use super::Finding;

const FILE: &str = "checkpoints";

/// The checkpoints in order of size, each compared when the walk has come to it.
pub(super) struct Signed {
    stored: Option<Checkpoints>,
    place: u64,
    next: Option<Checkpoint>,
    pub(super) checked: u64,
    pub(super) newest: u64,
}

impl Signed {
    pub(super) fn open(disk: &dyn Disk, findings: &mut Vec<Finding>) -> io::Result<Self> {
        let stored = match Checkpoints::look(disk) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            stored => Some(stored?),
        };
        let mut signed = Self { stored, place: 0, next: None, checked: 0, newest: 0 };
        signed.next = signed.read(findings);
        Ok(signed)
    }

    fn finding(&self, what: impl Into<String>) -> Finding {
        let byte = Some(self.place.saturating_sub(1) * LINE as u64);
        Finding { file: FILE.to_owned(), byte, seq: None, what: what.into() }
    }

    /// The next good line.
    fn read(&mut self, findings: &mut Vec<Finding>) -> Option<Checkpoint> {
        let count = self.stored.as_ref()?.count();
        while self.place < count {
            self.place += 1;
            match self.stored.as_ref()?.read(self.place - 1) {
                Ok(Some(checkpoint)) => return Some(checkpoint),
                Ok(None) => findings.push(self.finding("the checksum of a checkpoint does not fit")),
                Err(error) => findings.push(self.finding(error.to_string())),
            }
        }
        None
    }

    /// Compares the checkpoints of the size that the walk has come to.
    pub(super) fn reached(&mut self, edge: &Edge, genesis: &Genesis, findings: &mut Vec<Finding>) {
        while let Some(checkpoint) = self.next.filter(|next| next.size <= edge.size()) {
            if checkpoint.size < edge.size() {
                findings.push(self.finding("checkpoints are not in order of size"));
            } else if checkpoint.root != edge.root() {
                let what = format!("the first {} records have another root than was signed", checkpoint.size);
                findings.push(self.finding(what));
            }
            if !checkpoint.verify(&genesis.key) {
                findings.push(self.finding("the signature does not fit the log's key"));
            }
            self.checked += 1;
            self.newest = checkpoint.size;
            self.next = self.read(findings);
        }
    }

    /// Complains of checkpoints that cover more records than there are.
    pub(super) fn finish(&mut self, edge: &Edge, broken: bool, findings: &mut Vec<Finding>) {
        if let (Some(next), false) = (self.next, broken) {
            let what = format!(
                "a signed checkpoint covers {} records, the journal has {}: it was rolled back",
                next.size,
                edge.size()
            );
            findings.push(self.finding(what));
        }
    }
}
