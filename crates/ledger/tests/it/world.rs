//! A ledger with its log beside it, and short words for the things tests say.

use jialing_ledger::*;

pub(crate) const CNY: u16 = 156;
pub(crate) const CENTRAL: u32 = 1;

/// 2026-01-01T00:00:00+08:00.
pub(crate) const NEW_YEAR: Nanos = 1_767_196_800 * SECOND;
pub(crate) const SECOND: Nanos = 1_000_000_000;
pub(crate) const DAY: Nanos = 86_400 * SECOND;

/// A ledger whose every record is remembered, replayed into a second ledger, encoded and decoded.
pub(crate) struct World {
    pub(crate) ledger: Ledger,
    pub(crate) replayed: Ledger,
    pub(crate) prior: Remembered,
    pub(crate) log: Vec<Record>,
    pub(crate) now: Nanos,
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            ledger: Ledger::new(),
            replayed: Ledger::new(),
            prior: Remembered::new(),
            log: Vec::new(),
            now: NEW_YEAR,
        }
    }

    /// Issuance 1, vault 2, people 3 and 4, shop 5; 1,000,000 issued and 10,000 with each person.
    pub(crate) fn small_town() -> Self {
        let mut world = Self::new();
        world.ok(&open(1, AccountKind::Issuance, -1_000_000_000, i64::MAX));
        for (id, kind) in [
            (2, AccountKind::Vault),
            (3, AccountKind::Personal),
            (4, AccountKind::Personal),
            (5, AccountKind::Organisation),
        ] {
            world.ok(&open(id, kind, 0, i64::MAX));
        }
        world.ok(&one(plain(900_001, 1, 2, 1_000_000)));
        world.ok(&one(plain(900_002, 2, 3, 10_000)));
        world.ok(&one(plain(900_003, 2, 4, 10_000)));
        world
    }

    pub(crate) fn apply(&mut self, cmd: &Command) -> Result<Applied, Refusal> {
        let before = self.ledger.snapshot();
        let mut out = Vec::new();
        let answer = self.ledger.apply(cmd, self.now, &self.prior, &mut out);
        if !matches!(answer, Ok(Applied { already: false, .. })) {
            assert!(out.is_empty(), "nothing new, so nothing written: {answer:?}");
            assert_eq!(self.ledger.snapshot(), before, "nothing new, so nothing changed: {answer:?}");
        }
        self.keep(&out);
        answer
    }

    pub(crate) fn expire(&mut self) -> usize {
        // What was there before is not counted.
        let mut out: Vec<Record> = self.log.last().copied().into_iter().collect();
        let before = out.len();
        let lapsed = self.ledger.expire(self.now, &mut out);
        assert_eq!(lapsed, out.len() - before);
        self.keep(&out[before..]);
        lapsed
    }

    /// What must hold after every step, whatever the step was.
    fn keep(&mut self, out: &[Record]) {
        for record in out {
            assert_eq!(Record::decode(&record.encode()), Ok(*record));
            self.replayed.replay_with(record, &self.prior).expect("what was written can be replayed");
            assert!(self.prior.remember(record), "an id is used once");
        }
        self.log.extend(out);
        self.ledger.audit().expect("the books add up");
        let snapshot = self.ledger.snapshot();
        assert_eq!(self.replayed.snapshot(), snapshot, "replay gives the same state");
        let restored = Ledger::restore(&snapshot).expect("a snapshot can be restored");
        assert_eq!(restored.snapshot(), snapshot, "restoring gives the same state");
        assert_eq!(restored.totals_all().collect::<Vec<_>>(), self.ledger.totals_all().collect::<Vec<_>>());
    }

    #[track_caller]
    pub(crate) fn ok(&mut self, cmd: &Command) -> Applied {
        let applied = self.apply(cmd).expect("the command is good");
        assert!(!applied.already, "the command is new");
        applied
    }

    #[track_caller]
    pub(crate) fn refused(&mut self, cmd: &Command, why: Why) {
        self.refused_at(cmd, why, 0);
    }

    #[track_caller]
    pub(crate) fn refused_at(&mut self, cmd: &Command, why: Why, leg: u8) {
        let refusal = self.apply(cmd).expect_err("the command is refused");
        assert_eq!((refusal.why, refusal.leg), (why, leg));
        assert_eq!(refusal.field.is_some(), why == Why::IdTaken, "a taken id names the field");
    }

    #[track_caller]
    pub(crate) fn taken(&mut self, cmd: &Command, leg: u8, field: &str) {
        let refusal = self.apply(cmd).expect_err("the id is taken");
        assert_eq!((refusal.why, refusal.leg, refusal.field), (Why::IdTaken, leg, Some(field)));
    }

    #[track_caller]
    pub(crate) fn already(&mut self, cmd: &Command, first: &Applied) {
        let again = self.apply(cmd).expect("a retry succeeds");
        assert_eq!(again, Applied { already: true, ..*first });
    }

    #[track_caller]
    pub(crate) fn balances(&self, expected: &[(Id, i64)]) {
        let found: Vec<_> = expected
            .iter()
            .map(|&(id, _)| (id, self.ledger.account(id).expect("it is open").balance()))
            .collect();
        assert_eq!(found, expected);
    }

    pub(crate) fn last_transfer(&self) -> Transfer {
        match self.log.last().expect("something was written").body {
            Body::Transfer(transfer) => transfer,
            other => panic!("the last record is {other:?}"),
        }
    }
}

