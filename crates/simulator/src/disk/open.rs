//! An open file of the simulated disk: where reads, writes and syncs meet the ordered faults.

use std::io;

use jialing_journal::disk::File;

use super::{Bad, Node, SECTOR, SimDisk, State};
use crate::lies::Lie;
use crate::mutants::Defect;

pub(super) struct Open {
    pub(super) disk: SimDisk,
    pub(super) node: usize,
}

fn index(at: u64) -> usize {
    usize::try_from(at).expect("simulated files are small")
}

impl State {
    /// What a read returns; `length` bytes from `from` lie within the file.
    fn read(&mut self, node: usize, from: usize, buffer: &mut [u8]) -> io::Result<()> {
        let name = self.nodes[node].name.clone();
        if super::Orders::counts_down(&mut self.orders.fail_read_after) {
            self.struck = true;
            return Err(io::Error::other("the simulated disk did not read"));
        }
        if self.nodes[node].is_dead(from, buffer.len()) {
            return Err(io::Error::other(format!("a sector of {name} cannot be read")));
        }
        let (mut from, length) = (from, buffer.len());
        let Self { nodes, lie, random, orders, bad, .. } = self;
        let cache = &nodes[node].cache;
        if let Some(lie) = lie {
            from = lie.reads_from(from, length, cache.len(), random);
        }
        let now = if length == 0 { None } else { orders.bad_now(true) };
        if now == Some(Bad::ReadsElsewhere) {
            let places = (cache.len() - length) / SECTOR + 1;
            from = random.below(places as u64) as usize * SECTOR;
        }
        buffer.copy_from_slice(&cache[from..from + length]);
        if now == Some(Bad::ReadTurnsBit) {
            let place = random.below(length as u64) as usize;
            buffer[place] ^= 1 << random.below(8);
        }
        if let Some(now) = now {
            *bad = Some((now, name));
        }
        Ok(())
    }

    /// A write as it was meant, and as it lands.
    fn write(&mut self, node: usize, at: usize, bytes: &[u8]) {
        let Self { nodes, lie, random, orders, defect, .. } = self;
        let skips = defect.is_some_and(|defect| defect.skips_write(&nodes[node], at, bytes));
        if skips {
            return;
        }
        match orders.bad_now(false) {
            Some(now) => self.write_badly(now, node, at, bytes),
            None => {
                let (mut place, mut landing) = (at, bytes.to_vec());
                if let Some(lie) = lie {
                    lie.writes(&mut place, &mut landing, random);
                }
                let node = &mut nodes[node];
                node.write(at, bytes);
                if let Some(last) = node.dirty.last_mut() {
                    *last = (place, landing);
                }
            }
        }
    }

    /// A write that goes wrong and does not say so. The cache has it as it was meant.
    fn write_badly(&mut self, now: Bad, node: usize, at: usize, bytes: &[u8]) {
        self.nodes[node].write(at, bytes);
        let mut file = node;
        let used = self.nodes[node].cache.len();
        match now {
            Bad::LosesWrite => drop(self.nodes[node].dirty.pop()),
            Bad::WritesElsewhere => {
                let place = self.random.below((used / SECTOR + 1) as u64) as usize * SECTOR;
                if let Some(last) = self.nodes[node].dirty.last_mut() {
                    last.0 = place + at % SECTOR;
                }
            }
            Bad::WritesOtherFile => {
                self.nodes[node].dirty.pop();
                if let Some(other) = self.some_file().filter(|&other| other != node) {
                    let room = self.nodes[other].durable.len().saturating_sub(at).min(bytes.len());
                    Node::put(&mut self.nodes[other].durable, at.min(used), &bytes[..room]);
                    file = other;
                }
            }
            Bad::WriteTurnsBit => {
                let place = self.random.below(bytes.len() as u64) as usize;
                let bit = 1 << self.random.below(8);
                if let Some(byte) = self.nodes[node].dirty.last_mut().and_then(|last| last.1.get_mut(place)) {
                    *byte ^= bit;
                }
            }
            Bad::SectorDies | Bad::BitRots => file = self.damage_some_file(now, node),
            Bad::ReadTurnsBit | Bad::ReadsElsewhere => {}
        }
        let names = [&self.nodes[node].name, &self.nodes[file].name];
        let both = if file == node { names[0].clone() } else { format!("{} over {}", names[0], names[1]) };
        self.bad = Some((now, both));
    }

