//! A disk on which, after so many changes or from the start, nothing can be changed any more.

use std::any::Any;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jialing_journal::disk::{Disk, File, LockError, Memory};

/// A disk in memory that refuses changes.
#[derive(Clone)]
pub(crate) struct Faulty {
    pub(crate) disk: Memory,
    changes: Arc<AtomicU64>,
    allowed: u64,
    kind: io::ErrorKind,
}

impl Faulty {
    /// `allowed` changes more: then the machine is off.
    pub(crate) fn dying_after(disk: &Memory, allowed: u64) -> Self {
        Self { disk: disk.clone(), changes: Arc::default(), allowed, kind: io::ErrorKind::BrokenPipe }
    }

    /// A medium that can only be read.
    pub(crate) fn read_only(disk: &Memory) -> Self {
        let kind = io::ErrorKind::ReadOnlyFilesystem;
        Self { disk: disk.clone(), changes: Arc::default(), allowed: 0, kind }
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

    fn wrap(&self, file: Arc<dyn File>) -> Arc<dyn File> {
        Arc::new(Open { file, disk: self.clone() })
    }
}

struct Open {
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
        Ok(self.wrap(self.disk.open(file, write)?))
    }

    fn create(&self, file: &str) -> io::Result<Arc<dyn File>> {
        self.change()?;
        Ok(self.wrap(self.disk.create(file)?))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.change()?;
        self.disk.rename(from, to)
    }

    fn remove(&self, file: &str) -> io::Result<()> {
        self.change()?;
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
        self.file.read_at(buffer, at)
    }

    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        self.disk.change()?;
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
