//! A second ledger, written from the rules on the page and kept the slow way.
//!
//! It decides as the kernel must: for a refusal it collects every reason that applies and gives the
//! lowest. It shares the kernel's public types and nothing else, the calendar included. Sums near 64
//! bits do not occur in a simulated city; the kernel's own tests look at those exhaustively.

mod legs;
mod reasons;

use std::collections::BTreeMap;

use jialing_ledger::{
    Account, AccountChange, AccountKind, Body, Command, Freeze, Hold, Id, Nanos, NewAccount, Op,
    PolicyVersion, Record, Refusal, Transfer, Why,
};

/// An account as the rules see it.
#[derive(Clone, Debug)]
struct Purse {
    new: NewAccount,
    debits: i128,
    credits: i128,
    held_out: i128,
    held_in: i128,
    min: i64,
    max: i64,
    freeze: Freeze,
    closed: bool,
    /// The record that touched it last, other than by moving money.
    touched: u64,
    opened: u64,
}

impl Purse {
    const fn balance(&self) -> i128 {
        self.credits - self.debits
    }
}

/// Money set aside.
#[derive(Clone, Debug)]
struct Kept {
    debit: Id,
    credit: Id,
    amount: i128,
    expires: Nanos,
    time: Nanos,
    kind: u16,
    meters: [Id; 4],
}

/// A transfer that happened.
#[derive(Clone, Debug)]
struct Done {
    /// Its first record: the terms, where there are any.
    start: u64,
    seq: u64,
    op: Op,
    debit: Id,
    credit: Id,
    amount: i128,
    expires: Nanos,
    /// What a retry is compared with, in order.
    told: Vec<(&'static str, String)>,
}

/// A natural day or year at UTC+8.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Period {
    Day(u64),
    Year(u64),
}

/// All that can change within a command, so that a refused one is simply thrown away.
#[derive(Clone, Debug, Default)]
struct State {
    next: u64,
    now: Nanos,
    purses: BTreeMap<Id, Purse>,
    policies: BTreeMap<u32, Vec<(u64, PolicyVersion)>>,
    meters: BTreeMap<Id, (u64, u32)>,
    /// What passed through a meter: sum and times.
    passed: BTreeMap<(Id, Period), (i128, i128)>,
    holds: BTreeMap<Id, Kept>,
}

/// The naive ledger.
#[derive(Clone, Debug, Default)]
pub(crate) struct Naive {
    state: State,
    moves: BTreeMap<Id, Done>,
}

/// What comes of a command that is not refused.
pub(crate) struct Verdict {
    /// The records it writes, or `None` when it was done before.
    pub(crate) written: Option<Vec<Record>>,
    /// Its first record, also when it was done before.
    pub(crate) first: u64,
    /// How many adjacent records answer it.
    pub(crate) count: u64,
    state: State,
    fresh: Vec<(Id, Done)>,
}

impl Naive {
    /// Records so far.
    pub(crate) const fn next(&self) -> u64 {
        self.state.next
    }

    /// Time of the last record.
    pub(crate) const fn now(&self) -> Nanos {
        self.state.now
    }

    /// What the rules say to a command at a time. Changes nothing.
    pub(crate) fn judge(&self, command: &Command, at: Nanos) -> Result<Verdict, Refusal> {
        let at = at.max(self.state.now);
        match command {
            Command::OpenAccount(new) => self.open(new, at),
            Command::ChangeAccount(change) => self.change(change, at),
            Command::PublishPolicy(version) => self.publish(version, at),
            Command::SetMeter { meter, policy } => self.set_meter(*meter, *policy, at),
            Command::Note { id, .. } if !names(*id) => Err(no(Why::IdInvalid)),
            Command::Note { kind, id, digest } => {
                let (kind, id, digest) = (*kind, *id, *digest);
                Ok(self.write(Body::Note { kind, id, digest }, at, |_| ()))
            }
            Command::Transfer(group) => self.group(group, at),
        }
    }

    /// Carries out what was judged.
    pub(crate) fn carry_out(&mut self, verdict: Verdict) {
        self.state = verdict.state;
        self.moves.extend(verdict.fresh);
    }

