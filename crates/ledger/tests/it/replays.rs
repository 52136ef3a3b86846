//! Replay: a sound log gives the state back; a log that was tampered with is refused where it was.

use jialing_ledger::*;
use proptest::prelude::*;

use crate::refusals;
use crate::world::*;

/// A log with every kind of record in it.
fn full_log() -> World {
    let mut world = World::small_town();
    world.ok(&policy(1, 1, 0, Policy { day: 5_000, ..Policy::UNBOUNDED }));
    world.ok(&set_meter(1, 1));
    world.ok(&one(charging(plain(1, 3, 5, 100), &[1])));
    world.now += SECOND;
    world.ok(&one(charging(hold(2, 3, 5, 200, world.now + 5), &[1])));
    world.ok(&one(hold(3, 3, 5, 300, 0)));
    world.ok(&one(post(4, 3, 250)));
    world.now += SECOND;
    world.expire();
    world.ok(&one(hold(5, 4, 5, 40, 0)));
    world.ok(&group(&[plain(6, 4, 5, 1), charging(plain(7, 3, 4, 2), &[1]), void(8, 5)]));
    world.ok(&one(reverse(1)));
    world.ok(&Command::ChangeAccount(AccountChange { max: Some(20_000), ..change(3) }));
    world.ok(&Command::Note { kind: 1, id: 9, digest: [1; 32] });
    world.ok(&open(20, AccountKind::Transit, 0, 0));
    world.ok(&close(20));
    world
}

/// The first record that a new ledger refuses, and why.
fn first_fault(log: &[Record]) -> Option<ReplayError> {
    let mut ledger = Ledger::new();
    for record in log {
        let before = (!ledger.mid_group()).then(|| ledger.snapshot());
        if let Err(error) = ledger.replay(record) {
            assert_eq!(error.seq, ledger.next_seq());
            if let Some(before) = before {
                assert_eq!(ledger.snapshot(), before, "a refused record changes nothing");
            }
            return Some(error);
        }
    }
    None
}

fn find(log: &[Record], wanted: impl Fn(&Body) -> bool) -> usize {
    log.iter().position(|record| wanted(&record.body)).expect("the log has such a record")
}

fn transfer_at(log: &mut [Record], id: Id) -> (u64, &mut Transfer) {
    let found = log.iter_mut().find_map(|record| match &mut record.body {
        Body::Transfer(transfer) if transfer.id == id => Some((record.seq, transfer)),
        _ => None,
    });
    found.expect("the log has this transfer")
}

#[test]
fn a_sound_log_gives_the_state_back() {
    let world = full_log();
    assert_eq!(first_fault(&world.log), None);
    assert!(!world.replayed.mid_group());
    assert_eq!(world.replayed.snapshot(), world.ledger.snapshot());
}

