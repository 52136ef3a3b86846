//! The decision: may this command happen, and what is true afterwards?
//!
//! [`Ledger::apply`] checks a command against the state and, when nothing speaks against it, changes
//! the state and says which records to write. A refused command changes nothing at all. The state is
//! a function of the records alone: [`Ledger::replay`] rebuilds it from them, bit for bit.
//!
//! A plain leg costs two look-ups and two writes and does not allocate. An account takes at most 128
//! bytes, its share of the index included. Open holds are kept, finished transfers are not: the
//! caller looks those up through [`Prior`].

mod accounts;
mod audit;
mod holds;
mod meters;
mod repeat;
mod replay;
mod shelf;
mod snapshot;
mod transfers;

use std::collections::{BTreeMap, BTreeSet, HashMap};

pub use audit::{Discrepancy, Totals};
pub use holds::Hold;
pub use repeat::{Prior, Remembered};
pub use replay::{Fault, ReplayError};
pub use snapshot::BadSnapshot;

use crate::{Account, Body, Command, Id, Leg, LegOp, Nanos, PolicyVersion, Record, Refusal, Why};
use accounts::{Book, Origin, Slot};
use holds::OpenHold;
use meters::{Published, Tally};
use replay::Partial;
use shelf::{IdHashing, Shelf};
use transfers::Before;

/// The largest sum an account or a total may reach, so that every balance fits `i64`.
const MAX_SUM: u64 = i64::MAX as u64;

/// What came of a command that was not refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Applied {
    /// Sequence of the first record that answers the command.
    pub first: u64,
    /// How many adjacent records answer it.
    pub records: u16,
    /// Whether it had been done before; then nothing new was written.
    pub already: bool,
}

impl Applied {
    const fn already(first: u64) -> Self {
        Self { first, records: 1, already: true }
    }
}

/// Where a leg's accounts probably are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Looked {
    debit: u32,
    credit: u32,
}

impl Default for Looked {
    /// Nowhere.
    fn default() -> Self {
        Self { debit: u32::MAX, credit: u32::MAX }
    }
}

/// The ledger's whole state.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    next: u64,
    now: Nanos,
    accounts: Shelf<Slot>,
    /// By the accounts' slots: what opening them again is compared with.
    origins: Vec<Origin>,
    books: Vec<Book>,
    meters: Shelf<Tally>,
    policies: BTreeMap<u32, Vec<Published>>,
    holds: HashMap<Id, OpenHold, IdHashing>,
    /// Open holds that lapse, soonest first.
    due: BTreeSet<(Nanos, Id)>,
    /// What the present group changed, newest last; empty between commands.
    before: Vec<Before>,
    /// Where a replay stands inside a group; `None` between groups.
    partial: Option<Partial>,
}

impl Ledger {
    /// An empty ledger.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sequence that the next record will have; also the number of records so far.
    #[must_use]
    pub const fn next_seq(&self) -> u64 {
        self.next
    }

    /// Time of the last record; commands dated earlier are taken to happen now.
    #[must_use]
    pub const fn now(&self) -> Nanos {
        self.now
    }

    /// Does `cmd` at `at`, or says why not.
    ///
    /// The new records are pushed on `out`; a command that was already done pushes none. A clock
    /// that went back is overruled: `at` earlier than [`Ledger::now`] counts as now. `prior` must
    /// find every transfer record there is, those just pushed by earlier commands included.
    ///
    /// # Errors
    /// The lowest-numbered reason that applies to the first leg that fails. The ledger and `out` are
    /// then as they were.
    ///
    /// # Panics
    /// When the last record replayed was in the middle of a group (see [`Ledger::mid_group`]), or
    /// `prior` fails to find the record of an open hold: the caller's log is damaged, and going on
    /// could pay twice.
    pub fn apply(
        &mut self,
        cmd: &Command,
        at: Nanos,
        prior: &impl Prior,
        out: &mut Vec<Record>,
    ) -> Result<Applied, Refusal> {
        assert!(self.partial.is_none(), "the log ends inside a group");
        let at = at.max(self.now);
        match cmd {
            Command::Transfer(group) => self.transfer(&group.legs, &[], at, prior, out),
            Command::OpenAccount(account) => self.open_account(account, at, out),
            Command::ChangeAccount(change) => self.change_account(change, at, out),
            Command::PublishPolicy(version) => self.publish_policy(version, at, out),
            Command::SetMeter { meter, policy } => self.set_meter(*meter, *policy, at, out),
            Command::Note { kind, id, digest } => {
                ensure(is_name(*id), Why::IdInvalid)?;
                Ok(self.write(Body::Note { kind: *kind, id: *id, digest: *digest }, at, out))
            }
        }
    }

