//! The Merkle tree over the log: its growing edge, and its hashes on disk.
//!
//! Every eighth level is stored, one flat file of 32-byte hashes per level (`tree/0` the leaves,
//! `tree/1` the roots of 256 leaves, `tree/2` of 65,536, …): exactly the hash tiles of C2SP
//! `tlog-tiles` laid end to end, at 32.13 bytes per record. A proof reads at most one tile per
//! stored level. The files are derived: they are checked against the journal and made again from it.

use std::io;
use std::sync::{Arc, PoisonError, RwLock};

use crate::Suite;
use crate::disk::{Disk, File, read_exact};
use crate::hash::Hash;
use crate::proof::Nodes;

/// Levels of the tree between two stored ones.
const TILE_HEIGHT: u32 = 8;
/// Hashes in a full tile.
pub const TILE_WIDTH: u64 = 1 << TILE_HEIGHT;
/// Stored levels that a log can ever have: 2^64 leaves.
const STORED_LEVELS: usize = 8;

/// The hash files, for reading from any thread.
pub struct TreeFiles {
    disk: Arc<dyn Disk>,
    suite: Suite,
    levels: RwLock<Vec<Arc<dyn File>>>,
}

fn file_name(stored: usize) -> String {
    format!("tree/{stored}")
}

impl TreeFiles {
    /// Opens the files that are there.
    ///
    /// # Errors
    /// The system's.
    pub fn open(disk: Arc<dyn Disk>, suite: Suite, write: bool) -> io::Result<Self> {
        let mut levels = Vec::new();
        for stored in 0..STORED_LEVELS {
            match disk.open(&file_name(stored), write) {
                Ok(file) => levels.push(file),
                Err(error) if error.kind() == io::ErrorKind::NotFound => break,
                Err(error) => return Err(error),
            }
        }
        Ok(Self { disk, suite, levels: RwLock::new(levels) })
    }

    fn level(&self, stored: usize) -> io::Result<Arc<dyn File>> {
        let levels = self.levels.read().unwrap_or_else(PoisonError::into_inner);
        let missing =
            || io::Error::new(io::ErrorKind::NotFound, format!("{} is not there", file_name(stored)));
        levels.get(stored).cloned().ok_or_else(missing)
    }

    fn level_to_write(&self, stored: usize) -> io::Result<Arc<dyn File>> {
        let mut levels = self.levels.write().unwrap_or_else(PoisonError::into_inner);
        while levels.len() <= stored {
            let file = self.disk.create(&file_name(levels.len()))?;
            self.disk.sync_folder("tree")?;
            levels.push(file);
        }
        Ok(levels[stored].clone())
    }

    /// Removes the files: what is written next goes into new ones.
    pub(crate) fn renew(&self) -> io::Result<()> {
        let mut levels = self.levels.write().unwrap_or_else(PoisonError::into_inner);
        if levels.is_empty() {
            return Ok(());
        }
        // The lowest goes last: those after a missing one would not be found.
        while levels.pop().is_some() {
            self.disk.remove(&file_name(levels.len()))?;
        }
        self.disk.sync_folder("tree")
    }

    /// Hashes `from` to `from + count` of a stored level.
    ///
    /// # Errors
    /// When they are not there.
    pub fn stored(&self, stored: usize, from: u64, count: usize) -> io::Result<Vec<Hash>> {
        let bytes = read_exact(&*self.level(stored)?, from * 32, count * 32)?;
        Ok(bytes.chunks_exact(32).map(|hash| hash.try_into().expect("thirty-two bytes")).collect())
    }

    /// Whether the files are long enough for the hashes of so many leaves.
    fn hold(&self, leaves: u64) -> bool {
        let stored = (0..STORED_LEVELS).map(|stored| (stored, leaves >> (TILE_HEIGHT as usize * stored)));
        let mut stored = stored.take_while(|&(_, hashes)| hashes > 0);
        stored.all(|(stored, hashes)| {
            self.level(stored).and_then(|file| file.size()).is_ok_and(|bytes| bytes / 32 >= hashes)
        })
    }