#[test]
fn a_changed_transfer_is_refused_where_it_is() {
    let log = full_log().log;
    let check = |id: Id, change: fn(&mut Transfer), expected: Fault| {
        let mut log = log.clone();
        let (seq, transfer) = transfer_at(&mut log, id);
        change(transfer);
        assert_eq!(first_fault(&log), Some(ReplayError { seq, fault: expected }));
    };
    let balance = |account, replayed, recorded| Fault::Balance { account, replayed, recorded };
    check(1, |t| t.amount = 101, balance(3, 9_899, 9_900));
    check(1, |t| t.debit_balance += 1, balance(3, 9_900, 9_901));
    check(1, |t| t.credit_balance -= 1, balance(5, 100, 99));
    check(1, |t| t.amount = 0, Fault::Field("amount"));
    check(1, |t| t.amount = MAX_AMOUNT + 1, Fault::Field("amount"));
    check(1, |t| t.amount = 5_001, Fault::Limit(1));
    check(1, |t| t.amount = 10_001, Fault::Limit(3));
    check(1, |t| t.debit = 77, Fault::Missing(77));
    check(1, |t| t.credit = 77, Fault::Missing(77));
    check(1, |t| t.credit = 3, Fault::Field("credit"));
    check(1, |t| t.id = 0, Fault::Id(0));
    check(1, |t| t.id = reversal_id(1), Fault::Id(reversal_id(1)));
    check(1, |t| t.has_terms = false, Fault::Group);
    check(1, |t| t.leg = 1, Fault::Group);
    check(1, |t| t.legs = 0, Fault::Group);
    check(1, |t| t.legs = 9, Fault::Group);
    check(3, |t| t.op = Op::Post, Fault::Field("link"));
    check(4, |t| t.op = Op::Void, Fault::Field("amount"));
    check(4, |t| t.amount = 301, Fault::Field("amount"));
    check(4, |t| t.debit = 4, Fault::Field("debit"));
    check(4, |t| t.credit = 4, Fault::Field("credit"));
    check(4, |t| t.link[0] = 1, Fault::Missing(1));
    check(4, |t| t.link[16] = 1, Fault::Field("link"));
    check(expiry_id(2), |t| t.id += 1, Fault::Id(expiry_id(2) + 1));
    check(expiry_id(2), |t| t.kind += 1, Fault::Field("kind"));
    check(expiry_id(2), |t| (t.op, t.id) = (Op::Void, 99), Fault::Field("time"));
    check(8, |t| t.amount = 39, Fault::Field("amount"));
    check(7, |t| t.leg = 2, Fault::Group);
    check(7, |t| t.legs = 2, Fault::Group);
    check(reversal_id(1), |t| t.id ^= 2, Fault::Id(reversal_id(1) ^ 2));
}

#[test]
fn what_only_the_history_shows_is_refused_too() {
    let log = full_log().log;
    let check = |id: Id, change: fn(&mut Transfer), expected: Fault| {
        let mut log = log.clone();
        let (seq, transfer) = transfer_at(&mut log, id);
        change(transfer);
        let (mut ledger, mut prior) = (Ledger::new(), Remembered::new());
        let mut faults = log.iter().filter_map(|record| {
            let answer = ledger.replay_with(record, &prior);
            prior.remember(record);
            answer.err()
        });
        assert_eq!(faults.next(), Some(ReplayError { seq, fault: expected }));
    };
    check(6, |t| t.id = 3, Fault::Existing(3));
    check(8, |t| t.id = 1, Fault::Existing(1));
    // Another amount or account would come out as recorded, if only the balances are made to fit.
    check(reversal_id(1), |t| t.amount = 99, Fault::Field("amount"));
    check(reversal_id(1), |t| t.debit = 4, Fault::Field("debit"));
    check(reversal_id(1), |t| t.credit = 4, Fault::Field("credit"));
    check(reversal_id(1), |t| towards(t, 77), Fault::Missing(77));
    check(reversal_id(1), |t| towards(t, 3), Fault::Field("link"));
}

fn towards(reversal: &mut Transfer, target: Id) {
    reversal.id = reversal_id(target);
    reversal.link[..16].copy_from_slice(&target.to_le_bytes());
}

