//! Random commands, put to the kernel and to the naive ledger: after every step both must give the
//! same answer and show the same accounts, holds, meters and totals. `World` adds conservation,
//! replay and restoring after every step.

use jialing_ledger::*;
use proptest::prelude::*;

use crate::model::{Model, day_of};
use crate::world::*;

#[derive(Clone, Debug)]
enum Step {
    Wait(Wait),
    Expire,
    /// Goes on with a ledger restored from bytes, or with the one rebuilt from records.
    Restart {
        replay: bool,
    },
    Open {
        id: Id,
        kind: usize,
        holder: u32,
        min: i64,
        max: i64,
    },
    Change(AccountChange),
    Publish {
        policy: u32,
        newer: u32,
        from: i64,
        bounds: Policy,
    },
    SetMeter {
        meter: Id,
        policy: u32,
    },
    Note(Id),
    Group(Vec<LegPick>),
    /// An earlier command again.
    Retry {
        pick: prop::sample::Index,
        twist: Twist,
    },
}

#[derive(Clone, Debug)]
enum Wait {
    Nanos(u64),
    Hours(u64),
    /// To this many nanoseconds before or after the next midnight at UTC+8.
    Midnight(i64),
    /// The same for the next new year.
    NewYear(i64),
    Back(u64),
}

#[derive(Clone, Debug)]
struct LegPick {
    id: IdPick,
    op: u8,
    debit: Id,
    credit: Id,
    amount: AmountPick,
    target: prop::sample::Index,
    open_target: bool,
    expires: Option<i64>,
    meters: [Id; 4],
    kind: u16,
}

#[derive(Clone, Debug)]
enum IdPick {
    Fresh,
    Used(prop::sample::Index),
    Odd(Id),
}

#[derive(Clone, Debug)]
enum AmountPick {
    Exactly(u64),
    /// What the debited account can spend, and so much more.
    Available(i64),
    /// What the credited account can take, and so much more.
    Room(i64),
    /// What the first named meter leaves for the day, and so much more.
    MeterDay(i64),
    /// The same for the year.
    MeterYear(i64),
    /// What the target holds, and so much more.
    Target(i64),
}

#[derive(Clone, Debug)]
enum Twist {
    Same,
    Kind(usize),
    Debit(usize, Id),
    Credit(usize, Id),
    Amount(usize, u64),
    Digest(usize),
    Meters(usize, Id),
    Expires(usize),
    Target(usize, Id),
    Post(usize),
    DropLast,
    DropFirst,
    AddOne,
    Swap,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => wait().prop_map(Step::Wait),
        2 => Just(Step::Expire),
        1 => any::<bool>().prop_map(|replay| Step::Restart { replay }),
        2 => opening(),
        3 => changing(),
        1 => (1u32..5, 0u32..3, -2i64..3, bounds())
            .prop_map(|(policy, newer, from, bounds)| Step::Publish { policy, newer, from, bounds }),
        1 => (prop_oneof![4 => 0u128..6, 1 => Just(Id::MAX)], 1u32..6)
            .prop_map(|(meter, policy)| Step::SetMeter { meter, policy }),
        1 => prop_oneof![Just(0), Just(5), Just(Id::MAX)].prop_map(Step::Note),
        12 => prop::collection::vec(leg_pick(), 2..5).prop_map(Step::Group),
        20 => leg_pick().prop_map(|leg| Step::Group(vec![leg])),
        1 => prop_oneof![Just(0usize), Just(8), Just(9)]
            .prop_flat_map(|n| prop::collection::vec(leg_pick(), n)).prop_map(Step::Group),
        5 => (any::<prop::sample::Index>(), twist()).prop_map(|(pick, twist)| Step::Retry { pick, twist }),
    ]
}

fn wait() -> impl Strategy<Value = Wait> {
    prop_oneof![
        4 => (0u64..20 * SECOND).prop_map(Wait::Nanos),
        2 => (1u64..30).prop_map(Wait::Hours),
        2 => (-1i64..2).prop_map(Wait::Midnight),
        1 => (-1i64..2).prop_map(Wait::NewYear),
        1 => (0u64..2 * DAY).prop_map(Wait::Back),
    ]
}

fn limit() -> impl Strategy<Value = i64> {
    prop_oneof![4 => -50i64..800, 3 => Just(i64::MAX), 1 => Just(i64::MIN), 2 => Just(0)]
}

