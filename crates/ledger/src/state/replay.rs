//! Rebuilding the state from records alone.
//!
//! Replay does not decide again: a record is a fact. It checks that the fact is possible in the state
//! so far (accounts exist, holds are open, limits and freezes were kept, balances come out as
//! recorded) and then brings the state to where [`Ledger::apply`] left it. What needs the whole
//! history is checked by [`Ledger::replay_with`]: that no transfer id occurs twice, and that a
//! reversal moves back what its target moved.

use core::fmt;

use super::accounts::are_limits;
use super::meters::{NO_METER, follows};
use super::transfers::Move;
use super::{Ledger, Prior};
use crate::command::{MAX_AMOUNT, MAX_LEGS, MAX_METERS};
use crate::{AccountKind, Body, Freeze, Id, NewAccount, Op, PolicyVersion, Record, Transfer};
use crate::{expiry_id, is_transfer_id, reversal_id};

/// A record that cannot follow the ones before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplayError {
    /// The sequence that was due.
    pub seq: u64,
    /// What is wrong.
    pub fault: Fault,
}

/// What is wrong with a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It has another sequence than the one due.
    Sequence(u64),
    /// It is dated before the record ahead of it.
    TimeWentBack,
    /// It does not fit into the group around it, or its terms are missing or idle.
    Group,
    /// An id is not one that this kind of record can have.
    Id(Id),
    /// The account, meter or policy was set up before, or differently.
    Existing(Id),
    /// The account, meter, policy or hold is not there.
    Missing(Id),
    /// A field cannot have this value in this state; its name.
    Field(&'static str),
    /// A balance after is not the one recorded.
    Balance {
        /** The account. */
        account: Id,
        /** As replayed. */
        replayed: i64,
        /** As recorded. */
        recorded: i64,
    },
    /// The account was frozen or closed.
    Stopped(Id),
    /// A limit of the account or meter was passed.
    Limit(Id),
}

impl core::error::Error for ReplayError {}

impl fmt::Display for ReplayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "record {}: ", self.seq)?;
        match self.fault {
            Fault::Sequence(found) => write!(f, "its sequence is {found}"),
            Fault::TimeWentBack => write!(f, "it is dated before the record ahead of it"),
            Fault::Group => write!(f, "it does not fit into its group"),
            Fault::Id(id) => write!(f, "{id:032x} is not an id it can have"),
            Fault::Existing(id) => write!(f, "{id:032x} was set up before"),
            Fault::Missing(id) => write!(f, "{id:032x} is not there"),
            Fault::Field(field) => write!(f, "{field} cannot have its value"),
            Fault::Balance { account, replayed, recorded } => {
                write!(f, "account {account:032x} has {replayed} after it, not the recorded {recorded}")
            }
            Fault::Stopped(id) => write!(f, "account {id:032x} was frozen or closed"),
            Fault::Limit(id) => write!(f, "a limit of {id:032x} was passed"),
        }
    }
}

/// Where a replay stands inside a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Partial {
    /// The leg due.
    leg: u8,
    /// Legs in the group; 0 while only the first leg's terms have been seen.
    legs: u8,
    /// Terms waiting for their transfer.
    terms: Option<([Id; MAX_METERS], u64)>,
}

impl Ledger {
    /// Whether the last record replayed leaves a group unfinished. No command may be applied and no
    /// snapshot taken then; the rest of the group must follow.
    #[must_use]
    pub const fn mid_group(&self) -> bool {
        self.partial.is_some()
    }

    /// Brings the state to where it was after this record was first written.
    ///
    /// # Errors
    /// The first reason why the record cannot follow; the ledger is then as it was.
    pub fn replay(&mut self, record: &Record) -> Result<(), ReplayError> {
        self.replay_body(record).map_err(|fault| ReplayError { seq: self.next, fault })?;
        self.next += 1;
        self.now = record.time;
        Ok(())
    }

