//! A batch: the entries that go into one frame.

use crate::format::FRAME_HEADER;
use crate::{ENTRY_LEN, Entry};

/// Entries to be appended together, with room for the frame's header before them.
#[derive(Debug)]
pub struct Batch {
    pub(crate) bytes: Vec<u8>,
}

impl Default for Batch {
    fn default() -> Self {
        Self { bytes: vec![0; FRAME_HEADER] }
    }
}

impl Batch {
    /// Adds an entry.
    pub fn push(&mut self, entry: &Entry) {
        self.bytes.extend_from_slice(entry);
    }

    /// Adds all entries of another batch.
    pub fn append(&mut self, other: &Self) {
        self.bytes.extend_from_slice(other.entries());
    }

    /// The entries, end to end.
    #[must_use]
    pub fn entries(&self) -> &[u8] {
        &self.bytes[FRAME_HEADER..]
    }

    /// How many entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries().len() / ENTRY_LEN
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries().is_empty()
    }

    /// Forgets the entries, keeps the room.
    pub fn clear(&mut self) {
        self.bytes.truncate(FRAME_HEADER);
    }
}
