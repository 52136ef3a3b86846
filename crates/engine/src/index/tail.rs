//! The index of the newest records, in memory.
//!
//! A tail covers a fixed number of records from its base on. The applying thread adds to it, and any
//! thread looks into it at the same time without a lock: everything is written before the number of
//! records that a reader may see (the durable ones) grows past it. A reader says up to which record
//! it may see.
//!
//! * Ids: a table of cells of 4 bytes, half full at most, made at once, so that it never has to be
//!   made anew while money moves. A cell holds a place and some bits of the id's hash.
//! * Accounts: no table. Records stand in blocks of 1,024, each with a filter of 2 KiB that says
//!   which accounts it may name, so adding costs two bits in a filter that the processor holds near.
//!   A history looks at the filters from the newest block on, and into the blocks that may fit.
//!
//! 58 bytes a record: 48 for the numbers, 8 for the cells, 2 for the filter.

use std::hash::BuildHasher;
use std::sync::OnceLock;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicU32, AtomicU64};

use jialing_ledger::{Body, Id, Record};

use super::keyed::Keyed;
use super::run::{Kind, Pair};
use super::sort;

/// Records in a block.
const BLOCK: usize = 1024;
/// Pairs read in a row.
const TOGETHER: usize = 128;
/// Bits of a block's filter, as a power of two: eight for each account it can name.
const FILTER_BITS: u32 = 14;

/// A number of 128 bits that one thread writes and others read.
struct Numbers(Box<[AtomicU64]>);

impl Numbers {
    fn new(count: usize) -> Self {
        Self(words(2 * count))
    }

    fn get(&self, place: usize) -> Id {
        let (low, high) = (&self.0[2 * place], &self.0[2 * place + 1]);
        Id::from(low.load(Relaxed)) | Id::from(high.load(Relaxed)) << 64
    }

    fn set(&self, place: usize, number: Id) {
        self.0[2 * place].store(number as u64, Relaxed);
        self.0[2 * place + 1].store((number >> 64) as u64, Relaxed);
    }
}

fn words(count: usize) -> Box<[AtomicU64]> {
    (0..count).map(|_| AtomicU64::new(0)).collect()
}

/// What is known of some records: id, debited and credited account; zeros for what is no transfer.
struct Block {
    ids: Numbers,
    accounts: Numbers,
    filter: Box<[AtomicU64]>,
}

impl Block {
    fn new() -> Self {
        let filter = words(1 << (FILTER_BITS - 6));
        Self { ids: Numbers::new(BLOCK), accounts: Numbers::new(2 * BLOCK), filter }
    }

    /// The two bits of an account, as word and mask.
    fn bits(hash: u64) -> [(usize, u64); 2] {
        let bit = |part: u64| {
            let bit = part as usize & ((1 << FILTER_BITS) - 1);
            (bit >> 6, 1 << (bit & 63))
        };
        [bit(hash), bit(hash >> 32)]
    }

    fn mark(&self, hash: u64) {
        for (word, mask) in Self::bits(hash) {
            let word = &self.filter[word];
            // Only one thread writes, so nothing comes between.
            word.store(word.load(Relaxed) | mask, Relaxed);
        }
    }

    fn may_name(&self, hash: u64) -> bool {
        Self::bits(hash).into_iter().all(|(word, mask)| self.filter[word].load(Relaxed) & mask != 0)
    }
}

/// The index of some records in a row.
pub(crate) struct Tail {
    /// First sequence number covered.
    pub(crate) base: u64,
    capacity: usize,
    keyed: Keyed,
    filled: AtomicU64,
    cells: Box<[AtomicU32]>,
    blocks: Box<[OnceLock<Box<Block>>]>,
    /// The highest sort key of an id, for the writer alone.
    top: Numbers,
}

impl Tail {
    /// Nothing yet, with room for `capacity` records from `base` on.
    pub(crate) fn new(base: u64, capacity: usize) -> Self {
        let capacity = capacity.clamp(1, 1 << 30);
        let cells = (0..(2 * capacity).next_power_of_two()).map(|_| AtomicU32::new(0)).collect();
        let blocks = (0..capacity.div_ceil(BLOCK)).map(|_| OnceLock::new()).collect();
        let top = Numbers::new(1);
        Self { base, capacity, keyed: Keyed::default(), filled: AtomicU64::new(0), cells, blocks, top }
    }

    /// The same memory for other records, with nothing in it.
    pub(crate) fn emptied(mut self) -> Self {
        self.cells.iter_mut().for_each(|cell| *cell.get_mut() = 0);
        for block in self.blocks.iter_mut().filter_map(OnceLock::get_mut) {
            block.filter.iter_mut().for_each(|word| *word.get_mut() = 0);
        }
        self.filled = AtomicU64::new(0);
        self.top.set(0, 0);
        self
    }