    /// Whether a hold's time has come.
    pub(crate) fn is_due(&self, at: Nanos) -> bool {
        self.state.holds.values().any(|hold| hold.expires != 0 && hold.expires <= at)
    }

    /// Lapses the hold whose turn it is at `at`; `None` when none is due.
    pub(crate) fn lapse(&mut self, at: Nanos) -> Option<Record> {
        let due = self.state.holds.iter().filter(|(_, hold)| hold.expires != 0 && hold.expires <= at);
        let (&id, _) = due.min_by_key(|&(id, hold)| (hold.expires, *id))?;
        let hold = self.state.release(id, at)?;
        let (debit, credit) = (&self.state.purses[&hold.debit], &self.state.purses[&hold.credit]);
        let transfer = Transfer {
            id: id ^ (1 << 126),
            op: Op::Expire,
            kind: hold.kind,
            debit: hold.debit,
            credit: hold.credit,
            amount: hold.amount as u64,
            debit_balance: debit.balance() as i64,
            credit_balance: credit.balance() as i64,
            link: legs::pointing_to(id),
            leg: 0,
            legs: 1,
            has_terms: false,
        };
        let seq = self.state.next;
        let done = Done {
            start: seq,
            seq,
            op: Op::Expire,
            debit: hold.debit,
            credit: hold.credit,
            amount: hold.amount,
            expires: 0,
            told: vec![("op", "expire".to_owned())],
        };
        self.moves.insert(transfer.id, done);
        (self.state.next, self.state.now) = (seq + 1, at);
        Some(Record { seq, time: at, body: Body::Transfer(transfer) })
    }

    /// An account as an engine shows it.
    pub(crate) fn account(&self, id: Id) -> Option<Account> {
        self.state.purses.get(&id).map(|purse| Account {
            id,
            currency: purse.new.currency,
            kind: purse.new.kind,
            holder: purse.new.holder,
            debits: purse.debits as u64,
            credits: purse.credits as u64,
            debits_held: purse.held_out as u64,
            credits_held: purse.held_in as u64,
            min: purse.min,
            max: purse.max,
            freeze: purse.freeze,
            closed: purse.closed,
        })
    }

    /// An open hold as an engine shows it.
    pub(crate) fn hold(&self, id: Id) -> Option<Hold> {
        self.state.holds.get(&id).map(|hold| Hold {
            id,
            debit: hold.debit,
            credit: hold.credit,
            amount: hold.amount as u64,
            expires: hold.expires,
            at: hold.time,
            kind: hold.kind,
            meters: hold.meters,
        })
    }

    /// Where the transfer with this id is.
    pub(crate) fn place_of(&self, id: Id) -> Option<u64> {
        self.moves.get(&id).map(|done| done.seq)
    }

    /// One record, with what it changes.
    fn write<R>(&self, body: Body, at: Nanos, change: impl FnOnce(&mut State) -> R) -> Verdict {
        let mut state = self.state.clone();
        change(&mut state);
        let seq = state.next;
        (state.next, state.now) = (seq + 1, at);
        let written = Some(vec![Record { seq, time: at, body }]);
        Verdict { written, first: seq, count: 1, state, fresh: Vec::new() }
    }

    /// Done before, at `first`.
    fn already(&self, first: u64, count: u64) -> Verdict {
        Verdict { written: None, first, count, state: self.state.clone(), fresh: Vec::new() }
    }

    fn open(&self, new: &NewAccount, at: Nanos) -> Result<Verdict, Refusal> {
        if !names(new.id) {
            return Err(no(Why::IdInvalid));
        }
        if let Some(old) = self.state.purses.get(&new.id) {
            let told = |new: &NewAccount| {
                [
                    ("currency", i64::from(new.currency)),
                    ("kind", new.kind as i64),
                    ("holder", i64::from(new.holder)),
                    ("min", new.min),
                    ("max", new.max),
                ]
            };
            let differs = told(new).into_iter().zip(told(&old.new)).find(|(a, b)| a != b);
            return match differs {
                Some(((field, _), _)) => Err(Refusal { field: Some(field), ..no(Why::IdTaken) }),
                None => Ok(self.already(old.opened, 1)),
            };
        }
        if !limits_fit(new.kind, new.min, new.max) || new.min > 0 || new.max < 0 {
            return Err(no(Why::LimitsInvalid));
        }
        let NewAccount { id, currency, kind, holder, min, max } = *new;
        let body = Body::AccountOpened { id, currency, kind, holder, min, max };
        let seq = self.state.next;
        let purse = Purse {
            new: *new,
            debits: 0,
            credits: 0,
            held_out: 0,
            held_in: 0,
            min,
            max,
            freeze: Freeze::default(),
            closed: false,
            touched: seq,
            opened: seq,
        };
        Ok(self.write(body, at, |state| state.purses.insert(id, purse)))
    }

