//! A disk that keeps apart what programs see, what is on the platter, and what it was told to do wrong.
//!
//! Every write goes to the cache and becomes durable with a sync of its file; names become durable
//! with a sync of their folder. A *kill* ends the process and leaves the cache, so that a restart sees
//! bytes that a later power loss can still take away. A *power loss* leaves the platter and, of what
//! was not synced, sectors by chance: none, all, some, only early or only late ones. A sync that fails
//! may have written any part, and the cache then holds it for written, as real kernels do.
//!
//! Faults are ordered by counting operations ([`orders`]), not by time. One lock over everything: a
//! fault falls between two changes, or tears one, for all files at once.

mod node;
mod open;
mod orders;

use std::any::Any;
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jialing_journal::disk::{Disk, File, LockError, folder_of};

pub(crate) use node::{Node, SECTOR};
use open::Open;
pub use orders::Bad;
pub(crate) use orders::{Lasting, Orders};

use crate::lies::Lie;
use crate::mutants::Defect;
use crate::random::Random;

/// How a process ends, as its disk sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The process only; the cache stays.
    Kill,
    /// The machine.
    PowerLoss,
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
    /// The one bad thing that happened, and where.
    bad: Option<(Bad, String)>,
    /// What was being done when the machine died.
    died_at: Option<String>,
    dead: bool,
    locked: bool,
    lie: Option<Lie>,
    defect: Option<Defect>,
    /// Files whose content a mutant makes durable only after their names.
    late: Vec<usize>,
    random: Random,
}

/// The disk. Clones are the same disk.
#[derive(Clone)]
pub(crate) struct SimDisk(Arc<Mutex<State>>);

fn gone() -> io::Error {
    io::Error::other("the simulated machine is off")
}

impl State {
    /// Counts a change, said as a verb and a file; an error when nobody is there any more to make it.
    fn change(&mut self, verb: &str, file: &str) -> io::Result<()> {
        let dies = self.orders.die_after.is_some_and(|after| self.changes >= after);
        if dies && !self.dead {
            self.died_at = Some(format!("{verb} {}", sort_of(file)));
            (self.dead, self.struck) = (true, true);
        }
        self.alive()?;
        self.changes += 1;
        for node in std::mem::take(&mut self.late) {
            self.nodes[node].land(|_| true);
        }
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
        if let Change::Rename(_, to) = &change
            && let Some(&node) = self.names.get(to)
        {
            self.nodes[node].name.clone_from(to);
        }
        let (Change::Link(name, _) | Change::Unlink(name) | Change::Rename(name, _)) = &change;
        self.renames.push((folder_of(name).to_owned(), change));
    }

    /// A file in use, by chance: what one bad sector falls upon.
    fn some_file(&mut self) -> Option<usize> {
        let used = |node: &usize| self.nodes[*node].cache.iter().any(|&byte| byte != 0);
        let all: Vec<usize> = self.names.values().copied().filter(used).collect();
        self.random.pick(&all).copied()
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

/// What sort of file a name belongs to, without its numbers: for counting.
pub(crate) fn sort_of(name: &str) -> String {
    let short: String = name.chars().filter(|c| !c.is_ascii_digit()).collect();
    short.replace("-", "")
}

impl SimDisk {
    pub(crate) fn new(random: Random, lie: Option<Lie>, defect: Option<Defect>) -> Self {
        Self(Arc::new(Mutex::new(State {
            nodes: Vec::new(),
            names: BTreeMap::new(),
            durable_names: BTreeMap::new(),
            renames: Vec::new(),
            orders: Orders::default(),
            changes: 0,
            struck: false,
            bad: None,
            died_at: None,
            dead: false,
            locked: false,
            lie,
            defect,
            late: Vec::new(),
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

    /// Whether errors are to be expected: an ordered fault has struck, or the machine is off.
    pub(crate) fn struck(&self) -> bool {
        let state = self.state();
        state.struck || state.dead
    }

    /// Whether an ordered fault has struck.
    pub(crate) fn ordered_struck(&self) -> bool {
        self.state().struck
    }

    /// The one bad thing that happened, and where.
    pub(crate) fn bad(&self) -> Option<(Bad, String)> {
        self.state().bad.clone()
    }

    /// What was being done when the machine died of an order.
    pub(crate) fn died_at(&self) -> Option<String> {
        self.state().died_at.clone()
    }

    /// Ends it now.
    pub(crate) fn die(&self) {
        self.state().dead = true;
    }

    /// The disk as the next process finds it. This one stays as it is.
    pub(crate) fn after(&self, end: End) -> Self {
        let mut state = self.state().clone();
        (state.orders, state.changes) = (Orders::default(), 0);
        (state.struck, state.dead, state.locked) = (false, false, false);
        (state.bad, state.died_at) = (None, None);
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
            state.late.clear();
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

    /// Another disk with the same content.
    pub(crate) fn copy(&self) -> Self {
        Self(Arc::new(Mutex::new(self.state().clone())))
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
        state.nodes.push(Node::settled(name, bytes));
        state.names.insert(name.to_owned(), node);
        state.durable_names.insert(name.to_owned(), node);
    }

    /// Turns a bit of a file under whoever has it open, on the platter too.
    #[cfg(test)]
    pub(crate) fn rot(&self, name: &str, place: usize) {
        let mut state = self.state();
        let node = state.names[name];
        let node = &mut state.nodes[node];
        node.cache[place] ^= 1;
        node.durable[place] ^= 1;
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
        state.change("creating", file)?;
        let node = state.nodes.len();
        state.nodes.push(Node::new(file));
        state.rename(Change::Link(file.to_owned(), node));
        drop(state);
        Ok(self.handle(node))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.state();
        state.change("naming", to)?;
        state.find(from)?;
        state.rename(Change::Rename(from.to_owned(), to.to_owned()));
        Ok(())
    }

    fn remove(&self, file: &str) -> io::Result<()> {
        let mut state = self.state();
        state.change("removing", file)?;
        state.find(file)?;
        state.rename(Change::Unlink(file.to_owned()));
        Ok(())
    }

    fn sync_folder(&self, folder: &str) -> io::Result<()> {
        let mut state = self.state();
        state.change("flushing the names in", if folder.is_empty() { "the folder" } else { folder })?;
        if state.defect.is_some_and(|defect| defect.forgets_names(folder)) {
            return Ok(());
        }
        let (now, later): (Vec<_>, Vec<_>) =
            std::mem::take(&mut state.renames).into_iter().partition(|(of, _)| of == folder);
        state.renames = later;
        let drops = state.lie == Some(Lie::DropsRenames);
        for (_, change) in now {
            if !(drops && matches!(change, Change::Rename(..))) {
                apply(&mut state.durable_names, &change);
            }
        }
        if state.defect == Some(Defect::NamesBeforeContent) {
            let State { names, nodes, late, .. } = &mut *state;
            late.extend(names.values().copied().filter(|&node| !nodes[node].kept_back.is_empty()));
            for &node in late.iter() {
                let kept = std::mem::take(&mut nodes[node].kept_back);
                nodes[node].dirty.splice(0..0, kept);
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

#[cfg(test)]
mod tests;
