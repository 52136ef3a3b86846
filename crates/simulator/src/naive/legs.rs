//! Groups: legs in order, each against what the earlier ones left, all or nothing.

use jialing_ledger::{Body, Group, Id, Leg, LegOp, Nanos, Op, Record, Refusal, Transfer, Why};

use super::reasons::{day_of, year_of};
use super::{Done, Kept, Naive, Period, State, Verdict, no};

/// The link of a record that acts upon another.
pub(super) fn pointing_to(id: Id) -> [u8; 24] {
    let mut link = [0; 24];
    link[..16].copy_from_slice(&id.to_le_bytes());
    link
}

pub(super) fn id_fits(leg: &Leg) -> bool {
    let chosen = |id: Id| id > 0 && id < 1 << 126;
    chosen(leg.id) || matches!(leg.op, LegOp::Reverse { .. }) && chosen(leg.id ^ (1 << 127))
}

/// The operation a leg's record bears, the word for it, and what it acts upon.
pub(super) const fn op_of(op: &LegOp) -> (Op, &'static str, Id) {
    match *op {
        LegOp::Plain { .. } => (Op::Plain, "plain", 0),
        LegOp::Hold { .. } => (Op::Hold, "hold", 0),
        LegOp::Post { hold, .. } => (Op::Post, "post", hold),
        LegOp::Void { hold } => (Op::Void, "void", hold),
        LegOp::Reverse { transfer } => (Op::Reverse, "reverse", transfer),
    }
}

/// A group under way: the state its legs have made so far, and those legs.
pub(super) struct Scene<'a> {
    pub(super) before: &'a Naive,
    pub(super) state: State,
    pub(super) fresh: Vec<(Id, Done)>,
    pub(super) at: Nanos,
}

impl Scene<'_> {
    /// A transfer that happened, in this group or before it.
    pub(super) fn find(&self, id: Id) -> Option<&Done> {
        let own = self.fresh.iter().find(|(own, _)| *own == id).map(|(_, done)| done);
        own.or_else(|| self.before.moves.get(&id))
    }

    /// From, to and how much, where the leg makes that clear.
    pub(super) fn movement(&self, leg: &Leg) -> Option<(Id, Id, i128)> {
        let hold = |id: Id| self.find(id).filter(|done| done.op == Op::Hold);
        match leg.op {
            LegOp::Plain { debit, credit, amount } | LegOp::Hold { debit, credit, amount, .. } => {
                Some((debit, credit, amount.into()))
            }
            LegOp::Post { hold: id, amount } => {
                let held = hold(id)?;
                Some((held.debit, held.credit, if amount == 0 { held.amount } else { amount.into() }))
            }
            LegOp::Void { hold: id } => hold(id).map(|held| (held.debit, held.credit, held.amount)),
            LegOp::Reverse { transfer } => {
                self.find(transfer).map(|done| (done.credit, done.debit, done.amount))
            }
        }
    }

    /// What is compared when the leg's id comes again.
    fn told(&self, leg: &Leg, index: usize, legs: usize) -> Vec<(&'static str, String)> {
        let (_, word, target) = op_of(&leg.op);
        let amount = self.movement(leg).map_or_else(String::new, |(_, _, amount)| amount.to_string());
        let mut told = vec![("op", word.to_owned()), ("kind", leg.kind.to_string())];
        let mut expires = 0;
        match leg.op {
            LegOp::Plain { debit, credit, .. } | LegOp::Hold { debit, credit, .. } => {
                told.extend([("debit", debit.to_string()), ("credit", credit.to_string())]);
                told.extend([("amount", amount), ("digest", format!("{:?}", leg.digest))]);
            }
            LegOp::Post { .. } => told.extend([("hold", target.to_string()), ("amount", amount)]),
            LegOp::Void { .. } => told.push(("hold", target.to_string())),
            LegOp::Reverse { .. } => told.push(("transfer", target.to_string())),
        }
        if let LegOp::Hold { expires: at, .. } = leg.op {
            expires = at;
        }
        told.extend([("meters", format!("{:?}", leg.meters)), ("expires", expires.to_string())]);
        told.extend([("legs", legs.to_string()), ("leg", index.to_string())]);
        told
    }

    /// Does a leg nothing speaks against; its records.
    fn perform(&mut self, leg: &Leg, index: usize, legs: usize) -> Vec<Record> {
        let told = self.told(leg, index, legs);
        let (op, _, target) = op_of(&leg.op);
        let (debit, credit, amount) = self.movement(leg).unwrap_or_default();
        let expires = if let LegOp::Hold { expires, .. } = leg.op { expires } else { 0 };
        let (at, start) = (self.at, self.state.next);
        let mut records = Vec::new();
        let has_terms = leg.meters != [0; 4] || expires != 0;
        if has_terms {
            let body = Body::Terms { meters: leg.meters, expires };
            records.push(Record { seq: start, time: at, body });
        }
        let seq = start + records.len() as u64;
        let kept = Kept { debit, credit, amount, expires, time: at, kind: leg.kind, meters: leg.meters };
        self.state.perform(leg.id, op, target, kept);
        self.state.next = seq + 1;
        let balance = |id: Id| self.state.purses[&id].balance() as i64;
        let transfer = Transfer {
            id: leg.id,
            op,
            kind: leg.kind,
            debit,
            credit,
            amount: amount as u64,
            debit_balance: balance(debit),
            credit_balance: balance(credit),
            link: if matches!(op, Op::Plain | Op::Hold) { leg.digest } else { pointing_to(target) },
            leg: index as u8,
            legs: legs as u8,
            has_terms,
        };
        records.push(Record { seq, time: at, body: Body::Transfer(transfer) });
        self.fresh.push((leg.id, Done { start, seq, op, debit, credit, amount, expires, told }));
        records
    }
}

