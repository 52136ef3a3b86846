//! Groups of legs: all or nothing.
//!
//! Legs are checked and applied one after the other, each against the state that the earlier ones
//! left. When a leg fails, the earlier ones are undone from copies of what they changed; a group of
//! one leg needs no copies.

use super::accounts::{Book, Slot};
use super::holds::OpenHold;
use super::meters::{NO_METER, Tally};
use super::repeat::{self, Prior};
use super::{Applied, Ledger, Looked, MAX_SUM};
use crate::command::{MAX_AMOUNT, MAX_LEGS, MAX_METERS};
use crate::record::link_to;
use crate::{AccountKind, Body, Id, Leg, LegOp, Nanos, Op, Record, Refusal, Transfer, Why};
use crate::{is_transfer_id, reversal_id};

/// A leg that was found good: what to change and what to write.
#[derive(Clone, Copy, Debug)]
pub(super) struct Move {
    pub(super) id: Id,
    pub(super) op: Op,
    pub(super) kind: u16,
    pub(super) debit: u32,
    pub(super) credit: u32,
    pub(super) amount: u64,
    /// The hold or transfer acted upon; 0 for none.
    pub(super) target: Id,
    pub(super) link: [u8; 24],
    pub(super) meters: [u32; MAX_METERS],
    pub(super) expires: Nanos,
}

/// A copy of something a leg is about to change, or how to take back what it added.
#[derive(Clone, Copy, Debug)]
pub(super) enum Before {
    Account(u32, Slot),
    Book(u32, Book),
    Meter(u32, Tally),
    HoldMade(Id),
    HoldClosed(Id, OpenHold),
}

/// What a leg sees of its surroundings.
struct Scene<'a, P> {
    at: Nanos,
    prior: &'a P,
    /// Records of the earlier legs of the same group.
    own: &'a [Record],
    /// Where the leg's accounts probably are.
    looked: Looked,
}

impl<P: Prior> Scene<'_, P> {
    /// A transfer recorded before this leg.
    fn find(&self, id: Id) -> Option<Transfer> {
        self.own_leg(id).or_else(|| self.prior.find(id).map(|(transfer, _)| transfer))
    }

    fn own_leg(&self, id: Id) -> Option<Transfer> {
        self.own.iter().find_map(|record| match record.body {
            Body::Transfer(transfer) if transfer.id == id => Some(transfer),
            _ => None,
        })
    }
}

/// Whether the leg's id is one that its operation may have.
pub(super) const fn is_leg_id(leg: &Leg) -> bool {
    match leg.op {
        // Whether it is the right one for the target is asked later, under its own number.
        LegOp::Reverse { .. } => is_transfer_id(leg.id) || is_transfer_id(reversal_id(leg.id)),
        _ => is_transfer_id(leg.id),
    }
}

impl Ledger {
    pub(super) fn transfer(
        &mut self,
        legs: &[Leg],
        looked: &[Looked],
        at: Nanos,
        prior: &impl Prior,
        out: &mut Vec<Record>,
    ) -> Result<Applied, Refusal> {
        if legs.first().is_some_and(|leg| !is_leg_id(leg)) {
            return Err(Refusal::new(Why::IdInvalid, 0));
        }
        if legs.is_empty() || legs.len() > MAX_LEGS {
            return Err(Refusal::new(Why::LegCount, 0));
        }
        if prior.find(legs[0].id).is_some() {
            return repeat::answer(legs, prior);
        }
        let start = out.len();
        let first = self.next;
        for (index, leg) in (0u8..).zip(legs) {
            let looked = looked.get(usize::from(index)).copied().unwrap_or_default();
            let scene = Scene { at, prior, own: &out[start..], looked };
            match self.check(leg, index, legs.len(), &scene) {
                Ok(step) => self.take(&step, leg, index, legs.len(), at, out),
                Err(refusal) => {
                    self.undo();
                    out.truncate(start);
                    self.next = first;
                    return Err(refusal);
                }
            }
        }
        self.before.clear();
        self.now = at;
        Ok(Applied { first, records: (out.len() - start) as u16, already: false })
    }

