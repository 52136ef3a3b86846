//! Filters: whether a file of ids may hold an id, without reading its pages.
//!
//! New ids that are led by a time sort after all files and need no filter. Ids that come in no order
//! fall into the range of every file, and each would read a page of each: a filter of ten bits an id
//! spares all but one in a hundred of those reads. It stands at the end of the file under a checksum,
//! is loaded when it is first needed, and only while all loaded ones stay within a budget; beyond it
//! the pages are read.
//!
//! A blocked Bloom filter: an id's seven bits lie in one block of 64 bytes, so asking costs one visit
//! to memory. It never says no of an id that is there.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use jialing_ledger::Id;

/// Words in a block.
const BLOCK: usize = 8;
/// Bytes in a block.
const BLOCK_BYTES: usize = 8 * BLOCK;
/// Ids for which there is a block.
const PER_BLOCK: u64 = 51;
/// Bits set for an id.
const BITS: u32 = 7;

/// A filter over some keys.
pub(crate) struct Filter {
    words: Vec<u64>,
}

/// Bytes of a filter with room for so many keys.
pub(super) const fn bytes_for(keys: u64) -> u64 {
    keys.div_ceil(PER_BLOCK) * BLOCK_BYTES as u64
}

/// Spreads a key over 64 bits; the same in every process, since it is in files.
const fn scatter(key: Id) -> u64 {
    let mut x = key as u64 ^ ((key >> 64) as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
    x = (x ^ (x >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    x = (x ^ (x >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x ^ (x >> 32)
}

impl Filter {
    /// Room for so many keys.
    pub(super) fn new(keys: u64) -> Self {
        Self { words: vec![0; bytes_for(keys) as usize / 8] }
    }

    /// The block of a key, and the bits that choose places in it.
    fn block(&self, key: Id) -> (usize, u64) {
        let hash = scatter(key);
        let blocks = (self.words.len() / BLOCK) as u128;
        let block = ((u128::from(hash) * blocks) >> 64) as usize;
        // The high bits chose the block; these are others.
        (block * BLOCK, hash.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    /// The places of a key's bits in its block: nine bits each.
    fn places(bits: u64) -> impl Iterator<Item = (usize, u64)> {
        (0..BITS).map(move |n| {
            let place = bits >> (9 * n + 1) & 511;
            ((place >> 6) as usize, 1 << (place & 63))
        })
    }

    pub(super) fn add(&mut self, key: Id) {
        let (block, bits) = self.block(key);
        for (word, mask) in Self::places(bits) {
            self.words[block + word] |= mask;
        }
    }

    /// Whether the key may have been added; `false` is certain.
    pub(crate) fn may_have(&self, key: Id) -> bool {
        if self.words.is_empty() {
            return false;
        }
        let (block, bits) = self.block(key);
        Self::places(bits).all(|(word, mask)| self.words[block + word] & mask != 0)
    }

    /// The bytes in the file.
    pub(super) fn bytes(&self) -> impl Iterator<Item = u8> {
        self.words.iter().flat_map(|word| word.to_le_bytes())
    }

    /// The filter of these bytes.
    pub(super) fn of(bytes: &[u8]) -> Self {
        let word = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().expect("eight bytes"));
        Self { words: bytes.chunks_exact(8).map(word).collect() }
    }
}

/// How many bytes of filters may still be loaded.
pub(crate) struct Budget {
    left: AtomicU64,
    used: AtomicBool,
}

/// A loaded filter; its bytes go back to the budget with it.
pub(super) struct Loaded {
    filter: Option<Filter>,
    bytes: u64,
    budget: Arc<Budget>,
}

impl Budget {
    pub(crate) fn new(bytes: u64) -> Arc<Self> {
        Arc::new(Self { left: AtomicU64::new(bytes), used: AtomicBool::new(false) })
    }

    /// Whether a filter was ever asked for.
    pub(super) fn is_used(&self) -> bool {
        self.used.load(Ordering::Relaxed)
    }

    /// Takes bytes, if there are so many.
    fn take(&self, bytes: u64) -> bool {
        let less = |left: u64| left.checked_sub(bytes);
        self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok()
    }

    /// Loads a filter of so many bytes, if the budget has them.
    pub(super) fn load<E>(
        self: &Arc<Self>,
        bytes: u64,
        read: impl FnOnce() -> Result<Option<Filter>, E>,
    ) -> Result<Option<Loaded>, E> {
        self.used.store(true, Ordering::Relaxed);
        if !self.take(bytes) {
            return Ok(None);
        }
        // Made first, so that the bytes go back also when the reading fails.
        let mut loaded = Loaded { filter: None, bytes, budget: self.clone() };
        loaded.filter = read()?;
        Ok(Some(loaded))
    }
}

impl Loaded {
    /// Whether the key may be there; without a filter everything may.
    pub(super) fn may_have(&self, key: Id) -> bool {
        self.filter.as_ref().is_none_or(|filter| filter.may_have(key))
    }
}

impl Drop for Loaded {
    fn drop(&mut self) {
        self.budget.left.fetch_add(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: u64) -> Id {
        (Id::from(n) << 80 | Id::from(n)).rotate_left(2)
    }

    #[test]
    fn what_was_added_is_never_denied_and_little_else_is_let_through() {
        for count in [1, 50, 51, 52, 20_000] {
            let mut filter = Filter::new(count);
            (0..count).for_each(|n| filter.add(key(n)));
            let again = Filter::of(&filter.bytes().collect::<Vec<_>>());
            assert_eq!(filter.bytes().count() as u64, bytes_for(count));
            assert!((0..count).all(|n| filter.may_have(key(n)) && again.may_have(key(n))), "{count}");
            let wrong = (count..count + 20_000).filter(|&n| filter.may_have(key(n))).count();
            assert!(wrong < 500, "{count}: {wrong} of 20,000");
        }
        assert!(!Filter::new(0).may_have(7));
    }

    #[test]
    fn a_budget_is_never_passed_and_comes_back() {
        let budget = Budget::new(100);
        let load = |bytes| budget.load(bytes, || Ok::<_, ()>(Some(Filter::new(1)))).unwrap();
        let first = load(60);
        assert!(first.is_some() && load(60).is_none() && load(40).is_some());
        assert!(budget.load(40, || Err::<Option<Filter>, ()>(())).is_err());
        drop(first);
        assert!(load(100).is_some());
    }
}
