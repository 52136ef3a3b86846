//! A quick hash for 128-bit numbers under a secret key of the process, so that whoever chooses
//! numbers cannot choose collisions.

use std::hash::{BuildHasher, Hasher, RandomState};

/// Makes hashers; the key is drawn once for each map.
#[derive(Clone)]
pub(crate) struct Keyed {
    low: u64,
    high: u64,
}

impl Default for Keyed {
    fn default() -> Self {
        let random = RandomState::new();
        Self { low: random.hash_one(0), high: random.hash_one(1) }
    }
}

impl BuildHasher for Keyed {
    type Hasher = IdHasher;

    fn build_hasher(&self) -> IdHasher {
        IdHasher { low: self.low, high: self.high }
    }
}

/// Multiplies both halves, each under its key, and folds the product.
pub(crate) struct IdHasher {
    low: u64,
    high: u64,
}

const fn fold(a: u64, b: u64) -> u64 {
    let product = a as u128 * b as u128;
    product as u64 ^ (product >> 64) as u64
}

impl Hasher for IdHasher {
    fn write_u128(&mut self, id: u128) {
        let mixed = fold(self.low ^ id as u64, self.high ^ (id >> 64) as u64);
        // Once more, or ids that differ in few bits would share the table's low bits.
        self.low = fold(mixed ^ self.high, 0x9e37_79b9_7f4a_7c15);
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u128(u128::from(byte));
        }
    }

    fn finish(&self) -> u64 {
        self.low
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_a_row_spread_over_a_table() {
        let keyed = Keyed::default();
        let check = |name: &str, id: &dyn Fn(u128) -> u128| {
            let mut cells = vec![0u32; 1 << 12];
            for n in 0..1 << 14 {
                cells[keyed.hash_one(id(n)) as usize & 0xfff] += 1;
            }
            let fullest = cells.iter().max().unwrap();
            assert!(*fullest < 24, "{name}: {fullest} of about 4 in one cell");
        };
        check("low bits", &|n| n);
        check("high bits", &|n| n << 64);
        check("times", &|n| n << 80 | 7);
        check("both", &|n| n << 64 | n);
    }
}