    /// The same, still empty, from another base on.
    pub(crate) fn from(self, base: u64) -> Self {
        debug_assert_eq!(self.filled.load(Relaxed), 0, "nothing is in it");
        Self { base, ..self }
    }

    /// The sequence number after the last record added.
    pub(crate) fn end(&self) -> u64 {
        self.base + self.filled.load(Acquire)
    }

    pub(crate) fn is_full(&self) -> bool {
        self.filled.load(Relaxed) == self.capacity as u64
    }

    /// Adds the next record. Only one thread may add.
    pub(crate) fn add(&self, record: &Record) {
        let filled = self.filled.load(Relaxed);
        assert_eq!(record.seq, self.base + filled, "records come in order");
        let place = filled as usize;
        let block = self.blocks[place / BLOCK].get_or_init(|| Box::new(Block::new()));
        let (id, accounts) = match &record.body {
            Body::Transfer(transfer) => (transfer.id, [transfer.debit, transfer.credit]),
            _ => (0, [0, 0]),
        };
        let within = place % BLOCK;
        block.ids.set(within, id);
        for (side, account) in accounts.into_iter().enumerate() {
            block.accounts.set(2 * within + side, account);
            if account != 0 {
                block.mark(self.keyed.hash_one(account));
            }
        }
        if id != 0 {
            let (cell, tag) = self.probe(id).1;
            self.cells[cell].store(tag | (place + 1) as u32, Release);
            let key = Kind::Ids.key(id);
            if key > self.top.get(0) {
                self.top.set(0, key);
            }
        }
        self.filled.store(filled + 1, Release);
    }

    /// Whether an id with this sort key sorts after all there are, so that it is not here. For the
    /// thread that adds.
    pub(crate) fn is_above(&self, key: Id) -> bool {
        key > self.top.get(0)
    }

    /// Where the transfer with this id is, below `limit`.
    pub(crate) fn find(&self, id: Id, limit: u64) -> Option<u64> {
        let place = self.probe(id).0?;
        let seq = self.base + u64::from(place);
        (seq < limit).then_some(seq)
    }

    /// Reads the cell where a look-up of this id begins, so that it lies in the cache.
    pub(crate) fn warm(&self, id: Id) {
        let cell = self.keyed.hash_one(id) as usize & (self.cells.len() - 1);
        std::hint::black_box(self.cells[cell].load(Relaxed));
    }

    /// The place of `id`, if it is here; and the cell where it is or belongs, with the cell's tag.
    fn probe(&self, id: Id) -> (Option<u32>, (usize, u32)) {
        let mask = self.cells.len() - 1;
        let hash = self.keyed.hash_one(id);
        let tag = (hash >> 32) as u32 & !(mask as u32);
        let mut cell = hash as usize & mask;
        loop {
            let entry = self.cells[cell].load(Acquire);
            if entry == 0 {
                return (None, (cell, tag));
            }
            let place = (entry & mask as u32) - 1;
            if entry & !(mask as u32) == tag && self.id(place as usize) == id {
                return (Some(place), (cell, tag));
            }
            cell = (cell + 1) & mask;
        }
    }

    fn id(&self, place: usize) -> Id {
        self.blocks[place / BLOCK].get().map_or(0, |block| block.ids.get(place % BLOCK))
    }

    fn account(&self, posting: usize) -> Id {
        let within = posting % (2 * BLOCK);
        self.blocks[posting / (2 * BLOCK)].get().map_or(0, |block| block.accounts.get(within))
    }

    /// The account's transfers below `before`, newest first, until `found` has `limit`.
    pub(crate) fn history(&self, account: Id, before: u64, limit: usize, found: &mut Vec<u64>) {
        let mut end = before.min(self.end()).saturating_sub(self.base) as usize;
        let hash = self.keyed.hash_one(account);
        while end > 0 && found.len() < limit {
            let place = (end - 1) / BLOCK;
            let first = place * BLOCK;
            let block = self.blocks[place].get().filter(|block| block.may_name(hash));
            if let Some(block) = block {
                let names =
                    |within: &usize| (0..2).any(|side| block.accounts.get(2 * within + side) == account);
                let room = limit - found.len();
                let within = (0..end - first).rev().filter(names).take(room);
                found.extend(within.map(|within| self.base + (first + within) as u64));
            }
            end = first;
        }
    }

    /// Gives all pairs of a kind in order.
    pub(crate) fn pairs<E>(&self, kind: Kind, give: impl FnMut(Pair) -> Result<(), E>) -> Result<(), E> {
        let filled = self.filled.load(Acquire) as u32;
        match kind {
            Kind::Ids => self.in_order(filled, 1, |place| kind.key(self.id(place as usize)), give),
            Kind::Accounts => {
                self.in_order(2 * filled, 2, |posting| kind.key(self.account(posting as usize)), give)
            }
        }
    }