impl State {
    /// What a good leg does to purses, holds and meters.
    fn perform(&mut self, id: Id, op: Op, target: Id, step: Kept) {
        let (debit, credit, amount, time) = (step.debit, step.credit, step.amount, step.time);
        match op {
            Op::Plain | Op::Reverse => self.settle(debit, credit, amount),
            Op::Hold => {
                self.purse(debit).held_out += amount;
                self.purse(credit).held_in += amount;
                self.holds.insert(id, step.clone());
            }
            Op::Post => {
                self.settle(debit, credit, amount);
                if let Some(hold) = self.release(target, time) {
                    // Of what the release gave back, the posted part did pass, once.
                    self.on_running(&hold, time, amount, 1);
                }
            }
            Op::Void | Op::Expire => {
                self.release(target, time);
            }
        }
        if matches!(op, Op::Plain | Op::Hold) {
            for meter in step.meters.into_iter().filter(|&meter| meter != 0) {
                self.pass(meter, time, amount, 1);
            }
        }
    }

    fn purse(&mut self, id: Id) -> &mut super::Purse {
        self.purses.get_mut(&id).expect("the leg's accounts were found")
    }

    fn settle(&mut self, debit: Id, credit: Id, amount: i128) {
        self.purse(debit).debits += amount;
        self.purse(credit).credits += amount;
    }

    /// Counts on a meter, in the day and the year of `time`.
    fn pass(&mut self, meter: Id, time: Nanos, amount: i128, times: i128) {
        for period in [Period::Day(day_of(time)), Period::Year(year_of(time))] {
            let (sum, count) = self.passed.entry((meter, period)).or_default();
            (*sum, *count) = (*sum + amount, *count + times);
        }
    }

    /// Takes a hold off, and gives back what it charged where that day or year still runs.
    pub(super) fn release(&mut self, id: Id, at: Nanos) -> Option<Kept> {
        let hold = self.holds.remove(&id)?;
        self.purse(hold.debit).held_out -= hold.amount;
        self.purse(hold.credit).held_in -= hold.amount;
        self.on_running(&hold, at, -hold.amount, -1);
        Some(hold)
    }

    /// Counts on a hold's meters, in those periods of its making that still run at `at`.
    fn on_running(&mut self, hold: &Kept, at: Nanos, amount: i128, times: i128) {
        let day = (Period::Day(day_of(hold.time)), Period::Day(day_of(at)));
        let year = (Period::Year(year_of(hold.time)), Period::Year(year_of(at)));
        for meter in hold.meters.into_iter().filter(|&meter| meter != 0) {
            for (made, now) in [day, year] {
                if made == now {
                    let (sum, count) = self.passed.entry((meter, made)).or_default();
                    (*sum, *count) = (*sum + amount, *count + times);
                }
            }
        }
    }
}

impl Naive {
    pub(super) fn group(&self, group: &Group, at: Nanos) -> Result<Verdict, Refusal> {
        let legs = &group.legs;
        if legs.is_empty() || legs.len() > 8 {
            let invalid = legs.first().is_some_and(|leg| !id_fits(leg));
            return Err(no(if invalid { Why::IdInvalid } else { Why::LegCount }));
        }
        let known: Vec<Option<&Done>> = legs.iter().map(|leg| self.moves.get(&leg.id)).collect();
        let repeat = known[0].is_some();
        let mut scene = Scene { before: self, state: self.state.clone(), fresh: Vec::new(), at };
        let mut records = Vec::new();
        for (index, leg) in legs.iter().enumerate() {
            if repeat && id_fits(leg) && known[index].is_none() {
                return Err(Refusal { field: Some("group"), ..no(Why::IdTaken) });
            }
            let mut reasons = scene.reasons(leg);
            if let Some(done) = known[index] {
                let told = scene.told(leg, index, legs.len());
                let differs = told.iter().zip(&done.told).find(|(a, b)| a != b).map(|(a, _)| a.0);
                let follows =
                    index == 0 || repeat && known[index - 1].is_some_and(|ahead| ahead.seq + 1 == done.start);
                match differs.or(if follows { None } else { Some("group") }) {
                    Some(field) => {
                        reasons.insert((Why::IdTaken.number(), Some(field)));
                    }
                    None => reasons.retain(|&(number, _)| number == Why::IdInvalid.number()),
                }
            } else if legs[..index].iter().any(|earlier| earlier.id == leg.id) {
                reasons.insert((Why::IdTaken.number(), Some("leg")));
            }
            if let Some(&(number, field)) = reasons.first() {
                return Err(Refusal { why: Why::ALL[usize::from(number) - 1], leg: index as u8, field });
            }
            if !repeat {
                records.extend(scene.perform(leg, index, legs.len()));
            }
        }
        if let (Some(head), Some(tail)) = (known[0], known[legs.len() - 1]) {
            return Ok(self.already(head.start, tail.seq - head.start + 1));
        }
        let Scene { mut state, fresh, .. } = scene;
        state.now = at;
        let (first, count) = (self.state.next, records.len() as u64);
        Ok(Verdict { written: Some(records), first, count, state, fresh })
    }
}
