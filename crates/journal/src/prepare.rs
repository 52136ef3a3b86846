//! The next segment's file, made before it is needed.
//!
//! Taking room for a segment can keep a disk busy for many milliseconds, in which nothing could be
//! appended. So whoever keeps the log calls [`Preparer::prepare`] at the start and after every seal,
//! beside the writer; the seal then finds a file that only lacks its header. A writer that comes too
//! early waits, or makes the file itself.
//!
//! The file is `segments/next` until it has a durable header, and only then gets its name, so a
//! crash at any moment leaves either no next segment or a whole one. One that is left over is made
//! again.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use crate::disk::{Disk, File};
use crate::format::{MAX_SEGMENT, SEGMENT_HEADER, SegmentHeader, segment_name};
use crate::segment::Segment;
use crate::{JournalError, io_error};

const NEXT: &str = "segments/next";

/// Makes the next segment's file ahead. Clones prepare the same file.
#[derive(Clone)]
pub struct Preparer {
    disk: Arc<dyn Disk>,
    bytes: u64,
    ready: Arc<Mutex<Option<Arc<dyn File>>>>,
}

impl Preparer {
    pub(crate) fn new(disk: Arc<dyn Disk>, segment_bytes: u64) -> Self {
        Self { disk, bytes: segment_bytes.clamp(2 * SEGMENT_HEADER, MAX_SEGMENT), ready: Arc::default() }
    }

    /// Bytes in a segment.
    pub(crate) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Makes the next segment's file, unless it is there: all of its room is taken, and durably so.
    /// Says whether it made one.
    ///
    /// # Errors
    /// The system's, for instance that there is no room. Nothing is lost yet: the writer tries again
    /// at the seal, and says so when it cannot.
    pub fn prepare(&self) -> io::Result<bool> {
        let mut ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        if ready.is_some() {
            return Ok(false);
        }
        *ready = Some(self.blank()?);
        Ok(true)
    }

    fn blank(&self) -> io::Result<Arc<dyn File>> {
        let file = self.disk.create(NEXT)?;
        file.allocate(self.bytes)?;
        file.sync()?;
        Ok(file)
    }

    /// Makes the segment with this header out of the file that is ready, or of a new one. Durable on
    /// return, with its name.
    pub(crate) fn segment(&self, header: &SegmentHeader) -> Result<Segment, JournalError> {
        let (base, name) = (header.base, segment_name(header.base));
        let wrap =
            |error| io_error(format!("making {}/{name} of {} bytes", self.disk.name(), self.bytes), error);
        let ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner).take();
        let file = ready.map_or_else(|| self.blank(), Ok).map_err(wrap)?;
        file.write_at(&header.encode(), 0).map_err(wrap)?;
        file.sync().map_err(wrap)?;
        self.disk.rename(NEXT, &name).map_err(wrap)?;
        self.disk.sync_folder("segments").map_err(wrap)?;
        Ok(Segment { base, name, file, size: self.bytes })
    }
}
