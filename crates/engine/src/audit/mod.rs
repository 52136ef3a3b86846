//! The full offline audit of a data folder: `jialing verify`.
//!
//! Everything is computed again from the segments alone: checksums, links, the tree, the state with
//! every balance, and then compared with what is stored beside them: checkpoints and their
//! signatures, tree hashes, indexes, snapshots. Nothing is changed. Parts of about a mebibyte are read,
//! hashed and decoded by as many threads as there are cores; one replays the records in order. Memory
//! is bounded by the state, a few parts for each thread, and the ids of what no index file covers.
//!
//! An audit of a folder whose writer was killed is sound: a torn tail is reported, not complained of.

mod derived;
mod line;
mod part;
mod signed;
pub(crate) mod stretch;
mod walk;

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use jialing_journal::disk::{Disk, Elsewhere, Folder, LockError, Tiered};
use jialing_journal::{Genesis, Hash, JournalError, PublicKey};
use jialing_ledger::{Ledger, Record};

use crate::answer::OpenError;
use walk::Walk;

/// What the audit shows while it runs.
#[derive(Clone, Copy, Debug)]
pub enum Seen<'a> {
    /// The next record of the log, checked; in order, each once. For comparing other books with it.
    Record(&'a Record),
    /// How far it has come.
    Progress {
        /// Records checked.
        records: u64,
        /// Records there seem to be.
        of: u64,
    },
}

/// Something that is not as it must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The file, relative to the data folder.
    pub file: String,
    /// Where in the file.
    pub byte: Option<u64>,
    /// The record it is about.
    pub seq: Option<u64>,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file)?;
        self.byte.map_or(Ok(()), |byte| write!(f, " at byte {byte}"))?;
        self.seq.map_or(Ok(()), |seq| write!(f, " (record {seq})"))?;
        write!(f, ": {}", self.what)
    }
}

/// What the audit found.
#[derive(Clone, Debug)]
pub struct Report {
    /// The log's name.
    pub origin: String,
    /// The key that its checkpoints verify under, as a C2SP verifier key.
    pub verifier_key: String,
    /// Whole, good records.
    pub records: u64,
    /// Segments.
    pub segments: u64,
    /// Root over all records, computed from them.
    pub root: Hash,
    /// Checkpoints checked: signature and root.
    pub checkpoints: u64,
    /// Records covered by the newest of them.
    pub newest_checkpoint: u64,
    /// Snapshots compared with the replayed state.
    pub snapshots: u64,
    /// Index files compared with the records.
    pub indexes: u64,
    /// Bytes of an unfinished write at the very end; the next start cuts them. Not a finding.
    pub torn_bytes: u64,
    /// The state after the last good record, for comparing other books with it.
    pub ledger: Ledger,
    /// All that is wrong; empty for a sound log.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Whether nothing is wrong.
    #[must_use]
    pub const fn is_sound(&self) -> bool {
        self.findings.is_empty()
    }
}

/// Audits the data folder `dir`. With `public_key`, the log must be the one with this key; without,
/// the key is taken from the folder itself, and somebody should compare it with the published one.
///
/// # Errors
/// When the audit cannot even begin: no folder, no log in it, or an engine has it open. What is
/// wrong with the log itself is in the report.
pub fn verify(
    dir: &Path,
    public_key: Option<PublicKey>,
    seen: &mut dyn FnMut(Seen<'_>),
) -> Result<Report, OpenError> {
    let opened = Folder::existing(dir);
    let folder =
        opened.map_err(|source| OpenError::Io { what: format!("opening {}", dir.display()), source })?;
    verify_disk(Arc::new(folder), public_key, seen)
}

/// [`verify`] on any disk.
///
/// # Errors
/// As [`verify`].
pub fn verify_disk(
    disk: Arc<dyn Disk>,
    public_key: Option<PublicKey>,
    seen: &mut dyn FnMut(Seen<'_>),
) -> Result<Report, OpenError> {
    let genesis = Genesis::load(&*disk).map_err(OpenError::from)?;
    let genesis = genesis.ok_or_else(|| OpenError::Mismatch(format!("{} holds no log", disk.name())))?;
    // On a medium that cannot be written there is nobody to exclude.
    let _lock = match disk.lock("lock") {
        Ok(lock) => Some(lock),
        Err(LockError::Held(pid)) => return Err(OpenError::InUse { dir: disk.name(), pid }),
        Err(LockError::Io(_)) => None,
    };
    let disk = Arc::new(Tiered::new(disk, Elsewhere::AsNoted));
    let mut walk = Walk::new(disk, genesis, seen)?;
    if public_key.is_some_and(|key| key != walk.genesis.key.public) {
        let what = format!("the log's key is {}, another one was expected", walk.genesis.key);
        walk.findings.push(Finding { file: "genesis".to_owned(), byte: None, seq: None, what });
    }
    walk.segments();
    walk.finish();
    Ok(walk.report())
}

impl From<JournalError> for OpenError {
    fn from(error: JournalError) -> Self {
        match error {
            JournalError::InUse { dir, pid } => Self::InUse { dir, pid },
            JournalError::Io { what, source } => Self::Io { what, source },
            JournalError::Damaged { file, byte, seq, what } => {
                Self::Damaged { segment: file, byte, seq, what }
            }
            JournalError::RolledBack(what) => Self::RolledBack(what),
            JournalError::Mismatch(what) => Self::Mismatch(what),
        }
    }
}