pub(crate) fn open(id: Id, kind: AccountKind, min: i64, max: i64) -> Command {
    open_in(id, CNY, CENTRAL, kind, min, max)
}

pub(crate) fn open_in(id: Id, currency: u16, holder: u32, kind: AccountKind, min: i64, max: i64) -> Command {
    Command::OpenAccount(NewAccount { id, currency, kind, holder, min, max })
}

pub(crate) fn change(id: Id) -> AccountChange {
    AccountChange { id, ..AccountChange::default() }
}

pub(crate) fn freeze(id: Id, debit: bool, credit: bool) -> Command {
    Command::ChangeAccount(AccountChange { freeze: Some(Freeze { debit, credit }), ..change(id) })
}

pub(crate) fn close(id: Id) -> Command {
    Command::ChangeAccount(AccountChange { close: true, ..change(id) })
}

pub(crate) fn leg(id: Id, op: LegOp) -> Leg {
    Leg { id, op, kind: 7, digest: [9; 24], meters: [0; 4] }
}

pub(crate) fn plain(id: Id, debit: Id, credit: Id, amount: u64) -> Leg {
    leg(id, LegOp::Plain { debit, credit, amount })
}

pub(crate) fn hold(id: Id, debit: Id, credit: Id, amount: u64, expires: Nanos) -> Leg {
    leg(id, LegOp::Hold { debit, credit, amount, expires })
}

pub(crate) fn post(id: Id, hold: Id, amount: u64) -> Leg {
    leg(id, LegOp::Post { hold, amount })
}

pub(crate) fn void(id: Id, hold: Id) -> Leg {
    leg(id, LegOp::Void { hold })
}

pub(crate) fn reverse(transfer: Id) -> Leg {
    leg(reversal_id(transfer), LegOp::Reverse { transfer })
}

pub(crate) fn charging(mut leg: Leg, meters: &[Id]) -> Leg {
    leg.meters[..meters.len()].copy_from_slice(meters);
    leg
}

pub(crate) fn one(leg: Leg) -> Command {
    group(&[leg])
}

pub(crate) fn group(legs: &[Leg]) -> Command {
    Command::Transfer(Group { legs: legs.to_vec() })
}

pub(crate) fn policy(policy: u32, version: u32, from: Nanos, bounds: Policy) -> Command {
    Command::PublishPolicy(PolicyVersion { policy, version, from, bounds })
}

pub(crate) fn set_meter(meter: Id, policy: u32) -> Command {
    Command::SetMeter { meter, policy }
}
