//! What an engine answers: outcomes, errors, figures, proofs.

use std::sync::Arc;
use std::time::Duration;

use jialing_ledger::{Nanos, RECORD_LEN, Record, Refusal};

/// A SHA-256 hash.
pub type Hash = [u8; 32];

/// A command that was carried out and is durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Position in the log of the first record in `records`.
    pub first: u64,
    /// The command's records without [`jialing_ledger::record::Body::Terms`]: for a group, one
    /// transfer record per leg in order. The same when `already`.
    pub records: Vec<Record>,
    /// The command had been carried out before, with the same fields; nothing was done now.
    pub already: bool,
}

/// The engine has stopped for good and this process must end; a restart recovers. What was
/// acknowledged is safe. What was not may or may not be there: look it up by id after the restart.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the ledger has stopped: {0}")]
pub struct Stopped(pub Arc<str>);

/// Why a command has no outcome.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    /// The kernel refused it; nothing changed.
    #[error("refused: {0}")]
    Refused(Refusal),
    /// Too many commands wait; nothing changed.
    #[error("too many commands wait; try again in {retry_after_ms} ms")]
    Overloaded {
        /// When to try again.
        retry_after_ms: u32,
    },
    /// The engine has stopped. The outcome is unknown until it was looked up after a restart.
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

/// Why a question has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The engine has stopped.
    #[error(transparent)]
    Stopped(#[from] Stopped),
    /// The position or size asked for lies beyond the durable log, or an older size is above a newer.
    #[error("{asked} is beyond the {durable} records there are")]
    Beyond {
        /// What was asked for.
        asked: u64,
        /// How many records are durable.
        durable: u64,
    },
    /// A file could not be read, or was damaged after the start.
    #[error("cannot read the journal: {0}")]
    Io(String),
}

/// Why an engine did not open. Every message says what happened, where, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has the folder.
    #[error("{dir} is in use by process {pid}: stop it first, or choose another folder")]
    InUse {
        /// The folder.
        dir: String,
        /// The other process; 0 when it did not say.
        pid: u32,
    },
    /// A file or folder could not be read or written.
    #[error("{what}: {source}")]
    Io {
        /// What was being done, with the path.
        what: String,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The journal is damaged before its tail. Nothing was changed.
    #[error(
        "the journal is damaged: {segment} at byte {byte} (record {seq}): {what}. Nothing was changed. \
         Restore this file from a copy (a replica or a backup) whose checkpoint covers record {seq}, \
         then run `jialing verify`"
    )]
    Damaged {
        /// The segment's file name.
        segment: String,
        /// Where in the file.
        byte: u64,
        /// The first record that cannot be trusted.
        seq: u64,
        /// What is wrong.
        what: String,
    },
    /// The log is shorter than, or differs from, what a stored signed checkpoint says.
    #[error("the journal was rolled back or rewritten: {0}. Restore the newest copy of the whole folder")]
    RolledBack(String),
    /// The folder belongs to a log with another name or key, or another format.
    #[error("this folder is another log: {0}")]
    Mismatch(String),
    /// The folder was restored to a position before what its key has signed. Nothing was changed.
    #[error(
        "{dir} was restored to record {records}, and the log's key has signed {known}: to go on from here would \
         contradict what others hold. Look at it with `jialing verify`; restore the newest position; or, \
         if you have decided that what came after is void, remove the file `restored` in it"
    )]
    Restored {
        /// The folder.
        dir: String,
        /// Records in it.
        records: u64,
        /// Records that were signed.
        known: u64,
    },
    /// The records do not lead to the state they claim: a defect or a forgery.
    #[error("record {seq} contradicts the records before it: {what}. Run `jialing verify`")]
    Contradiction {
        /// The record.
        seq: u64,
        /// What does not fit.
        what: String,
    },
}

/// What opening found and did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// Records in the log.
    pub records: u64,
    /// Whether the folder was new.
    pub created: bool,
    /// Bytes of a torn, never acknowledged tail that were cut; 0 after a clean stop.
    pub torn_bytes: u64,
    /// Records in the snapshot that the start stood on.
    pub snapshot: u64,
    /// Records replayed after it.
    pub replayed: u64,
    /// Index files made again because they were missing or bad.
    pub rebuilt: u64,
    /// How long it took.
    pub took: Duration,
}

/// A signed tree head: the log's size and root, and by whom it was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's name.
    pub origin: String,
    /// Records covered.
    pub size: u64,
    /// RFC 6962 root over them, SHA-256.
    pub root: Hash,
    /// When it was signed.
    pub time: Nanos,
    /// The C2SP signed note (`tlog-checkpoint`), ready to publish; any note verifier accepts it.
    pub note: String,
    /// The raw Ed25519 signature over the note's text.
    pub signature: [u8; 64],
}

/// A record with the proof that it is in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The record as logged; its RFC 6962 leaf hash is `SHA-256(0x00 ‖ record)`.
    pub record: [u8; RECORD_LEN],
    /// Leaf index; also the record's sequence number.
    pub index: u64,
    /// A signed checkpoint that covers it.
    pub checkpoint: Checkpoint,
    /// RFC 6962 inclusion path from the leaf up to the checkpoint's root.
    pub path: Vec<Hash>,
}

/// The engine's figures since it opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Durable records in the log.
    pub records: u64,
    /// Accounts.
    pub accounts: u64,
    /// Commands carried out.
    pub done: u64,
    /// Commands refused.
    pub refused: u64,
    /// Commands that were already done.
    pub already: u64,
    /// Batches flushed.
    pub batches: u64,
    /// Commands that wait now.
    pub queued: u64,
    /// Flushes by duration: `flush_us[i]` took less than `2^i` µs, and not less than half of that;
    /// the last one holds the rest.
    pub flush_us: [u64; 24],
    /// The longest flush, µs.
    pub flush_max_us: u64,
    /// Bytes of the data folder: journal, tree, indexes, snapshots.
    pub bytes: u64,
}
