//! A disk that keeps apart what programs see, what is on the platter, and what it was told to do wrong.
//!
//! Every write goes to the cache and becomes durable with a sync of its file; names become durable
//! with a sync of their folder. A *kill* ends the process and leaves the cache, so that a restart sees
//! bytes that a later power loss can still take away. A *power loss* leaves the platter and, of what
//! was not synced, sectors by chance: none, all, some, only early or only late ones. A sync that fails
//! may have written any part, and the cache then holds it for written, as real kernels do.
//!
//! Faults are ordered by counting changes (writes, syncs, creations, renames, removals), not by time.
//! One lock over everything: a fault falls between two changes, for all files at once.

use std::any::Any;
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jialing_journal::disk::{Disk, File, LockError, folder_of};

use crate::lies::Lie;
use crate::random::Random;

pub(crate) const SECTOR: usize = 512;

/// What a disk is told to do wrong while one process lives. Nothing by default.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Orders {
    /// After so many changes nothing works any more: the machine or the process is gone.
    pub(crate) die_after: Option<u64>,
    /// After so many syncs, all syncs fail.
    pub(crate) fail_syncs_after: Option<u64>,
    /// So many more bytes can be taken.
    pub(crate) room: Option<u64>,
}

/// How a process ends, as its disk sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The process only; the cache stays.
    Kill,
    /// The machine.
    PowerLoss,
}

/// A file's content, whatever names it has.
#[derive(Clone, Default)]
pub(crate) struct Node {
    /// What is read.
    pub(crate) cache: Vec<u8>,
    /// What is on the platter.
    pub(crate) durable: Vec<u8>,
    /// What the platter held before the last sync that changed it.
    pub(crate) stale: Vec<u8>,
    /// Writes since the last sync, in order.
    pub(crate) dirty: Vec<(usize, Vec<u8>)>,
}

#[derive(Clone)]
enum Change {
    Link(String, usize),
    Unlink(String),
    Rename(String, String),
}

#[derive(Clone)]
struct State {
    nodes: Vec<Node>,
    names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    /// Changes of names since their folder's last sync, in order.
    renames: Vec<(String, Change)>,
    orders: Orders,
    changes: u64,
    /// An ordered fault has struck; errors are to be expected.
    struck: bool,
    dead: bool,
    locked: bool,
    lie: Option<Lie>,
    random: Random,
}

/// The disk. Clones are the same disk.
#[derive(Clone)]
pub(crate) struct SimDisk(Arc<Mutex<State>>);

fn gone() -> io::Error {
    io::Error::other("the simulated machine is off")
}

impl State {
    /// Counts a change; an error when there is nobody any more to make it.
    fn change(&mut self) -> io::Result<()> {
        if self.orders.die_after.is_some_and(|after| self.changes >= after) {
            (self.dead, self.struck) = (true, true);
        }
        self.alive()?;
        self.changes += 1;
        Ok(())
    }

    fn alive(&self) -> io::Result<()> {
        if self.dead { Err(gone()) } else { Ok(()) }
    }

