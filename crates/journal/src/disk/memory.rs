//! A disk in memory that keeps apart what is durable from what only was written.
//!
//! [`Memory::crash`] gives the disk as a machine would find it after a power failure: durable bytes
//! are there; of the bytes written since, each 512-byte sector may have landed or not; names that
//! were not synced may be the old ones. Faults can be ordered: no room after so many bytes, a
//! flush that fails.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};

use super::{Disk, File, LockError, folder_of};

const SECTOR: usize = 512;

/// Which of the writes that were not synced survive a crash.
#[derive(Clone, Copy, Debug)]
pub enum Surviving {
    /// All.
    All,
    /// None.
    None,
    /// Each sector of each write by the toss of a coin, from this seed.
    Some(u64),
}

/// A disk in memory. Clones are the same disk.
#[derive(Clone, Default)]
pub struct Memory {
    state: Arc<Mutex<State>>,
    locked: Arc<Mutex<BTreeSet<String>>>,
    /// Held for reading by every change, so that a crash falls between two of them, for all files.
    instant: Arc<RwLock<()>>,
}

#[derive(Default)]
struct State {
    /// Names as every reader sees them.
    names: BTreeMap<String, Arc<Mutex<Content>>>,
    /// Names as a crash leaves them.
    durable_names: BTreeMap<String, Arc<Mutex<Content>>>,
    faults: Faults,
}

#[derive(Clone, Copy, Default)]
struct Faults {
    room: Option<u64>,
    syncs: Option<u64>,
}

#[derive(Default)]
struct Content {
    bytes: Vec<u8>,
    durable: Vec<u8>,
    /// Writes since the last sync: position and length.
    dirty: Vec<(usize, usize)>,
}

fn hold<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Memory {
    /// An empty disk without faults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// From now on only `bytes` more can be written or allocated; then `StorageFull`. `None` lifts it.
    pub fn leave_room(&self, bytes: Option<u64>) {
        hold(&self.state).faults.room = bytes;
    }

    /// From now on `count` more file syncs succeed and all later ones fail. `None` lifts it.
    pub fn fail_syncs_after(&self, count: Option<u64>) {
        hold(&self.state).faults.syncs = count;
    }

    /// What a machine would find after losing power now. This disk stays as it is.
    #[must_use]
    pub fn crash(&self, surviving: Surviving) -> Self {
        let _instant = self.instant.write().unwrap_or_else(PoisonError::into_inner);
        let state = hold(&self.state);
        let mut coin = Coin(match surviving {
            Surviving::Some(seed) => seed | 1,
            _ => 1,
        });
        let new_names = match surviving {
            Surviving::All => true,
            Surviving::None => false,
            Surviving::Some(_) => coin.toss(),
        };
        let names = if new_names { &state.names } else { &state.durable_names };
        let after: BTreeMap<_, _> = names
            .iter()
            .map(|(name, content)| {
                let bytes = hold(content).survive(surviving, &mut coin);
                (
                    name.clone(),
                    Arc::new(Mutex::new(Content { durable: bytes.clone(), bytes, dirty: Vec::new() })),
                )
            })
            .collect();
        let state = State { names: after.clone(), durable_names: after, faults: Faults::default() };
        Self { state: Arc::new(Mutex::new(state)), ..Self::default() }
    }

    /// A file's bytes, as written.
    ///
    /// # Errors
    /// `NotFound` when it is not there.
    pub fn bytes(&self, name: &str) -> io::Result<Vec<u8>> {
        let content = self.content(name)?;
        let bytes = hold(&content).bytes.clone();
        Ok(bytes)
    }

    /// Sets a file's bytes, durably: to damage it, or to plant one.
    pub fn plant(&self, name: &str, bytes: &[u8]) {
        let content = Arc::new(Mutex::new(Content {
            bytes: bytes.to_vec(),
            durable: bytes.to_vec(),
            dirty: Vec::new(),
        }));
        let mut state = hold(&self.state);
        state.names.insert(name.to_owned(), content.clone());
        state.durable_names.insert(name.to_owned(), content);
    }

    fn changing(&self) -> RwLockReadGuard<'_, ()> {
        self.instant.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn content(&self, name: &str) -> io::Result<Arc<Mutex<Content>>> {
        let missing = || io::Error::new(io::ErrorKind::NotFound, format!("{name} is not there"));
        hold(&self.state).names.get(name).cloned().ok_or_else(missing)
    }

    fn handle(&self, content: Arc<Mutex<Content>>) -> Arc<dyn File> {
        Arc::new(Open { content, disk: self.clone() })
    }

    fn take_room(&self, bytes: u64) -> io::Result<()> {
        match &mut hold(&self.state).faults.room {
            Some(room) if *room < bytes => Err(io::Error::from(io::ErrorKind::StorageFull)),
            Some(room) => {
                *room -= bytes;
                Ok(())
            }
            None => Ok(()),
        }
    }
}