#[test]
fn a_changed_set_up_is_refused_where_it_is() {
    let log = full_log().log;
    let check = |at: usize, body: Body, expected: Fault| {
        let mut log = log.clone();
        log[at].body = body;
        assert_eq!(first_fault(&log), Some(ReplayError { seq: at as u64, fault: expected }));
    };
    let opened =
        |id, kind, min, max| Body::AccountOpened { id, currency: CNY, kind, holder: CENTRAL, min, max };
    check(1, opened(1, AccountKind::Vault, 0, 1), Fault::Existing(1));
    check(1, opened(0, AccountKind::Vault, 0, 1), Fault::Id(0));
    check(1, opened(2, AccountKind::Vault, -1, 1), Fault::Field("min"));
    check(1, opened(2, AccountKind::Issuance, 1, 2), Fault::Field("min"));
    let at = find(&log, |body| matches!(body, Body::AccountChanged { id: 3, .. }));
    let Body::AccountChanged { balance, .. } = log[at].body else { panic!("found as such") };
    let changed = |id, max, closed, balance| Body::AccountChanged {
        id,
        min: 0,
        max,
        debit_frozen: false,
        credit_frozen: false,
        closed,
        balance,
    };
    check(at, changed(99, 20_000, false, balance), Fault::Missing(99));
    check(at, changed(3, -1, false, balance), Fault::Field("min"));
    check(at, changed(3, 20_000, true, balance), Fault::Field("closed"));
    let wrong = Fault::Balance { account: 3, replayed: balance, recorded: balance + 1 };
    check(at, changed(3, 20_000, false, balance + 1), wrong);
    check(at, changed(3, i64::MAX, false, balance), Fault::Existing(3));
    let at = find(&log, |body| matches!(body, Body::AccountChanged { id: 20, .. }));
    let mut again = log.clone();
    let body = changed(20, 1, true, 0);
    again.push(Record { seq: at as u64 + 1, body, ..log[at] });
    let fault = Fault::Stopped(20);
    assert_eq!(first_fault(&again), Some(ReplayError { seq: at as u64 + 1, fault }));
    let at = find(&log, |body| matches!(body, Body::MeterSet { .. }));
    check(at, Body::MeterSet { meter: 1, policy: 9 }, Fault::Missing(9));
    check(at, Body::MeterSet { meter: 0, policy: 1 }, Fault::Id(0));
    check(at, Body::Note { kind: 0, id: 0, digest: [0; 32] }, Fault::Id(0));
    let bounds = Policy::UNBOUNDED;
    check(at, Body::PolicyPublished { policy: 1, version: 1, from: 0, bounds }, Fault::Existing(1));
    let at = find(&log, |body| matches!(body, Body::Terms { .. }));
    check(at, Body::Terms { meters: [0; 4], expires: 0 }, Fault::Group);
    let next = at as u64 + 1;
    let terms = |body: Body, fault: Fault| {
        let mut log = log.clone();
        log[at].body = body;
        assert_eq!(first_fault(&log), Some(ReplayError { seq: next, fault }));
    };
    terms(Body::Terms { meters: [9, 0, 0, 0], expires: 0 }, Fault::Missing(9));
    terms(Body::Terms { meters: [1, 0, 1, 0], expires: 0 }, Fault::Field("meters"));
    terms(Body::Terms { meters: [1, 0, 0, 0], expires: u64::MAX }, Fault::Field("expires"));
    terms(Body::Note { kind: 0, id: 1, digest: [0; 32] }, Fault::Group);
}

#[test]
fn a_record_left_out_or_put_elsewhere_is_refused() {
    let log = full_log().log;
    for at in 0..log.len() - 1 {
        let mut short = log.clone();
        short.remove(at);
        let fault = Fault::Sequence(at as u64 + 1);
        assert_eq!(first_fault(&short), Some(ReplayError { seq: at as u64, fault }));
    }
    let mut early = log.clone();
    let last = early.len() - 1;
    early[last].time -= DAY;
    let fault = Fault::TimeWentBack;
    assert_eq!(first_fault(&early), Some(ReplayError { seq: last as u64, fault }));
    // Records of a group share one moment.
    let at = find(&log, |body| matches!(body, Body::Transfer(t) if t.id == 7));
    let mut torn = log.clone();
    for record in &mut torn[at..] {
        record.time += 1;
    }
    assert_eq!(first_fault(&torn), Some(ReplayError { seq: at as u64, fault: Fault::Group }));
}