    fn take_room(&mut self, bytes: u64) -> io::Result<()> {
        match &mut self.orders.room {
            Some(room) if *room < bytes => {
                self.struck = true;
                Err(io::ErrorKind::StorageFull.into())
            }
            Some(room) => {
                *room -= bytes;
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn find(&self, name: &str) -> io::Result<usize> {
        let missing = || io::Error::new(io::ErrorKind::NotFound, format!("{name} is not there"));
        self.names.get(name).copied().ok_or_else(missing)
    }

    fn rename(&mut self, change: Change) {
        apply(&mut self.names, &change);
        let (Change::Link(name, _) | Change::Unlink(name) | Change::Rename(name, _)) = &change;
        self.renames.push((folder_of(name).to_owned(), change));
    }
}

fn apply(names: &mut BTreeMap<String, usize>, change: &Change) {
    match change {
        Change::Link(name, node) => drop(names.insert(name.clone(), *node)),
        Change::Unlink(name) => drop(names.remove(name)),
        Change::Rename(from, to) => {
            if let Some(node) = names.remove(from) {
                names.insert(to.clone(), node);
            }
        }
    }
}

impl Node {
    fn write(bytes: &mut Vec<u8>, at: usize, what: &[u8]) {
        if bytes.len() < at + what.len() {
            bytes.resize(at + what.len(), 0);
        }
        bytes[at..at + what.len()].copy_from_slice(what);
    }

    /// Makes durable those sectors of the writes that `lands` says, given the write's place in time.
    fn land(&mut self, mut lands: impl FnMut(usize) -> bool) {
        for (place, (at, bytes)) in std::mem::take(&mut self.dirty).into_iter().enumerate() {
            let mut from = 0;
            while from < bytes.len() {
                let to = (((at + from) / SECTOR + 1) * SECTOR - at).min(bytes.len());
                if lands(place) {
                    Self::write(&mut self.durable, at + from, &bytes[from..to]);
                }
                from = to;
            }
        }
    }

    /// What a power loss leaves.
    fn lose_power(&mut self, random: &mut Random) {
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
    }
}

impl SimDisk {
    pub(crate) fn new(random: Random, lie: Option<Lie>) -> Self {
        Self(Arc::new(Mutex::new(State {
            nodes: Vec::new(),
            names: BTreeMap::new(),
            durable_names: BTreeMap::new(),
            renames: Vec::new(),
            orders: Orders::default(),
            changes: 0,
            struck: false,
            dead: false,
            locked: false,
            lie,
            random,
        })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on, and counted from now, these faults.
    pub(crate) fn order(&self, orders: Orders) {
        let mut state = self.state();
        (state.orders, state.changes) = (orders, 0);
    }

    /// Whether an ordered fault has struck.
    pub(crate) fn struck(&self) -> bool {
        self.state().struck
    }

    /// Ends it now.
    pub(crate) fn die(&self) {
        let mut state = self.state();
        (state.dead, state.struck) = (true, true);
    }

    /// The disk as the next process finds it. This one stays as it is.
    pub(crate) fn after(&self, end: End) -> Self {
        let mut state = self.state().clone();
        (state.orders, state.changes) = (Orders::default(), 0);
        (state.struck, state.dead, state.locked) = (false, false, false);
        if end == End::PowerLoss {
            let mut random = state.random.fork();
            let mut folders = BTreeMap::new();
            for (folder, change) in std::mem::take(&mut state.renames) {
                // Of each folder's changes the first few are kept, in order.
                let kept = folders.entry(folder).or_insert_with(|| random.below(4));
                if *kept > 0 {
                    *kept -= 1;
                    apply(&mut state.durable_names, &change);
                }
            }
            state.names.clone_from(&state.durable_names);
            let lie = state.lie;
            for node in &mut state.nodes {
                node.lose_power(&mut random);
                if let Some(lie) = lie {
                    lie.at_power_loss(node, &mut random);
                }
            }
        }
        self.state().random.next();
        Self(Arc::new(Mutex::new(state)))
    }

    /// The names in a folder.
    pub(crate) fn names(&self, folder: &str) -> Vec<String> {
        self.state().names.keys().filter(|name| folder_of(name) == folder).cloned().collect()
    }

    /// A file's bytes, past every fault.
    pub(crate) fn bytes(&self, name: &str) -> Vec<u8> {
        let state = self.state();
        state.names.get(name).map(|&node| state.nodes[node].cache.clone()).unwrap_or_default()
    }

    /// Puts bytes in a file, durably: damage between two processes.
    pub(crate) fn plant(&self, name: &str, bytes: &[u8]) {
        let mut state = self.state();
        let node = state.nodes.len();
        state.nodes.push(Node { cache: bytes.to_vec(), durable: bytes.to_vec(), ..Node::default() });
        state.names.insert(name.to_owned(), node);
        state.durable_names.insert(name.to_owned(), node);
    }

    /// Takes a file away, durably.
    pub(crate) fn lose(&self, name: &str) {
        let mut state = self.state();
        state.names.remove(name);
        state.durable_names.remove(name);
    }

    fn handle(&self, node: usize) -> Arc<dyn File> {
        Arc::new(Open { disk: self.clone(), node })
    }
}

impl Disk for SimDisk {
    fn name(&self) -> String {
        "simulated".to_owned()
    }

    fn make_folder(&self, _folder: &str) -> io::Result<()> {
        self.state().alive()
    }

    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        self.state().alive()?;
        let short = |name: String| name[folder.len()..].trim_start_matches('/').to_owned();
        Ok(self.names(folder).into_iter().map(short).collect())
    }

    fn open(&self, file: &str, _write: bool) -> io::Result<Arc<dyn File>> {
        let state = self.state();
        state.alive()?;
        let node = state.find(file)?;
        drop(state);
        Ok(self.handle(node))
    }

    fn create(&self, file: &str) -> io::Result<Arc<dyn File>> {
        let mut state = self.state();
        state.change()?;
        let node = state.nodes.len();
        state.nodes.push(Node::default());
        state.rename(Change::Link(file.to_owned(), node));
        drop(state);
        Ok(self.handle(node))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.state();
        state.change()?;
        state.find(from)?;
        state.rename(Change::Rename(from.to_owned(), to.to_owned()));
        Ok(())
    }

    fn remove(&self, file: &str) -> io::Result<()> {
        let mut state = self.state();
        state.change()?;
        state.find(file)?;
        state.rename(Change::Unlink(file.to_owned()));
        Ok(())
    }

    fn sync_folder(&self, folder: &str) -> io::Result<()> {
        let mut state = self.state();
        state.change()?;
        let (now, later): (Vec<_>, Vec<_>) =
            std::mem::take(&mut state.renames).into_iter().partition(|(of, _)| of == folder);
        state.renames = later;
        let drops = state.lie == Some(Lie::DropsRenames);
        for (_, change) in now {
            if !(drops && matches!(change, Change::Rename(..))) {
                apply(&mut state.durable_names, &change);
            }
        }
        Ok(())
    }

    fn lock(&self, _file: &str) -> Result<Box<dyn Any + Send + Sync>, LockError> {
        let mut state = self.state();
        state.alive().map_err(LockError::Io)?;
        if std::mem::replace(&mut state.locked, true) {
            return Err(LockError::Held(std::process::id()));
        }
        Ok(Box::new(Lock(self.clone())))
    }
}

struct Lock(SimDisk);

impl Drop for Lock {
    fn drop(&mut self) {
        self.0.state().locked = false;
    }
}

struct Open {
    disk: SimDisk,
    node: usize,
}

fn index(at: u64) -> usize {
    usize::try_from(at).expect("simulated files are small")
}

impl File for Open {
    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        let mut state = self.disk.state();
        state.alive()?;
        let State { nodes, lie, random, .. } = &mut *state;
        let cache = &nodes[self.node].cache;
        let mut from = index(at).min(cache.len());
        let length = buffer.len().min(cache.len() - from);
        if let Some(lie) = lie {
            from = lie.reads_from(from, length, cache.len(), random);
        }
        buffer[..length].copy_from_slice(&cache[from..from + length]);
        Ok(length)
    }

    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        let mut state = self.disk.state();
        state.change()?;
        let size = state.nodes[self.node].cache.len() as u64;
        // Only growth takes room: what was allocated is there.
        state.take_room((at + bytes.len() as u64).saturating_sub(size))?;
        let State { nodes, lie, random, .. } = &mut *state;
        let node = &mut nodes[self.node];
        Node::write(&mut node.cache, index(at), bytes);
        let (mut at, mut landing) = (index(at), bytes.to_vec());
        if let Some(lie) = lie {
            lie.writes(&mut at, &mut landing, random);
        }
        node.dirty.push((at, landing));
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.disk.state();
        state.change()?;
        let fails = match &mut state.orders.fail_syncs_after {
            Some(0) => true,
            Some(left) => {
                *left -= 1;
                false
            }
            None => false,
        };
        state.struck |= fails;
        let State { nodes, lie, random, .. } = &mut *state;
        let node = &mut nodes[self.node];
        if fails {
            // What of it was written nobody knows, and no later sync will try again.
            node.land(|_| random.percent(50));
            return Err(io::Error::other("the simulated disk did not flush"));
        }
        if *lie == Some(Lie::SyncsNothing) {
            return Ok(());
        }
        let changes = !node.dirty.is_empty();
        let before = if changes { node.durable.clone() } else { Vec::new() };
        let last = node.dirty.last().map(|(at, bytes)| (*at, bytes.len()));
        node.land(|_| true);
        node.durable.resize(node.cache.len(), 0);
        if changes {
            node.stale = before;
        }
        if let (Some(lie), Some(last)) = (*lie, last) {
            lie.syncs(node, last, random);
        }
        Ok(())
    }

    fn allocate(&self, length: u64) -> io::Result<()> {
        let mut state = self.disk.state();
        state.change()?;
        let more = length.saturating_sub(state.nodes[self.node].cache.len() as u64);
        state.take_room(more)?;
        if more > 0 {
            state.nodes[self.node].cache.resize(index(length), 0);
        }
        Ok(())
    }

    fn truncate(&self, length: u64) -> io::Result<()> {
        let mut state = self.disk.state();
        state.change()?;
        state.nodes[self.node].cache.resize(index(length), 0);
        Ok(())
    }

    fn size(&self) -> io::Result<u64> {
        let state = self.disk.state();
        state.alive()?;
        Ok(state.nodes[self.node].cache.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disk(seed: u64) -> SimDisk {
        SimDisk::new(Random::new(seed), None)
    }

    #[test]
    fn what_was_synced_outlives_power_and_what_was_not_may_land_in_part() {
        let (mut lost, mut landed, mut torn) = (0, 0, 0);
        for seed in 0..60 {
            let disk = disk(seed);
            let file = disk.create("a").unwrap();
            disk.sync_folder("").unwrap();
            file.write_at(&[1; 2048], 0).unwrap();
            file.sync().unwrap();
            file.write_at(&[2; 2048], 0).unwrap();
            assert_eq!(disk.after(End::Kill).bytes("a"), [2; 2048]);
            let after = disk.after(End::PowerLoss).bytes("a");
            assert!(after.chunks(SECTOR).all(|sector| sector == [1; SECTOR] || sector == [2; SECTOR]));
            match (after.contains(&1), after.contains(&2)) {
                (true, false) => lost += 1,
                (false, true) => landed += 1,
                _ => torn += 1,
            }
        }
        assert!(lost > 0 && landed > 0 && torn > 0, "{lost} {landed} {torn}");
    }

    #[test]
    fn a_name_outlives_power_for_certain_only_once_its_folder_was_synced() {
        let mut outlived = 0;
        for seed in 0..60 {
            let disk = disk(seed);
            disk.create("f/new").unwrap();
            outlived += disk.after(End::PowerLoss).names("f").len();
            disk.sync_folder("f").unwrap();
            assert_eq!(disk.after(End::PowerLoss).names("f"), ["f/new"]);
        }
        assert!(outlived > 0 && outlived < 60, "{outlived}");
    }

    #[test]
    fn a_failed_sync_leaves_the_cache_in_the_belief_that_all_was_written() {
        let disk = disk(3);
        let file = disk.create("a").unwrap();
        disk.sync_folder("").unwrap();
        disk.order(Orders { fail_syncs_after: Some(0), ..Orders::default() });
        file.write_at(&[7; 4096], 0).unwrap();
        assert!(file.sync().is_err() && disk.struck());
        let next = disk.after(End::Kill);
        next.open("a", true).unwrap().sync().unwrap();
        assert_eq!(next.bytes("a"), [7; 4096]);
        assert_ne!(next.after(End::PowerLoss).bytes("a"), [7; 4096]);
    }

    #[test]
    fn after_the_ordered_change_nothing_works() {
        let disk = disk(1);
        disk.order(Orders { die_after: Some(2), ..Orders::default() });
        let file = disk.create("a").unwrap();
        file.write_at(&[1], 0).unwrap();
        assert!(!disk.struck());
        assert!(file.sync().is_err() && file.read_at(&mut [0], 0).is_err() && disk.list("").is_err());
        assert!(disk.struck());
    }
}
