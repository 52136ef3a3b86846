//! Days and years at UTC+8, against a calendar that is walked day by day.

use jialing_ledger::calendar::{day, year, year_of_day};
use jialing_ledger::{AccountChange, Command, Nanos};

use crate::world::*;

#[test]
fn midnight_at_utc_plus_8_is_four_in_the_afternoon_utc() {
    const HOUR: Nanos = 3_600 * SECOND;
    let check = |at: Nanos, expected: u32| assert_eq!(day(at), expected, "at {at}");
    check(0, 0);
    check(16 * HOUR - 1, 0);
    check(16 * HOUR, 1);
    check(40 * HOUR - 1, 1);
    check(40 * HOUR, 2);
    check(NEW_YEAR - 1, 20_453);
    check(NEW_YEAR, 20_454);
}

#[test]
fn years_begin_at_utc_plus_8() {
    let check = |at: Nanos, expected: u16| assert_eq!(year(at), expected, "at {at}");
    check(0, 1970);
    check(NEW_YEAR - 1, 2025);
    check(NEW_YEAR, 2026);
    check(NEW_YEAR + 365 * DAY - 1, 2026);
    check(NEW_YEAR + 365 * DAY, 2027);
    check(Nanos::MAX, 2554);
}

#[test]
fn every_day_until_2700_is_in_its_year() {
    let mut first = 0;
    for expected in 1970..2700u16 {
        let leap = (expected % 4 == 0 && expected % 100 != 0) || expected % 400 == 0;
        let length = if leap { 366 } else { 365 };
        for day in first..first + length {
            assert_eq!(year_of_day(day), expected, "day {day}");
        }
        first += length;
    }
}

#[test]
fn a_clock_that_goes_back_is_overruled() {
    let mut world = World::small_town();
    let last = world.ledger.now();
    world.now = last - DAY;
    world.ok(&one(plain(1, 3, 5, 10)));
    assert_eq!(world.log.last().map(|record| record.time), Some(last));
    world.now = 0;
    world.ok(&Command::ChangeAccount(AccountChange { max: Some(5), ..change(5) }));
    assert_eq!(world.ledger.now(), last);
    world.now = last + 1;
    world.ok(&Command::Note { kind: 1, id: 1, digest: [0; 32] });
    assert_eq!(world.ledger.now(), last + 1);
}

#[test]
fn the_last_moment_that_can_be_said_is_a_moment() {
    let mut world = World::small_town();
    world.ok(&policy(1, 1, 0, jialing_ledger::Policy::UNBOUNDED));
    world.ok(&set_meter(1, 1));
    world.now = Nanos::MAX;
    world.ok(&one(charging(hold(1, 3, 5, 10, 0), &[1])));
    world.ok(&one(void(2, 1)));
    assert_eq!(world.ledger.allowance(1, Nanos::MAX).map(|left| left.meter.day_count), Some(0));
}