fn opening() -> impl Strategy<Value = Step> {
    let id = prop_oneof![2 => 1u128..10, 8 => 10u128..13, 1 => Just(0), 1 => Just(Id::MAX)];
    let min = prop_oneof![4 => Just(0), 1 => limit()];
    (id, 0usize..5, 1u32..3, min, limit()).prop_map(|(id, kind, holder, min, max)| Step::Open {
        id,
        kind,
        holder,
        min,
        max,
    })
}

fn changing() -> impl Strategy<Value = Step> {
    let id = prop_oneof![4 => 1u128..13, 8 => 9u128..13, 1 => Just(0)];
    let freeze = prop::option::weighted(
        0.5,
        (prop::bool::weighted(0.2), prop::bool::weighted(0.2))
            .prop_map(|(debit, credit)| Freeze { debit, credit }),
    );
    let limits = (prop::option::weighted(0.3, limit()), prop::option::weighted(0.3, limit()));
    (id, limits, freeze, prop::bool::weighted(0.3)).prop_map(|(id, (min, max), freeze, close)| {
        Step::Change(AccountChange { id, min, max, freeze, close })
    })
}

fn bounds() -> impl Strategy<Value = Policy> {
    let amount = || prop_oneof![1 => 0u64..400, 2 => Just(u64::MAX)];
    let count = || prop_oneof![1 => 0u64..5, 2 => Just(u64::MAX)];
    (amount(), amount(), count(), amount(), count()).prop_map(|(single, day, day_count, year, year_count)| {
        Policy { single, day, day_count, year, year_count }
    })
}

/// From and to: mostly two that can pay each other, else any two.
fn accounts() -> impl Strategy<Value = (Id, Id)> {
    let pairs = vec![
        (1, 2),
        (2, 1),
        (2, 3),
        (2, 4),
        (3, 4),
        (3, 5),
        (4, 5),
        (5, 2),
        (5, 4),
        (6, 7),
        (7, 6),
        (8, 9),
        (9, 8),
    ];
    prop_oneof![12 => prop::sample::select(pairs), 1 => (1u128..13, 1u128..13)]
}

fn leg_pick() -> impl Strategy<Value = LegPick> {
    let id = prop_oneof![
        60 => Just(IdPick::Fresh),
        3 => any::<prop::sample::Index>().prop_map(IdPick::Used),
        1 => prop_oneof![Just(0), Just(1 << 126), Just((1 << 126) - 1), Just(1 << 127), Just(Id::MAX)]
            .prop_map(IdPick::Odd),
    ];
    let edge = || -1i64..2;
    let amount = prop_oneof![
        1 => Just(AmountPick::Exactly(0)),
        14 => (1u64..70).prop_map(AmountPick::Exactly),
        1 => prop_oneof![Just(MAX_AMOUNT), Just(MAX_AMOUNT + 1), Just(u64::MAX)].prop_map(AmountPick::Exactly),
        2 => edge().prop_map(AmountPick::Available),
        1 => edge().prop_map(AmountPick::Room),
        2 => edge().prop_map(AmountPick::MeterDay),
        1 => edge().prop_map(AmountPick::MeterYear),
        6 => (-30i64..2).prop_map(AmountPick::Target),
    ];
    let expires = prop_oneof![
        3 => Just(None),
        1 => (-1i64..2).prop_map(Some),
        4 => (1i64..3).prop_map(|n| Some(n * 10 * SECOND as i64)),
        2 => (1i64..40).prop_map(|n| Some(n * 3_600 * SECOND as i64)),
    ];
    let named = prop_oneof![12 => 1u128..3, 2 => Just(3), 1 => Just(4)];
    let meters = prop_oneof![
        7 => Just([0; 4]),
        4 => named.clone().prop_map(|a| [a, 0, 0, 0]),
        2 => (named.clone(), named).prop_map(|(a, b)| [0, a, 0, b]),
    ];
    let target = (any::<prop::sample::Index>(), prop::bool::weighted(0.95));
    (id, 0u8..12, accounts(), amount, target, expires, meters, 7u16..9).prop_map(
        |(id, op, (debit, credit), amount, (target, open_target), expires, meters, kind)| LegPick {
            id,
            op,
            debit,
            credit,
            amount,
            target,
            open_target,
            expires,
            meters,
            kind,
        },
    )
}