    /// [`Ledger::apply`] of a group whose legs lie in the caller's list, so that bulk work needs no
    /// list for each group. `looked` is what [`Ledger::look_ahead`] gave for these legs, or empty.
    ///
    /// # Errors
    /// As [`Ledger::apply`].
    ///
    /// # Panics
    /// As [`Ledger::apply`].
    pub fn apply_legs(
        &mut self,
        legs: &[Leg],
        looked: &[Looked],
        at: Nanos,
        prior: &impl Prior,
        out: &mut Vec<Record>,
    ) -> Result<Applied, Refusal> {
        assert!(self.partial.is_none(), "the log ends inside a group");
        self.transfer(legs, looked, at.max(self.now), prior, out)
    }

    /// Looks for what these legs will need, and decides nothing.
    ///
    /// One look-up after another waits for memory each time; made in a row, without anything that
    /// depends on the answer, their waits overlap. Useful for some dozens of legs at a time, whose
    /// accounts then lie in the processor's cache. What was found is only a hint, whatever happens
    /// before it is used.
    pub fn look_ahead(&self, legs: &[Leg], looked: &mut Vec<Looked>) {
        let named = |leg: &Leg| match leg.op {
            LegOp::Plain { debit, credit, .. } | LegOp::Hold { debit, credit, .. } => Some((debit, credit)),
            LegOp::Post { .. } | LegOp::Void { .. } | LegOp::Reverse { .. } => None,
        };
        for leg in legs {
            if let Some((debit, credit)) = named(leg) {
                self.accounts.warm_cell(debit);
                self.accounts.warm_cell(credit);
            }
            leg.meters.iter().filter(|&&meter| meter != 0).for_each(|&meter| self.meters.warm_cell(meter));
        }
        looked.clear();
        looked.extend(legs.iter().map(|leg| match named(leg) {
            Some((debit, credit)) => {
                Looked { debit: self.accounts.guess(debit), credit: self.accounts.guess(credit) }
            }
            None => Looked::default(),
        }));
        for (leg, looked) in legs.iter().zip(looked) {
            self.accounts.warm_place(looked.debit, |slot| slot.max);
            self.accounts.warm_place(looked.credit, |slot| slot.max);
            for &meter in leg.meters.iter().filter(|&&meter| meter != 0) {
                self.meters.warm_place(self.meters.guess(meter), |tally| tally.set);
            }
        }
    }

    /// [`Ledger::look_ahead`] for records that will be replayed.
    pub fn warm_records(&self, records: &[Record]) {
        for record in records {
            match &record.body {
                Body::Transfer(transfer) => {
                    self.accounts.warm_cell(transfer.debit);
                    self.accounts.warm_cell(transfer.credit);
                }
                Body::Terms { meters, .. } => meters.iter().for_each(|&meter| self.meters.warm_cell(meter)),
                _ => {}
            }
        }
        for record in records {
            match &record.body {
                Body::Transfer(transfer) => {
                    for account in [transfer.debit, transfer.credit] {
                        self.accounts.warm_place(self.accounts.guess(account), |slot| slot.max);
                    }
                }
                Body::Terms { meters, .. } => {
                    for &meter in meters {
                        self.meters.warm_place(self.meters.guess(meter), |tally| tally.set);
                    }
                }
                _ => {}
            }
        }
    }

    /// Writes one record and lets time move on to it.
    fn write(&mut self, body: Body, at: Nanos, out: &mut Vec<Record>) -> Applied {
        let seq = self.next;
        out.push(Record { seq, time: at, body });
        self.next += 1;
        self.now = at;
        Applied { first: seq, records: 1, already: false }
    }

    /// The account with this number.
    #[must_use]
    pub fn account(&self, id: Id) -> Option<Account> {
        self.accounts.find(id).map(|slot| self.view(&self.accounts[slot]))
    }

    /// All accounts, in the order they were opened.
    pub fn accounts(&self) -> impl ExactSizeIterator<Item = Account> {
        self.accounts.iter().map(|slot| self.view(slot))
    }

    /// All policy versions, by policy and version.
    pub fn policies(&self) -> impl Iterator<Item = PolicyVersion> {
        self.policies.values().flatten().map(|published| published.version)
    }
}

/// Whether `id` can name an account, a meter or a noted thing.
const fn is_name(id: Id) -> bool {
    id != 0 && id != Id::MAX
}

/// A refusal of a command without legs, unless `holds`.
const fn ensure(holds: bool, why: Why) -> Result<(), Refusal> {
    if holds { Ok(()) } else { Err(Refusal::new(why, 0)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_takes_at_most_128_bytes_with_its_share_of_the_index() {
        // Right after growing, 8 cells of 4 bytes serve 3 accounts.
        let three = 3 * (size_of::<Slot>() + size_of::<Origin>()) + 8 * 4;
        assert!(three <= 3 * 128, "{three} bytes for three accounts");
    }
}
