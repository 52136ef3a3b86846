//! Meters at their edges: exactly at a bound, one over, midnight, new year, and what comes back.

use jialing_ledger::*;

use crate::world::*;

const SMALL: Policy = Policy { single: 100, day: 250, day_count: 4, year: 600, year_count: 9 };

/// A town where person 3's payments charge meter 1 under `SMALL`.
fn metered() -> World {
    let mut world = World::small_town();
    world.ok(&policy(1, 1, 0, SMALL));
    world.ok(&set_meter(1, 1));
    world
}

fn pay(id: Id, amount: u64) -> Command {
    one(charging(plain(id, 3, 5, amount), &[1]))
}

fn reserve(id: Id, amount: u64, expires: Nanos) -> Command {
    one(charging(hold(id, 3, 5, amount, expires), &[1]))
}

/// Amount and count of the day, amount and count of the year, as of now.
#[track_caller]
fn passed(world: &World, expected: [u64; 4]) {
    let meter = world.ledger.allowance(1, world.now).expect("the meter is there").meter;
    assert_eq!([meter.day_amount, meter.day_count, meter.year_amount, meter.year_count], expected);
}

#[test]
fn one_transfer_may_be_exactly_at_the_single_limit() {
    let mut world = metered();
    world.refused(&pay(1, 101), Why::OverSingleLimit);
    world.ok(&pay(1, 100));
    passed(&world, [100, 1, 100, 1]);
}

#[test]
fn a_day_may_be_filled_exactly_and_begins_anew_at_midnight() {
    let mut world = metered();
    world.now = NEW_YEAR + DAY - 1;
    world.ok(&pay(1, 100));
    world.ok(&pay(2, 100));
    world.refused(&pay(3, 51), Why::OverDayLimit);
    world.ok(&pay(3, 50));
    world.refused(&pay(4, 1), Why::OverDayLimit);
    world.now += 1;
    world.ok(&pay(4, 100));
    passed(&world, [100, 1, 350, 4]);
}

#[test]
fn a_day_has_so_many_transfers() {
    let mut world = metered();
    for id in 1..=4 {
        world.ok(&pay(id, 1));
    }
    world.refused(&pay(5, 1), Why::OverDayCount);
    world.now = NEW_YEAR + DAY;
    world.ok(&pay(5, 1));
}

#[test]
fn a_year_may_be_filled_exactly_and_begins_anew_at_new_year() {
    let mut world = metered();
    for day in 0..6u64 {
        world.now = NEW_YEAR + (359 + day) * DAY;
        world.ok(&pay(Id::from(day) + 1, 100));
    }
    world.refused(&pay(8, 1), Why::OverYearLimit);
    world.now = NEW_YEAR + 365 * DAY - 1;
    world.refused(&pay(8, 1), Why::OverYearLimit);
    world.now += 1;
    world.ok(&pay(8, 1));
    passed(&world, [1, 1, 1, 1]);
}

#[test]
fn a_year_has_so_many_transfers() {
    let mut world = metered();
    for id in 0..9u64 {
        world.now = NEW_YEAR + id / 3 * DAY;
        world.ok(&pay(Id::from(id) + 1, 1));
    }
    world.refused(&pay(20, 1), Why::OverYearCount);
    world.now = NEW_YEAR + 365 * DAY;
    world.ok(&pay(20, 1));
}

#[test]
fn every_named_meter_is_charged_or_none() {
    let mut world = metered();
    world.ok(&policy(2, 1, 0, Policy { single: 30, ..Policy::UNBOUNDED }));
    world.ok(&set_meter(2, 2));
    let both = |amount| one(charging(plain(1, 3, 5, amount), &[1, 2]));
    world.refused(&both(31), Why::OverSingleLimit);
    passed(&world, [0; 4]);
    world.ok(&both(30));
    passed(&world, [30, 1, 30, 1]);
    assert_eq!(world.ledger.meter(2).map(|meter| meter.year_amount), Some(30));
}

#[test]
fn of_several_meters_the_lowest_reason_is_reported() {
    let mut world = metered();
    world.ok(&policy(2, 1, 0, Policy { year: 10, ..Policy::UNBOUNDED }));
    world.ok(&set_meter(2, 2));
    world.refused(&one(charging(plain(1, 3, 5, 101), &[2, 1])), Why::OverSingleLimit);
    world.refused(&one(charging(plain(1, 3, 5, 101), &[2, 1, 77])), Why::MeterUnknown);
    world.refused(&one(charging(plain(1, 3, 5, 11), &[1, 2])), Why::OverYearLimit);
}

#[test]
fn a_void_gives_back_what_was_charged_the_same_day() {
    let mut world = metered();
    world.ok(&reserve(1, 60, 0));
    world.ok(&pay(2, 5));
    passed(&world, [65, 2, 65, 2]);
    world.now = NEW_YEAR + DAY - 1;
    world.ok(&one(void(3, 1)));
    passed(&world, [5, 1, 5, 1]);
}

