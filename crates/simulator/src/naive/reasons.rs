//! Every reason that speaks against a leg.

use std::collections::BTreeSet;

use jialing_ledger::{AccountKind, Id, Leg, LegOp, Nanos, Op, Policy, PolicyVersion, Why};

use super::legs::{Scene, id_fits, op_of};
use super::{Period, Purse, State};

/// The largest amount of one leg: ten trillion yuan, in fen.
const LARGEST: u64 = 1_000_000_000_000_000;

/// Reasons by number, with the field that differs where an id was taken.
pub(super) type Reasons = BTreeSet<(u16, Option<&'static str>)>;

impl Scene<'_> {
    /// All of them, except those about the leg's id having been used.
    pub(super) fn reasons(&self, leg: &Leg) -> Reasons {
        let mut found = Vec::new();
        let mut when = |applies: bool, why: Why| found.extend(applies.then_some(why));
        let (_, _, target) = op_of(&leg.op);
        let acts = !matches!(leg.op, LegOp::Plain { .. } | LegOp::Hold { .. });
        when(!id_fits(leg), Why::IdInvalid);
        when(acts && leg.meters != [0; 4], Why::MetersNotAllowed);
        match leg.op {
            LegOp::Plain { amount, .. } => when(amount == 0 || amount > LARGEST, Why::AmountInvalid),
            LegOp::Hold { amount, expires, .. } => {
                when(amount == 0 || amount > LARGEST, Why::AmountInvalid);
                when(expires != 0 && expires <= self.at, Why::ExpiryInPast);
            }
            LegOp::Post { amount, .. } => when(amount > LARGEST, Why::AmountInvalid),
            LegOp::Void { .. } | LegOp::Reverse { .. } => {}
        }
        if let Some((debit, credit, amount)) = self.movement(leg) {
            when(debit == credit, Why::SameAccount);
            if acts {
                found.extend(self.target_reasons(leg, target, amount));
            }
            found.extend(self.account_reasons(leg, debit, credit, amount));
            if !acts {
                found.extend(self.meter_reasons(leg, amount));
            }
        } else {
            found.push(Why::TargetUnknown);
        }
        found.into_iter().map(|why| (why.number(), None)).collect()
    }

    fn target_reasons(&self, leg: &Leg, target: Id, amount: i128) -> Vec<Why> {
        let Some(done) = self.find(target) else { return Vec::new() };
        let mut found = Vec::new();
        let mut when = |applies: bool, why: Why| found.extend(applies.then_some(why));
        if matches!(leg.op, LegOp::Reverse { .. }) {
            let right = matches!(done.op, Op::Plain | Op::Post) && leg.id == target ^ (1 << 127);
            when(!right, Why::NotReversible);
        } else {
            let due = done.expires != 0 && done.expires <= self.at;
            when(due || !self.state.holds.contains_key(&target), Why::HoldClosed);
            when(amount > done.amount, Why::OverHold);
        }
        found
    }

    fn account_reasons(&self, leg: &Leg, debit: Id, credit: Id, amount: i128) -> Vec<Why> {
        let purse = |id: Id| self.state.purses.get(&id);
        match (purse(debit), purse(credit)) {
            (Some(from), Some(to)) => {
                let mut found = Vec::new();
                let mut when = |applies: bool, why: Why| found.extend(applies.then_some(why));
                when(from.new.currency != to.new.currency, Why::CurrencyDiffers);
                when(from.new.holder != to.new.holder, Why::HolderDiffers);
                if !matches!(leg.op, LegOp::Void { .. }) {
                    found.extend(money_reasons(leg, from, to, amount));
                }
                found
            }
            (from, to) => {
                let missing =
                    [(from.is_none(), Why::DebitAccountUnknown), (to.is_none(), Why::CreditAccountUnknown)];
                missing.into_iter().filter(|(is, _)| *is).map(|(_, why)| why).collect()
            }
        }
    }

    fn meter_reasons(&self, leg: &Leg, amount: i128) -> Vec<Why> {
        let named: Vec<Id> = leg.meters.into_iter().filter(|&meter| meter != 0).collect();
        let distinct: BTreeSet<Id> = named.iter().copied().collect();
        let mut found = Vec::new();
        if distinct.len() < named.len() {
            found.push(Why::MeterRepeated);
        }
        for meter in distinct {
            let Some(&(_, policy)) = self.state.meters.get(&meter) else {
                found.push(Why::MeterUnknown);
                continue;
            };
            let Some(version) = self.state.in_force(policy, self.at) else {
                found.push(Why::PolicyUnknown);
                continue;
            };
            let passed = |period| self.state.passed.get(&(meter, period)).copied().unwrap_or_default();
            let (day_sum, day_times) = passed(Period::Day(day_of(self.at)));
            let (year_sum, year_times) = passed(Period::Year(year_of(self.at)));
            let Policy { single, day, day_count, year, year_count } = version.bounds;
            for (sum, bound, why) in [
                (amount, single, Why::OverSingleLimit),
                (day_sum + amount, day, Why::OverDayLimit),
                (day_times + 1, day_count, Why::OverDayCount),
                (year_sum + amount, year, Why::OverYearLimit),
                (year_times + 1, year_count, Why::OverYearCount),
            ] {
                if sum > bound.into() {
                    found.push(why);
                }
            }
        }
        found
    }
}

fn money_reasons(leg: &Leg, from: &Purse, to: &Purse, amount: i128) -> Vec<Why> {
    let mut found = Vec::new();
    let mut when = |applies: bool, why: Why| found.extend(applies.then_some(why));
    when(from.closed, Why::DebitAccountClosed);
    when(to.closed, Why::CreditAccountClosed);
    when(from.freeze.debit, Why::DebitFrozen);
    when(to.freeze.credit, Why::CreditFrozen);
    let posts = matches!(leg.op, LegOp::Post { .. });
    let (leaving, arriving) = if posts { (0, 0) } else { (from.held_out, to.held_in) };
    when(from.balance() - leaving - amount < from.min.into(), Why::BalanceTooLow);
    when(to.balance() + arriving + amount > to.max.into(), Why::BalanceTooHigh);
    debug_assert!(from.new.kind == AccountKind::Issuance || from.min >= 0);
    found
}

impl State {
    /// The version of a policy that counts at a time.
    fn in_force(&self, policy: u32, at: Nanos) -> Option<PolicyVersion> {
        let versions = self.policies.get(&policy)?.iter().map(|(_, version)| *version);
        versions.filter(|version| version.from <= at).max_by_key(|version| version.version)
    }
}

/// Days since 1970-01-01 at UTC+8.
pub(super) const fn day_of(at: Nanos) -> u64 {
    (at / 1_000_000_000 + 8 * 60 * 60) / (24 * 60 * 60)
}

/// The year at UTC+8, by walking from 1970.
pub(super) fn year_of(at: Nanos) -> u64 {
    let (mut days, mut year) = (day_of(at), 1970);
    loop {
        let leap = year % 4 == 0 && year % 100 != 0 || year % 400 == 0;
        let length = if leap { 366 } else { 365 };
        if days < length {
            return year;
        }
        (days, year) = (days - length, year + 1);
    }
}