    /// Performs one good leg and writes its records. Time moves on only when the group has succeeded.
    fn take(&mut self, step: &Move, leg: &Leg, index: u8, legs: usize, at: Nanos, out: &mut Vec<Record>) {
        if legs > 1 {
            self.copy_before(step);
        }
        self.perform(step, at);
        if step.has_terms() {
            let body = Body::Terms { meters: leg.meters, expires: step.expires };
            out.push(Record { seq: self.next, time: at, body });
            self.next += 1;
        }
        let body = self.body(step, index, legs as u8);
        out.push(Record { seq: self.next, time: at, body });
        self.next += 1;
    }

    /// What a leg would do, or the lowest-numbered reason against it.
    fn check(
        &self,
        leg: &Leg,
        index: u8,
        legs: usize,
        scene: &Scene<'_, impl Prior>,
    ) -> Result<Move, Refusal> {
        let refuse = |why| Refusal::new(why, index);
        if !is_leg_id(leg) {
            return Err(refuse(Why::IdInvalid));
        }
        // The first leg's id is known to be free.
        if index > 0 {
            if scene.own_leg(leg.id).is_some() {
                return Err(Refusal::taken(index, "leg"));
            }
            if let Some((done, seq)) = scene.prior.find(leg.id) {
                let field = repeat::difference(leg, index, legs, &done, seq, scene.prior);
                return Err(Refusal::taken(index, field.unwrap_or("group")));
            }
        }
        match leg.op {
            LegOp::Plain { debit, credit, amount } => self.check_new(leg, debit, credit, amount, 0, scene),
            LegOp::Hold { debit, credit, amount, expires } => {
                self.check_new(leg, debit, credit, amount, expires, scene)
            }
            LegOp::Post { hold, amount } => self.check_post(leg, hold, amount, scene),
            LegOp::Void { hold } => self.check_void(leg, hold, scene),
            LegOp::Reverse { transfer } => self.check_reverse(leg, transfer, scene),
        }
        .map_err(refuse)
    }

    /// A plain leg or a hold.
    fn check_new(
        &self,
        leg: &Leg,
        debit: Id,
        credit: Id,
        amount: u64,
        expires: Nanos,
        scene: &Scene<'_, impl Prior>,
    ) -> Result<Move, Why> {
        let at = scene.at;
        ensure(amount > 0 && amount <= MAX_AMOUNT, Why::AmountInvalid)?;
        ensure(debit != credit, Why::SameAccount)?;
        let Looked { debit: from, credit: to } = scene.looked;
        let debit = self.accounts.find_guessed(debit, from).ok_or(Why::DebitAccountUnknown)?;
        let credit = self.accounts.find_guessed(credit, to).ok_or(Why::CreditAccountUnknown)?;
        self.same_book(debit, credit)?;
        ensure(expires == 0 || expires > at, Why::ExpiryInPast)?;
        self.not_stopped(debit, credit)?;
        let meters = self.chargeable(&leg.meters, amount, at);
        let limits = self.limits(debit, credit, amount, leg.op.op());
        let lowest = meters.err().into_iter().chain(limits).min();
        let step = Move { expires, ..Move::of(leg, debit, credit, amount, 0) };
        match lowest {
            Some(why) => Err(why),
            None => Ok(Move { meters: meters?, link: leg.digest, ..step }),
        }
    }

    fn check_post(&self, leg: &Leg, id: Id, amount: u64, scene: &Scene<'_, impl Prior>) -> Result<Move, Why> {
        ensure(amount <= MAX_AMOUNT, Why::AmountInvalid)?;
        let hold = self.open_hold(id, scene)?;
        ensure(amount <= hold.amount, Why::OverHold)?;
        let amount = if amount == 0 { hold.amount } else { amount };
        self.not_stopped(hold.debit, hold.credit)?;
        lowest(self.limits(hold.debit, hold.credit, amount, Op::Post))?;
        ensure(leg.meters == [0; MAX_METERS], Why::MetersNotAllowed)?;
        Ok(Move::of(leg, hold.debit, hold.credit, amount, id))
    }

