//! Reading a ledger's folder from outside, whether an engine runs on it or not.
//!
//! Nothing is written and nothing is locked. What can be read ends at the newest signed checkpoint:
//! those records are durable, whatever an engine is doing at the moment, and their keeper has signed
//! for them. The checkpoint's signature, the seals of all segments and the checksum of every frame that is
//! read are checked; that the books are right is for [`crate::audit`].

use std::io;
use std::path::Path;
use std::sync::Arc;

use jialing_journal::disk::{Disk, Elsewhere, Folder, Tiered};
use jialing_journal::segment::{self, Segment};
use jialing_journal::{Checkpoint, Checkpoints, Genesis, JournalError, Reader};
use jialing_ledger::{Nanos, Record};

use crate::answer::{self, OpenError};
use crate::record;

/// A ledger's records up to a signed checkpoint.
pub struct Look {
    genesis: Genesis,
    reader: Reader,
    checkpoint: Checkpoint,
}

impl Look {
    /// Opens the folder `dir` for reading.
    ///
    /// # Errors
    /// When there is no log, nothing in it was ever signed for, or the journal ends before its newest
    /// checkpoint.
    pub fn open(dir: &Path) -> Result<Self, OpenError> {
        let opened = Folder::existing(dir);
        let folder =
            opened.map_err(|source| OpenError::Io { what: format!("opening {}", dir.display()), source })?;
        Self::open_disk(Arc::new(folder))
    }

    /// [`Look::open`] on any disk.
    ///
    /// # Errors
    /// As [`Look::open`].
    pub fn open_disk(disk: Arc<dyn Disk>) -> Result<Self, OpenError> {
        let disk: Arc<dyn Disk> = Arc::new(Tiered::new(disk, Elsewhere::AsNoted));
        let genesis = Genesis::load(&*disk).map_err(OpenError::from)?;
        let genesis = genesis.ok_or_else(|| OpenError::Mismatch(format!("{} holds no log", disk.name())))?;
        let reading = |source| OpenError::Io { what: format!("reading {}", disk.name()), source };
        // Before the segments: whatever is written meanwhile, the segments reach at least this far.
        let newest = Checkpoints::look(&*disk).map_err(reading)?.newest().copied();
        let checkpoint = newest
            .ok_or_else(|| OpenError::Mismatch(format!("{} has no signed checkpoint yet", disk.name())))?;
        if !checkpoint.verify(&genesis.key) {
            let what = format!("the newest checkpoint is not signed by {}", genesis.key);
            return Err(OpenError::Mismatch(what));
        }
        let (mut sealed, mut open) = (Vec::new(), None);
        let mut next = 0;
        for base in segment::bases(&*disk).map_err(OpenError::from)? {
            let segment = Segment::open(&*disk, base, false).map_err(OpenError::from)?;
            if base != next {
                let damaged = segment.damaged(0, next, "the log should go on here: a segment is missing");
                return Err(damaged.into());
            }
            match segment.seal().map_err(OpenError::from)? {
                Some(seal) => {
                    next = seal.end;
                    sealed.push((segment, seal));
                }
                None => {
                    open = Some(segment);
                    break;
                }
            }
        }
        let reader = Reader::look(disk, genesis.suite(), &sealed, open.as_ref()).map_err(OpenError::from)?;
        if reader.durable() < checkpoint.size {
            let what = format!(
                "a checkpoint covers {} records, the journal has {}",
                checkpoint.size,
                reader.durable()
            );
            return Err(JournalError::RolledBack(what).into());
        }
        Ok(Self { genesis, reader, checkpoint })
    }

    /// Records that can be read.
    #[must_use]
    pub const fn records(&self) -> u64 {
        self.checkpoint.size
    }

    /// The checkpoint that covers them.
    #[must_use]
    pub fn checkpoint(&self) -> answer::Checkpoint {
        answer::Checkpoint {
            origin: self.genesis.key.origin.clone(),
            size: self.checkpoint.size,
            root: self.checkpoint.root,
            time: self.checkpoint.time,
            note: self.checkpoint.note(&self.genesis.key),
            signature: self.checkpoint.signature,
        }
    }

    /// The log's key, as a note verifier takes it.
    #[must_use]
    pub fn verifier_key(&self) -> String {
        self.genesis.key.to_string()
    }

    /// The number of records with a time before `time`.
    ///
    /// # Errors
    /// When a record cannot be read or is damaged.
    pub fn records_before(&self, time: Nanos) -> io::Result<u64> {
        let (mut low, mut high) = (0, self.records());
        while low < high {
            let middle = low.midpoint(high);
            let mut before = false;
            self.visit(middle, middle + 1, |record| {
                before = record.time < time;
                io::Result::Ok(())
            })?;
            if before {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }

    /// Shows the records `from` to `to` (not included) in order; memory for one frame.
    ///
    /// # Errors
    /// When a frame cannot be read or is damaged; the visitor's.
    pub fn visit<E: From<io::Error>>(
        &self,
        from: u64,
        to: u64,
        mut visit: impl FnMut(&Record) -> Result<(), E>,
    ) -> Result<(), E> {
        self.reader.visit(from, to.min(self.records()), |seq, entry| visit(&record::decode(seq, entry)?))
    }
}
