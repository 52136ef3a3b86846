//! Random customers: what they ask, what they were told, and what they do not know.
//!
//! Few accounts, small limits and a short list of ids, so that commands meet: retries with the same
//! and with other fields, posts of holds that are gone, limits at their edges. A client whose answer
//! was lost keeps the command and asks again after a restart.

use std::collections::BTreeMap;

use jialing_engine::{Outcome, SubmitError};
use jialing_ledger::{
    AccountChange, AccountKind, Body, Command, Freeze, Group, Id, Leg, LegOp, MAX_METERS, Nanos, NewAccount,
    Op, Policy, PolicyVersion, Record, Why, reversal_id,
};

use crate::coverage::{Coverage, Topic};
use crate::random::Random;

/// The issuance accounts of the two liability holders.
pub(crate) const ISSUANCE: [Id; 2] = [1, 2];
/// The wallets: the first four of holder 1, the others of holder 2.
pub(crate) const WALLETS: std::ops::RangeInclusive<Id> = 3..=8;
/// The meters.
pub(crate) const METERS: std::ops::RangeInclusive<Id> = 1..=4;
const POLICIES: u64 = 2;
/// A millisecond, in nanoseconds.
pub(crate) const MS: Nanos = 1_000_000;

/// What became of one transfer id, as its askers know it.
#[derive(Default)]
struct Known {
    /// The legs as acknowledged, with their records.
    done: Option<(Group, Vec<Record>)>,
    /// Somebody asked and has no answer.
    unknown: bool,
}

/// All customers together.
pub(crate) struct Clients {
    random: Random,
    next_id: Id,
    next_version: [u32; POLICIES as usize],
    /// Every group ever asked for, oldest first.
    asked: Vec<Group>,
    /// By a group's first id.
    known: BTreeMap<Id, Known>,
    /// Every transfer id that was ever sent, with the first ids of the groups it was in.
    sent: BTreeMap<Id, Vec<Id>>,
    /// Records of acknowledged commands, by sequence number.
    pub(crate) acknowledged: BTreeMap<u64, Record>,
    /// What was asked and heard, counted.
    pub(crate) coverage: Coverage,
}

impl Clients {
    pub(crate) fn new(random: Random) -> Self {
        Self {
            random,
            next_id: 1 << 64,
            next_version: [1; POLICIES as usize],
            asked: Vec::new(),
            known: BTreeMap::new(),
            sent: BTreeMap::new(),
            acknowledged: BTreeMap::new(),
            coverage: Coverage::default(),
        }
    }

    /// What opens the accounts, policies and meters, and issues the first money. Safe to repeat.
    pub(crate) fn founding() -> Vec<Command> {
        let mut all = Vec::new();
        let account = |id, kind, holder, min, max| {
            Command::OpenAccount(NewAccount { id, currency: 156, kind, holder, min, max })
        };
        for (holder, id) in (1..).zip(ISSUANCE) {
            all.push(account(id, AccountKind::Issuance, holder, -100_000_000, i64::MAX));
        }
        for id in WALLETS {
            all.push(account(id, AccountKind::Personal, holder(id), 0, 60_000));
        }
        for policy in 1..=POLICIES as u32 {
            let bounds = Policy { single: 900, day: 4_000, day_count: 6, year: 9_000, year_count: 12 };
            all.push(Command::PublishPolicy(PolicyVersion { policy, version: 1, from: 0, bounds }));
        }
        all.extend(METERS.map(|meter| Command::SetMeter { meter, policy: 1 }));
        all
    }

    /// The next command of some client, at `now`.
    pub(crate) fn draw(&mut self, now: Nanos) -> Command {
        match self.random.below(100) {
            0..50 => self.fresh(now),
            50..62 => self.retry(),
            62..72 => self.altered(),
            72..85 => self.act(),
            85..88 => self.reversal(),
            88..94 => self.change(),
            94..96 => self.policy(now),
            96..98 => Command::SetMeter {
                meter: self.random.within(1, 4).into(),
                // One more than there are, now and then.
                policy: self.some_policy(),
            },
            _ => Command::Note {
                kind: self.random.below(3) as u16,
                id: self.random.within(1, 9).into(),
                digest: [self.random.below(256) as u8; 32],
            },
        }
    }

    /// A group asked for before whose outcome nobody knows, if there is one.
    pub(crate) fn unresolved(&self) -> Vec<Command> {
        let open = |group: &&Group| self.known.get(&group.legs[0].id).is_some_and(|known| known.unknown);
        self.asked.iter().filter(open).map(|group| Command::Transfer(group.clone())).collect()
    }