fn twist() -> impl Strategy<Value = Twist> {
    let leg = || 0usize..4;
    prop_oneof![
        8 => Just(Twist::Same),
        1 => leg().prop_map(Twist::Kind),
        1 => (leg(), 1u128..6).prop_map(|(leg, id)| Twist::Debit(leg, id)),
        1 => (leg(), 1u128..6).prop_map(|(leg, id)| Twist::Credit(leg, id)),
        1 => (leg(), 0u64..200).prop_map(|(leg, amount)| Twist::Amount(leg, amount)),
        1 => leg().prop_map(Twist::Digest),
        1 => (leg(), 0u128..4).prop_map(|(leg, id)| Twist::Meters(leg, id)),
        1 => leg().prop_map(Twist::Expires),
        1 => (leg(), 1u128..60).prop_map(|(leg, id)| Twist::Target(leg, id)),
        1 => leg().prop_map(Twist::Post),
        1 => Just(Twist::DropLast),
        1 => Just(Twist::DropFirst),
        1 => Just(Twist::AddOne),
        1 => Just(Twist::Swap),
    ]
}

/// The kernel, the naive ledger, and what was asked of them.
struct Pair {
    world: World,
    model: Model,
    asked: Vec<Command>,
    fresh: Id,
    seen: Vec<Option<Why>>,
    /// Movements that the setup made.
    setup: usize,
}

impl Pair {
    /// Two institutions and two currencies, one small limit of each sort.
    fn new() -> Self {
        let mut pair = Self {
            world: World::new(),
            model: Model::default(),
            asked: Vec::new(),
            fresh: 0,
            seen: Vec::new(),
            setup: 0,
        };
        let now = pair.world.now;
        let small = Policy { single: 65, day: 100, day_count: 5, year: 1_000, year_count: 30 };
        let setup = [
            open(1, AccountKind::Issuance, -5_000, i64::MAX),
            open(2, AccountKind::Vault, 0, i64::MAX),
            open(3, AccountKind::Personal, 0, 500),
            open(4, AccountKind::Personal, 0, i64::MAX),
            open(5, AccountKind::Organisation, 0, i64::MAX),
            open_in(6, CNY, 2, AccountKind::Issuance, -900, i64::MAX),
            open_in(7, CNY, 2, AccountKind::Personal, 0, 700),
            open_in(8, 840, CENTRAL, AccountKind::Issuance, -900, i64::MAX),
            open_in(9, 840, CENTRAL, AccountKind::Transit, 0, i64::MAX),
            policy(1, 1, 0, small),
            policy(2, 1, 0, Policy { day_count: 2, ..Policy::UNBOUNDED }),
            policy(3, 1, now + 2 * DAY, Policy { year: 300, ..Policy::UNBOUNDED }),
            set_meter(1, 1),
            set_meter(2, 2),
            set_meter(3, 3),
        ];
        for cmd in &setup {
            pair.put(cmd);
        }
        for (debit, credit, amount) in [(1, 2, 3_000), (2, 3, 400), (2, 4, 400), (6, 7, 600), (8, 9, 500)] {
            pair.fresh += 1;
            pair.put(&one(plain(pair.fresh, debit, credit, amount)));
            pair.setup += 1;
        }
        pair
    }

