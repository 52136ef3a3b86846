//! Snapshots: every state comes back from its bytes; other bytes are refused and never harm.

use jialing_ledger::*;
use proptest::prelude::*;

use crate::world::*;

/// A state with something in every list.
fn full_state() -> World {
    let mut world = World::small_town();
    world.ok(&policy(1, 1, 0, Policy { day: 5_000, ..Policy::UNBOUNDED }));
    world.ok(&policy(1, 2, NEW_YEAR + DAY, Policy::UNBOUNDED));
    world.ok(&policy(2, 1, 0, Policy::UNBOUNDED));
    world.ok(&set_meter(1, 1));
    world.ok(&set_meter(2, 2));
    world.ok(&open_in(30, 840, 2, AccountKind::Issuance, -500, 0));
    world.ok(&one(charging(plain(1, 3, 5, 100), &[1, 2])));
    world.ok(&one(charging(hold(3, 3, 5, 200, world.now + DAY), &[1])));
    world.ok(&one(charging(hold(2, 4, 5, 300, 0), &[0, 2])));
    world.ok(&freeze(4, true, false));
    world.ok(&open(20, AccountKind::Transit, 0, 0));
    world.ok(&close(20));
    world
}

/// Does a bit of everything, so that a state which only looks sound would show.
fn exercise(mut ledger: Ledger) {
    let at = ledger.now();
    let prior = Remembered::new();
    let mut out = Vec::new();
    let (accounts, holds, meters): (Vec<_>, Vec<_>, Vec<_>) =
        (ledger.accounts().collect(), ledger.holds().collect(), ledger.meters().collect());
    let mut fresh = 1 << 100;
    let mut put = |ledger: &mut Ledger, leg: Leg| {
        let _ = ledger.apply(&one(leg), at, &prior, &mut out);
        ledger.audit().expect("the books add up");
    };
    for (debit, credit) in accounts.iter().flat_map(|a| accounts.iter().map(move |b| (a.id, b.id))) {
        fresh += 1;
        let meter = meters.first().map_or(0, |meter| meter.id);
        put(&mut ledger, charging(plain(fresh, debit, credit, 1), &[meter]));
    }
    for (place, hold) in holds.iter().enumerate() {
        fresh += 1;
        let leg = if place % 2 == 0 { post(fresh, hold.id, 1) } else { void(fresh, hold.id) };
        put(&mut ledger, leg);
    }
    let mut lapsed = Vec::new();
    ledger.expire(Nanos::MAX, &mut lapsed);
    ledger.audit().expect("the books add up");
}

#[test]
fn every_state_comes_back_from_its_bytes() {
    let world = full_state();
    let bytes = world.ledger.snapshot();
    let restored = Ledger::restore(&bytes).expect("the bytes are sound");
    assert_eq!(restored.snapshot(), bytes);
    assert_eq!(restored.accounts().collect::<Vec<_>>(), world.ledger.accounts().collect::<Vec<_>>());
    assert_eq!(restored.holds().collect::<Vec<_>>(), world.ledger.holds().collect::<Vec<_>>());
    assert_eq!(restored.meters().collect::<Vec<_>>(), world.ledger.meters().collect::<Vec<_>>());
    assert_eq!(restored.policies().collect::<Vec<_>>(), world.ledger.policies().collect::<Vec<_>>());
    assert_eq!(restored.totals_all().collect::<Vec<_>>(), world.ledger.totals_all().collect::<Vec<_>>());
    assert_eq!(restored.next_expiry(), world.ledger.next_expiry());
    exercise(restored);
}

#[test]
fn the_empty_ledger_comes_back_too() {
    let bytes = Ledger::new().snapshot();
    assert_eq!(Ledger::restore(&bytes).map(|ledger| ledger.snapshot()), Ok(bytes));
}

#[test]
fn bytes_that_are_cut_or_go_on_are_refused() {
    let bytes = full_state().ledger.snapshot();
    for len in 0..bytes.len() {
        assert_eq!(Ledger::restore(&bytes[..len]).err(), Some(BadSnapshot::Short), "cut at {len}");
    }
    let mut long = bytes.clone();
    long.push(0);
    assert_eq!(Ledger::restore(&long).err(), Some(BadSnapshot::Trailing));
    let mut other = bytes.clone();
    other[0] ^= 1;
    assert_eq!(Ledger::restore(&other).err(), Some(BadSnapshot::Magic));
    let mut newer = bytes;
    newer[8] = 2;
    assert_eq!(Ledger::restore(&newer).err(), Some(BadSnapshot::Version(2)));
}

#[test]
fn a_length_that_cannot_be_is_refused_before_memory_is_taken() {
    let mut bytes = Ledger::new().snapshot();
    for list in 0..4 {
        let at = 28 + 8 * list;
        for wild in [1, u64::from(u32::MAX), u64::MAX] {
            bytes[at..at + 8].copy_from_slice(&wild.to_le_bytes());
            assert_eq!(Ledger::restore(&bytes).err(), Some(BadSnapshot::Short));
        }
        bytes[at..at + 8].fill(0);
    }
}

#[test]
fn a_state_that_does_not_add_up_is_refused() {
    let bytes = full_state().ledger.snapshot();
    // The first account starts at byte 36: id, currency, holder, kind, flags, then its sums.
    let check = |at: usize, expected: BadSnapshot| {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        assert_eq!(Ledger::restore(&changed).err(), Some(expected), "byte {at}");
    };
    let (debits, debits_held) = (36 + 24, 36 + 40);
    check(debits, BadSnapshot::Unsound(Discrepancy::Conservation { currency: CNY, holder: CENTRAL }));
    check(debits_held, BadSnapshot::Unsound(Discrepancy::Held(1)));
    check(36 + 23, BadSnapshot::Field("limits"));
    let person = 36 + 2 * 104;
    check(person + 24 + 16, BadSnapshot::Unsound(Discrepancy::Held(3)));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn changed_bytes_are_refused_or_are_another_sound_state(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = BYTES.with(Clone::clone);
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(ledger) = Ledger::restore(&bytes) {
            prop_assert_eq!(ledger.snapshot(), bytes);
            exercise(ledger);
        }
    }

    #[test]
    fn wild_bytes_are_refused(tail in prop::collection::vec(any::<u8>(), 0..400)) {
        let head = Ledger::new().snapshot();
        for keep in [0, 12, 28, head.len()] {
            let bytes = [&head[..keep], &tail].concat();
            if let Ok(ledger) = Ledger::restore(&bytes) {
                prop_assert_eq!(ledger.snapshot(), bytes);
            }
        }
    }
}

thread_local! {
    static BYTES: Vec<u8> = full_state().ledger.snapshot();
}