    fn ask(&mut self, group: Group) -> Command {
        let first = group.legs[0].id;
        self.known.entry(first).or_default();
        for leg in &group.legs {
            self.sent.entry(leg.id).or_default().push(first);
        }
        self.asked.push(group.clone());
        Command::Transfer(group)
    }

    fn fresh(&mut self, now: Nanos) -> Command {
        let mut legs = Vec::new();
        for _ in 0..if self.random.percent(75) { 1 } else { self.random.within(2, 8) } {
            let leg = match legs.last() {
                Some(Leg { id, op: LegOp::Hold { amount, .. }, .. }) if self.random.percent(50) => {
                    let (hold, amount) = (*id, self.random.within(0, *amount));
                    self.leg(LegOp::Post { hold, amount })
                }
                _ => self.movement(now),
            };
            legs.push(leg);
        }
        self.ask(Group { legs })
    }

    fn leg(&mut self, op: LegOp) -> Leg {
        self.next_id += 1;
        let digest = [self.random.below(256) as u8; 24];
        let digest = if matches!(op, LegOp::Plain { .. } | LegOp::Hold { .. }) { digest } else { [0; 24] };
        Leg { id: self.next_id, op, kind: self.random.below(5) as u16, digest, meters: [0; MAX_METERS] }
    }

    fn movement(&mut self, now: Nanos) -> Leg {
        // Money has to come in often enough that much can be refused only at the edges.
        let debit =
            if self.random.percent(25) { ISSUANCE[self.random.below(2) as usize] } else { self.account() };
        // Mostly within one holder, or little would pass.
        let mut credit = self.account();
        for _ in 0..4 {
            if holder(credit) != holder(debit) || credit == debit {
                credit = self.account();
            }
        }
        if self.random.percent(1) {
            credit = 77;
        }
        let debit = if self.random.percent(1) { 77 } else { debit };
        let amount = if ISSUANCE.contains(&debit) { 6_000 } else { 1_100 };
        let amount = self.random.below(amount);
        let mut leg = if self.random.percent(35) {
            let soon = [MS, 1_000 * MS, 60_000 * MS, 3_600_000 * MS, 200_000_000 * MS];
            let soon = self.random.pick(&soon).map_or(0, |&soon| now + self.random.below(soon) + 1);
            let expires = if self.random.percent(30) { 0 } else { soon };
            self.leg(LegOp::Hold { debit, credit, amount, expires })
        } else {
            self.leg(LegOp::Plain { debit, credit, amount })
        };
        if self.random.percent(30) && !ISSUANCE.contains(&debit) {
            leg.meters[0] = self.random.within(1, 4).into();
            leg.meters[1] = if self.random.percent(30) { self.random.within(1, 5).into() } else { 0 };
        }
        leg
    }

    fn account(&mut self) -> Id {
        self.random.within(1, *WALLETS.end() as u64).into()
    }

    fn earlier(&mut self) -> Option<Group> {
        // The last ones most of the time: they are still under way.
        let recent = self.asked.len().saturating_sub(12);
        let from = if self.random.percent(60) { recent } else { 0 };
        self.random.pick(&self.asked[from..]).cloned()
    }

    fn retry(&mut self) -> Command {
        match self.earlier() {
            Some(group) => self.ask(group),
            None => self.change(),
        }
    }

    /// An earlier group with one field changed.
    fn altered(&mut self) -> Command {
        let Some(mut group) = self.earlier() else { return self.change() };
        let place = self.random.below(group.legs.len() as u64) as usize;
        let other = self.account();
        let leg = &mut group.legs[place];
        match &mut leg.op {
            LegOp::Plain { amount, .. } | LegOp::Hold { amount, .. } if self.random.percent(50) => {
                *amount += 1
            }
            LegOp::Plain { credit, .. } | LegOp::Hold { credit, .. } => *credit = other,
            LegOp::Post { amount, .. } => *amount += 1,
            LegOp::Void { .. } | LegOp::Reverse { .. } => leg.kind += 1,
        }
        self.ask(group)
    }