    fn put(&mut self, cmd: &Command) {
        let said = self.world.apply(cmd);
        assert_eq!(said, self.model.apply(cmd, self.world.now), "both answer alike to {cmd:?}");
        self.seen.push(said.err().map(|refusal| refusal.why));
        self.asked.push(cmd.clone());
        self.agree();
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Wait(wait) => self.world.now = later(self.world.now, wait),
            Step::Expire => {
                let lapsed = self.model.expire(self.world.now);
                let from = self.world.log.len();
                assert_eq!(self.world.expire(), lapsed.len());
                let holds: Vec<_> = self.world.log[from..].iter().map(expired).collect();
                assert_eq!(holds, lapsed, "the same holds lapse in the same order");
                self.agree();
            }
            Step::Restart { replay: true } => self.world.ledger = self.world.replayed.clone(),
            Step::Restart { replay: false } => {
                let bytes = self.world.ledger.snapshot();
                self.world.ledger = Ledger::restore(&bytes).expect("a snapshot can be restored");
            }
            Step::Open { id, kind, holder, min, max } => {
                self.put(&open_in(*id, CNY, *holder, AccountKind::ALL[*kind], *min, *max));
            }
            Step::Change(change) => self.put(&Command::ChangeAccount(*change)),
            Step::Publish { policy, newer, from, bounds } => {
                let newest = self.world.ledger.policies().filter(|v| v.policy == *policy).last();
                let version = newest.map_or(0, |v| v.version) + newer;
                let from = self.world.now.saturating_add_signed(from * DAY as i64);
                self.put(&crate::world::policy(*policy, version, from, *bounds));
            }
            Step::SetMeter { meter, policy } => self.put(&set_meter(*meter, *policy)),
            Step::Note(id) => self.put(&Command::Note { kind: 3, id: *id, digest: [5; 32] }),
            Step::Group(picks) => {
                let legs: Vec<Leg> = picks.iter().map(|pick| self.leg(pick)).collect();
                self.put(&group(&legs));
            }
            Step::Retry { pick, twist } => {
                let cmd = twisted(pick.get(&self.asked).clone(), twist, self.fresh + 1);
                self.put(&cmd);
            }
        }
    }

    fn leg(&mut self, pick: &LegPick) -> Leg {
        self.fresh += 1;
        let id = match pick.id {
            IdPick::Fresh => self.fresh,
            IdPick::Used(index) => 1 + index.index(self.fresh as usize) as Id,
            IdPick::Odd(id) => id,
        };
        let moves: Vec<_> = self.model.moves().cloned().collect();
        let open = self.model.open_holds();
        let any = pick.target.get(&moves);
        // The leg before in the same group is a good target too, though not recorded yet.
        let target = match pick.op {
            7..=10 if pick.open_target && !open.is_empty() => pick.target.get(&open),
            _ => any,
        };
        let target_id = if pick.open_target { target.id } else { self.fresh - 1 };
        let amount = self.amount(pick, target.amount);
        let expires = pick.expires.map_or(0, |more| self.world.now.saturating_add_signed(more));
        let (debit, credit) = (pick.debit, pick.credit);
        let op = match pick.op {
            7..=10 if open.is_empty() && pick.open_target => LegOp::Hold { debit, credit, amount, expires },
            0..=2 => LegOp::Plain { debit, credit, amount },
            3..=6 => LegOp::Hold { debit, credit, amount, expires },
            7 | 8 => LegOp::Post { hold: target_id, amount },
            9 | 10 => LegOp::Void { hold: target_id },
            _ => LegOp::Reverse { transfer: target_id },
        };
        let id = match (pick.op, &pick.id) {
            (11.., IdPick::Fresh) => reversal_id(target_id),
            _ => id,
        };
        let charges = pick.op < 7 || pick.kind == 8 && pick.op == 9;
        let meters = if charges { pick.meters } else { [0; 4] };
        Leg { id, op, kind: pick.kind, digest: [id as u8; 24], meters }
    }

    fn amount(&self, pick: &LegPick, target: i128) -> u64 {
        let model = &self.model;
        let meter = pick.meters.into_iter().find(|&meter| meter != 0);
        let left = |bound: fn(&Allowance) -> u64| {
            let allowance = meter.and_then(|meter| self.world.ledger.allowance(meter, self.world.now));
            allowance.map_or(10, |allowance| i128::from(bound(&allowance)))
        };
        let known = |id: Id| model.opening(id).is_some();
        let (edge, more) = match pick.amount {
            AmountPick::Exactly(amount) => return amount,
            AmountPick::Available(more) if known(pick.debit) => {
                let min = i128::from(model.state(pick.debit).min);
                (model.balance(pick.debit) - model.held(pick.debit).0 - min, more)
            }
            AmountPick::Room(more) if known(pick.credit) => {
                let max = i128::from(model.state(pick.credit).max);
                (max - model.balance(pick.credit) - model.held(pick.credit).1, more)
            }
            AmountPick::Available(more) | AmountPick::Room(more) => (20, more),
            AmountPick::MeterDay(more) => (left(|allowance| allowance.day), more),
            AmountPick::MeterYear(more) => (left(|allowance| allowance.year), more),
            AmountPick::Target(more) => (target, more),
        };
        u64::try_from(edge + i128::from(more)).unwrap_or(1)
    }

    /// Everything that can be seen of the kernel is what the naive ledger works out.
    fn agree(&self) {
        let (ledger, model, now) = (&self.world.ledger, &self.model, self.world.now);
        assert_eq!(ledger.next_seq(), model.next);
        assert_eq!(ledger.now(), model.now);
        let accounts: Vec<Account> = ledger.accounts().collect();
        assert_eq!(accounts, model.accounts().iter().map(|new| shown(model, new)).collect::<Vec<_>>());
        for account in &accounts {
            assert_eq!(ledger.account(account.id), Some(*account));
            if let Some(totals) = ledger.totals(account.currency, account.holder) {
                same_totals(&totals, model);
            }
        }
        for new in &self.world.log[self.world.log.len().saturating_sub(16)..] {
            if let Body::Transfer(t) = new.body {
                let balance = |id| model.sums(id, new.seq).1 - model.sums(id, new.seq).0;
                assert_eq!(i128::from(t.debit_balance), balance(t.debit), "balance after, in the record");
                assert_eq!(i128::from(t.credit_balance), balance(t.credit), "balance after, in the record");
            }
        }
        let mut held: Vec<_> = model.open_holds();
        held.sort_by_key(|hold| hold.id);
        let naive: Vec<_> = held.iter().map(hold_of).collect();
        assert_eq!(ledger.holds().collect::<Vec<_>>(), naive);
        assert_eq!(ledger.next_expiry(), naive.iter().map(|h| h.expires).filter(|&e| e != 0).min());
        for meter in ledger.meters() {
            for at in [now, now + DAY] {
                self.same_allowance(meter.id, at.max(ledger.now()));
            }
        }
    }

    fn same_allowance(&self, meter: Id, at: Nanos) {
        let allowance = self.world.ledger.allowance(meter, at).expect("the meter is there");
        let model = &self.model;
        let version = model.meter_policy(meter).and_then(|policy| model.in_force(policy, at));
        assert_eq!(allowance.version, version);
        let day = model.passed(meter, at, day_of);
        let year = model.passed(meter, at, crate::model::year_of);
        let figures = [
            allowance.meter.day_amount,
            allowance.meter.day_count,
            allowance.meter.year_amount,
            allowance.meter.year_count,
        ];
        assert_eq!(figures.map(i128::from), [day.0, day.1, year.0, year.1], "meter {meter} at {at}");
        let bounds = version.map(|v| v.bounds);
        let left = |bound: Option<u64>, passed: i128| match bound {
            None => 0,
            Some(u64::MAX) => u64::MAX,
            Some(bound) => u64::try_from(i128::from(bound) - passed).unwrap_or(0),
        };
        assert_eq!(allowance.single, left(bounds.map(|b| b.single), 0));
        assert_eq!(allowance.day, left(bounds.map(|b| b.day), day.0));
        assert_eq!(allowance.day_count, left(bounds.map(|b| b.day_count), day.1));
        assert_eq!(allowance.year, left(bounds.map(|b| b.year), year.0));
        assert_eq!(allowance.year_count, left(bounds.map(|b| b.year_count), year.1));
    }
}

