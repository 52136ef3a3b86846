//! Old sealed segments that lie elsewhere.
//!
//! A segment that was moved to cold storage leaves a small pointer in `segments/`: its header, its
//! seal, its length and checksum, and where it went. [`Tiered`] serves headers and seals from the
//! pointers and all else of such a segment from the other folder, opened when it is first needed. So
//! a start needs nothing that is cold, whoever reads segments need not know, and a cold folder that
//! is away is felt only by those who ask for records in it, with [`is_away`].

use std::any::Any;
use std::io::{self, ErrorKind};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use super::{Disk, File, Folder, LockError, read_exact, read_file};
use crate::format::{SEAL, SEGMENT_HEADER, segment_base, segment_name};

const MAGIC: &[u8; 16] = b"jialing cold 1\n\0";
const FIXED: usize = 16 + 8 + 8 + 4 + 2 + 2;

/// Where cold segments are looked for.
pub enum Elsewhere {
    /// Where each pointer says.
    AsNoted,
    /// In this folder, which may be away now and there later.
    Folder(PathBuf),
    /// On this disk.
    Disk(Arc<dyn Disk>),
}

/// What a moved segment leaves behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pointer {
    /// Sequence number of the segment's first entry.
    pub base: u64,
    /// Bytes in its file.
    pub bytes: u64,
    /// CRC-32C of its file.
    pub crc: u32,
    /// The folder it went to, for people and for a start without another setting.
    pub place: String,
    /// The file's first bytes without the zeros that fill up its header.
    header: Vec<u8>,
    /// The file's last bytes.
    seal: Vec<u8>,
}

/// The file name of the pointer to the segment that begins with entry `base`.
#[must_use]
pub fn pointer_name(base: u64) -> String {
    format!("segments/{base:020}.cold")
}

fn pointer_base(name: &str) -> Option<u64> {
    segment_base(&format!("{}.seg", name.strip_suffix(".cold")?))
}

impl Pointer {
    /// A pointer to a sealed segment's file.
    ///
    /// # Errors
    /// The system's; also when the file is too short to be one, or `place` too long to be noted.
    pub fn to(file: &dyn File, base: u64, crc: u32, place: &str) -> io::Result<Self> {
        let bytes = file.size()?;
        let seal = bytes.checked_sub(SEAL as u64).filter(|&at| at >= SEGMENT_HEADER);
        let seal = seal.ok_or_else(|| io::Error::new(ErrorKind::InvalidData, "it is no sealed segment"))?;
        if u16::try_from(place.len()).is_err() {
            return Err(io::Error::new(ErrorKind::InvalidInput, "the folder's name is too long"));
        }
        let mut header = read_exact(file, 0, SEGMENT_HEADER as usize)?;
        header.truncate(header.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1));
        let seal = read_exact(file, seal, SEAL)?;
        Ok(Self { base, bytes, crc, place: place.to_owned(), header, seal })
    }

    /// The pointer's file.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&self.base.to_le_bytes());
        bytes.extend_from_slice(&self.bytes.to_le_bytes());
        bytes.extend_from_slice(&self.crc.to_le_bytes());
        bytes.extend_from_slice(&(self.header.len() as u16).to_le_bytes());
        bytes.extend_from_slice(&(self.place.len() as u16).to_le_bytes());
        bytes.extend_from_slice(&self.header);
        bytes.extend_from_slice(&self.seal);
        bytes.extend_from_slice(self.place.as_bytes());
        let crc = crc32c::crc32c(&bytes);
        bytes.extend_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// Reads it back; `None` when these bytes are no whole, good pointer.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (rest, crc) = bytes.split_last_chunk::<4>()?;
        if rest.len() < FIXED || &rest[..16] != MAGIC || crc32c::crc32c(rest) != u32::from_le_bytes(*crc) {
            return None;
        }
        let number = |at: usize| u64::from_le_bytes(rest[at..at + 8].try_into().expect("eight bytes"));
        let length = |at: usize| usize::from(u16::from_le_bytes([rest[at], rest[at + 1]]));
        let (header, place) = (length(36), length(38));
        let fits = header <= SEGMENT_HEADER as usize && rest.len() == FIXED + header + SEAL + place;
        let parts = fits.then(|| rest[FIXED..].split_at(header))?;
        let (seal, place) = parts.1.split_at(SEAL);
        Some(Self {
            base: number(16),
            bytes: number(24),
            crc: u32::from_le_bytes(rest[32..36].try_into().expect("four bytes")),
            place: String::from_utf8(place.to_vec()).ok()?,
            header: parts.0.to_vec(),
            seal: seal.to_vec(),
        })
    }

    /// The pointer to a segment on this disk; `None` when it was not moved.
    ///
    /// # Errors
    /// The system's; `InvalidData` when the pointer is bad.
    pub fn load(disk: &dyn Disk, base: u64) -> io::Result<Option<Self>> {
        let name = pointer_name(base);
        let bytes = match read_file(disk, &name) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let good = Self::decode(&bytes).filter(|pointer| pointer.base == base);
        good.map(Some).ok_or_else(|| {
            let what = format!(
                "{name}, which says where this segment went, is damaged: copy the segment back from cold storage, then remove the pointer"
            );
            io::Error::new(ErrorKind::InvalidData, what)
        })
    }
}

/// Whether a read failed because cold storage is away; nothing is damaged then.
#[must_use]
pub fn is_away(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<Away>())
}

#[derive(Debug, thiserror::Error)]
#[error(
    "{segment} was moved to cold storage in {place}, which cannot be read ({why}): make that folder available again, or name its new place in the settings"
)]
struct Away {
    segment: String,
    place: String,
    why: String,
}

