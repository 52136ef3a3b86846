//! A disk on which, after so many changes or from the start, nothing can be changed any more, one with a
//! sector that cannot be read, and one of whose reads turns a bit.

use std::any::Any;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use jialing_journal::disk::{Disk, File, LockError, Memory};

const SECTOR: u64 = 512;

/// A disk in memory that refuses changes, or to read one sector until it is written whole.
#[derive(Clone)]
pub(crate) struct Faulty {
    pub(crate) disk: Memory,
    changes: Arc<AtomicU64>,
    allowed: u64,
    kind: io::ErrorKind,
    bad: Arc<Mutex<Option<(String, u64)>>>,
    /// Reads of segments until one turns a bit; 0 when that has happened, or is not to.
    misreads_in: Arc<AtomicU64>,
}

impl Faulty {
    fn new(disk: &Memory, allowed: u64, kind: io::ErrorKind) -> Self {
        Self {
            disk: disk.clone(),
            changes: Arc::default(),
            allowed,
            kind,
            bad: Arc::default(),
            misreads_in: Arc::default(),
        }
    }

    /// All can be changed; sector `sector` of `file` cannot be read.
    pub(crate) fn with_bad_sector(disk: &Memory, file: &str, sector: u64) -> Self {
        let faulty = Self::new(disk, u64::MAX, io::ErrorKind::Other);
        *faulty.bad.lock().unwrap() = Some((file.to_owned(), sector));
        faulty
    }

    /// All can be changed; the read of a segment with this number, from 1, has a turned bit.
    pub(crate) fn misreading(disk: &Memory, read: u64) -> Self {
        let faulty = Self::new(disk, u64::MAX, io::ErrorKind::Other);
        faulty.misreads_in.store(read, Ordering::SeqCst);
        faulty
    }

    /// Whether the read that turns a bit is still to come.
    pub(crate) fn will_misread(&self) -> bool {
        self.misreads_in.load(Ordering::SeqCst) > 0
    }

    /// Whether there still is a sector that cannot be read.
    pub(crate) fn has_bad_sector(&self) -> bool {
        self.bad.lock().unwrap().is_some()
    }

    /// The bad sector's first byte, if it is in this file.
    fn bad_in(&self, name: &str) -> Option<u64> {
        self.bad.lock().unwrap().as_ref().filter(|(file, _)| file == name).map(|(_, sector)| sector * SECTOR)
    }

    /// `allowed` changes more: then the machine is off.
    pub(crate) fn dying_after(disk: &Memory, allowed: u64) -> Self {
        Self::new(disk, allowed, io::ErrorKind::BrokenPipe)
    }

    /// A medium that can only be read.
    pub(crate) fn read_only(disk: &Memory) -> Self {
        Self::new(disk, 0, io::ErrorKind::ReadOnlyFilesystem)
    }

    /// Changes that were asked for.
    pub(crate) fn changes(&self) -> u64 {
        self.changes.load(Ordering::SeqCst)
    }

    fn change(&self) -> io::Result<()> {
        let before = self.changes.fetch_add(1, Ordering::SeqCst);
        if before < self.allowed { Ok(()) } else { Err(self.kind.into()) }
    }

    fn read_only_now(&self) -> bool {
        self.allowed == 0
    }

    fn wrap(&self, name: &str, file: Arc<dyn File>) -> Arc<dyn File> {
        Arc::new(Open { name: name.to_owned(), file, disk: self.clone() })
    }
}

struct Open {
    name: String,
    file: Arc<dyn File>,
    disk: Faulty,
}

impl Disk for Faulty {
    fn name(&self) -> String {
        self.disk.name()
    }

    fn make_folder(&self, folder: &str) -> io::Result<()> {
        self.disk.make_folder(folder)
    }

    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        self.disk.list(folder)
    }

    fn open(&self, file: &str, write: bool) -> io::Result<Arc<dyn File>> {
        if write && self.read_only_now() {
            return Err(self.kind.into());
        }
        Ok(self.wrap(file, self.disk.open(file, write)?))
    }

    fn create(&self, file: &str) -> io::Result<Arc<dyn File>> {
        self.change()?;
        Ok(self.wrap(file, self.disk.create(file)?))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.change()?;
        self.disk.rename(from, to)
    }

    fn remove(&self, file: &str) -> io::Result<()> {
        self.change()?;
        if self.bad_in(file).is_some() {
            *self.bad.lock().unwrap() = None;
        }
        self.disk.remove(file)
    }

    fn sync_folder(&self, folder: &str) -> io::Result<()> {
        self.change()?;
        self.disk.sync_folder(folder)
    }

    fn lock(&self, file: &str) -> Result<Box<dyn Any + Send + Sync>, LockError> {
        if self.read_only_now() {
            return Err(LockError::Io(self.kind.into()));
        }
        self.disk.lock(file)
    }
}

impl File for Open {
    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        match self.disk.bad_in(&self.name) {
            Some(bad) if bad < at + buffer.len() as u64 && at < bad + SECTOR => {
                Err(io::Error::other(format!("a sector of {} cannot be read", self.name)))
            }
            _ => {
                let read = self.file.read_at(buffer, at)?;
                let counts = self.name.starts_with("segments/") && read > 0;
                let count = |left: u64| left.checked_sub(1).filter(|_| counts);
                let left = self.disk.misreads_in.fetch_update(Ordering::SeqCst, Ordering::SeqCst, count);
                if left == Ok(1) {
                    buffer[read / 2] ^= 1;
                }
                Ok(read)
            }
        }
    }

    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        self.disk.change()?;
        let whole = |bad| at <= bad && bad + SECTOR <= at + bytes.len() as u64;
        if self.disk.bad_in(&self.name).is_some_and(whole) {
            *self.disk.bad.lock().unwrap() = None;
        }
        self.file.write_at(bytes, at)
    }

    fn sync(&self) -> io::Result<()> {
        self.disk.change()?;
        self.file.sync()
    }

    fn allocate(&self, length: u64) -> io::Result<()> {
        self.disk.change()?;
        self.file.allocate(length)
    }

    fn truncate(&self, length: u64) -> io::Result<()> {
        self.disk.change()?;
        self.file.truncate(length)
    }

    fn size(&self) -> io::Result<u64> {
        self.file.size()
    }
}
