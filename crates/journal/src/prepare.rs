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
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::disk::{Disk, File};
use crate::format::{MAX_SEGMENT, SEGMENT_HEADER, SegmentHeader, segment_name};
use crate::segment::Segment;
use crate::{JournalError, io_error};

const NEXT: &str = "segments/next";
/// Mean bytes of a frame for which room is worth filling with zeros ahead.
///
/// A flush into room that was only taken has to tell the file system that these blocks are written
/// now, which doubles its time for frames of some kilobytes (ext4: 136 µs against 79 µs for 3.8 KiB).
/// Larger frames come when the log is written at the disk's speed, and filling would cost as much.
const FILLED_FOR: RangeInclusive<u64> = (1 << 10)..=(128 << 10);
/// Bytes filled and flushed at once, so that a flush of the writer waits for no more than that.
const FILLED_AT_ONCE: u64 = 1 << 20;

/// Makes the next segment's file ahead. Clones prepare the same file.
#[derive(Clone)]
pub struct Preparer {
    disk: Arc<dyn Disk>,
    bytes: u64,
    ready: Arc<Mutex<Option<Arc<dyn File>>>>,
    fills: Arc<AtomicBool>,
}

impl Preparer {
    pub(crate) fn new(disk: Arc<dyn Disk>, segment_bytes: u64) -> Self {
        let bytes = segment_bytes.clamp(2 * SEGMENT_HEADER, MAX_SEGMENT);
        Self { disk, bytes, ready: Arc::default(), fills: Arc::default() }
    }

    /// Bytes in a segment.
    pub(crate) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Hears how a segment was written: the next ones will be alike.
    pub(crate) fn sealed(&self, frames: u64, bytes: u64) {
        self.fills.store(FILLED_FOR.contains(&(bytes / frames.max(1))), Ordering::Relaxed);
    }

    /// Makes the next segment's file, unless it is there: all of its room is taken, and durably so.
    /// Where the last segment's frames were small it is also filled with zeros, which makes flushes
    /// faster. Says whether it made one.
    ///
    /// # Errors
    /// The system's, for instance that there is no room. Nothing is lost yet: the writer tries again
    /// at the seal, and says so when it cannot.
    pub fn prepare(&self) -> io::Result<bool> {
        {
            let mut ready = self.ready();
            if ready.is_some() {
                return Ok(false);
            }
            *ready = Some(self.blank()?);
        }
        if self.fills.load(Ordering::Relaxed) {
            self.fill()?;
        }
        Ok(true)
    }

    fn ready(&self) -> MutexGuard<'_, Option<Arc<dyn File>>> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes zeros over the room, a piece at a time, until the writer takes the file.
    fn fill(&self) -> io::Result<()> {
        let zeros = vec![0; FILLED_AT_ONCE.min(self.bytes) as usize];
        let mut at = 0;
        while at < self.bytes {
            let length = (self.bytes - at).min(FILLED_AT_ONCE);
            // Written while it cannot be taken: nothing must land on the writer's frames.
            let ready = self.ready();
            let Some(file) = ready.clone() else { return Ok(()) };
            file.write_at(&zeros[..length as usize], at)?;
            drop(ready);
            file.sync()?;
            at += length;
        }
        Ok(())
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
        // Held until the file has its own name: one that is made ahead meanwhile would take its place
        // under the name they share, and the log would go on in a file that is no longer there.
        let mut ready = self.ready();
        let file = ready.take().map_or_else(|| self.blank(), Ok).map_err(wrap)?;
        file.write_at(&header.encode(), 0).map_err(wrap)?;
        file.sync().map_err(wrap)?;
        self.disk.rename(NEXT, &name).map_err(wrap)?;
        self.disk.sync_folder("segments").map_err(wrap)?;
        drop(ready);
        Ok(Segment { base, name, file, size: self.bytes })
    }
}