    fn check_void(&self, leg: &Leg, id: Id, scene: &Scene<'_, impl Prior>) -> Result<Move, Why> {
        let hold = self.open_hold(id, scene)?;
        ensure(leg.meters == [0; MAX_METERS], Why::MetersNotAllowed)?;
        Ok(Move::of(leg, hold.debit, hold.credit, hold.amount, id))
    }

    fn check_reverse(&self, leg: &Leg, id: Id, scene: &Scene<'_, impl Prior>) -> Result<Move, Why> {
        let target = scene.find(id).ok_or(Why::TargetUnknown)?;
        let reversible = matches!(target.op, Op::Plain | Op::Post);
        ensure(reversible && leg.id == reversal_id(id), Why::NotReversible)?;
        let debit = self.accounts.find(target.credit).ok_or(Why::DebitAccountUnknown)?;
        let credit = self.accounts.find(target.debit).ok_or(Why::CreditAccountUnknown)?;
        self.not_stopped(debit, credit)?;
        lowest(self.limits(debit, credit, target.amount, Op::Reverse))?;
        ensure(leg.meters == [0; MAX_METERS], Why::MetersNotAllowed)?;
        Ok(Move::of(leg, debit, credit, target.amount, id))
    }

    fn open_hold(&self, id: Id, scene: &Scene<'_, impl Prior>) -> Result<OpenHold, Why> {
        match self.holds.get(&id) {
            Some(hold) if hold.is_due(scene.at) => Err(Why::HoldClosed),
            Some(hold) => Ok(*hold),
            None if scene.find(id).is_some_and(|t| t.op == Op::Hold) => Err(Why::HoldClosed),
            None => Err(Why::TargetUnknown),
        }
    }

    fn same_book(&self, debit: u32, credit: u32) -> Result<(), Why> {
        let (from, to) = (self.accounts[debit].book, self.accounts[credit].book);
        if from == to {
            return Ok(());
        }
        let same_currency = self.books[from as usize].currency == self.books[to as usize].currency;
        Err(if same_currency { Why::HolderDiffers } else { Why::CurrencyDiffers })
    }

    fn not_stopped(&self, debit: u32, credit: u32) -> Result<(), Why> {
        let (from, to) = (&self.accounts[debit], &self.accounts[credit]);
        ensure(!from.closed, Why::DebitAccountClosed)?;
        ensure(!to.closed, Why::CreditAccountClosed)?;
        ensure(!from.freeze.debit, Why::DebitFrozen)?;
        ensure(!to.freeze.credit, Why::CreditFrozen)
    }

    /// Whether balances and sums stay in range.
    ///
    /// New movements must leave room for open holds on both sides, so a hold can always be posted;
    /// posting one looks at the balances alone, which only limits changed since can stop.
    fn limits(&self, debit: u32, credit: u32, amount: u64, op: Op) -> Option<Why> {
        let (from, to) = (&self.accounts[debit], &self.accounts[credit]);
        let book = &self.books[from.book as usize];
        let wide = i128::from(amount);
        let posting = op == Op::Post;
        let (low, high) = if posting {
            (i128::from(from.balance()) - wide, i128::from(to.balance()) + wide)
        } else {
            (i128::from(from.unheld()) - wide, to.expected() + wide)
        };
        if low < i128::from(from.min) {
            return Some(Why::BalanceTooLow);
        }
        if high > i128::from(to.max) {
            return Some(Why::BalanceTooHigh);
        }
        // A posted amount is already in the held sums, which the bound includes.
        let overflows = |sum: u64| sum > MAX_SUM - amount;
        let sums = !posting
            && (overflows(from.debits + from.debits_held) || overflows(to.credits + to.credits_held));
        // What is redeemed was issued before, so that total needs no bound of its own.
        let totals = match op {
            Op::Hold => overflows(book.held),
            _ => from.kind == AccountKind::Issuance && overflows(book.issued),
        };
        (sums || totals).then_some(Why::Overflow)
    }