/// A transfer that nobody decided, with the balances that it would have left.
fn forged(world: &World, leg: Leg, meters: bool) -> Transfer {
    let (op, debit, credit, amount, link) = match leg.op {
        LegOp::Plain { debit, credit, amount } => (Op::Plain, debit, credit, amount, [0; 24]),
        LegOp::Hold { debit, credit, amount, .. } => (Op::Hold, debit, credit, amount, [0; 24]),
        LegOp::Void { hold } => {
            let open = world.ledger.hold(hold).expect("the hold is open");
            let mut link = [0; 24];
            link[..16].copy_from_slice(&hold.to_le_bytes());
            (Op::Void, open.debit, open.credit, open.amount, link)
        }
        other => panic!("not forged: {other:?}"),
    };
    let balance = |id: Id| world.ledger.account(id).map_or(0, |account| account.balance());
    let moved = if op == Op::Plain { amount as i64 } else { 0 };
    Transfer {
        id: leg.id,
        op,
        kind: leg.kind,
        debit,
        credit,
        amount,
        debit_balance: balance(debit) - moved,
        credit_balance: balance(credit) + moved,
        link,
        leg: 0,
        legs: 1,
        has_terms: meters,
    }
}

/// The fault found in forged records that follow a sound log.
fn fault_of(world: &World, bodies: &[Body]) -> Option<Fault> {
    let mut ledger = world.replayed.clone();
    bodies.iter().find_map(|&body| {
        let record = Record { seq: ledger.next_seq(), time: world.now, body };
        ledger.replay(&record).err().map(|error| error.fault)
    })
}

#[test]
fn a_frozen_or_closed_account_does_not_move_in_a_log() {
    let mut world = World::small_town();
    world.ok(&freeze(3, true, false));
    world.ok(&freeze(4, false, true));
    world.ok(&open(20, AccountKind::Personal, 0, 10));
    world.ok(&close(20));
    let check = |leg: Leg, expected: Option<Fault>| {
        let transfer = forged(&world, leg, false);
        assert_eq!(fault_of(&world, &[Body::Transfer(transfer)]), expected, "{leg:?}");
    };
    check(plain(1, 3, 5, 1), Some(Fault::Stopped(3)));
    check(plain(1, 2, 4, 1), Some(Fault::Stopped(4)));
    check(hold(1, 2, 4, 1, 0), Some(Fault::Stopped(4)));
    check(plain(1, 2, 20, 1), Some(Fault::Stopped(20)));
    check(plain(1, 4, 3, 1), None);
}

#[test]
fn a_forged_transfer_cannot_pass_a_limit() {
    let mut world = World::small_town();
    world.ok(&open(20, AccountKind::Personal, 0, 500));
    world.ok(&one(hold(900, 3, 20, 100, 0)));
    world.ok(&one(hold(901, 3, 5, 100, 0)));
    world.ok(&open_in(21, 840, CENTRAL, AccountKind::Personal, 0, 500));
    let check = |leg: Leg, expected: Option<Fault>| {
        let transfer = forged(&world, leg, false);
        assert_eq!(fault_of(&world, &[Body::Transfer(transfer)]), expected, "{leg:?}");
    };
    check(plain(1, 4, 20, 401), Some(Fault::Limit(20)));
    check(plain(1, 4, 20, 400), None);
    check(plain(1, 3, 5, 9_801), Some(Fault::Limit(3)));
    check(plain(1, 3, 5, 9_800), None);
    check(plain(1, 3, 21, 1), Some(Fault::Field("credit")));
    check(hold(900, 4, 5, 1, 0), Some(Fault::Existing(900)));
    check(void(1, 900), None);
}

