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

// Where things are in the bytes of `full_state`: lists of 7 accounts, 3 policy versions, 2 meters and
// 2 holds, each led by its length.
const fn account_at(place: usize) -> usize {
    36 + place * 104
}
const POLICIES: usize = account_at(7) + 8;
const METERS: usize = POLICIES + 3 * 64 + 8;
const HOLDS: usize = METERS + 2 * 66 + 8;

/// Restores `full_state` with some bytes put over its own.
fn patched(patches: &[(usize, &[u8])]) -> Option<BadSnapshot> {
    let mut bytes = full_state().ledger.snapshot();
    for (at, patch) in patches {
        assert_ne!(&bytes[*at..at + patch.len()], *patch, "the patch at {at} changes something");
        bytes[*at..at + patch.len()].copy_from_slice(patch);
    }
    Ledger::restore(&bytes).err()
}

#[test]
fn a_field_that_no_state_has_is_refused() {
    let check = |at: usize, patch: &[u8], field: &'static str| {
        assert_eq!(patched(&[(at, patch)]), Some(BadSnapshot::Field(field)), "{patch:?} at {at}");
    };
    let (first, person, frozen) = (account_at(0), account_at(2), account_at(3));
    check(person, &[0; 16], "account id");
    check(person, &1u128.to_le_bytes(), "account id");
    check(person + 22, &[6], "kind");
    check(person + 23, &[1], "limits");
    check(frozen + 23, &[9], "account flags");
    check(first + 24, &(1u64 << 63).to_le_bytes(), "sums");
    check(person + 56, &(-1i64).to_le_bytes(), "limits");
    check(frozen + 56, &(-1i64).to_le_bytes(), "limits");
    check(person + 64, &7i64.to_le_bytes(), "limits");
    check(person + 72, &(-1i64).to_le_bytes(), "first limits");
    check(person + 88, &0u64.to_le_bytes(), "account sequence");
    check(person + 96, &u64::MAX.to_le_bytes(), "account sequence");
    check(POLICIES + 4, &2u32.to_le_bytes(), "policy version");
    check(POLICIES, &9u32.to_le_bytes(), "policy version");
    check(POLICIES + 8, &[255; 8], "policy version");
    check(POLICIES + 56, &u64::MAX.to_le_bytes(), "policy sequence");
    check(METERS, &[0; 16], "meter id");
    check(METERS + 66, &1u128.to_le_bytes(), "meter id");
    check(METERS + 58, &u64::MAX.to_le_bytes(), "meter sequence");
    check(HOLDS, &3u128.to_le_bytes(), "hold id");
    check(HOLDS, &[0; 16], "hold id");
    check(HOLDS + 16, &7u32.to_le_bytes(), "hold account");
    check(HOLDS + 20, &7u32.to_le_bytes(), "hold account");
    check(HOLDS + 24, &[0; 8], "hold amount");
    check(HOLDS + 24, &(MAX_AMOUNT + 1).to_le_bytes(), "hold amount");
    check(HOLDS + 66 + 32, &NEW_YEAR.to_le_bytes(), "hold expiry");
    check(HOLDS + 40, &(NEW_YEAR + 1).to_le_bytes(), "hold time");
    check(HOLDS + 50, &2u32.to_le_bytes(), "hold meters");
    assert_eq!(patched(&[(12, &[0; 8])]), Some(BadSnapshot::Field("now")));
}

#[test]
fn a_state_that_does_not_add_up_is_refused() {
    let check = |patches: &[(usize, &[u8])], expected: Discrepancy| {
        assert_eq!(patched(patches), Some(BadSnapshot::Unsound(expected)));
    };
    let (bank, frozen, shop) = (account_at(1), account_at(3), account_at(4));
    let book = Discrepancy::Conservation { currency: CNY, holder: CENTRAL };
    check(&[(account_at(0) + 24, &999_999u64.to_le_bytes())], book);
    check(&[(account_at(0) + 40, &1u64.to_le_bytes())], Discrepancy::Held(1));
    check(&[(account_at(2) + 40, &201u64.to_le_bytes())], Discrepancy::Held(3));
    check(&[(shop + 48, &501u64.to_le_bytes())], Discrepancy::Held(5));
    check(&[(shop + 48, &u64::MAX.to_le_bytes())], Discrepancy::Range(5));
    // The frozen person's limits were never narrowed so far that he could owe: 10,300 left, 10,000 came.
    let (left, came) = (10_300u64.to_le_bytes(), 1_010_300u64.to_le_bytes());
    check(&[(frozen + 24, &left), (bank + 32, &came)], Discrepancy::Limits(4));
    let narrow = 50i64.to_le_bytes();
    check(&[(shop + 64, &narrow), (shop + 80, &narrow)], Discrepancy::Limits(5));
    // A closed account with money on it.
    let closed = account_at(6);
    let one = 1u64.to_le_bytes();
    check(&[(closed + 32, &one), (bank + 24, &20_001u64.to_le_bytes())], Discrepancy::Limits(20));
    // A hold from an account of another book, or to the same account.
    check(&[(HOLDS + 16, &5u32.to_le_bytes())], Discrepancy::Hold(2));
    check(&[(HOLDS + 16, &4u32.to_le_bytes())], Discrepancy::Hold(2));
}

#[test]
fn a_meter_that_cannot_be_is_refused() {
    let check = |patches: &[(usize, &[u8])]| {
        assert_eq!(patched(patches), Some(BadSnapshot::Unsound(Discrepancy::Meter(1))));
    };
    let (policy, day, year, day_amount, year_amount) =
        (METERS + 16, METERS + 20, METERS + 24, METERS + 26, METERS + 42);
    check(&[(policy, &9u32.to_le_bytes())]);
    check(&[(year, &2025u16.to_le_bytes())]);
    check(&[(day, &20_455u32.to_le_bytes())]);
    check(&[(day, &20_453u32.to_le_bytes()), (year, &2025u16.to_le_bytes())]);
    check(&[(day_amount, &301u64.to_le_bytes())]);
    check(&[(day_amount, &199u64.to_le_bytes())]);
    check(&[(day_amount, &199u64.to_le_bytes()), (year_amount, &199u64.to_le_bytes())]);
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
