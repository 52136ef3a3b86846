//! Shelves: things found by number or by place.
//!
//! A shelf is a dense list in the order things were put there, and an open-addressing table of places
//! (4 bytes each, at most three quarters full). Nothing is ever taken off, so there are no
//! tombstones. The table's order is never seen from outside.

use std::hash::{BuildHasherDefault, Hasher};
use std::ops::{Index, IndexMut};

use crate::Id;

/// What has a number.
pub(super) trait Numbered {
    fn id(&self) -> Id;
}

/// An empty cell. No entry looks like this: its place bits are never all ones.
const EMPTY: u32 = u32::MAX;

/// Most things on a shelf, 1.6 thousand million: what fills a table of 2^31 cells to three quarters.
const MOST: usize = 3 << 29;

/// A cell holds a place in its low bits, as many as the table's length needs, and above them bits of
/// the number's hash, so that a look-up rarely visits a thing that is not the one it wants.
#[derive(Clone, Debug)]
pub(super) struct Shelf<T> {
    things: Vec<T>,
    table: Vec<u32>,
}

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self { things: Vec::new(), table: Vec::new() }
    }
}

impl<T: Numbered> Shelf<T> {
    /// The place of the thing with this number.
    pub(super) fn find(&self, id: Id) -> Option<u32> {
        if self.table.is_empty() {
            return None;
        }
        let entry = self.table[self.probe(id)];
        (entry != EMPTY).then_some(entry & self.mask())
    }

    /// Reads the cell where a look-up of this number begins, so that it lies in the cache.
    pub(super) fn warm_cell(&self, id: Id) {
        if !self.table.is_empty() {
            std::hint::black_box(self.table[(scatter(id) as u32 & self.mask()) as usize]);
        }
    }

    /// The place of the thing that a look-up of this number would visit first: nearly always the right
    /// one, if the number is there at all. Visits no thing.
    pub(super) fn guess(&self, id: Id) -> u32 {
        if self.table.is_empty() {
            return EMPTY;
        }
        let (mask, tag) = (self.mask(), self.tag(id));
        let mut cell = scatter(id) as u32 & mask;
        loop {
            let entry = self.table[cell as usize];
            if entry == EMPTY {
                return EMPTY;
            }
            if entry & !mask == tag {
                return entry & mask;
            }
            cell = (cell + 1) & mask;
        }
    }

    /// Reads both ends of the thing at a place, so that it lies in the cache.
    pub(super) fn warm_place<F>(&self, place: u32, last_field: impl FnOnce(&T) -> F) {
        if let Some(thing) = self.things.get(place as usize) {
            std::hint::black_box((thing.id() as u64, last_field(thing)));
        }
    }

    /// [`Shelf::find`] where the number's place was guessed before.
    pub(super) fn find_guessed(&self, id: Id, guess: u32) -> Option<u32> {
        match self.things.get(guess as usize) {
            Some(thing) if thing.id() == id => Some(guess),
            _ => self.find(id),
        }
    }

    /// Whether one more fits.
    pub(super) fn has_room(&self) -> bool {
        self.things.len() < MOST
    }

    /// Puts a thing on the shelf; its number is not there yet.
    pub(super) fn put(&mut self, thing: T) -> u32 {
        assert!(self.has_room(), "places have 31 bits");
        if (self.things.len() + 1) * 4 > self.table.len() * 3 {
            self.grow();
        }
        let id = thing.id();
        let cell = self.probe(id);
        assert_eq!(self.table[cell], EMPTY, "a number is put on the shelf once");
        let place = self.things.len() as u32;
        self.table[cell] = self.tag(id) | place;
        self.things.push(thing);
        place
    }

    pub(super) fn len(&self) -> usize {
        self.things.len()
    }

    pub(super) fn iter(&self) -> std::slice::Iter<'_, T> {
        self.things.iter()
    }

    /// The bits of a cell that are the place, and of a hash that choose the cell.
    fn mask(&self) -> u32 {
        (self.table.len() - 1) as u32
    }

    /// The bits of a cell above the place, from the hash's other half.
    fn tag(&self, id: Id) -> u32 {
        (scatter(id) >> 32) as u32 & !self.mask()
    }

    /// The cell of `id`, or the empty one where it belongs.
    fn probe(&self, id: Id) -> usize {
        let (mask, tag) = (self.mask(), self.tag(id));
        let mut cell = scatter(id) as u32 & mask;
        loop {
            let entry = self.table[cell as usize];
            let wanted = || entry & !mask == tag && self.things[(entry & mask) as usize].id() == id;
            if entry == EMPTY || wanted() {
                return cell as usize;
            }
            cell = (cell + 1) & mask;
        }
    }

    fn grow(&mut self) {
        self.table = vec![EMPTY; (self.table.len() * 2).max(16)];
        let mask = self.mask();
        for place in 0..self.things.len() {
            let id = self.things[place].id();
            // Numbers differ, so the first empty cell is the right one.
            let mut cell = scatter(id) as u32 & mask;
            while self.table[cell as usize] != EMPTY {
                cell = (cell + 1) & mask;
            }
            self.table[cell as usize] = self.tag(id) | place as u32;
        }
    }
}

