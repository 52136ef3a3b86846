//! Walking one segment file: header, frames in order, seal.

use std::io;
use std::sync::Arc;

use crate::disk::{Disk, File, read_exact};
use crate::format::{
    FRAME_HEADER, FrameHeader, SEAL, SEGMENT_HEADER, Seal, SegmentHeader, TABLE_LINE, VERSION,
    read_table_line, segment_base, segment_name,
};
use crate::{JournalError, io_error};

/// A segment file that is open.
#[derive(Clone)]
pub struct Segment {
    /// Sequence number of its first entry, by its name.
    pub base: u64,
    /// Its name, relative to the data folder.
    pub name: String,
    /// The file.
    pub file: Arc<dyn File>,
    /// Bytes in it.
    pub size: u64,
}

/// A whole frame.
pub struct Frame {
    /// Its header.
    pub header: FrameHeader,
    /// Where it begins.
    pub at: u64,
    /// Its entries, end to end.
    pub entries: Vec<u8>,
}

impl Frame {
    /// Where the next frame begins.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.at + (FRAME_HEADER + self.entries.len()) as u64
    }
}

/// What follows the last good frame of a segment that has no seal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// Nothing was written.
    Clean,
    /// So many bytes of a frame that was never finished.
    Torn(u64),
    /// A later frame begins at this byte with this entry: what lies before it is damaged.
    LaterFrame(u64, u64),
}

/// The bases of the segments on a disk, in order.
///
/// # Errors
/// The system's.
pub fn bases(disk: &dyn Disk) -> Result<Vec<u64>, JournalError> {
    let names = disk
        .list("segments")
        .map_err(|error| io_error(format!("listing {}/segments", disk.name()), error))?;
    Ok(names.iter().filter_map(|name| segment_base(name)).collect())
}

impl Segment {
    /// Opens the segment that begins with entry `base`.
    ///
    /// # Errors
    /// The system's.
    pub fn open(disk: &dyn Disk, base: u64, write: bool) -> Result<Self, JournalError> {
        let name = segment_name(base);
        let wrap = |error| io_error(format!("opening {}/{name}", disk.name()), error);
        let file = disk.open(&name, write).map_err(wrap)?;
        let size = file.size().map_err(wrap)?;
        Ok(Self { base, name, file, size })
    }

    /// An error at a place in this segment.
    #[must_use]
    pub fn damaged(&self, byte: u64, seq: u64, what: impl Into<String>) -> JournalError {
        JournalError::Damaged { file: self.name.clone(), byte, seq, what: what.into() }
    }

    fn reading(&self, error: io::Error) -> JournalError {
        io_error(format!("reading {}", self.name), error)
    }

    /// Reads the header and compares its base with the file's name.
    ///
    /// # Errors
    /// [`JournalError::Damaged`] when it is not a good header, [`JournalError::Mismatch`] when it is
    /// one of another version.
    pub fn header(&self) -> Result<SegmentHeader, JournalError> {
        if self.size < SEGMENT_HEADER {
            return Err(self.damaged(self.size, self.base, "the file ends inside its header"));
        }
        let bytes =
            read_exact(&*self.file, 0, SEGMENT_HEADER as usize).map_err(|error| self.reading(error))?;
        if let Some(version) = SegmentHeader::other_version(&bytes) {
            return Err(JournalError::Mismatch(format!(
                "{} is of format version {version}, this version reads version {VERSION}: use a newer one",
                self.name
            )));
        }
        let header = SegmentHeader::decode(&bytes).map_err(|what| self.damaged(0, self.base, what))?;
        if header.base != self.base {
            return Err(self.damaged(
                0,
                self.base,
                format!("its header says that it begins with record {}", header.base),
            ));
        }
        Ok(header)
    }

    /// The seal at the file's end, if it has one.
    ///
    /// # Errors
    /// The system's.
    pub fn seal(&self) -> Result<Option<Seal>, JournalError> {
        let Some(at) = self.size.checked_sub(SEAL as u64).filter(|&at| at >= SEGMENT_HEADER) else {
            return Ok(None);
        };
        let bytes = read_exact(&*self.file, at, SEAL).map_err(|error| self.reading(error))?;
        let fits = |seal: &Seal| {
            u64::from(seal.table) + u64::from(seal.frames) * TABLE_LINE as u64 == at && seal.end >= self.base
        };
        Ok(Seal::decode(&bytes).filter(fits))
    }

