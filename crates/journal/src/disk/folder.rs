//! A folder of the real file system.

use std::any::Any;
use std::fs;
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{Advice, FallocateFlags, FlockOperation, fadvise, fallocate, flock};
use rustix::io::Errno;

use super::{Disk, File, LockError};

/// A folder of the real file system; made when missing.
#[derive(Debug)]
pub struct Folder {
    root: PathBuf,
}

impl Folder {
    /// Uses `root`, making it and its parents when missing.
    ///
    /// # Errors
    /// The system's.
    pub fn make(root: impl AsRef<Path>) -> io::Result<Self> {
        fs::create_dir_all(&root)?;
        Ok(Self { root: root.as_ref().to_path_buf() })
    }

    /// Uses an existing `root` and makes nothing.
    ///
    /// # Errors
    /// `NotFound` when it is not there.
    pub fn existing(root: impl AsRef<Path>) -> io::Result<Self> {
        if !fs::metadata(&root)?.is_dir() {
            return Err(io::Error::from(io::ErrorKind::NotADirectory));
        }
        Ok(Self { root: root.as_ref().to_path_buf() })
    }

    fn path(&self, name: &str) -> PathBuf {
        if name.is_empty() { self.root.clone() } else { self.root.join(name) }
    }
}

impl Disk for Folder {
    fn name(&self) -> String {
        self.root.display().to_string()
    }

    fn make_folder(&self, folder: &str) -> io::Result<()> {
        fs::create_dir_all(self.path(folder))
    }

    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(self.path(folder))? {
            if let Ok(name) = entry?.file_name().into_string() {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    fn open(&self, file: &str, write: bool) -> io::Result<Arc<dyn File>> {
        Ok(Arc::new(Open(fs::OpenOptions::new().read(true).write(write).open(self.path(file))?)))
    }

    fn create(&self, file: &str) -> io::Result<Arc<dyn File>> {
        let mut options = fs::OpenOptions::new();
        options.read(true).write(true).create(true).truncate(true).mode(0o600);
        Ok(Arc::new(Open(options.open(self.path(file))?)))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path(from), self.path(to))
    }

    fn remove(&self, file: &str) -> io::Result<()> {
        fs::remove_file(self.path(file))
    }

    fn sync_folder(&self, folder: &str) -> io::Result<()> {
        fs::File::open(self.path(folder))?.sync_all()
    }

    fn lock(&self, file: &str) -> Result<Box<dyn Any + Send + Sync>, LockError> {
        let mut options = fs::OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let mut held = options.open(self.path(file)).map_err(LockError::Io)?;
        match flock(&held, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => {
                let mut text = String::new();
                let _ = held.read_to_string(&mut text);
                return Err(LockError::Held(text.trim().parse().unwrap_or(0)));
            }
            Err(error) => return Err(LockError::Io(error.into())),
        }
        held.set_len(0)
            .and_then(|()| held.rewind())
            .and_then(|()| writeln!(held, "{}", std::process::id()))
            .map_err(LockError::Io)?;
        Ok(Box::new(held))
    }
}

struct Open(fs::File);

impl File for Open {
    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        let mut done = 0;
        while done < buffer.len() {
            match self.0.read_at(&mut buffer[done..], at + done as u64) {
                Ok(0) => break,
                Ok(n) => done += n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(done)
    }

    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        self.0.write_all_at(bytes, at)
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn allocate(&self, length: u64) -> io::Result<()> {
        match fallocate(&self.0, FallocateFlags::empty(), 0, length) {
            Ok(()) => Ok(()),
            // Some file systems cannot take room ahead; the file then grows with zeros.
            Err(Errno::OPNOTSUPP | Errno::NOSYS) if self.size()? < length => self.0.set_len(length),
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn truncate(&self, length: u64) -> io::Result<()> {
        self.0.set_len(length)
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn forget(&self) {
        // Only advice: a system that does not take it reads from memory.
        let _ = fadvise(&self.0, 0, None, Advice::DontNeed);
    }
}