impl<T> Index<u32> for Shelf<T> {
    type Output = T;

    fn index(&self, place: u32) -> &T {
        &self.things[place as usize]
    }
}

impl<T> IndexMut<u32> for Shelf<T> {
    fn index_mut(&mut self, place: u32) -> &mut T {
        &mut self.things[place as usize]
    }
}

/// Spreads a number over 64 bits, the same way on every machine.
fn scatter(id: Id) -> u64 {
    let (low, high) = (id as u64, (id >> 64) as u64);
    let mut x = low ^ high.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(32);
    x = (x ^ (x >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    x = (x ^ (x >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    x ^ (x >> 32)
}

/// [`scatter`] for the standard map.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct IdHasher(u64);

pub(super) type IdHashing = BuildHasherDefault<IdHasher>;

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = scatter(Id::from(self.0) << 8 | Id::from(byte));
        }
    }

    fn write_u128(&mut self, id: u128) {
        self.0 = scatter(id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Debug)]
    struct Thing(Id);

    impl Numbered for Thing {
        fn id(&self) -> Id {
            self.0
        }
    }

    /// A thing without size: a full shelf of them takes no memory.
    impl Numbered for () {
        fn id(&self) -> Id {
            0
        }
    }

    /// Numbers that differ only in their high half, only in their low half, or in both.
    fn numbers() -> impl Iterator<Item = Id> {
        (1..5_000u128).flat_map(|n| [n, n << 64, n << 100 | n])
    }

    #[test]
    fn what_was_put_is_found_at_its_place_and_nothing_else_is() {
        let mut shelf = Shelf::default();
        assert_eq!(shelf.find(1), None);
        for (place, id) in (0..).zip(numbers()) {
            assert_eq!(shelf.find(id), None);
            assert_eq!(shelf.put(Thing(id)), place);
        }
        for (place, id) in (0..).zip(numbers()) {
            assert_eq!(shelf.find(id), Some(place));
            assert_eq!(shelf[place].0, id);
        }
        for id in 5_000..20_000 {
            assert_eq!(shelf.find(id), None);
        }
        assert_eq!(shelf.iter().map(Numbered::id).collect::<Vec<_>>(), numbers().collect::<Vec<_>>());
    }

    #[test]
    fn a_guess_is_nearly_always_right_and_a_wrong_one_is_found_out() {
        let mut shelf = Shelf::default();
        assert_eq!(shelf.guess(1), EMPTY, "an empty shelf has no guess");
        numbers().for_each(|id| {
            shelf.put(Thing(id));
        });
        let (mut right, mut wrong) = (0, 0);
        for (place, id) in (0..).zip(numbers()) {
            let guess = shelf.guess(id);
            if guess == place {
                right += 1;
            } else {
                wrong += 1;
            }
            assert_eq!(shelf.find_guessed(id, guess), Some(place));
            assert_eq!(shelf.find_guessed(id, EMPTY), Some(place));
        }
        assert!(wrong * 1_000 < right, "{wrong} of {right} guesses are wrong");
        // Of numbers that are not there, nearly all are known by their bits alone.
        let mistaken = (5_000..20_000).filter(|&id| shelf.guess(id) != EMPTY).count();
        assert!(mistaken < 15, "{mistaken} of 15,000 absent numbers look present");
    }

    #[test]
    fn a_shelf_is_full_at_its_limit() {
        let holding = |things: usize| Shelf { things: vec![(); things], table: Vec::new() };
        assert!(holding(MOST - 1).has_room());
        assert!(!holding(MOST).has_room());
    }

    #[test]
    fn numbers_are_spread_evenly() {
        let mut shelf = Shelf::default();
        numbers().for_each(|id| {
            shelf.put(Thing(id));
        });
        let mut longest = 0;
        for id in numbers() {
            let home = scatter(id) as u32 & shelf.mask();
            longest = longest.max((shelf.probe(id) as u32).wrapping_sub(home) & shelf.mask());
        }
        assert!(longest < 64, "the longest walk is {longest} cells");
    }

    #[test]
    #[should_panic(expected = "a number is put on the shelf once")]
    fn a_number_is_not_put_twice() {
        let mut shelf = Shelf::default();
        shelf.put(Thing(7));
        shelf.put(Thing(7));
    }
}
