//! Copying whole files of a log, for backups and cold storage.

use std::io;

use jialing_journal::JournalError;
use jialing_journal::disk::{Disk, File, read_exact};

/// Bytes copied at once.
const CHUNK: u64 = 1 << 20;

/// Why files of a log could not be copied, moved or restored. Every message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// The log, or its copy, is not as it must be.
    #[error(transparent)]
    Log(#[from] JournalError),
    /// A file or folder could not be read or written.
    #[error("{what}: {source}")]
    Io {
        /// What was being done, with the path.
        what: String,
        /// The system's reason.
        source: io::Error,
    },
    /// It would not be safe, or makes no sense.
    #[error("{0}")]
    Refused(String),
}

pub(crate) fn io_error(what: String, source: io::Error) -> FilesError {
    FilesError::Io { what, source }
}

/// Copies bytes `from` to `end` to the same place in another file. `told` hears how many at a time.
pub(crate) fn copy(
    source: &dyn File,
    target: &dyn File,
    from: u64,
    end: u64,
    told: &mut dyn FnMut(u64),
) -> io::Result<()> {
    let mut at = from;
    while at < end {
        let length = (end - at).min(CHUNK);
        target.write_at(&read_exact(source, at, length as usize)?, at)?;
        at += length;
        told(length);
    }
    Ok(())
}

/// CRC-32C of a file's first `length` bytes.
pub(crate) fn crc_of(file: &dyn File, length: u64) -> io::Result<u32> {
    let (mut at, mut crc) = (0, 0);
    while at < length {
        let part = read_exact(file, at, (length - at).min(CHUNK) as usize)?;
        crc = crc32c::crc32c_append(crc, &part);
        at += part.len() as u64;
    }
    Ok(crc)
}

/// Opens a file for writing, making it when it is not there.
pub(crate) fn open_or_create(disk: &dyn Disk, name: &str) -> io::Result<std::sync::Arc<dyn File>> {
    match disk.open(name, true) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => disk.create(name),
        opened => opened,
    }
}
