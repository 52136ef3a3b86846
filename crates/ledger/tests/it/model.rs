//! A second ledger, as slow and plain as can be.
//!
//! It keeps nothing but the list of what happened and works out every balance, hold and meter from
//! that list each time it is asked. For a refusal it collects every reason that applies and reports
//! the lowest. It shares the public types with the kernel and nothing else, the calendar included.

use std::collections::{BTreeMap, BTreeSet};

use jialing_ledger::*;

const TOP: Id = 1 << 127;
const SECOND_TOP: Id = 1 << 126;
const MOST: i128 = i64::MAX as i128;

#[derive(Clone, Debug)]
pub(crate) enum Fact {
    Opened { seq: u64, new: NewAccount },
    Changed { seq: u64, id: Id, state: State },
    Policy { seq: u64, version: PolicyVersion },
    MeterSet { seq: u64, meter: Id, policy: u32 },
    Noted,
    Moved(Moved),
}

/// What a change of account can change.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct State {
    pub(crate) min: i64,
    pub(crate) max: i64,
    pub(crate) freeze: Freeze,
    pub(crate) closed: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Moved {
    /// First record: the terms, where there are any.
    pub(crate) start: u64,
    /// The transfer's own record.
    pub(crate) seq: u64,
    pub(crate) time: Nanos,
    pub(crate) id: Id,
    pub(crate) op: Op,
    pub(crate) kind: u16,
    pub(crate) debit: Id,
    pub(crate) credit: Id,
    pub(crate) amount: i128,
    pub(crate) target: Id,
    pub(crate) meters: [Id; 4],
    pub(crate) expires: Nanos,
    /// What a retry is compared with, in order.
    pub(crate) told: Vec<(&'static str, String)>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Model {
    pub(crate) facts: Vec<Fact>,
    pub(crate) next: u64,
    pub(crate) now: Nanos,
}

type Reasons = BTreeSet<(u16, Option<&'static str>)>;

impl Model {
    pub(crate) fn apply(&mut self, cmd: &Command, at: Nanos) -> Result<Applied, Refusal> {
        let at = at.max(self.now);
        let before = self.clone();
        let answer = match cmd {
            Command::OpenAccount(new) => self.open(new),
            Command::ChangeAccount(change) => self.change(change),
            Command::PublishPolicy(version) => self.publish(version),
            Command::SetMeter { meter, policy } => self.set_meter(*meter, *policy),
            Command::Note { id, .. } if *id == 0 || *id == Id::MAX => Err(no(Why::IdInvalid)),
            Command::Note { .. } => Ok(self.tell(Fact::Noted)),
            Command::Transfer(group) => self.group(group, at),
        };
        match answer {
            Ok(applied) if !applied.already => self.now = at,
            _ => *self = before,
        }
        answer
    }

    /// Lapses what is due and says which holds, in order.
    pub(crate) fn expire(&mut self, at: Nanos) -> Vec<Id> {
        let at = at.max(self.now);
        let mut due: Vec<Moved> =
            self.open_holds().into_iter().filter(|h| h.expires != 0 && h.expires <= at).collect();
        due.sort_by_key(|h| (h.expires, h.id));
        for hold in &due {
            self.now = at;
            let seq = self.next;
            let expiry = Moved {
                start: seq,
                seq,
                time: at,
                id: hold.id | SECOND_TOP,
                op: Op::Expire,
                target: hold.id,
                meters: [0; 4],
                expires: 0,
                told: vec![("op", "expire".into())],
                ..hold.clone()
            };
            self.tell(Fact::Moved(expiry));
        }
        due.iter().map(|hold| hold.id).collect()
    }

    fn tell(&mut self, fact: Fact) -> Applied {
        self.facts.push(fact);
        self.next += 1;
        Applied { first: self.next - 1, records: 1, already: false }
    }

    // What is so, from the list of facts.

    pub(crate) fn accounts(&self) -> Vec<NewAccount> {
        let opened = |fact: &Fact| if let Fact::Opened { new, .. } = fact { Some(*new) } else { None };
        self.facts.iter().filter_map(opened).collect()
    }

    pub(crate) fn opening(&self, id: Id) -> Option<NewAccount> {
        self.accounts().into_iter().find(|new| new.id == id)
    }

    pub(crate) fn state(&self, id: Id) -> State {
        let new = self.opening(id).unwrap();
        let first = State { min: new.min, max: new.max, freeze: Freeze::default(), closed: false };
        self.facts.iter().fold(first, |state, fact| match fact {
            Fact::Changed { id: changed, state, .. } if *changed == id => *state,
            _ => state,
        })
    }

    pub(crate) fn moves(&self) -> impl DoubleEndedIterator<Item = &Moved> {
        self.facts.iter().filter_map(|fact| if let Fact::Moved(moved) = fact { Some(moved) } else { None })
    }

    /// All that left and all that arrived, up to and with the record `until`.
    pub(crate) fn sums(&self, id: Id, until: u64) -> (i128, i128) {
        let settled = |m: &&Moved| m.seq <= until && matches!(m.op, Op::Plain | Op::Post | Op::Reverse);
        let debits = self.moves().filter(settled).filter(|m| m.debit == id).map(|m| m.amount).sum();
        let credits = self.moves().filter(settled).filter(|m| m.credit == id).map(|m| m.amount).sum();
        (debits, credits)
    }

    pub(crate) fn balance(&self, id: Id) -> i128 {
        let (debits, credits) = self.sums(id, u64::MAX);
        credits - debits
    }

    pub(crate) fn open_holds(&self) -> Vec<Moved> {
        self.moves().filter(|m| m.op == Op::Hold && self.end_of(m.id).is_none()).cloned().collect()
    }

    fn end_of(&self, hold: Id) -> Option<&Moved> {
        self.moves().find(|m| matches!(m.op, Op::Post | Op::Void | Op::Expire) && m.target == hold)
    }

    /// Held to leave and held to arrive.
    pub(crate) fn held(&self, id: Id) -> (i128, i128) {
        let open = self.open_holds();
        let leaving = open.iter().filter(|h| h.debit == id).map(|h| h.amount).sum();
        let arriving = open.iter().filter(|h| h.credit == id).map(|h| h.amount).sum();
        (leaving, arriving)
    }

    pub(crate) fn meter_policy(&self, meter: Id) -> Option<u32> {
        self.facts.iter().rev().find_map(|fact| match fact {
            Fact::MeterSet { meter: set, policy, .. } if *set == meter => Some(*policy),
            _ => None,
        })
    }

    fn versions(&self, policy: u32) -> Vec<(u64, PolicyVersion)> {
        let version = |fact: &Fact| match fact {
            Fact::Policy { seq, version } if version.policy == policy => Some((*seq, *version)),
            _ => None,
        };
        self.facts.iter().filter_map(version).collect()
    }

    pub(crate) fn in_force(&self, policy: u32, at: Nanos) -> Option<PolicyVersion> {
        let come = self.versions(policy).into_iter().map(|(_, v)| v).filter(|v| v.from <= at);
        come.max_by_key(|v| v.version)
    }

    /// What passed through a meter in one period (amount, times). A hold counts from the moment it is
    /// made; what it gives back counts only in the period in which it was made.
    pub(crate) fn passed<P: PartialEq>(
        &self,
        meter: Id,
        at: Nanos,
        period: impl Fn(Nanos) -> P,
    ) -> (i128, i128) {
        let mut total = (0, 0);
        for m in self.moves().filter(|m| m.meters.contains(&meter) && period(m.time) == period(at)) {
            let (mut amount, mut count) = (m.amount, 1);
            if let Some(end) = self.end_of(m.id)
                && period(end.time) == period(m.time)
            {
                (amount, count) = if end.op == Op::Post { (end.amount, 1) } else { (0, 0) };
            }
            total = (total.0 + amount, total.1 + count);
        }
        total
    }

    // Commands without legs.

    fn open(&mut self, new: &NewAccount) -> Result<Applied, Refusal> {
        if new.id == 0 || new.id == Id::MAX {
            return Err(no(Why::IdInvalid));
        }
        for fact in &self.facts {
            if let Fact::Opened { seq, new: old } = fact
                && old.id == new.id
            {
                return match first_difference(&account_told(new), &account_told(old)) {
                    Some(field) => Err(Refusal { field: Some(field), ..no(Why::IdTaken) }),
                    None => Ok(Applied { first: *seq, records: 1, already: true }),
                };
            }
        }
        if !limits_fit(new.kind, new.min, new.max) || new.min > 0 || new.max < 0 {
            return Err(no(Why::LimitsInvalid));
        }
        Ok(self.tell(Fact::Opened { seq: self.next, new: *new }))
    }

    fn change(&mut self, change: &AccountChange) -> Result<Applied, Refusal> {
        if change.id == 0 || change.id == Id::MAX {
            return Err(no(Why::IdInvalid));
        }
        let Some(opening) = self.opening(change.id) else { return Err(no(Why::AccountUnknown)) };
        let old = self.state(change.id);
        let mut new = old;
        if let Some(min) = change.min {
            new.min = min;
        }
        if let Some(max) = change.max {
            new.max = max;
        }
        if let Some(freeze) = change.freeze {
            new.freeze = freeze;
        }
        if change.close {
            new.closed = true;
        }
        if new == old {
            let touched = |fact: &Fact| match fact {
                Fact::Opened { seq, new } if new.id == change.id => Some(*seq),
                Fact::Changed { seq, id, .. } if *id == change.id => Some(*seq),
                _ => None,
            };
            let first = self.facts.iter().rev().find_map(touched).unwrap();
            return Ok(Applied { first, records: 1, already: true });
        }
        let mut reasons = Vec::new();
        let empty = self.balance(change.id) == 0 && self.held(change.id) == (0, 0);
        if new.closed && !empty {
            reasons.push(Why::AccountNotEmpty);
        }
        if !limits_fit(opening.kind, new.min, new.max) {
            reasons.push(Why::LimitsInvalid);
        }
        if old.closed {
            reasons.push(Why::AccountClosed);
        }
        match reasons.into_iter().min() {
            Some(why) => Err(no(why)),
            None => Ok(self.tell(Fact::Changed { seq: self.next, id: change.id, state: new })),
        }
    }

    fn publish(&mut self, version: &PolicyVersion) -> Result<Applied, Refusal> {
        let old = self.versions(version.policy);
        if let Some((seq, _)) = old.iter().find(|(_, v)| v == version) {
            return Ok(Applied { first: *seq, records: 1, already: true });
        }
        let newest = old.iter().map(|(_, v)| v.version).max().unwrap_or(0);
        let latest = old.iter().map(|(_, v)| v.from).max().unwrap_or(0);
        if version.version <= newest || version.from < latest {
            return Err(no(Why::PolicyVersionInvalid));
        }
        Ok(self.tell(Fact::Policy { seq: self.next, version: *version }))
    }

    fn set_meter(&mut self, meter: Id, policy: u32) -> Result<Applied, Refusal> {
        if meter == 0 || meter == Id::MAX {
            return Err(no(Why::IdInvalid));
        }
        let last = self.facts.iter().rev().find_map(|fact| match fact {
            Fact::MeterSet { seq, meter: set, policy } if *set == meter => Some((*seq, *policy)),
            _ => None,
        });
        match last {
            Some((seq, set)) if set == policy => Ok(Applied { first: seq, records: 1, already: true }),
            _ if self.versions(policy).is_empty() => Err(no(Why::PolicyUnknown)),
            _ => Ok(self.tell(Fact::MeterSet { seq: self.next, meter, policy })),
        }
    }

    // Groups.

    fn group(&mut self, group: &Group, at: Nanos) -> Result<Applied, Refusal> {
        let legs = &group.legs;
        let known: Vec<Option<Moved>> =
            legs.iter().map(|leg| self.moves().find(|m| m.id == leg.id).cloned()).collect();
        let first = self.next;
        let repeat = known.first().is_some_and(Option::is_some);
        if legs.is_empty() || legs.len() > 8 {
            let invalid = legs.first().is_some_and(|leg| !id_fits(leg));
            return Err(no(if invalid { Why::IdInvalid } else { Why::LegCount }));
        }
        for (index, leg) in legs.iter().enumerate() {
            let refuse = |(number, field): (u16, Option<&'static str>)| Refusal {
                why: Why::ALL[usize::from(number) - 1],
                leg: index as u8,
                field,
            };
            if repeat && id_fits(leg) && known[index].is_none() {
                return Err(Refusal { why: Why::IdTaken, leg: 0, field: Some("group") });
            }
            let told = self.told(leg, index, legs.len());
            let mut reasons = self.reasons(leg, at);
            if let Some(done) = &known[index] {
                let neighbours = index == 0
                    || repeat && known[index - 1].as_ref().is_some_and(|ahead| ahead.seq + 1 == done.start);
                let other_group = if neighbours { None } else { Some("group") };
                match first_difference(&told, &done.told).or(other_group) {
                    Some(field) => reasons.insert((Why::IdTaken as u16, Some(field))),
                    None => {
                        reasons.retain(|&(number, _)| number == Why::IdInvalid as u16);
                        false
                    }
                };
            } else if legs[..index].iter().any(|earlier| earlier.id == leg.id) {
                reasons.insert((Why::IdTaken as u16, Some("leg")));
            }
            if let Some(&reason) = reasons.first() {
                return Err(refuse(reason));
            }
            if !repeat {
                self.do_leg(leg, told, at);
            }
        }
        if repeat {
            let (head, tail) = (known[0].as_ref().unwrap(), known[legs.len() - 1].as_ref().unwrap());
            let records = (tail.seq - head.start + 1) as u16;
            return Ok(Applied { first: head.start, records, already: true });
        }
        Ok(Applied { first, records: (self.next - first) as u16, already: false })
    }

    fn do_leg(&mut self, leg: &Leg, told: Vec<(&'static str, String)>, at: Nanos) {
        let (debit, credit, amount) = self.movement(leg).unwrap();
        let (op, target, expires) = match leg.op {
            LegOp::Plain { .. } => (Op::Plain, 0, 0),
            LegOp::Hold { expires, .. } => (Op::Hold, 0, expires),
            LegOp::Post { hold, .. } => (Op::Post, hold, 0),
            LegOp::Void { hold } => (Op::Void, hold, 0),
            LegOp::Reverse { transfer } => (Op::Reverse, transfer, 0),
        };
        let start = self.next;
        if leg.meters != [0; 4] || expires != 0 {
            self.next += 1;
        }
        let (seq, id, kind, meters) = (self.next, leg.id, leg.kind, leg.meters);
        let moved = Moved {
            start,
            seq,
            time: at,
            id,
            op,
            kind,
            debit,
            credit,
            amount,
            target,
            meters,
            expires,
            told,
        };
        self.tell(Fact::Moved(moved));
    }

    /// From, to and how much, where the leg makes that clear.
    fn movement(&self, leg: &Leg) -> Option<(Id, Id, i128)> {
        let done = |id: Id| self.moves().find(|m| m.id == id);
        match leg.op {
            LegOp::Plain { debit, credit, amount } | LegOp::Hold { debit, credit, amount, .. } => {
                Some((debit, credit, amount.into()))
            }
            LegOp::Post { hold, amount } => {
                let held = done(hold).filter(|m| m.op == Op::Hold)?;
                Some((held.debit, held.credit, if amount == 0 { held.amount } else { amount.into() }))
            }
            LegOp::Void { hold } => {
                done(hold).filter(|m| m.op == Op::Hold).map(|m| (m.debit, m.credit, m.amount))
            }
            LegOp::Reverse { transfer } => done(transfer).map(|m| (m.credit, m.debit, m.amount)),
        }
    }

    /// What is compared when the leg's id comes again.
    fn told(&self, leg: &Leg, index: usize, legs: usize) -> Vec<(&'static str, String)> {
        let amount = self.movement(leg).map_or_else(String::new, |(_, _, amount)| amount.to_string());
        let mut told = vec![];
        let expiry = match leg.op {
            LegOp::Hold { expires, .. } => expires,
            _ => 0,
        };
        match leg.op {
            LegOp::Plain { debit, credit, .. } | LegOp::Hold { debit, credit, .. } => {
                let op = if matches!(leg.op, LegOp::Plain { .. }) { "plain" } else { "hold" };
                told.extend([("op", op.to_string()), ("kind", leg.kind.to_string())]);
                told.extend([("debit", debit.to_string()), ("credit", credit.to_string())]);
                told.extend([("amount", amount), ("digest", format!("{:?}", leg.digest))]);
            }
            LegOp::Post { hold, .. } => {
                told.extend([("op", "post".to_string()), ("kind", leg.kind.to_string())]);
                told.extend([("hold", hold.to_string()), ("amount", amount)]);
            }
            LegOp::Void { hold } => {
                told.extend([("op", "void".to_string()), ("kind", leg.kind.to_string())]);
                told.push(("hold", hold.to_string()));
            }
            LegOp::Reverse { transfer } => {
                told.extend([("op", "reverse".to_string()), ("kind", leg.kind.to_string())]);
                told.push(("transfer", transfer.to_string()));
            }
        }
        told.extend([("meters", format!("{:?}", leg.meters)), ("expires", expiry.to_string())]);
        told.extend([("legs", legs.to_string()), ("leg", index.to_string())]);
        told
    }

    /// Every reason that speaks against the leg, except those about its id having been used.
    fn reasons(&self, leg: &Leg, at: Nanos) -> Reasons {
        let mut found = Reasons::new();
        let mut when = |applies: bool, why: Why| {
            if applies {
                found.insert((why as u16, None));
            }
        };
        when(!id_fits(leg), Why::IdInvalid);
        let target = match leg.op {
            LegOp::Post { hold, .. } | LegOp::Void { hold } => Some(hold),
            LegOp::Reverse { transfer } => Some(transfer),
            _ => None,
        };
        let is_new = target.is_none();
        when(!is_new && leg.meters != [0; 4], Why::MetersNotAllowed);
        match leg.op {
            LegOp::Plain { amount, .. } => {
                when(amount == 0 || amount > 1_000_000_000_000_000, Why::AmountInvalid)
            }
            LegOp::Hold { amount, expires, .. } => {
                when(amount == 0 || amount > 1_000_000_000_000_000, Why::AmountInvalid);
                when(expires != 0 && expires <= at, Why::ExpiryInPast);
            }
            LegOp::Post { amount, .. } => when(amount > 1_000_000_000_000_000, Why::AmountInvalid),
            LegOp::Void { .. } | LegOp::Reverse { .. } => {}
        }
        let Some((debit, credit, amount)) = self.movement(leg) else {
            when(true, Why::TargetUnknown);
            return found;
        };
        when(debit == credit, Why::SameAccount);
        when(self.opening(debit).is_none(), Why::DebitAccountUnknown);
        when(self.opening(credit).is_none(), Why::CreditAccountUnknown);
        if let Some(target) = target {
            let done = self.moves().find(|m| m.id == target).unwrap();
            let is_reverse = matches!(leg.op, LegOp::Reverse { .. });
            let ended = self.end_of(target).is_some() || done.expires != 0 && done.expires <= at;
            when(!is_reverse && ended, Why::HoldClosed);
            when(!is_reverse && amount > done.amount, Why::OverHold);
            let right = matches!(done.op, Op::Plain | Op::Post) && leg.id == target ^ TOP;
            when(is_reverse && !right, Why::NotReversible);
        }
        if let (Some(from), Some(to)) = (self.opening(debit), self.opening(credit)) {
            when(from.currency != to.currency, Why::CurrencyDiffers);
            when(from.holder != to.holder, Why::HolderDiffers);
            if !matches!(leg.op, LegOp::Void { .. }) {
                found.extend(
                    self.money_reasons(leg, &from, &to, amount).into_iter().map(|why| (why as u16, None)),
                );
            }
        }
        if is_new {
            found.extend(self.meter_reasons(leg, amount, at).into_iter().map(|why| (why as u16, None)));
        }
        found
    }

    fn money_reasons(&self, leg: &Leg, from: &NewAccount, to: &NewAccount, amount: i128) -> Vec<Why> {
        let mut found = Vec::new();
        let mut when = |applies: bool, why: Why| found.extend(applies.then_some(why));
        let (source, sink) = (self.state(from.id), self.state(to.id));
        when(source.closed, Why::DebitAccountClosed);
        when(sink.closed, Why::CreditAccountClosed);
        when(source.freeze.debit, Why::DebitFrozen);
        when(sink.freeze.credit, Why::CreditFrozen);
        let post = matches!(leg.op, LegOp::Post { .. });
        let ((leaving, _), (_, arriving)) = (self.held(from.id), self.held(to.id));
        let (leaving, arriving) = if post { (0, 0) } else { (leaving, arriving) };
        when(self.balance(from.id) - leaving - amount < source.min.into(), Why::BalanceTooLow);
        when(self.balance(to.id) + arriving + amount > sink.max.into(), Why::BalanceTooHigh);
        let (left, _) = self.sums(from.id, u64::MAX);
        let (_, arrived) = self.sums(to.id, u64::MAX);
        when(!post && left + leaving + amount > MOST, Why::Overflow);
        when(!post && arrived + arriving + amount > MOST, Why::Overflow);
        let totals = self.totals(from.currency, from.holder);
        let hold = matches!(leg.op, LegOp::Hold { .. });
        when(hold && totals.held + amount > MOST, Why::Overflow);
        let issues = !hold && from.kind == AccountKind::Issuance;
        when(issues && totals.issued + amount > MOST, Why::Overflow);
        found
    }

    fn meter_reasons(&self, leg: &Leg, amount: i128, at: Nanos) -> Vec<Why> {
        let mut found = Vec::new();
        let mut when = |applies: bool, why: Why| found.extend(applies.then_some(why));
        let named: Vec<Id> = leg.meters.into_iter().filter(|&meter| meter != 0).collect();
        let distinct: BTreeSet<Id> = named.iter().copied().collect();
        when(distinct.len() < named.len(), Why::MeterRepeated);
        for meter in distinct {
            let Some(policy) = self.meter_policy(meter) else {
                when(true, Why::MeterUnknown);
                continue;
            };
            let Some(version) = self.in_force(policy, at) else {
                when(true, Why::PolicyUnknown);
                continue;
            };
            let (day_amount, day_count) = self.passed(meter, at, day_of);
            let (year_amount, year_count) = self.passed(meter, at, year_of);
            let Policy { single, day, day_count: days, year, year_count: years } = version.bounds;
            for (sum, bound, why) in [
                (amount, single, Why::OverSingleLimit),
                (day_amount + amount, day, Why::OverDayLimit),
                (day_count + 1, days, Why::OverDayCount),
                (year_amount + amount, year, Why::OverYearLimit),
                (year_count + 1, years, Why::OverYearCount),
            ] {
                let why = if bound == u64::MAX { Why::Overflow } else { why };
                when(sum > bound.into(), why);
            }
        }
        found
    }

    // The supply.

    pub(crate) fn totals(&self, currency: u16, holder: u32) -> Supply {
        let mut supply = Supply::default();
        for new in self.accounts().iter().filter(|new| new.currency == currency && new.holder == holder) {
            let (debits, credits) = self.sums(new.id, u64::MAX);
            if new.kind == AccountKind::Issuance {
                supply.issued += debits;
                supply.redeemed += credits;
            }
            *supply.by_kind.entry(new.kind as u8).or_default() += credits - debits;
            supply.held += self.held(new.id).0;
        }
        supply
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Supply {
    pub(crate) issued: i128,
    pub(crate) redeemed: i128,
    pub(crate) held: i128,
    pub(crate) by_kind: BTreeMap<u8, i128>,
}

fn no(why: Why) -> Refusal {
    Refusal { why, leg: 0, field: None }
}

fn id_fits(leg: &Leg) -> bool {
    let chosen = |id: Id| id > 0 && id < SECOND_TOP;
    chosen(leg.id) || matches!(leg.op, LegOp::Reverse { .. }) && chosen(leg.id ^ TOP)
}

fn limits_fit(kind: AccountKind, min: i64, max: i64) -> bool {
    !(min > max || min < 0 && kind != AccountKind::Issuance)
}

fn account_told(new: &NewAccount) -> Vec<(&'static str, String)> {
    vec![
        ("currency", new.currency.to_string()),
        ("kind", format!("{:?}", new.kind)),
        ("holder", new.holder.to_string()),
        ("min", new.min.to_string()),
        ("max", new.max.to_string()),
    ]
}

fn first_difference(a: &[(&'static str, String)], b: &[(&'static str, String)]) -> Option<&'static str> {
    a.iter().zip(b).find(|(a, b)| a != b).map(|(a, _)| a.0)
}

/// Days since 1970-01-01 at UTC+8.
pub(crate) fn day_of(at: Nanos) -> u64 {
    let seconds = at / 1_000_000_000;
    (seconds + 8 * 60 * 60) / (24 * 60 * 60)
}

/// The year at UTC+8, by walking from 1970.
pub(crate) fn year_of(at: Nanos) -> u64 {
    let mut days = day_of(at);
    for year in 1970.. {
        let leap = year % 4 == 0 && year % 100 != 0 || year % 400 == 0;
        let length = if leap { 366 } else { 365 };
        if days < length {
            return year;
        }
        days -= length;
    }
    unreachable!("years do not end")
}
