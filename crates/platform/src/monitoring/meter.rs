//! What a node counted and has not written down yet.
//!
//! One cell a minute, merchant and provider: how many answers fell into each time, and how many carried each
//! code. Counting takes a lock for some dozens of nanoseconds and allocates only for a caller's first request of
//! a minute. Memory is bounded by [`MAX_CELLS`]: beyond it a new caller is not counted until the next
//! writing, which says how many requests were left out; what is counted already goes on.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::rules::{BOUNDS_MS, bucket};
use crate::Code;
use crate::id::MerchantId;

/// Cells that a node holds between two writings.
pub const MAX_CELLS: usize = 50_000;

/// Whose figures, and of which minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The merchant that was asked for.
    pub merchant: MerchantId,
    /// Minutes since 1970.
    pub minute: i64,
    /// The service provider that asked, if one did.
    pub provider: Option<MerchantId>,
}

/// Figures of one minute.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Cell {
    /// Answers by the time they took.
    pub(super) times: [u32; BOUNDS_MS.len()],
    /// Answers by the code of their problem; few, so a list.
    pub(super) codes: Vec<(Code, u32)>,
}

impl Cell {
    fn note(&mut self, took: Duration, code: Option<Code>) {
        let times = &mut self.times[bucket(took)];
        *times = times.saturating_add(1);
        if let Some(code) = code {
            self.add(code, 1);
        }
    }

    fn add(&mut self, code: Code, count: u32) {
        match self.codes.iter_mut().find(|(known, _)| *known == code) {
            Some((_, counted)) => *counted = counted.saturating_add(count),
            None => self.codes.push((code, count)),
        }
    }

    fn join(&mut self, other: &Self) {
        for (mine, theirs) in self.times.iter_mut().zip(other.times) {
            *mine = mine.saturating_add(theirs);
        }
        for &(code, count) in &other.codes {
            self.add(code, count);
        }
    }
}

/// The counters of one node.
#[derive(Debug)]
pub struct Meter {
    inside: Mutex<Inside>,
    room: usize,
}

#[derive(Debug, Default)]
struct Inside {
    cells: HashMap<Key, Cell>,
    left_out: u64,
}

impl Default for Meter {
    fn default() -> Self {
        Self::with_room(MAX_CELLS)
    }
}

impl Meter {
    /// A meter that holds `room` cells.
    #[must_use]
    pub fn with_room(room: usize) -> Self {
        Self { inside: Mutex::default(), room }
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts an answer that took so long and carried this code, if any.
    pub fn note(&self, key: Key, took: Duration, code: Option<Code>) {
        let mut inside = self.lock();
        if inside.cells.len() >= self.room && !inside.cells.contains_key(&key) {
            inside.left_out += 1;
            return;
        }
        inside.cells.entry(key).or_default().note(took, code);
    }

    /// Takes everything out, in the order of the table, and how many requests found no room.
    pub(super) fn take(&self) -> (Vec<(Key, Cell)>, u64) {
        let Inside { cells, left_out } = std::mem::take(&mut *self.lock());
        let mut cells: Vec<_> = cells.into_iter().collect();
        // Nodes that write the same rows in the same order do not wait for each other in a circle.
        cells.sort_unstable_by_key(|(key, _)| *key);
        (cells, left_out)
    }

    /// Puts back what could not be written, as far as there is room; how many cells found none.
    pub(super) fn give_back(&self, cells: Vec<(Key, Cell)>) -> usize {
        let mut inside = self.lock();
        let mut lost = 0;
        for (key, cell) in cells {
            if inside.cells.len() >= self.room && !inside.cells.contains_key(&key) {
                lost += 1;
                continue;
            }
            inside.cells.entry(key).or_default().join(&cell);
        }
        lost
    }

    /// What is counted and not written yet for this merchant, as one that is asked for and as one that asks.
    pub(super) fn of(&self, merchant: MerchantId) -> Vec<(Key, Cell)> {
        let inside = self.lock();
        let concerns = |key: &Key| key.merchant == merchant || key.provider == Some(merchant);
        inside.cells.iter().filter(|(key, _)| concerns(key)).map(|(key, cell)| (*key, cell.clone())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(merchant: u128, minute: i64) -> Key {
        Key { merchant: MerchantId::from_number(merchant << 4), minute, provider: None }
    }

    const FAST: Duration = Duration::from_millis(3);

    #[test]
    fn a_minute_of_a_merchant_is_one_cell() {
        let meter = Meter::default();
        meter.note(key(1, 7), FAST, None);
        meter.note(key(1, 7), Duration::from_millis(700), Some(Code::Conflict));
        meter.note(key(1, 7), FAST, Some(Code::Conflict));
        meter.note(key(1, 8), FAST, None);
        meter.note(key(2, 7), FAST, None);
        assert_eq!(meter.of(key(1, 0).merchant).len(), 2);
        let (cells, left_out) = meter.take();
        assert_eq!((cells.len(), left_out), (3, 0));
        assert_eq!((cells[0].0, &cells[0].1.codes), (key(1, 7), &vec![(Code::Conflict, 2)]));
        assert_eq!((cells[0].1.times[0], cells[0].1.times.iter().sum::<u32>()), (2, 3));
        assert!(meter.take().0.is_empty());
    }

    #[test]
    fn a_full_meter_counts_whom_it_knows_and_says_what_it_left_out() {
        let meter = Meter::with_room(2);
        for merchant in [1, 2, 3, 1, 3] {
            meter.note(key(merchant, 7), FAST, None);
        }
        let (cells, left_out) = meter.take();
        assert_eq!((cells.len(), left_out), (2, 2));
        assert_eq!(cells[0].1.times[0], 2);
        meter.note(key(4, 8), FAST, None);
        assert_eq!(meter.give_back(cells), 1, "there is room for one of the two");
        assert_eq!(meter.take().0.len(), 2);
    }

    #[test]
    fn what_comes_back_is_added_to_what_was_counted_meanwhile() {
        let meter = Meter::default();
        meter.note(key(1, 7), FAST, Some(Code::Conflict));
        let (taken, _) = meter.take();
        meter.note(key(1, 7), FAST, Some(Code::NotFound));
        assert_eq!(meter.give_back(taken), 0);
        let (cells, _) = meter.take();
        assert_eq!((cells.len(), cells[0].1.times[0], cells[0].1.codes.len()), (1, 2, 2));
    }
}