    /// Changes the state as a good leg, a lapse or a replayed record says.
    pub(super) fn perform(&mut self, step: &Move, at: Nanos) {
        match step.op {
            Op::Plain | Op::Reverse => {
                self.settle(step.debit, step.credit, step.amount);
                self.charge(&step.meters, step.amount, at);
            }
            Op::Hold => {
                let hold = OpenHold {
                    debit: step.debit,
                    credit: step.credit,
                    amount: step.amount,
                    expires: step.expires,
                    at,
                    meters: step.meters,
                    kind: step.kind,
                };
                self.set_aside(step.id, hold);
                self.charge(&step.meters, step.amount, at);
            }
            Op::Post => {
                let hold = self.release(step.target);
                self.settle(step.debit, step.credit, step.amount);
                self.give_back(&hold.meters, hold.amount - step.amount, 0, hold.at, at);
            }
            Op::Void | Op::Expire => {
                let hold = self.release(step.target);
                self.give_back(&hold.meters, hold.amount, 1, hold.at, at);
            }
        }
    }

    /// The record of a step just performed, with the balances it left.
    pub(super) fn body(&self, step: &Move, leg: u8, legs: u8) -> Body {
        let (debit, credit) = (&self.accounts[step.debit], &self.accounts[step.credit]);
        Body::Transfer(Transfer {
            id: step.id,
            op: step.op,
            kind: step.kind,
            debit: debit.id,
            credit: credit.id,
            amount: step.amount,
            debit_balance: debit.balance(),
            credit_balance: credit.balance(),
            link: step.link,
            leg,
            legs,
            has_terms: step.has_terms(),
        })
    }

    fn copy_before(&mut self, step: &Move) {
        let book = self.accounts[step.debit].book;
        self.before.push(Before::Account(step.debit, self.accounts[step.debit]));
        self.before.push(Before::Account(step.credit, self.accounts[step.credit]));
        self.before.push(Before::Book(book, self.books[book as usize]));
        let mut meters = step.meters;
        match step.op {
            Op::Hold => self.before.push(Before::HoldMade(step.id)),
            Op::Post | Op::Void | Op::Expire => {
                let hold = self.holds[&step.target];
                self.before.push(Before::HoldClosed(step.target, hold));
                meters = hold.meters;
            }
            Op::Plain | Op::Reverse => {}
        }
        for place in meters.into_iter().filter(|&place| place != NO_METER) {
            self.before.push(Before::Meter(place, self.meters[place]));
        }
    }

    fn undo(&mut self) {
        while let Some(before) = self.before.pop() {
            match before {
                Before::Account(place, slot) => self.accounts[place] = slot,
                Before::Book(place, book) => self.books[place as usize] = book,
                Before::Meter(place, tally) => self.meters[place] = tally,
                Before::HoldMade(id) => {
                    self.drop_hold(id);
                }
                Before::HoldClosed(id, hold) => self.keep(id, hold),
            }
        }
    }
}

impl Move {
    /// A leg that acts upon `target`, or is new when that is 0.
    fn of(leg: &Leg, debit: u32, credit: u32, amount: u64, target: Id) -> Self {
        Self {
            id: leg.id,
            op: leg.op.op(),
            kind: leg.kind,
            debit,
            credit,
            amount,
            target,
            link: link_to(target),
            meters: [NO_METER; MAX_METERS],
            expires: 0,
        }
    }

    fn has_terms(&self) -> bool {
        self.expires != 0 || self.meters != [NO_METER; MAX_METERS]
    }
}

const fn ensure(holds: bool, why: Why) -> Result<(), Why> {
    if holds { Ok(()) } else { Err(why) }
}

fn lowest(why: Option<Why>) -> Result<(), Why> {
    why.map_or(Ok(()), Err)
}