#[test]
fn a_forged_transfer_cannot_pass_64_bits() {
    let check = |before: fn(&mut World), debit: Id, credit: Id, hold_it: bool, expected: Id| {
        let mut world = World::small_town();
        before(&mut world);
        let ask = |amount| {
            if hold_it { hold(1, debit, credit, amount, 0) } else { plain(1, debit, credit, amount) }
        };
        let fault = |amount| fault_of(&world, &[Body::Transfer(forged(&world, ask(amount), false))]);
        assert_eq!(fault(refusals::LAST_SUM + 1), Some(Fault::Limit(expected)));
        assert_eq!(fault(refusals::LAST_SUM), None);
    };
    check(refusals::received_to_the_end, 4, 5, false, 5);
    check(refusals::issued_to_the_end, 30, 4, false, 30);
    check(refusals::promised_to_the_end, 1, 5, false, 1);
    check(refusals::held_to_the_end, 30, 4, true, 30);

    let mut world = World::small_town();
    refusals::counted_to_the_end(&mut world);
    let terms = Body::Terms { meters: [1, 0, 0, 0], expires: 0 };
    let fault = |amount| {
        let transfer = forged(&world, plain(1, 4, 2, amount), true);
        fault_of(&world, &[terms, Body::Transfer(transfer)])
    };
    assert_eq!(fault(refusals::LAST_COUNT + 1), Some(Fault::Limit(1)));
    assert_eq!(fault(refusals::LAST_COUNT), None);
}

#[test]
fn only_what_charges_or_lapses_has_terms_and_an_expiry_stands_alone() {
    let mut world = World::small_town();
    world.ok(&one(hold(1, 3, 5, 100, world.now + 1)));
    let terms = Body::Terms { meters: [0; 4], expires: u64::MAX };
    let with_terms = forged(&world, void(2, 1), true);
    assert_eq!(fault_of(&world, &[terms, Body::Transfer(with_terms)]), Some(Fault::Group));
    world.now += 1;
    let expiry = Transfer { id: expiry_id(1), op: Op::Expire, ..forged(&world, void(2, 1), false) };
    assert_eq!(fault_of(&world, &[Body::Transfer(Transfer { legs: 2, ..expiry })]), Some(Fault::Group));
    assert_eq!(fault_of(&world, &[Body::Transfer(expiry)]), None);
}

#[test]
fn a_log_that_ends_inside_a_group_says_so() {
    let world = full_log();
    let mut ledger = Ledger::new();
    let mut inside = 0;
    for record in &world.log {
        ledger.replay(record).expect("the log is sound");
        let more = match record.body {
            Body::Terms { .. } => true,
            Body::Transfer(t) => t.leg + 1 < t.legs,
            _ => false,
        };
        assert_eq!(ledger.mid_group(), more, "after record {}", record.seq);
        inside += u32::from(more);
    }
    assert_eq!(inside, 5, "three terms and two legs that are not the last");
}

#[test]
#[should_panic(expected = "the log ends inside a group")]
fn no_command_is_applied_inside_a_group() {
    let world = full_log();
    let at = find(&world.log, |body| matches!(body, Body::Terms { .. }));
    let mut ledger = Ledger::new();
    for record in &world.log[..=at] {
        ledger.replay(record).expect("the log is sound");
    }
    let _ = ledger.apply(&close(3), world.now, &world.prior, &mut Vec::new());
}

#[test]
fn a_replay_error_says_where_and_what() {
    let check =
        |fault: Fault, expected: &str| assert_eq!(ReplayError { seq: 7, fault }.to_string(), expected);
    check(Fault::Sequence(9), "record 7: its sequence is 9");
    check(Fault::Field("amount"), "record 7: amount cannot have its value");
    check(
        Fault::Balance { account: 3, replayed: 5, recorded: 6 },
        "record 7: account 00000000000000000000000000000003 has 5 after it, not the recorded 6",
    );
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_flipped_bit_anywhere_is_refused_or_leaves_books_that_add_up(
        at in any::<prop::sample::Index>(), byte in 0..RECORD_LEN, bit in 0..8u32,
    ) {
        let log = full_log().log;
        let at = at.index(log.len());
        let mut bytes = log[at].encode();
        bytes[byte] ^= 1 << bit;
        if let Ok(record) = Record::decode(&bytes) {
            let mut changed = log.clone();
            changed[at] = record;
            let mut ledger = Ledger::new();
            for record in &changed {
                if ledger.replay(record).is_err() {
                    break;
                }
                prop_assert_eq!(ledger.audit(), Ok(()));
            }
        }
    }
}
