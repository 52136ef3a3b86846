//! Open holds, and their lapse.

use super::transfers::Move;
use super::{Ledger, meters::NO_METER};
use crate::command::MAX_METERS;
use crate::record::link_to;
use crate::{Id, Nanos, Op, Record, expiry_id};

/// Money set aside and not yet posted, voided or expired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hold {
    /// The hold's id.
    pub id: Id,
    /// From.
    pub debit: Id,
    /// To.
    pub credit: Id,
    /// Minor units.
    pub amount: u64,
    /// When it lapses; 0 for never.
    pub expires: Nanos,
    /// When it was made, and its meters charged.
    pub at: Nanos,
    /// The platform's kind.
    pub kind: u16,
    /// The meters charged, 0 for none.
    pub meters: [Id; MAX_METERS],
}

/// A hold as it is kept: places instead of numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OpenHold {
    pub(super) debit: u32,
    pub(super) credit: u32,
    pub(super) amount: u64,
    pub(super) expires: Nanos,
    pub(super) at: Nanos,
    pub(super) meters: [u32; MAX_METERS],
    pub(super) kind: u16,
}

impl OpenHold {
    /// Whether its time has come, so that it can only lapse.
    pub(super) const fn is_due(&self, at: Nanos) -> bool {
        self.expires != 0 && self.expires <= at
    }
}

impl Ledger {
    /// The open hold with this id.
    #[must_use]
    pub fn hold(&self, id: Id) -> Option<Hold> {
        self.holds.get(&id).map(|hold| self.show(id, hold))
    }

    /// All open holds, by id. Sorts them first.
    pub fn holds(&self) -> impl ExactSizeIterator<Item = Hold> {
        self.sorted_holds().into_iter().map(|(id, hold)| self.show(id, hold))
    }

    /// When the next hold lapses.
    #[must_use]
    pub fn next_expiry(&self) -> Option<Nanos> {
        self.due.first().map(|&(expires, _)| expires)
    }

    /// Lapses every hold whose time has come at `at`, in order of expiry and then id, and says how
    /// many. Call it before each batch with the batch's time: a hold that is due can no longer be
    /// posted or voided, but its money stays set aside until it is lapsed here.
    ///
    /// # Panics
    /// When the last record replayed was in the middle of a group.
    pub fn expire(&mut self, at: Nanos, out: &mut Vec<Record>) -> usize {
        assert!(self.partial.is_none(), "the log ends inside a group");
        let at = at.max(self.now);
        let start = out.len();
        while let Some(&(expires, id)) = self.due.first()
            && expires <= at
        {
            let hold = self.holds[&id];
            let lapse = Move {
                id: expiry_id(id),
                op: Op::Expire,
                kind: hold.kind,
                debit: hold.debit,
                credit: hold.credit,
                amount: hold.amount,
                target: id,
                link: link_to(id),
                meters: [NO_METER; MAX_METERS],
                expires: 0,
            };
            self.perform(&lapse, at);
            let body = self.body(&lapse, 0, 1);
            self.write(body, at, out);
        }
        out.len() - start
    }

    pub(super) fn sorted_holds(&self) -> Vec<(Id, &OpenHold)> {
        let mut holds: Vec<_> = self.holds.iter().map(|(&id, hold)| (id, hold)).collect();
        holds.sort_unstable_by_key(|&(id, _)| id);
        holds
    }

    fn show(&self, id: Id, hold: &OpenHold) -> Hold {
        Hold {
            id,
            debit: self.accounts[hold.debit].id,
            credit: self.accounts[hold.credit].id,
            amount: hold.amount,
            expires: hold.expires,
            at: hold.at,
            kind: hold.kind,
            meters: hold.meters.map(|place| if place == NO_METER { 0 } else { self.meters[place].meter.id }),
        }
    }

    /// Sets money aside on both sides.
    pub(super) fn set_aside(&mut self, id: Id, hold: OpenHold) {
        self.accounts[hold.debit].debits_held += hold.amount;
        self.accounts[hold.credit].credits_held += hold.amount;
        let book = self.accounts[hold.debit].book;
        self.books[book as usize].held += hold.amount;
        self.keep(id, hold);
    }

    /// Takes a hold off both sides. It is open: the caller has looked.
    pub(super) fn release(&mut self, id: Id) -> OpenHold {
        let hold = self.drop_hold(id);
        self.accounts[hold.debit].debits_held -= hold.amount;
        self.accounts[hold.credit].credits_held -= hold.amount;
        let book = self.accounts[hold.debit].book;
        self.books[book as usize].held -= hold.amount;
        hold
    }

    pub(super) fn keep(&mut self, id: Id, hold: OpenHold) {
        let earlier = self.holds.insert(id, hold);
        assert!(earlier.is_none(), "the record of an open hold was not found");
        if hold.expires != 0 {
            self.due.insert((hold.expires, id));
        }
    }

    pub(super) fn drop_hold(&mut self, id: Id) -> OpenHold {
        let hold = self.holds.remove(&id).expect("only an open hold is released");
        if hold.expires != 0 {
            let was_due = self.due.remove(&(hold.expires, id));
            assert!(was_due, "a hold that lapses is in the order of lapsing");
        }
        hold
    }
}