/// A disk together with the cold storage of its old segments.
pub struct Tiered {
    hot: Arc<dyn Disk>,
    cold: Arc<Elsewhere>,
}

impl Tiered {
    /// `hot`, with what was moved away from it.
    #[must_use]
    pub fn new(hot: Arc<dyn Disk>, cold: Elsewhere) -> Self {
        Self { hot, cold: Arc::new(cold) }
    }

    fn moved(&self, file: &str) -> io::Result<Option<Arc<dyn File>>> {
        let Some(base) = file.strip_prefix("segments/").and_then(segment_base) else { return Ok(None) };
        let pointer = Pointer::load(&*self.hot, base)?;
        let (hot, cold) = (self.hot.clone(), self.cold.clone());
        Ok(pointer
            .map(|pointer| Arc::new(Moved { pointer, hot, cold, open: Mutex::default() }) as Arc<dyn File>))
    }
}

impl Disk for Tiered {
    fn name(&self) -> String {
        self.hot.name()
    }

    fn make_folder(&self, folder: &str) -> io::Result<()> {
        self.hot.make_folder(folder)
    }

    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        let mut names = self.hot.list(folder)?;
        if folder == "segments" {
            let moved: Vec<u64> = names.iter().filter_map(|name| pointer_base(name)).collect();
            names.extend(moved.into_iter().map(|base| segment_name(base)["segments/".len()..].to_owned()));
            names.sort();
            names.dedup();
        }
        Ok(names)
    }

    fn open(&self, file: &str, write: bool) -> io::Result<Arc<dyn File>> {
        match self.hot.open(file, write) {
            // What is in both places is read where it is near.
            Err(error) if error.kind() == ErrorKind::NotFound => self.moved(file)?.ok_or(error),
            opened => opened,
        }
    }

    fn create(&self, file: &str) -> io::Result<Arc<dyn File>> {
        self.hot.create(file)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.hot.rename(from, to)
    }

    fn remove(&self, file: &str) -> io::Result<()> {
        self.hot.remove(file)
    }

    fn sync_folder(&self, folder: &str) -> io::Result<()> {
        self.hot.sync_folder(folder)
    }

    fn lock(&self, file: &str) -> Result<Box<dyn Any + Send + Sync>, LockError> {
        self.hot.lock(file)
    }
}

/// A segment's file that is somewhere else.
struct Moved {
    pointer: Pointer,
    hot: Arc<dyn Disk>,
    cold: Arc<Elsewhere>,
    /// Kept once it was had; asked for again while it is away.
    open: Mutex<Option<Arc<dyn File>>>,
}

impl Moved {
    fn file(&self) -> io::Result<Arc<dyn File>> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = open.as_ref() {
            return Ok(file.clone());
        }
        let file = self.find()?;
        *open = Some(file.clone());
        Ok(file)
    }

    fn find(&self) -> io::Result<Arc<dyn File>> {
        let name = segment_name(self.pointer.base);
        let (place, opened) = match &*self.cold {
            Elsewhere::Disk(disk) => (disk.name(), disk.open(&name, false)),
            Elsewhere::Folder(path) => {
                (path.display().to_string(), Folder::existing(path).and_then(|disk| disk.open(&name, false)))
            }
            Elsewhere::AsNoted => {
                // The folder may have been given a new place since.
                let noted = Pointer::load(&*self.hot, self.pointer.base)?;
                let place = noted.map_or_else(|| self.pointer.place.clone(), |noted| noted.place);
                let opened = Folder::existing(&place).and_then(|disk| disk.open(&name, false));
                (place, opened)
            }
        };
        let away = |why: String| {
            io::Error::new(ErrorKind::NotConnected, Away { segment: name.clone(), place: place.clone(), why })
        };
        let file = opened.map_err(|error| away(error.to_string()))?;
        let found = Pointer::to(&*file, self.pointer.base, self.pointer.crc, &self.pointer.place);
        if found.map_err(|error| away(error.to_string()))? == self.pointer {
            return Ok(file);
        }
        let what = format!(
            "{name} in cold storage ({place}) is not the file that was moved there: restore it from a copy"
        );
        Err(io::Error::new(ErrorKind::InvalidData, what))
    }

    fn read_only(&self) -> io::Error {
        let what = format!("{} is in cold storage and is not written", segment_name(self.pointer.base));
        io::Error::new(ErrorKind::ReadOnlyFilesystem, what)
    }
}

impl File for Moved {
    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        let end = at + buffer.len() as u64;
        if end <= SEGMENT_HEADER {
            let header = self.pointer.header.iter().chain(std::iter::repeat(&0)).skip(at as usize);
            buffer.iter_mut().zip(header).for_each(|(byte, &stored)| *byte = stored);
            return Ok(buffer.len());
        }
        let seal = self.pointer.bytes.saturating_sub(SEAL as u64);
        if at >= seal && end <= self.pointer.bytes {
            let from = (at - seal) as usize;
            buffer.copy_from_slice(&self.pointer.seal[from..from + buffer.len()]);
            return Ok(buffer.len());
        }
        let read = self.file()?.read_at(buffer, at);
        if read.is_err() {
            // It may have gone away since; the next read asks again.
            self.open.lock().unwrap_or_else(PoisonError::into_inner).take();
        }
        read
    }

    fn write_at(&self, _bytes: &[u8], _at: u64) -> io::Result<()> {
        Err(self.read_only())
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }

    fn allocate(&self, _length: u64) -> io::Result<()> {
        Err(self.read_only())
    }

    fn truncate(&self, _length: u64) -> io::Result<()> {
        Err(self.read_only())
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.pointer.bytes)
    }

    fn forget(&self) {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.as_ref().inspect(|file| file.forget());
    }
}
