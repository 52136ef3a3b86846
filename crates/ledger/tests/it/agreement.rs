//! Random commands, put to the kernel and to the naive ledger: after every step both must give the
//! same answer and show the same accounts, holds, meters and totals. `World` adds conservation,
//! replay and restoring after every step.

use jialing_ledger::*;
use proptest::prelude::*;

use crate::model::{Model, day_of};
use crate::steps::*;
use crate::world::*;

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