    /// Makes all that was written durable.
    ///
    /// # Errors
    /// The system's.
    pub fn sync(&self) -> io::Result<()> {
        let levels = self.levels.read().unwrap_or_else(PoisonError::into_inner).clone();
        levels.iter().try_for_each(|file| file.sync())
    }

    /// Bytes of all files.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let levels = self.levels.read().unwrap_or_else(PoisonError::into_inner);
        levels.iter().map(|file| file.size().unwrap_or(0)).sum()
    }
}

impl Nodes for TreeFiles {
    type Error = io::Error;

    fn suite(&self) -> Suite {
        self.suite
    }

    fn node(&self, level: u32, index: u64) -> io::Result<Hash> {
        let stored = (level / TILE_HEIGHT) as usize;
        let height = level % TILE_HEIGHT;
        let hashes = self.stored(stored, index << height, 1 << height)?;
        Ok(reduce(self.suite, hashes))
    }
}

/// The root over a power of two of hashes.
fn reduce(suite: Suite, mut hashes: Vec<Hash>) -> Hash {
    let mut parents = Vec::with_capacity(hashes.len() / 2);
    while hashes.len() > 1 {
        parents.clear();
        suite.nodes(&hashes, &mut parents);
        std::mem::swap(&mut hashes, &mut parents);
    }
    hashes[0]
}

/// The growing edge: the roots of the complete subtrees that the size's binary digits name.
#[derive(Clone, Debug)]
pub struct Edge {
    suite: Suite,
    size: u64,
    /// By level; there is one where the size has a binary digit, the others mean nothing.
    peaks: [Hash; 64],
}

/// Room for the hashes of one level and the next, kept from one [`Edge::extend`] to another.
#[derive(Debug, Default)]
pub struct Room {
    children: Vec<Hash>,
    parents: Vec<Hash>,
}

impl Edge {
    /// The edge of an empty tree.
    #[must_use]
    pub const fn new(suite: Suite) -> Self {
        Self { suite, size: 0, peaks: [[0; 32]; 64] }
    }

    /// The edge of the tree of `size` leaves.
    ///
    /// # Errors
    /// The source's.
    pub fn load<N: Nodes>(nodes: &N, size: u64) -> Result<Self, N::Error> {
        let mut edge = Self { size, ..Self::new(nodes.suite()) };
        let mut from = 0;
        for level in (0..64).rev().filter(|level| size >> level & 1 == 1) {
            edge.peaks[level as usize] = nodes.node(level, from >> level)?;
            from += 1 << level;
        }
        Ok(edge)
    }

    /// What it is hashed with.
    #[must_use]
    pub const fn suite(&self) -> Suite {
        self.suite
    }

    /// Leaves.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The root of the complete subtree of this level at the edge, where the size has that digit.
    #[must_use]
    pub fn peak(&self, level: u32) -> Option<&Hash> {
        (self.size >> level & 1 == 1).then(|| &self.peaks[level as usize])
    }

    /// Adds one leaf hash; `completed` hears every subtree it completes, as (level, index, root).
    pub fn push(&mut self, leaf: Hash, mut completed: impl FnMut(u32, u64, Hash)) {
        let mut hash = leaf;
        completed(0, self.size, hash);
        let carried = self.size.trailing_ones();
        for level in 0..carried {
            hash = self.suite.node(&self.peaks[level as usize], &hash);
            completed(level + 1, self.size >> (level + 1), hash);
        }
        self.peaks[carried as usize] = hash;
        self.size += 1;
    }