fn shown(model: &Model, new: &NewAccount) -> Account {
    let state = model.state(new.id);
    let (debits, credits) = model.sums(new.id, u64::MAX);
    let (leaving, arriving) = model.held(new.id);
    let narrow = |sum: i128| u64::try_from(sum).expect("sums fit");
    Account {
        id: new.id,
        currency: new.currency,
        kind: new.kind,
        holder: new.holder,
        debits: narrow(debits),
        credits: narrow(credits),
        debits_held: narrow(leaving),
        credits_held: narrow(arriving),
        min: state.min,
        max: state.max,
        freeze: state.freeze,
        closed: state.closed,
    }
}

fn hold_of(m: &crate::model::Moved) -> Hold {
    Hold {
        id: m.id,
        debit: m.debit,
        credit: m.credit,
        amount: m.amount as u64,
        expires: m.expires,
        at: m.time,
        kind: m.kind,
        meters: m.meters,
    }
}

fn same_totals(totals: &Totals, model: &Model) {
    let naive = model.totals(totals.currency, totals.holder);
    assert_eq!(naive.by_kind.values().sum::<i128>(), 0, "no fen appears or disappears");
    let kind = |kind: AccountKind| naive.by_kind.get(&(kind as u8)).copied().unwrap_or(0);
    let naive = [
        naive.issued,
        naive.redeemed,
        naive.issued - naive.redeemed,
        naive.held,
        kind(AccountKind::Vault),
        kind(AccountKind::Personal),
        kind(AccountKind::Organisation),
        kind(AccountKind::Transit),
    ];
    let kept = [
        totals.issued,
        totals.redeemed,
        totals.circulating,
        totals.held,
        totals.vault,
        totals.personal,
        totals.organisation,
        totals.transit,
    ];
    assert_eq!(kept.map(i128::from), naive);
    assert_eq!(kept[2], kept[4..].iter().sum::<u64>(), "what circulates is somewhere");
}

fn expired(record: &Record) -> Id {
    match record.body {
        Body::Transfer(t) if t.op == Op::Expire => t.target().expect("an expiry has a target"),
        other => panic!("not an expiry: {other:?}"),
    }
}