    fn change(&self, change: &AccountChange, at: Nanos) -> Result<Verdict, Refusal> {
        if !names(change.id) {
            return Err(no(Why::IdInvalid));
        }
        let Some(old) = self.state.purses.get(&change.id) else { return Err(no(Why::AccountUnknown)) };
        let (min, max) = (change.min.unwrap_or(old.min), change.max.unwrap_or(old.max));
        let freeze = change.freeze.unwrap_or(old.freeze);
        let closed = old.closed || change.close;
        if (min, max, freeze, closed) == (old.min, old.max, old.freeze, old.closed) {
            return Ok(self.already(old.touched, 1));
        }
        let empty = old.balance() == 0 && (old.held_out, old.held_in) == (0, 0);
        let reasons = [
            (closed && !empty, Why::AccountNotEmpty),
            (!limits_fit(old.new.kind, min, max), Why::LimitsInvalid),
            (old.closed, Why::AccountClosed),
        ];
        if let Some(why) = reasons.into_iter().filter(|(applies, _)| *applies).map(|(_, why)| why).min() {
            return Err(no(why));
        }
        let (id, balance) = (change.id, old.balance() as i64);
        let (debit_frozen, credit_frozen) = (freeze.debit, freeze.credit);
        let body = Body::AccountChanged { id, min, max, debit_frozen, credit_frozen, closed, balance };
        let touched = self.state.next;
        let purse = Purse { min, max, freeze, closed, touched, ..old.clone() };
        Ok(self.write(body, at, |state| state.purses.insert(id, purse)))
    }

    fn publish(&self, version: &PolicyVersion, at: Nanos) -> Result<Verdict, Refusal> {
        let old = self.state.policies.get(&version.policy).map_or(&[][..], Vec::as_slice);
        if let Some((seq, _)) = old.iter().find(|(_, known)| known == version) {
            return Ok(self.already(*seq, 1));
        }
        let newest = old.iter().map(|(_, known)| known.version).max().unwrap_or(0);
        let latest = old.iter().map(|(_, known)| known.from).max().unwrap_or(0);
        if version.version <= newest || version.from < latest {
            return Err(no(Why::PolicyVersionInvalid));
        }
        let PolicyVersion { policy, version: number, from, bounds } = *version;
        let body = Body::PolicyPublished { policy, version: number, from, bounds };
        let entry = (self.state.next, *version);
        Ok(self.write(body, at, |state| state.policies.entry(policy).or_default().push(entry)))
    }

    fn set_meter(&self, meter: Id, policy: u32, at: Nanos) -> Result<Verdict, Refusal> {
        if !names(meter) {
            return Err(no(Why::IdInvalid));
        }
        match self.state.meters.get(&meter) {
            Some(&(seq, set)) if set == policy => Ok(self.already(seq, 1)),
            _ if !self.state.policies.contains_key(&policy) => Err(no(Why::PolicyUnknown)),
            _ => {
                let entry = (self.state.next, policy);
                let body = Body::MeterSet { meter, policy };
                Ok(self.write(body, at, |state| state.meters.insert(meter, entry)))
            }
        }
    }
}

/// A refusal of a command without legs.
const fn no(why: Why) -> Refusal {
    Refusal { why, leg: 0, field: None }
}

const fn names(id: Id) -> bool {
    id != 0 && id != Id::MAX
}

fn limits_fit(kind: AccountKind, min: i64, max: i64) -> bool {
    !(min > max || min < 0 && kind != AccountKind::Issuance)
}