impl Content {
    fn survive(&self, surviving: Surviving, coin: &mut Coin) -> Vec<u8> {
        match surviving {
            Surviving::All => return self.bytes.clone(),
            Surviving::None => return self.durable.clone(),
            Surviving::Some(_) => {}
        }
        let mut after = self.durable.clone();
        for &(at, length) in &self.dirty {
            let end = (at + length).min(self.bytes.len());
            let mut from = at;
            while from < end {
                let to = ((from / SECTOR + 1) * SECTOR).min(end);
                if coin.toss() {
                    if after.len() < to {
                        after.resize(to, 0);
                    }
                    after[from..to].copy_from_slice(&self.bytes[from..to]);
                }
                from = to;
            }
        }
        after
    }
}

impl Disk for Memory {
    fn name(&self) -> String {
        "memory".to_owned()
    }

    fn make_folder(&self, _folder: &str) -> io::Result<()> {
        Ok(())
    }

    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        let state = hold(&self.state);
        let inside = state.names.keys().filter(|name| folder_of(name) == folder);
        Ok(inside.map(|name| name[folder.len()..].trim_start_matches('/').to_owned()).collect())
    }

    fn open(&self, file: &str, _write: bool) -> io::Result<Arc<dyn File>> {
        Ok(self.handle(self.content(file)?))
    }

    fn create(&self, file: &str) -> io::Result<Arc<dyn File>> {
        let _changing = self.changing();
        let content = Arc::new(Mutex::new(Content::default()));
        hold(&self.state).names.insert(file.to_owned(), content.clone());
        Ok(self.handle(content))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let _changing = self.changing();
        let content = self.content(from)?;
        let mut state = hold(&self.state);
        state.names.remove(from);
        state.names.insert(to.to_owned(), content);
        Ok(())
    }

    fn remove(&self, file: &str) -> io::Result<()> {
        let _changing = self.changing();
        self.content(file)?;
        hold(&self.state).names.remove(file);
        Ok(())
    }

    fn sync_folder(&self, folder: &str) -> io::Result<()> {
        let _changing = self.changing();
        let mut state = hold(&self.state);
        let inside: Vec<_> = state
            .names
            .iter()
            .filter(|(name, _)| folder_of(name) == folder)
            .map(|(n, c)| (n.clone(), c.clone()))
            .collect();
        state.durable_names.retain(|name, _| folder_of(name) != folder);
        state.durable_names.extend(inside);
        Ok(())
    }

    fn lock(&self, file: &str) -> Result<Box<dyn Any + Send + Sync>, LockError> {
        if !hold(&self.locked).insert(file.to_owned()) {
            return Err(LockError::Held(std::process::id()));
        }
        Ok(Box::new(Lock { locked: self.locked.clone(), file: file.to_owned() }))
    }
}

struct Lock {
    locked: Arc<Mutex<BTreeSet<String>>>,
    file: String,
}

impl Drop for Lock {
    fn drop(&mut self) {
        hold(&self.locked).remove(&self.file);
    }
}

struct Open {
    content: Arc<Mutex<Content>>,
    disk: Memory,
}

fn index(at: u64) -> usize {
    usize::try_from(at).expect("files in memory are small")
}

impl File for Open {
    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        let content = hold(&self.content);
        let from = index(at).min(content.bytes.len());
        let length = buffer.len().min(content.bytes.len() - from);
        buffer[..length].copy_from_slice(&content.bytes[from..from + length]);
        Ok(length)
    }

    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        let _changing = self.disk.changing();
        // Only growth takes room: what was allocated is there.
        self.disk.take_room((at + bytes.len() as u64).saturating_sub(self.size()?))?;
        let mut content = hold(&self.content);
        let from = index(at);
        if content.bytes.len() < from + bytes.len() {
            content.bytes.resize(from + bytes.len(), 0);
        }
        content.bytes[from..from + bytes.len()].copy_from_slice(bytes);
        content.dirty.push((from, bytes.len()));
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let _changing = self.disk.changing();
        match &mut hold(&self.disk.state).faults.syncs {
            Some(0) => return Err(io::Error::other("the disk did not flush")),
            Some(left) => *left -= 1,
            None => {}
        }
        let mut content = hold(&self.content);
        content.durable = content.bytes.clone();
        content.dirty.clear();
        Ok(())
    }

    fn allocate(&self, length: u64) -> io::Result<()> {
        let _changing = self.disk.changing();
        let more = length.saturating_sub(self.size()?);
        self.disk.take_room(more)?;
        let mut content = hold(&self.content);
        let length = index(length).max(content.bytes.len());
        content.bytes.resize(length, 0);
        let durable = length.max(content.durable.len());
        content.durable.resize(durable, 0);
        Ok(())
    }

    fn truncate(&self, length: u64) -> io::Result<()> {
        let _changing = self.disk.changing();
        let mut content = hold(&self.content);
        content.bytes.resize(index(length), 0);
        content.durable.resize(index(length), 0);
        Ok(())
    }

    fn size(&self) -> io::Result<u64> {
        Ok(hold(&self.content).bytes.len() as u64)
    }
}

/// A small generator (xorshift), so that a crash can be had again from its seed.
struct Coin(u64);

impl Coin {
    fn toss(&mut self) -> bool {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 63 == 1
    }
}