    /// The frame at a byte; `None` when no whole, good frame with this first entry begins there.
    ///
    /// # Errors
    /// The system's.
    pub fn frame(&self, at: u64, first: u64) -> Result<Option<Frame>, JournalError> {
        if at + FRAME_HEADER as u64 > self.size {
            return Ok(None);
        }
        let bytes = read_exact(&*self.file, at, FRAME_HEADER).map_err(|error| self.reading(error))?;
        let Some(header) = FrameHeader::decode(&bytes).filter(|header| header.first == first) else {
            return Ok(None);
        };
        let body = at + FRAME_HEADER as u64;
        if body + header.body() as u64 > self.size {
            return Ok(None);
        }
        let entries = read_exact(&*self.file, body, header.body()).map_err(|error| self.reading(error))?;
        Ok((crc32c::crc32c(&entries) == header.crc).then_some(Frame { header, at, entries }))
    }

    /// Walks all frames of a sealed segment and checks its table of frames.
    ///
    /// # Errors
    /// [`JournalError::Damaged`] at the first frame that is not good; the visitor's.
    pub fn walk_sealed(
        &self,
        seal: &Seal,
        mut visit: impl FnMut(&Frame) -> Result<(), JournalError>,
    ) -> Result<(), JournalError> {
        let table = read_exact(&*self.file, u64::from(seal.table), seal.frames as usize * TABLE_LINE)
            .map_err(|error| self.reading(error))?;
        if crc32c::crc32c(&table) != seal.table_crc {
            return Err(self.damaged(
                u64::from(seal.table),
                self.base,
                "the checksum of the table of frames does not fit",
            ));
        }
        let (mut at, mut next) = (SEGMENT_HEADER, self.base);
        for line in table.chunks_exact(TABLE_LINE) {
            let frame = self.frame(at, next)?;
            let frame =
                frame.ok_or_else(|| self.damaged(at, next, "a frame's header or checksum does not fit"))?;
            let (first, place) = read_table_line(line);
            if (self.base + u64::from(first), u64::from(place)) != (next, at) {
                return Err(self.damaged(
                    u64::from(seal.table),
                    next,
                    "the table of frames does not fit the frames",
                ));
            }
            visit(&frame)?;
            (at, next) = (frame.end(), next + u64::from(frame.header.count));
        }
        if (at, next) != (u64::from(seal.table), seal.end) {
            return Err(self.damaged(at, next, "the frames do not reach the seal"));
        }
        Ok(())
    }

    /// Walks the good frames of a segment without seal; gives the byte and the entry after the last.
    ///
    /// # Errors
    /// The visitor's.
    pub fn walk_open(
        &self,
        mut visit: impl FnMut(&Frame) -> Result<(), JournalError>,
    ) -> Result<(u64, u64), JournalError> {
        let (mut at, mut next) = (SEGMENT_HEADER, self.base);
        while let Some(frame) = self.frame(at, next)? {
            visit(&frame)?;
            (at, next) = (frame.end(), next + u64::from(frame.header.count));
        }
        Ok((at, next))
    }

    /// What follows byte `from`, where entry `next` should begin.
    ///
    /// One frame at most was in flight when the writer died, so a good header of a later frame
    /// proves that the bytes before it had been flushed, and were damaged since.
    ///
    /// # Errors
    /// The system's.
    pub fn rest(&self, from: u64, next: u64) -> Result<Rest, JournalError> {
        const CHUNK: u64 = 1 << 20;
        let (mut at, mut last) = (from, from);
        while at < self.size {
            // Chunks overlap by a header, so that none is cut in two.
            let length = (CHUNK + FRAME_HEADER as u64).min(self.size - at) as usize;
            let bytes = read_exact(&*self.file, at, length).map_err(|error| self.reading(error))?;
            if let Some(place) = bytes.iter().rposition(|&byte| byte != 0) {
                last = last.max(at + place as u64 + 1);
                for place in (0..bytes.len()).filter(|&place| FrameHeader::may_begin(&bytes[place..])) {
                    match FrameHeader::decode(&bytes[place..]) {
                        Some(header) if header.first > next => {
                            return Ok(Rest::LaterFrame(at + place as u64, header.first));
                        }
                        _ => {}
                    }
                }
            }
            at += CHUNK;
        }
        Ok(if last == from { Rest::Clean } else { Rest::Torn(last - from) })
    }
}