fn later(now: Nanos, wait: &Wait) -> Nanos {
    let offset = 8 * 3_600 * SECOND;
    let midnight = (day_of(now) + 1) * DAY - offset;
    match *wait {
        Wait::Nanos(nanos) => now + nanos,
        Wait::Hours(hours) => now + hours * 3_600 * SECOND,
        Wait::Midnight(more) => midnight.saturating_add_signed(more).max(now),
        Wait::NewYear(more) => {
            let year = crate::model::year_of(now);
            let days = (0..).map(|n| midnight + n * DAY).find(|&at| crate::model::year_of(at) > year);
            days.expect("a new year comes").saturating_add_signed(more)
        }
        Wait::Back(nanos) => now.saturating_sub(nanos),
    }
}

fn twisted(mut cmd: Command, twist: &Twist, fresh: Id) -> Command {
    let Command::Transfer(group) = &mut cmd else { return cmd };
    let legs = &mut group.legs;
    if legs.is_empty() {
        return cmd;
    }
    let last = legs.len() - 1;
    let at = |index: &usize| (*index).min(last);
    match twist {
        Twist::Same => {}
        Twist::Kind(index) => legs[at(index)].kind ^= 1,
        Twist::Digest(index) => legs[at(index)].digest[23] ^= 1,
        Twist::Meters(index, meter) => legs[at(index)].meters[0] = *meter,
        Twist::Debit(index, to) | Twist::Credit(index, to) => match &mut legs[at(index)].op {
            LegOp::Plain { debit, credit, .. } | LegOp::Hold { debit, credit, .. } => {
                *(if matches!(twist, Twist::Debit(..)) { debit } else { credit }) = *to;
            }
            _ => {}
        },
        Twist::Amount(index, to) => match &mut legs[at(index)].op {
            LegOp::Plain { amount, .. } | LegOp::Hold { amount, .. } | LegOp::Post { amount, .. } => {
                *amount = *to
            }
            _ => {}
        },
        Twist::Expires(index) => {
            if let LegOp::Hold { expires, .. } = &mut legs[at(index)].op {
                *expires += SECOND;
            }
        }
        Twist::Target(index, to) => match &mut legs[at(index)].op {
            LegOp::Post { hold, .. } | LegOp::Void { hold } => *hold = *to,
            LegOp::Reverse { transfer } => *transfer = *to,
            _ => {}
        },
        Twist::Post(index) => legs[at(index)].op = LegOp::Post { hold: fresh, amount: 0 },
        Twist::DropLast => legs.truncate(last),
        Twist::DropFirst => {
            legs.remove(0);
        }
        Twist::AddOne => legs.push(plain(fresh, 2, 4, 1)),
        Twist::Swap => legs.swap(0, last),
    }
    cmd
}

/// `PROPTEST_CASES` in the environment digs deeper.
fn config() -> ProptestConfig {
    let mut config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = 300;
    }
    config
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_kernel_and_the_naive_ledger_agree(steps in prop::collection::vec(step(), 1..60)) {
        let mut pair = Pair::new();
        for step in &steps {
            pair.take(step);
        }
    }
}

/// The random commands are worth something only if they get everywhere.
#[test]
fn random_commands_reach_every_operation_and_nearly_every_refusal() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let mut ops = std::collections::BTreeMap::<u8, u32>::new();
    let mut seen = std::collections::BTreeMap::<Why, u32>::new();
    for _ in 0..120 {
        let steps = prop::collection::vec(step(), 60).new_tree(&mut runner).expect("steps").current();
        let mut pair = Pair::new();
        for step in &steps {
            pair.take(step);
        }
        for why in pair.seen.iter().flatten() {
            *seen.entry(*why).or_default() += 1;
        }
        for moved in pair.model.moves().skip(pair.setup) {
            *ops.entry(moved.op as u8).or_default() += 1;
        }
    }
    eprintln!("done: {ops:?}, refused: {seen:?}");
    for op in Op::ALL {
        let times = ops.get(&(op as u8)).copied().unwrap_or(0);
        assert!(times >= 20, "{op:?} happened {times} times");
    }
    // A sum near 64 bits takes thousands of the largest transfers; the refusal table does that.
    let missed: Vec<_> =
        Why::ALL.iter().filter(|why| !seen.contains_key(why) && **why != Why::Overflow).collect();
    assert!(missed.is_empty(), "never refused for {missed:?}");
}