    /// Replays a record and also checks what needs the whole history: that no transfer id occurs
    /// twice, and that a reversal moves back just what its target moved. `prior` knows the records
    /// before this one.
    ///
    /// # Errors
    /// As for [`Ledger::replay`].
    pub fn replay_with(&mut self, record: &Record, prior: &impl Prior) -> Result<(), ReplayError> {
        if let Body::Transfer(transfer) = &record.body {
            check_history(transfer, prior).map_err(|fault| ReplayError { seq: self.next, fault })?;
        }
        self.replay(record)
    }

    fn replay_body(&mut self, record: &Record) -> Result<(), Fault> {
        require(record.seq == self.next, Fault::Sequence(record.seq))?;
        require(record.time >= self.now, Fault::TimeWentBack)?;
        let in_group = matches!(record.body, Body::Terms { .. } | Body::Transfer(_));
        require(self.partial.is_none() || (in_group && record.time == self.now), Fault::Group)?;
        match record.body {
            Body::AccountOpened { id, currency, kind, holder, min, max } => {
                self.replay_opening(&NewAccount { id, currency, kind, holder, min, max })
            }
            Body::AccountChanged { .. } => self.replay_change(&record.body),
            Body::PolicyPublished { policy, version, from, bounds } => {
                let version = PolicyVersion { policy, version, from, bounds };
                let versions = self.policies.get(&policy).map_or(&[][..], Vec::as_slice);
                require(follows(&version, versions), Fault::Existing(Id::from(policy)))?;
                self.put_policy(version, self.next);
                Ok(())
            }
            Body::MeterSet { meter, policy } => {
                require(super::is_name(meter), Fault::Id(meter))?;
                require(self.policies.contains_key(&policy), Fault::Missing(Id::from(policy)))?;
                let unchanged = self.meter(meter).is_some_and(|known| known.policy == policy);
                require(!unchanged, Fault::Existing(meter))?;
                self.put_meter(meter, policy, self.next);
                Ok(())
            }
            Body::Note { id, .. } => require(super::is_name(id), Fault::Id(id)),
            Body::Terms { meters, expires } => {
                let partial = self.partial.unwrap_or(Partial { leg: 0, legs: 0, terms: None });
                let idle = meters == [0; MAX_METERS] && expires == 0;
                require(partial.terms.is_none() && !idle, Fault::Group)?;
                self.partial = Some(Partial { terms: Some((meters, expires)), ..partial });
                Ok(())
            }
            Body::Transfer(transfer) => self.replay_transfer(&transfer, record.time),
        }
    }

    fn replay_opening(&mut self, new: &NewAccount) -> Result<(), Fault> {
        require(super::is_name(new.id), Fault::Id(new.id))?;
        require(self.accounts.find(new.id).is_none(), Fault::Existing(new.id))?;
        let spans_zero = new.min <= 0 && new.max >= 0;
        require(spans_zero && are_limits(new.kind, new.min, new.max), Fault::Field("min"))?;
        require(self.accounts.has_room(), Fault::Field("id"))?;
        self.put_account(new, self.next);
        Ok(())
    }

    fn replay_change(&mut self, body: &Body) -> Result<(), Fault> {
        let Body::AccountChanged { id, min, max, debit_frozen, credit_frozen, closed, balance } = *body
        else {
            return Err(Fault::Group);
        };
        let place = self.accounts.find(id).ok_or(Fault::Missing(id))?;
        let slot = self.accounts[place];
        require(!slot.closed, Fault::Stopped(id))?;
        require(are_limits(slot.kind, min, max), Fault::Field("min"))?;
        require(!closed || slot.is_empty(), Fault::Field("closed"))?;
        same_balance(id, slot.balance(), balance)?;
        let freeze = Freeze { debit: debit_frozen, credit: credit_frozen };
        let after = super::Slot { min, max, freeze, closed, ..slot };
        require(after != slot, Fault::Existing(id))?;
        self.accounts[place] = after;
        self.origins[place as usize].changed = self.next;
        Ok(())
    }

