//! The disk as the journal sees it: few verbs, so that a test can lie about every one of them.
//!
//! Names are relative, with `/` between folder and file. What was written is durable after
//! [`File::sync`]; what was created, renamed or removed, after [`Disk::sync_folder`]. [`Folder`] is
//! the real one; [`Memory`] keeps everything in memory, and crashes, tears and fails on order.

mod folder;
mod memory;
pub mod tiered;

use std::any::Any;
use std::io;
use std::sync::Arc;

pub use folder::Folder;
pub use memory::{Memory, Surviving};
pub use tiered::{Elsewhere, Tiered};

/// Why a lock was not had.
#[derive(Debug)]
pub enum LockError {
    /// Somebody else has it; the process number it wrote, or 0.
    Held(u32),
    /// The system's reason.
    Io(io::Error),
}

/// A place for files.
pub trait Disk: Send + Sync + 'static {
    /// How to name this disk to a person.
    fn name(&self) -> String;

    /// Makes a folder unless it is there.
    ///
    /// # Errors
    /// The system's.
    fn make_folder(&self, folder: &str) -> io::Result<()>;

    /// The names in a folder, without it, sorted.
    ///
    /// # Errors
    /// The system's.
    fn list(&self, folder: &str) -> io::Result<Vec<String>>;

    /// Opens an existing file for reading, and for writing when `write`.
    ///
    /// # Errors
    /// `NotFound` when it is not there.
    fn open(&self, file: &str, write: bool) -> io::Result<Arc<dyn File>>;

    /// Makes an empty file, replacing any of that name, readable by its owner only.
    ///
    /// # Errors
    /// The system's.
    fn create(&self, file: &str) -> io::Result<Arc<dyn File>>;

    /// Renames within a folder, replacing any of the new name.
    ///
    /// # Errors
    /// The system's.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// The system's.
    fn remove(&self, file: &str) -> io::Result<()>;

    /// Makes creations, renames and removals in a folder durable.
    ///
    /// # Errors
    /// The system's.
    fn sync_folder(&self, folder: &str) -> io::Result<()>;

    /// Takes a lock that ends with the returned value or the process.
    ///
    /// # Errors
    /// See [`LockError`].
    fn lock(&self, file: &str) -> Result<Box<dyn Any + Send + Sync>, LockError>;
}

/// An open file. Every call may come from any thread.
pub trait File: Send + Sync {
    /// Reads at a position; fewer bytes than asked only at the end.
    ///
    /// # Errors
    /// The system's.
    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize>;

    /// Writes all of `bytes` at a position.
    ///
    /// # Errors
    /// The system's; then any part of it may have been written.
    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<()>;

    /// Makes what was written durable.
    ///
    /// # Errors
    /// The system's. After a failure nothing is known about what is durable.
    fn sync(&self) -> io::Result<()>;

    /// Takes room up to `length` and makes the file at least that long, with zeros.
    ///
    /// # Errors
    /// `StorageFull` when there is no room.
    fn allocate(&self, length: u64) -> io::Result<()>;

    /// Cuts the file to `length`.
    ///
    /// # Errors
    /// The system's.
    fn truncate(&self, length: u64) -> io::Result<()>;

    /// Bytes in the file.
    ///
    /// # Errors
    /// The system's.
    fn size(&self) -> io::Result<u64>;

    /// Lets the system drop its copy of the file's durable bytes, so that the next read meets the
    /// medium. Where that cannot be had, nothing happens.
    fn forget(&self) {}
}

/// Reads exactly `length` bytes.
///
/// # Errors
/// `UnexpectedEof` when the file ends before.
pub fn read_exact(file: &dyn File, at: u64, length: usize) -> io::Result<Vec<u8>> {
    let mut buffer = vec![0; length];
    if file.read_at(&mut buffer, at)? < length {
        return Err(io::Error::new(
            io::ErrorKind::UnexpectedEof,
            format!("the file ends before byte {}", at + length as u64),
        ));
    }
    Ok(buffer)
}

/// Reads a whole file.
///
/// # Errors
/// The system's.
pub fn read_file(disk: &dyn Disk, name: &str) -> io::Result<Vec<u8>> {
    let file = disk.open(name, false)?;
    let size = file.size()?;
    read_exact(&*file, 0, usize::try_from(size).map_err(io::Error::other)?)
}

/// Replaces a whole file so that a crash leaves the old or the new one, durable on return.
///
/// # Errors
/// The system's.
pub fn replace_file(disk: &dyn Disk, name: &str, bytes: &[u8]) -> io::Result<()> {
    let temporary = format!("{name}.tmp");
    let file = disk.create(&temporary)?;
    file.write_at(bytes, 0)?;
    file.sync()?;
    disk.rename(&temporary, name)?;
    disk.sync_folder(folder_of(name))
}

/// The folder part of a name; empty for the root.
#[must_use]
pub fn folder_of(name: &str) -> &str {
    name.rsplit_once('/').map_or("", |(folder, _)| folder)
}