    /// Posts or voids a hold, open or not.
    fn act(&mut self) -> Command {
        let holds: Vec<(Id, u64)> = self
            .asked
            .iter()
            .flat_map(|group| &group.legs)
            .filter_map(|leg| match leg.op {
                LegOp::Hold { amount, .. } => Some((leg.id, amount)),
                _ => None,
            })
            .collect();
        let recent = &holds[holds.len().saturating_sub(20)..];
        let Some(&(hold, amount)) = self.random.pick(recent) else { return self.change() };
        let op = if self.random.percent(60) {
            LegOp::Post { hold, amount: self.random.below(amount + 1 + amount / 8) }
        } else {
            LegOp::Void { hold }
        };
        let mut leg = self.leg(op);
        if self.random.percent(3) {
            // Not something that charges meters.
            leg.meters[0] = 1;
        }
        self.ask(Group { legs: vec![leg] })
    }

    fn reversal(&mut self) -> Command {
        let Some(group) = self.earlier() else { return self.change() };
        let transfer = group.legs[0].id;
        let mut leg = self.leg(LegOp::Reverse { transfer });
        (leg.id, leg.kind) = (reversal_id(transfer), 9);
        self.ask(Group { legs: vec![leg] })
    }

    /// A policy; now and then one more than there are.
    fn some_policy(&mut self) -> u32 {
        let unknown = u64::from(self.random.percent(20));
        self.random.within(1, POLICIES + unknown) as u32
    }

    fn change(&mut self) -> Command {
        let id = self.account();
        // Mostly open, so that money moves again.
        let freeze = Freeze { debit: self.random.percent(6), credit: self.random.percent(6) };
        let mut change = AccountChange { id, freeze: Some(freeze), ..AccountChange::default() };
        if self.random.percent(30) && !ISSUANCE.contains(&id) {
            change.max = Some(self.random.within(5_000, 80_000) as i64);
        }
        match self.random.below(14) {
            // What is refused: an account that is not there, one that is not empty, limits that cannot be.
            0 => change.id = 99,
            1 => change.close = true,
            2 if !ISSUANCE.contains(&id) => change.min = Some(90_000),
            _ => {}
        }
        Command::ChangeAccount(change)
    }

    fn policy(&mut self, now: Nanos) -> Command {
        let policy = self.random.within(1, POLICIES) as u32;
        let version = &mut self.next_version[policy as usize - 1];
        *version += 1;
        let version = *version;
        let from = now + self.random.below(5_000) * MS;
        let mut bound =
            |most| if self.random.percent(20) { u64::MAX } else { self.random.within(most / 4, most) };
        let (single, day, day_count) = (bound(2_000), bound(6_000), bound(12));
        let bounds = Policy { single, day, day_count, year: bound(15_000), year_count: bound(25) };
        Command::PublishPolicy(PolicyVersion { policy, version, from, bounds })
    }

    /// Notes what a client was told. An error is a finding, in words.
    pub(crate) fn hear(
        &mut self,
        command: &Command,
        answer: &Result<Outcome, SubmitError>,
    ) -> Result<(), String> {
        self.count(command, answer);
        if let Ok(outcome) = answer {
            for record in &outcome.records {
                let other = self.acknowledged.insert(record.seq, *record);
                if other.is_some_and(|other| other != *record) {
                    return Err(format!(
                        "two answers disagree on record {}: {other:?}, {record:?}",
                        record.seq
                    ));
                }
            }
        }
        match command {
            Command::Transfer(group) => self.hear_group(group, answer),
            _ => Ok(()),
        }
    }

    fn count(&mut self, command: &Command, answer: &Result<Outcome, SubmitError>) {
        let heard = match answer {
            Ok(Outcome { already: false, .. }) => "carried out",
            Ok(_) => "done before",
            Err(SubmitError::Refused(refusal)) => {
                let what = format!("{:>2} {:?}", refusal.why.number(), refusal.why);
                self.coverage.count(Topic::Refusals, what, 1);
                "refused"
            }
            Err(SubmitError::Overloaded { .. }) => "not taken: too many wait",
            Err(_) => "no answer",
        };
        self.coverage.count(Topic::Answers, heard, 1);
        match command {
            Command::OpenAccount(_) => self.coverage.count(Topic::Operations, "open account", 1),
            Command::ChangeAccount(_) => self.coverage.count(Topic::Operations, "change account", 1),
            Command::PublishPolicy(_) => self.coverage.count(Topic::Operations, "publish policy", 1),
            Command::SetMeter { .. } => self.coverage.count(Topic::Operations, "set meter", 1),
            Command::Note { .. } => self.coverage.count(Topic::Operations, "note", 1),
            Command::Transfer(asked) => {
                for leg in &asked.legs {
                    self.coverage.count(Topic::Operations, leg_name(&leg.op), 1);
                }
            }
        }
    }