    /// Adds leaf hashes level by level, each level hashed side by side; `completed` hears the
    /// subtrees that they complete, as (level, index of the first, roots in order).
    pub fn extend(&mut self, leaves: &[Hash], room: &mut Room, mut completed: impl FnMut(u32, u64, &[Hash])) {
        let Room { children, parents } = room;
        let mut first = self.size;
        self.size += leaves.len() as u64;
        completed(0, first, leaves);
        children.clear();
        if first & 1 == 1 {
            children.push(self.peaks[0]);
        }
        children.extend_from_slice(leaves);
        // `children` begins with a left one: its neighbour from before, if the first new one is a right one.
        for level in 0.. {
            if children.len() % 2 == 1 {
                self.peaks[level] = children.pop().expect("an odd number");
            }
            if children.is_empty() {
                return;
            }
            first >>= 1;
            let before = (first & 1) as usize;
            parents.clear();
            parents.extend_from_slice(&self.peaks[level + 1..][..before]);
            self.suite.nodes(children, parents);
            completed(level as u32 + 1, first, &parents[before..]);
            std::mem::swap(children, parents);
        }
    }

    /// The root: RFC 6962's tree hash.
    #[must_use]
    pub fn root(&self) -> Hash {
        let mut peaks = (0..64).filter_map(|level| self.peak(level));
        let Some(&last) = peaks.next() else { return self.suite.empty() };
        peaks.fold(last, |right, left| self.suite.node(left, &right))
    }
}

/// The tree of a log that is written: its edge and its files.
pub struct Tree {
    files: Arc<TreeFiles>,
    edge: Edge,
    room: Room,
}

impl Tree {
    /// Goes on from an edge that the files are known to hold.
    #[must_use]
    pub fn new(files: Arc<TreeFiles>, edge: Edge) -> Self {
        Self { files, edge, room: Room::default() }
    }

    /// The edge.
    #[must_use]
    pub const fn edge(&self) -> &Edge {
        &self.edge
    }

    /// Adds leaf hashes and writes what the files keep of them. Not durable until synced.
    ///
    /// # Errors
    /// The system's; the tree is then unusable.
    pub fn append(&mut self, leaves: &[Hash]) -> io::Result<()> {
        let mut written = Ok(());
        self.edge.extend(leaves, &mut self.room, |level, first, hashes| {
            if level % TILE_HEIGHT == 0 && written.is_ok() {
                let file = self.files.level_to_write((level / TILE_HEIGHT) as usize);
                written = file.and_then(|file| file.write_at(hashes.as_flattened(), first * 32));
            }
        });
        written
    }
}

/// The mark that says how far the hash files are known to be durable. What lies beyond is hashed
/// again when the log is opened.
pub struct Mark {
    /// Leaves whose hashes are durable.
    pub size: u64,
    /// The root over them.
    pub root: Hash,
}

impl Mark {
    const NAME: &str = "tree/mark";

    /// The mark, unless it is missing or bad.
    #[must_use]
    pub fn load(disk: &dyn Disk) -> Option<Self> {
        let bytes = crate::disk::read_file(disk, Self::NAME).ok()?;
        let crc = u32::from_le_bytes(bytes.get(40..44)?.try_into().ok()?);
        (bytes.len() == 44 && crc32c::crc32c(&bytes[..40]) == crc).then(|| Self {
            size: u64::from_le_bytes(bytes[..8].try_into().expect("eight bytes")),
            root: bytes[8..40].try_into().expect("thirty-two bytes"),
        })
    }

    /// Stores it durably.
    pub(crate) fn store(&self, disk: &dyn Disk) -> io::Result<()> {
        let mut bytes = self.size.to_le_bytes().to_vec();
        bytes.extend_from_slice(&self.root);
        let crc = crc32c::crc32c(&bytes);
        bytes.extend_from_slice(&crc.to_le_bytes());
        crate::disk::replace_file(disk, Self::NAME, &bytes)
    }

    /// The edge at the mark, when the files hold what the mark says.
    pub(crate) fn edge(&self, files: &TreeFiles) -> Option<Edge> {
        // The edge alone reads the last hashes only; what was cut before them shows in the sizes.
        let edge = Edge::load(files, self.size).ok().filter(|_| files.hold(self.size))?;
        (edge.root() == self.root).then_some(edge)
    }
}