    /// A sector or a bit of a file in use goes bad by itself; says which file.
    fn damage_some_file(&mut self, now: Bad, or: usize) -> usize {
        let file = self.some_file().unwrap_or(or);
        let node = &mut self.nodes[file];
        let used = node.cache.iter().rposition(|&byte| byte != 0).map_or(1, |last| last + 1);
        let place = self.random.below(used as u64) as usize;
        if now == Bad::SectorDies {
            node.dead.push(place / SECTOR);
        } else {
            let bit = 1 << self.random.below(8);
            for bytes in [&mut node.cache, &mut node.durable] {
                if let Some(byte) = bytes.get_mut(place) {
                    *byte ^= bit;
                }
            }
        }
        file
    }

    /// Makes a file durable, or what its mutant leaves of that.
    fn sync(&mut self, place: usize) {
        let Self { nodes, lie, random, defect, .. } = self;
        let node = &mut nodes[place];
        match *defect {
            Some(defect) if defect.forgets_sync(node) => {
                node.cut = false;
                return;
            }
            Some(Defect::AnswersBeforeFlush) if Defect::holds_frames(node) => {
                // What was written before the last sync lands now; the newest writes wait.
                let newest = std::mem::take(&mut node.dirty);
                node.dirty = std::mem::replace(&mut node.kept_back, newest);
            }
            Some(Defect::NamesBeforeContent) if Defect::has_no_name_yet(node) => {
                let dirty = std::mem::take(&mut node.dirty);
                node.kept_back.extend(dirty);
                return;
            }
            _ => {}
        }
        if *lie == Some(Lie::SyncsNothing) {
            return;
        }
        let changes = !node.dirty.is_empty();
        let before = if changes { node.durable.clone() } else { Vec::new() };
        let last = node.dirty.last().map(|(at, bytes)| (*at, bytes.len()));
        node.land(|_| true);
        node.durable.resize(node.cache.len(), 0);
        node.cut = false;
        if changes {
            node.stale = before;
        }
        if let (Some(lie), Some(last)) = (*lie, last) {
            lie.syncs(node, last, random);
        }
    }
}

impl File for Open {
    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        let mut state = self.disk.state();
        state.alive()?;
        let size = state.nodes[self.node].cache.len();
        let from = index(at).min(size);
        let length = buffer.len().min(size - from);
        state.read(self.node, from, &mut buffer[..length])?;
        Ok(length)
    }

    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        let mut state = self.disk.state();
        let name = state.nodes[self.node].name.clone();
        let was_dead = state.dead;
        if let Err(dead) = state.change("writing", &name) {
            if state.orders.torn && !was_dead {
                // A part of it got as far as the cache: whole sectors, from the front.
                let sectors = state.random.below((bytes.len() / SECTOR + 1) as u64) as usize;
                let part = (sectors * SECTOR).min(bytes.len());
                state.nodes[self.node].write(index(at), &bytes[..part]);
            }
            return Err(dead);
        }
        if super::Orders::counts_down(&mut state.orders.short_write_after) {
            state.struck = true;
            let part = state.random.below(bytes.len() as u64) as usize;
            state.nodes[self.node].write(index(at), &bytes[..part]);
            return Err(io::Error::other("the simulated disk wrote a part"));
        }
        let size = state.nodes[self.node].cache.len() as u64;
        // Only growth takes room: what was allocated is there.
        state.take_room((at + bytes.len() as u64).saturating_sub(size))?;
        state.write(self.node, index(at), bytes);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.disk.state();
        let name = state.nodes[self.node].name.clone();
        state.change("flushing", &name)?;
        if state.orders.sync_fails() {
            state.struck = true;
            let State { nodes, random, .. } = &mut *state;
            // What of it was written nobody knows, and no later sync will try again.
            nodes[self.node].land(|_| random.percent(50));
            return Err(io::Error::other("the simulated disk did not flush"));
        }
        state.sync(self.node);
        Ok(())
    }

    fn allocate(&self, length: u64) -> io::Result<()> {
        let mut state = self.disk.state();
        let name = state.nodes[self.node].name.clone();
        state.change("allocating", &name)?;
        let more = length.saturating_sub(state.nodes[self.node].cache.len() as u64);
        state.take_room(more)?;
        if more > 0 {
            state.nodes[self.node].cache.resize(index(length), 0);
        }
        Ok(())
    }

    fn truncate(&self, length: u64) -> io::Result<()> {
        let mut state = self.disk.state();
        let name = state.nodes[self.node].name.clone();
        state.change("cutting", &name)?;
        let node = &mut state.nodes[self.node];
        node.cache.resize(index(length), 0);
        node.cut = true;
        Ok(())
    }

    fn size(&self) -> io::Result<u64> {
        let state = self.disk.state();
        state.alive()?;
        Ok(state.nodes[self.node].cache.len() as u64)
    }
}