    fn hear_group(&mut self, group: &Group, answer: &Result<Outcome, SubmitError>) -> Result<(), String> {
        let first = group.legs[0].id;
        let known = self.known.entry(first).or_default();
        match answer {
            Ok(outcome) => {
                fits(group, &outcome.records)?;
                match &known.done {
                    Some((_, records)) if *records != outcome.records => {
                        return Err(format!(
                            "{first:#x} was done twice: {records:?} and {:?}",
                            outcome.records
                        ));
                    }
                    Some(_) if !outcome.already => return Err(format!("{first:#x} was done again")),
                    Some(_) => {}
                    None => known.done = Some((group.clone(), outcome.records.clone())),
                }
                known.unknown = false;
            }
            Err(SubmitError::Refused(refusal)) => {
                let same = known.done.as_ref().is_some_and(|(done, _)| done == group);
                if same {
                    return Err(format!("{first:#x} was done, and its retry is refused: {refusal}"));
                }
                let taken = refusal.why == Why::IdTaken;
                if known.done.as_ref().is_some_and(|(done, _)| done.legs[0].op != group.legs[0].op) && !taken
                {
                    // Precedence: what is wrong with the command itself may come before its id.
                    let earlier = matches!(refusal.why, Why::IdInvalid | Why::LegCount);
                    if !earlier {
                        return Err(format!("{first:#x} is taken, yet the refusal is {refusal}"));
                    }
                }
            }
            // Not even taken: nothing changed.
            Err(SubmitError::Overloaded { .. }) => {}
            Err(SubmitError::Stopped(_)) => known.unknown = true,
        }
        Ok(())
    }

    /// Whether a transfer record may be in the log at all, as far as its askers know.
    pub(crate) fn explains(&self, id: Id) -> bool {
        let groups = self.sent.get(&id).into_iter().flatten();
        groups.filter_map(|first| self.known.get(first)).any(|known| known.done.is_some() || known.unknown)
    }

    /// A transfer's id that somebody may look for: mostly a recent one, now and then a reversal's.
    pub(crate) fn some_id(&mut self) -> Id {
        let group = self.earlier();
        let id = group.and_then(|group| self.random.pick(&group.legs).map(|leg| leg.id)).unwrap_or(7);
        if self.random.percent(12) && id < 1 << 126 { reversal_id(id) } else { id }
    }

    /// Every transfer id that was ever sent.
    pub(crate) fn ids(&self) -> impl Iterator<Item = Id> {
        self.sent.keys().copied()
    }
}

const fn leg_name(op: &LegOp) -> &'static str {
    match op {
        LegOp::Plain { .. } => "plain leg",
        LegOp::Hold { .. } => "hold",
        LegOp::Post { .. } => "post",
        LegOp::Void { .. } => "void",
        LegOp::Reverse { .. } => "reversal",
    }
}

/// Whose liability an account's money is.
pub(crate) const fn holder(account: Id) -> u32 {
    if account == ISSUANCE[0] || (account >= 3 && account <= 6) { 1 } else { 2 }
}

/// Whether records are what a group asks for.
fn fits(group: &Group, records: &[Record]) -> Result<(), String> {
    let wrong = |what: &str| Err(format!("asked {group:?}, answered {records:?}: {what}"));
    if group.legs.len() != records.len() {
        return wrong("not one record per leg");
    }
    for (leg, record) in group.legs.iter().zip(records) {
        let Body::Transfer(transfer) = record.body else { return wrong("a record is no transfer") };
        let same = match leg.op {
            LegOp::Plain { debit, credit, amount } => {
                (Op::Plain, debit, credit, amount)
                    == (transfer.op, transfer.debit, transfer.credit, transfer.amount)
            }
            LegOp::Hold { debit, credit, amount, .. } => {
                (Op::Hold, debit, credit, amount)
                    == (transfer.op, transfer.debit, transfer.credit, transfer.amount)
            }
            LegOp::Post { hold, amount } => {
                (Op::Post, Some(hold)) == (transfer.op, transfer.target())
                    && (amount == 0 || amount == transfer.amount)
            }
            LegOp::Void { hold } => (Op::Void, Some(hold)) == (transfer.op, transfer.target()),
            LegOp::Reverse { transfer: of } => (Op::Reverse, Some(of)) == (transfer.op, transfer.target()),
        };
        if !same || transfer.id != leg.id || transfer.kind != leg.kind {
            return wrong("a field differs");
        }
    }
    Ok(())
}
