//! One file's content, whatever names it has.

use crate::random::Random;

pub(crate) const SECTOR: usize = 512;

/// A file: what programs see, what is on the platter, and what is between the two.
#[derive(Clone, Default)]
pub(crate) struct Node {
    /// The last name it was given.
    pub(crate) name: String,
    /// What is read.
    pub(crate) cache: Vec<u8>,
    /// What is on the platter.
    pub(crate) durable: Vec<u8>,
    /// What the platter held before the last sync that changed it.
    pub(crate) stale: Vec<u8>,
    /// Writes since the last sync, in order.
    pub(crate) dirty: Vec<(usize, Vec<u8>)>,
    /// Sectors that cannot be read any more, until they are written.
    pub(crate) dead: Vec<usize>,
    /// It was cut since its last sync.
    pub(crate) cut: bool,
    /// Writes kept back by a mutant.
    pub(crate) kept_back: Vec<(usize, Vec<u8>)>,
}

impl Node {
    pub(crate) fn new(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    /// A file that has been there for long.
    pub(crate) fn settled(name: &str, bytes: &[u8]) -> Self {
        Self { cache: bytes.to_vec(), durable: bytes.to_vec(), ..Self::new(name) }
    }

    /// Puts bytes at a place, growing with zeros.
    pub(crate) fn put(bytes: &mut Vec<u8>, at: usize, what: &[u8]) {
        if bytes.len() < at + what.len() {
            bytes.resize(at + what.len(), 0);
        }
        bytes[at..at + what.len()].copy_from_slice(what);
    }

    /// Writes as a program does: into the cache, and later onto the platter.
    pub(crate) fn write(&mut self, at: usize, bytes: &[u8]) {
        Self::put(&mut self.cache, at, bytes);
        self.dirty.push((at, bytes.to_vec()));
        self.revive(at, bytes.len());
    }

    /// Sectors that were written whole can be read again.
    fn revive(&mut self, at: usize, length: usize) {
        let (first, end) = (at.div_ceil(SECTOR), (at + length) / SECTOR);
        self.dead.retain(|sector| !(first..end).contains(sector));
    }

    /// Whether a read would touch a sector that cannot be read.
    pub(crate) fn is_dead(&self, at: usize, length: usize) -> bool {
        self.dead.iter().any(|sector| sector * SECTOR < at + length && at < (sector + 1) * SECTOR)
    }

    /// Makes durable those sectors of the writes that `lands` says, given the write's place in time.
    pub(crate) fn land(&mut self, mut lands: impl FnMut(usize) -> bool) {
        for (place, (at, bytes)) in std::mem::take(&mut self.dirty).into_iter().enumerate() {
            let mut from = 0;
            while from < bytes.len() {
                let to = (((at + from) / SECTOR + 1) * SECTOR - at).min(bytes.len());
                if lands(place) {
                    Self::put(&mut self.durable, at + from, &bytes[from..to]);
                }
                from = to;
            }
        }
    }

    /// What a power loss leaves.
    pub(crate) fn lose_power(&mut self, random: &mut Random) {
        let writes = self.dirty.len();
        let edge = random.below(writes as u64 + 1) as usize;
        match random.below(6) {
            0 => self.land(|_| false),
            1 => self.land(|_| true),
            2 => self.land(|_| random.percent(50)),
            3 => self.land(|_| random.percent(90)),
            4 => self.land(|place| place < edge),
            _ => self.land(|place| place >= edge),
        }
        if random.percent(50) && self.durable.len() != self.cache.len() {
            // The size may have become durable without, or before, the bytes.
            self.durable.resize(self.cache.len(), 0);
        }
        self.cache.clone_from(&self.durable);
        self.kept_back.clear();
        self.cut = false;
    }
}