    fn replay_transfer(&mut self, transfer: &Transfer, at: u64) -> Result<(), Fault> {
        let terms = self.replay_place(transfer)?;
        let step = self.replay_step(transfer, terms, at)?;
        let moved = if transfer.op.moves() { i128::from(transfer.amount) } else { 0 };
        let after = |place: u32, change: i128| i128::from(self.accounts[place].balance()) + change;
        same_balance(transfer.debit, after(step.debit, -moved) as i64, transfer.debit_balance)?;
        same_balance(transfer.credit, after(step.credit, moved) as i64, transfer.credit_balance)?;
        self.perform(&step, at);
        let done = transfer.leg + 1 == transfer.legs;
        self.partial = (!done).then_some(Partial { leg: transfer.leg + 1, legs: transfer.legs, terms: None });
        Ok(())
    }

    /// Checks the record's place in its group, and takes its terms.
    fn replay_place(&self, transfer: &Transfer) -> Result<([Id; MAX_METERS], u64), Fault> {
        let partial = self.partial.unwrap_or(Partial { leg: 0, legs: 0, terms: None });
        let legs = if partial.legs == 0 { transfer.legs } else { partial.legs };
        let fits = transfer.leg == partial.leg
            && transfer.legs == legs
            && transfer.leg < legs
            && usize::from(legs) <= MAX_LEGS
            && transfer.has_terms == partial.terms.is_some()
            && (!transfer.has_terms || matches!(transfer.op, Op::Plain | Op::Hold))
            && (transfer.op != Op::Expire || legs == 1);
        require(fits, Fault::Group)?;
        Ok(partial.terms.unwrap_or(([0; MAX_METERS], 0)))
    }

    /// What the record did, if it is possible in this state.
    fn replay_step(
        &self,
        transfer: &Transfer,
        (meters, expires): ([Id; MAX_METERS], u64),
        at: u64,
    ) -> Result<Move, Fault> {
        let &Transfer { id, op, amount, .. } = transfer;
        let target = transfer.target().unwrap_or(0);
        let id_fits = match op {
            Op::Plain | Op::Hold | Op::Post | Op::Void => is_transfer_id(id),
            Op::Expire => is_transfer_id(target) && id == expiry_id(target),
            Op::Reverse => is_transfer_id(target) && id == reversal_id(target),
        };
        require(id_fits, Fault::Id(id))?;
        require(target == 0 || transfer.link[16..] == [0; 8], Fault::Field("link"))?;
        require(amount > 0 && amount <= MAX_AMOUNT, Fault::Field("amount"))?;
        let debit = self.accounts.find(transfer.debit).ok_or(Fault::Missing(transfer.debit))?;
        let credit = self.accounts.find(transfer.credit).ok_or(Fault::Missing(transfer.credit))?;
        let same_book = self.accounts[debit].book == self.accounts[credit].book;
        require(debit != credit && same_book, Fault::Field("credit"))?;
        match op {
            Op::Plain | Op::Hold => {
                require(!self.holds.contains_key(&id), Fault::Existing(id))?;
                require(expires == 0 || (op == Op::Hold && expires > at), Fault::Field("expires"))?;
            }
            Op::Post | Op::Void | Op::Expire => self.replay_on_hold(transfer, target, debit, credit, at)?,
            Op::Reverse => {}
        }
        if !matches!(op, Op::Void | Op::Expire) {
            self.replay_limits(op, debit, credit, amount)?;
        }
        let meters = self.replay_charge(&meters, amount, at)?;
        let &Transfer { kind, link, .. } = transfer;
        Ok(Move { id, op, kind, debit, credit, amount, target, link, meters, expires })
    }

