//! An append-only, hash-linked log of fixed-size entries with a Merkle tree over them.
//!
//! The journal knows bytes, not money. One [`Journal`] writes; any number of [`Reader`]s read what is
//! durable and make proofs. Entries come in frames; a frame is there wholly or not at all. A frame
//! costs one positioned write and one flush, whatever it holds. Reading one entry costs two or three
//! small reads and is checked against the tree.
//!
//! Reading order: [`mod@format`] (the bytes), [`segment`] (walking a file), [`journal`] (recovery and
//! writing), [`reader`], [`Suite`], [`mod@hash`], [`tree`] and [`proof`] (hashes), [`checkpoint`] and [`key`] (what is
//! signed), [`disk`].
//! `docs/concepts/journal.md` tells the same to those who want to write their own verifier.

mod batch;
pub mod checkpoint;
pub mod disk;
mod flusher;
pub mod format;
pub mod genesis;
pub mod hash;
pub mod journal;
pub mod key;
mod prepare;
pub mod proof;
pub mod reader;
mod recovery;
pub mod segment;
mod suite;
pub mod tree;

pub use batch::Batch;
pub use checkpoint::{Checkpoint, CheckpointSigner, Checkpoints};
pub use disk::{Disk, File, Folder, Memory};
pub use format::ENTRY_LEN;
pub use genesis::Genesis;
pub use hash::Hash;
pub use journal::{Appended, Journal, Recovered};
pub use key::{PublicKey, VerifierKey};
pub use prepare::Preparer;
pub use reader::Reader;
pub use suite::Suite;

/// One entry.
pub type Entry = [u8; ENTRY_LEN];

/// Why the journal did not open, or cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Another process has it.
    #[error("{dir} is in use by process {pid}: stop it first, or choose another folder")]
    InUse {
        /// The folder.
        dir: String,
        /// The process, 0 when unknown.
        pid: u32,
    },
    /// The disk refused.
    #[error("{what}: {source}")]
    Io {
        /// What was being done.
        what: String,
        /// The system's reason.
        source: std::io::Error,
    },
    /// Bytes that were durable are not what they were.
    #[error("{file} is damaged at byte {byte} (record {seq}): {what}")]
    Damaged {
        /// The file, relative to the data folder.
        file: String,
        /// Where in it.
        byte: u64,
        /// The first entry that cannot be trusted.
        seq: u64,
        /// What is wrong.
        what: String,
    },
    /// A stored signed checkpoint says that there was more, or something else.
    #[error("{0}")]
    RolledBack(String),
    /// The folder holds another log, or another format.
    #[error("{0}")]
    Mismatch(String),
}

pub(crate) fn io_error(what: String, source: std::io::Error) -> JournalError {
    JournalError::Io { what, source }
}