#[test]
fn after_midnight_a_void_gives_back_to_the_year_alone() {
    let mut world = metered();
    world.ok(&reserve(1, 60, 0));
    world.now = NEW_YEAR + DAY;
    world.ok(&pay(2, 5));
    world.ok(&one(void(3, 1)));
    passed(&world, [5, 1, 5, 1]);
    world.ok(&pay(4, 7));
    passed(&world, [12, 2, 12, 2]);
}

#[test]
fn after_new_year_a_void_gives_nothing_back() {
    let mut world = metered();
    world.now = NEW_YEAR + 365 * DAY - 1;
    world.ok(&reserve(1, 60, 0));
    world.now += 1;
    world.ok(&pay(2, 5));
    world.ok(&one(void(3, 1)));
    passed(&world, [5, 1, 5, 1]);
}

#[test]
fn a_void_before_the_days_first_charge_leaves_nothing_behind() {
    let mut world = metered();
    world.ok(&reserve(1, 60, 0));
    world.now = NEW_YEAR + DAY;
    world.ok(&one(void(2, 1)));
    passed(&world, [0; 4]);
}

#[test]
fn an_expiry_gives_back_like_a_void() {
    let mut world = metered();
    world.ok(&reserve(1, 60, world.now + SECOND));
    world.now += SECOND;
    assert_eq!(world.expire(), 1);
    passed(&world, [0; 4]);
}

#[test]
fn a_part_post_gives_back_the_rest_but_counts_as_one() {
    let mut world = metered();
    world.ok(&reserve(1, 60, 0));
    world.ok(&one(post(2, 1, 25)));
    passed(&world, [25, 1, 25, 1]);
    world.ok(&reserve(3, 60, 0));
    world.ok(&one(post(4, 3, 0)));
    passed(&world, [85, 2, 85, 2]);
}

#[test]
fn a_reversal_gives_nothing_back() {
    let mut world = metered();
    world.ok(&pay(1, 60));
    world.ok(&one(reverse(1)));
    passed(&world, [60, 1, 60, 1]);
}

#[test]
fn the_newest_version_whose_time_has_come_is_in_force() {
    let mut world = metered();
    let tomorrow = NEW_YEAR + DAY;
    world.ok(&policy(1, 2, tomorrow, Policy { single: 10, ..SMALL }));
    world.ok(&policy(1, 3, tomorrow, Policy { single: 20, ..SMALL }));
    let check = |at, version, single| {
        let found = world.ledger.policy(1, at).map(|v| (v.version, v.bounds.single));
        assert_eq!(found, Some((version, single)), "at {at}");
    };
    check(0, 1, 100);
    check(tomorrow - 1, 1, 100);
    check(tomorrow, 3, 20);
    world.now = tomorrow - 1;
    world.ok(&pay(1, 100));
    world.now = tomorrow;
    world.refused(&pay(2, 21), Why::OverSingleLimit);
    world.ok(&pay(2, 20));
}

#[test]
fn a_meter_moved_to_another_policy_keeps_what_was_spent() {
    let mut world = metered();
    world.ok(&pay(1, 100));
    world.ok(&policy(2, 1, 0, Policy { day: 120, ..SMALL }));
    world.ok(&set_meter(1, 2));
    world.refused(&pay(2, 21), Why::OverDayLimit);
    world.ok(&pay(2, 20));
    passed(&world, [120, 2, 120, 2]);
}

#[test]
fn an_allowance_says_what_is_left_and_by_which_version() {
    let mut world = metered();
    world.ok(&pay(1, 100));
    world.ok(&pay(2, 100));
    let today = world.ledger.allowance(1, world.now).expect("the meter is there");
    assert_eq!(
        (today.single, today.day, today.day_count, today.year, today.year_count),
        (100, 50, 2, 400, 7)
    );
    assert_eq!((today.largest(), today.version.map(|v| v.version)), (50, Some(1)));
    let tomorrow = world.ledger.allowance(1, world.now + DAY).expect("the meter is there");
    assert_eq!((tomorrow.largest(), tomorrow.day, tomorrow.year), (100, 250, 400));
    assert_eq!(world.ledger.allowance(2, world.now), None);
    // A limit lowered below what was spent leaves nothing, not less.
    world.ok(&policy(1, 2, world.now, Policy { day: 150, day_count: 1, ..SMALL }));
    let less = world.ledger.allowance(1, world.now).expect("the meter is there");
    assert_eq!((less.day, less.day_count, less.largest()), (0, 0, 0));
}

#[test]
fn an_unbounded_meter_leaves_no_bound() {
    let mut world = World::small_town();
    world.ok(&policy(1, 1, 0, Policy::UNBOUNDED));
    world.ok(&set_meter(1, 1));
    world.ok(&pay(1, 100));
    let left = world.ledger.allowance(1, world.now).expect("the meter is there");
    assert_eq!((left.single, left.day, left.year, left.year_count), (u64::MAX, u64::MAX, u64::MAX, u64::MAX));
}