    fn replay_on_hold(
        &self,
        transfer: &Transfer,
        target: Id,
        debit: u32,
        credit: u32,
        at: u64,
    ) -> Result<(), Fault> {
        let hold = self.holds.get(&target).ok_or(Fault::Missing(target))?;
        require(hold.debit == debit, Fault::Field("debit"))?;
        require(hold.credit == credit, Fault::Field("credit"))?;
        let whole = transfer.amount == hold.amount;
        let part = transfer.op == Op::Post && transfer.amount < hold.amount;
        require(whole || part, Fault::Field("amount"))?;
        require(hold.is_due(at) == (transfer.op == Op::Expire), Fault::Field("time"))?;
        require(transfer.op != Op::Expire || transfer.kind == hold.kind, Fault::Field("kind"))
    }

    /// Freezes and limits, as conditions on what is true after the record.
    fn replay_limits(&self, op: Op, debit: u32, credit: u32, amount: u64) -> Result<(), Fault> {
        let (from, to) = (&self.accounts[debit], &self.accounts[credit]);
        require(!from.freeze.debit && !from.closed, Fault::Stopped(from.id))?;
        require(!to.freeze.credit && !to.closed, Fault::Stopped(to.id))?;
        let amount = i128::from(amount);
        let [debits, debits_held, credits, credits_held] =
            [from.debits, from.debits_held, to.credits, to.credits_held].map(i128::from);
        let (leaving, arriving) = if op == Op::Post { (0, 0) } else { (debits_held, credits_held) };
        let low = i128::from(from.credits) - debits - leaving - amount;
        let high = credits - i128::from(to.debits) + arriving + amount;
        require(low >= i128::from(from.min), Fault::Limit(from.id))?;
        require(high <= i128::from(to.max), Fault::Limit(to.id))?;
        let most = i128::from(i64::MAX);
        let grown = if op == Op::Post { 0 } else { amount };
        require(debits + debits_held + grown <= most, Fault::Limit(from.id))?;
        require(credits + credits_held + grown <= most, Fault::Limit(to.id))?;
        let book = &self.books[from.book as usize];
        let total = match op {
            Op::Hold => i128::from(book.held),
            _ if from.kind == AccountKind::Issuance => i128::from(book.issued),
            _ => 0,
        };
        require(total + amount <= most, Fault::Limit(from.id))
    }

    fn replay_charge(
        &self,
        meters: &[Id; MAX_METERS],
        amount: u64,
        at: u64,
    ) -> Result<[u32; MAX_METERS], Fault> {
        let mut places = [NO_METER; MAX_METERS];
        for (place, &meter) in places.iter_mut().zip(meters).filter(|&(_, &meter)| meter != 0) {
            *place = self.meters.find(meter).ok_or(Fault::Missing(meter))?;
            let charged = &self.meters[*place].meter;
            let left = charged.allowance(self.policy(charged.policy, at), at);
            require(amount <= left.largest(), Fault::Limit(meter))?;
            let room = left.meter.year_amount.checked_add(amount).is_some();
            require(room, Fault::Limit(meter))?;
        }
        let named = meters.iter().filter(|&&meter| meter != 0);
        let twice = named.clone().any(|a| named.clone().filter(|&b| a == b).count() > 1);
        require(!twice, Fault::Field("meters"))?;
        Ok(places)
    }
}

fn check_history(transfer: &Transfer, prior: &impl Prior) -> Result<(), Fault> {
    require(prior.find(transfer.id).is_none(), Fault::Existing(transfer.id))?;
    let Some(target) = transfer.target().filter(|_| transfer.op == Op::Reverse) else { return Ok(()) };
    let (done, _) = prior.find(target).ok_or(Fault::Missing(target))?;
    require(matches!(done.op, Op::Plain | Op::Post), Fault::Field("link"))?;
    require(transfer.debit == done.credit, Fault::Field("debit"))?;
    require(transfer.credit == done.debit, Fault::Field("credit"))?;
    require(transfer.amount == done.amount, Fault::Field("amount"))
}

fn require(holds: bool, fault: Fault) -> Result<(), Fault> {
    if holds { Ok(()) } else { Err(fault) }
}

fn same_balance(account: Id, replayed: i64, recorded: i64) -> Result<(), Fault> {
    require(replayed == recorded, Fault::Balance { account, replayed, recorded })
}