    fn in_order<E>(
        &self,
        count: u32,
        per_record: u64,
        key: impl Fn(u32) -> Id,
        mut give: impl FnMut(Pair) -> Result<(), E>,
    ) -> Result<(), E> {
        let order = sort::order(count, &key);
        let mut pairs = [(0, 0); TOGETHER];
        for places in order.chunks(TOGETHER) {
            // The places lie all over the memory: read in a row, with nothing between that depends on
            // them, their waits overlap.
            for (pair, &place) in pairs.iter_mut().zip(places) {
                *pair = (key(place), self.base + u64::from(place) / per_record);
            }
            // What is no transfer has zeros here, which is nobody's number.
            pairs[..places.len()].iter().filter(|pair| pair.0 != 0).try_for_each(|&pair| give(pair))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jialing_ledger::{Op, Transfer};

    fn transfer(seq: u64, id: Id, debit: Id, credit: Id) -> Record {
        let transfer = Transfer {
            id,
            op: Op::Plain,
            kind: 1,
            debit,
            credit,
            amount: 1,
            debit_balance: 0,
            credit_balance: 0,
            link: [0; 24],
            leg: 0,
            legs: 1,
            has_terms: false,
        };
        Record { seq, time: seq, body: Body::Transfer(transfer) }
    }

    /// 5,000 transfers and notes from record 100 on: account 7 in two of three, others once each.
    fn filled() -> (Tail, Vec<Record>) {
        let tail = Tail::new(100, 6000);
        let records: Vec<Record> = (100..5100)
            .map(|seq| match seq % 10 {
                9 => Record { seq, time: seq, body: Body::Note { kind: 1, id: 5, digest: [0; 32] } },
                n => transfer(seq, Id::from(seq) << 70, if n % 3 == 0 { 8 } else { 7 }, Id::from(seq) + 10),
            })
            .collect();
        records.iter().for_each(|record| tail.add(record));
        (tail, records)
    }

    fn plain_history(records: &[Record], account: Id, before: u64, limit: usize) -> Vec<u64> {
        let names =
            |r: &&Record| matches!(r.body, Body::Transfer(t) if t.debit == account || t.credit == account);
        let below = |r: &&Record| r.seq < before;
        records.iter().rev().filter(names).filter(below).take(limit).map(|r| r.seq).collect()
    }

    #[test]
    fn every_page_of_a_history_is_that_of_a_plain_list() {
        let (tail, records) = filled();
        for account in [7, 8, 9, 1234, 4000, 5099 + 10, 77_777] {
            for before in (0..5300).step_by(97).chain([u64::MAX]) {
                for limit in [1, 10, 5000] {
                    let mut found = Vec::new();
                    tail.history(account, before, limit, &mut found);
                    let expected = plain_history(&records, account, before, limit);
                    assert_eq!(found, expected, "{account} before {before}, {limit}");
                }
            }
        }
    }

    #[test]
    fn an_id_is_found_below_the_limit_and_nowhere_else() {
        let (tail, _) = filled();
        assert_eq!(tail.find(100 << 70, u64::MAX), Some(100));
        assert_eq!(tail.find(100 << 70, 101), Some(100));
        assert_eq!(tail.find(100 << 70, 100), None);
        assert_eq!(tail.find(109 << 70, u64::MAX), None, "a note");
        assert_eq!(tail.find(7, u64::MAX), None);
        assert!(tail.is_above(Kind::Ids.key(6000 << 70)) && !tail.is_above(Kind::Ids.key(5000 << 70)));
    }

    #[test]
    fn pairs_come_in_order_and_none_is_missing() {
        let (tail, records) = filled();
        for kind in [Kind::Ids, Kind::Accounts] {
            let mut expected: Vec<Pair> = records
                .iter()
                .filter_map(|r| match r.body {
                    Body::Transfer(t) => Some((t, r.seq)),
                    _ => None,
                })
                .flat_map(|(t, seq)| match kind {
                    Kind::Ids => vec![(kind.key(t.id), seq)],
                    Kind::Accounts => vec![(t.debit, seq), (t.credit, seq)],
                })
                .collect();
            expected.sort_unstable();
            let mut found = Vec::new();
            let taken = tail.pairs(kind, |pair| {
                found.push(pair);
                Ok::<(), ()>(())
            });
            taken.unwrap();
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn emptied_memory_serves_other_records() {
        let (tail, _) = filled();
        let tail = tail.emptied().from(9000);
        assert_eq!((tail.end(), tail.find(100 << 70, u64::MAX)), (9000, None));
        tail.add(&transfer(9000, 3, 7, 9));
        let mut found = Vec::new();
        tail.history(7, u64::MAX, 10, &mut found);
        assert_eq!((found, tail.find(3, u64::MAX)), (vec![9000], Some(9000)));
    }
}
