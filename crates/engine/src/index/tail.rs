//! The index of one segment in memory: ids, and each account's transfers newest first.
//!
//! An account's transfers are a chain through one dense list; each link also jumps far back, so that
//! a position deep in a hot account's chain is found in a logarithmic number of steps. 16 bytes per
//! posting, and the two maps.

use std::collections::HashMap;

use jialing_ledger::{Body, Id, Record};

use super::keyed::Keyed;

const NONE: u32 = u32::MAX;

#[derive(Clone, Copy)]
struct Link {
    /// The transfer, counted from the segment's base.
    offset: u32,
    previous: u32,
    jump: u32,
    depth: u32,
}

/// The index of one segment's transfers.
#[derive(Default)]
pub(crate) struct Tail {
    /// First sequence number covered.
    pub(crate) base: u64,
    /// The sequence number after the last covered.
    pub(crate) end: u64,
    ids: HashMap<Id, u32, Keyed>,
    newest: HashMap<Id, u32, Keyed>,
    links: Vec<Link>,
}

impl Tail {
    /// Nothing yet, from `base` on.
    pub(crate) fn new(base: u64) -> Self {
        Self { base, end: base, ..Self::default() }
    }

    /// Adds the next record.
    pub(crate) fn add(&mut self, record: &Record) {
        debug_assert_eq!(record.seq, self.end, "records come in order");
        self.end = record.seq + 1;
        let Body::Transfer(transfer) = &record.body else { return };
        let offset = u32::try_from(record.seq - self.base).expect("a segment has fewer than 2^32 records");
        self.ids.insert(transfer.id, offset);
        for account in [transfer.debit, transfer.credit] {
            let newest = self.newest.entry(account).or_insert(NONE);
            let link = next_link(&self.links, offset, *newest);
            *newest = self.links.len() as u32;
            self.links.push(link);
        }
    }

    /// Where the transfer with this id is.
    pub(crate) fn find(&self, id: Id) -> Option<u64> {
        self.ids.get(&id).map(|&offset| self.base + u64::from(offset))
    }

    /// The account's transfers below `before`, newest first, until `found` has `limit`.
    pub(crate) fn history(&self, account: Id, before: u64, limit: usize, found: &mut Vec<u64>) {
        let Some(&newest) = self.newest.get(&account) else { return };
        let mut at = self.skip(newest, before);
        while at != NONE && found.len() < limit {
            let link = self.links[at as usize];
            found.push(self.base + u64::from(link.offset));
            at = link.previous;
        }
    }

    /// The newest link of the chain that lies below `before`.
    fn skip(&self, mut at: u32, before: u64) -> u32 {
        let too_new = |at: u32| at != NONE && self.base + u64::from(self.links[at as usize].offset) >= before;
        while too_new(at) {
            let link = self.links[at as usize];
            at = if too_new(link.jump) { link.jump } else { link.previous };
        }
        at
    }

    /// All ids with their sequence numbers, in no order.
    pub(crate) fn ids(&self) -> Vec<(Id, u64)> {
        self.ids.iter().map(|(&id, &offset)| (id, self.base + u64::from(offset))).collect()
    }

    /// All postings as account and sequence number, in no order.
    pub(crate) fn postings(&self) -> Vec<(Id, u64)> {
        let mut found = Vec::with_capacity(self.links.len());
        for (&account, &newest) in &self.newest {
            let mut at = newest;
            while at != NONE {
                let link = self.links[at as usize];
                found.push((account, self.base + u64::from(link.offset)));
                at = link.previous;
            }
        }
        found
    }
}

/// A link before `previous`, with a jump as in a skew-binary list.
fn next_link(links: &[Link], offset: u32, previous: u32) -> Link {
    if previous == NONE {
        return Link { offset, previous, jump: NONE, depth: 0 };
    }
    let depth_of = |at: u32| if at == NONE { 0 } else { links[at as usize].depth + 1 };
    let last = links[previous as usize];
    let further = if last.jump == NONE { NONE } else { links[last.jump as usize].jump };
    let even = depth_of(previous) - depth_of(last.jump) == depth_of(last.jump) - depth_of(further);
    let jump = if even && last.jump != NONE { further } else { previous };
    Link { offset, previous, jump, depth: last.depth + 1 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jialing_ledger::{Op, Transfer};

    fn transfer(seq: u64, debit: Id, credit: Id) -> Record {
        let transfer = Transfer {
            id: Id::from(seq) + 1,
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

    #[test]
    fn a_chain_gives_every_page_of_a_hot_account_as_a_plain_list_would() {
        let mut tail = Tail::new(100);
        let mut plain = Vec::new();
        for seq in 100..1100 {
            let hot = seq % 3 != 0;
            tail.add(&transfer(seq, if hot { 7 } else { 8 }, Id::from(seq)));
            if hot {
                plain.push(seq);
            }
        }
        for before in (95..1105).step_by(7).chain([u64::MAX]) {
            let expected: Vec<u64> =
                plain.iter().rev().copied().filter(|&seq| seq < before).take(10).collect();
            let mut found = Vec::new();
            tail.history(7, before, 10, &mut found);
            assert_eq!(found, expected, "before {before}");
        }
    }

    #[test]
    fn finding_a_place_deep_in_a_chain_takes_few_steps() {
        let mut links: Vec<Link> = Vec::new();
        for offset in 0..100_000u32 {
            let previous = if offset == 0 { NONE } else { offset - 1 };
            links.push(next_link(&links, offset, previous));
        }
        for target in [0u32, 1, 77, 50_000, 99_998] {
            let (mut at, mut steps) = (99_999u32, 0);
            while links[at as usize].offset > target {
                let link = links[at as usize];
                let jump_fits = link.jump != NONE && links[link.jump as usize].offset >= target;
                at = if jump_fits { link.jump } else { link.previous };
                steps += 1;
            }
            assert!(steps <= 60, "{steps} steps to {target}");
        }
    }
}
