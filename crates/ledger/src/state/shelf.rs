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

const EMPTY: u32 = u32::MAX;

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
        let place = self.table[self.probe(id)];
        (place != EMPTY).then_some(place)
    }

    /// Whether one more fits: places have 32 bits.
    pub(super) fn has_room(&self) -> bool {
        self.things.len() < EMPTY as usize
    }

    /// Puts a thing on the shelf; its number is not there yet.
    pub(super) fn put(&mut self, thing: T) -> u32 {
        assert!(self.has_room(), "places have 32 bits");
        if (self.things.len() + 1) * 4 > self.table.len() * 3 {
            self.grow();
        }
        let cell = self.probe(thing.id());
        assert_eq!(self.table[cell], EMPTY, "a number is put on the shelf once");
        let place = self.things.len() as u32;
        self.table[cell] = place;
        self.things.push(thing);
        place
    }

    pub(super) fn len(&self) -> usize {
        self.things.len()
    }

    pub(super) fn iter(&self) -> std::slice::Iter<'_, T> {
        self.things.iter()
    }

    /// The cell that holds `id`'s place, or the empty one where it belongs.
    fn probe(&self, id: Id) -> usize {
        let mask = self.table.len() - 1;
        let mut cell = scatter(id) as usize & mask;
        while self.table[cell] != EMPTY && self.things[self.table[cell] as usize].id() != id {
            cell = (cell + 1) & mask;
        }
        cell
    }

    fn grow(&mut self) {
        self.table = vec![EMPTY; (self.table.len() * 2).max(16)];
        for place in 0..self.things.len() {
            let cell = self.probe(self.things[place].id());
            self.table[cell] = place as u32;
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
