//! Every refusal at its edge: the first command that is refused beside the last that is not.

use std::collections::BTreeSet;

use jialing_ledger::*;

use crate::world::*;

/// A refusal: what comes before, a command just over the edge, and one just inside it.
struct Edge {
    why: Why,
    before: fn(&mut World),
    over: Command,
    inside: Command,
}

const LAST: Id = (1 << 126) - 1;
/// What is left below 64 bits after 9,223 of the largest transfers.
pub(crate) const LAST_SUM: u64 = i64::MAX as u64 - 9_223 * MAX_AMOUNT;

fn limited(world: &mut World, bounds: Policy) {
    world.ok(&policy(1, 1, 0, bounds));
    world.ok(&set_meter(1, 1));
}

/// Limited, and 60 fen of it used.
fn spent(world: &mut World, bounds: Policy) {
    limited(world, bounds);
    world.ok(&one(charged(900, 60)));
}

fn pay(id: Id, amount: u64) -> Leg {
    plain(id, 3, 5, amount)
}

fn charged(id: Id, amount: u64) -> Leg {
    charging(pay(id, amount), &[1])
}

fn closed_account(world: &mut World) {
    world.ok(&open(20, AccountKind::Organisation, 0, i64::MAX));
    world.ok(&close(20));
}

/// Without `World`'s checks after every step, which would take long for thousands of steps.
fn quickly(world: &mut World, legs: &[Leg]) {
    let mut out = Vec::new();
    world.ledger.apply(&group(legs), world.now, &world.prior, &mut out).expect("money is there");
    for record in &out {
        world.prior.remember(record);
        world.replayed.replay(record).expect("what was written can be replayed");
    }
}

/// Account 5 has received 9,223 of the largest transfers, and account 4 has one to give.
pub(crate) fn received_to_the_end(world: &mut World) {
    world.ok(&Command::ChangeAccount(AccountChange { min: Some(i64::MIN), ..change(1) }));
    world.ok(&one(plain(800_000, 1, 3, MAX_AMOUNT)));
    world.ok(&one(plain(800_001, 1, 4, MAX_AMOUNT)));
    for id in (1_000_000..).step_by(2).take(9_222) {
        quickly(world, &[plain(id, 3, 5, MAX_AMOUNT), plain(id + 1, 5, 3, MAX_AMOUNT)]);
    }
    world.ok(&one(plain(800_002, 3, 5, MAX_AMOUNT)));
}

/// Two issuance accounts have issued 9,223 of the largest transfers together, less the first million.
pub(crate) fn issued_to_the_end(world: &mut World) {
    world.ok(&Command::ChangeAccount(AccountChange { min: Some(i64::MIN), ..change(1) }));
    world.ok(&open(30, AccountKind::Issuance, i64::MIN, i64::MAX));
    world.ok(&one(plain(800_000, 1, 2, MAX_AMOUNT - 1_000_000)));
    for id in 1_000_000..1_009_222 {
        let (from, to) = if id % 2 == 0 { (1, 2) } else { (30, 3) };
        quickly(world, &[plain(id, from, to, MAX_AMOUNT)]);
    }
}

/// 9,223 of the largest holds are open, from two issuance accounts.
pub(crate) fn held_to_the_end(world: &mut World) {
    world.ok(&Command::ChangeAccount(AccountChange { min: Some(i64::MIN), ..change(1) }));
    world.ok(&open(30, AccountKind::Issuance, i64::MIN, i64::MAX));
    for id in 1_000_000..1_009_223 {
        let (from, to) = if id % 2 == 0 { (1, 2) } else { (30, 3) };
        quickly(world, &[hold(id, from, to, MAX_AMOUNT, 0)]);
    }
}

/// What account 1 has issued and holds to issue are 9,223 of the largest transfers together.
pub(crate) fn promised_to_the_end(world: &mut World) {
    world.ok(&Command::ChangeAccount(AccountChange { min: Some(i64::MIN), ..change(1) }));
    world.ok(&one(plain(800_000, 1, 2, MAX_AMOUNT - 1_000_000)));
    for id in 1_000_000..1_009_222 {
        let leg = if id % 2 == 0 { plain(id, 1, 3, MAX_AMOUNT) } else { hold(id, 1, 4, MAX_AMOUNT, 0) };
        quickly(world, &[leg]);
    }
}

/// As [`received_to_the_end`], and 1,000 more are held to arrive.
fn expecting_to_the_end(world: &mut World) {
    received_to_the_end(world);
    world.ok(&one(hold(800_003, 4, 5, 1_000, 0)));
}

/// Meter 1 has counted 18,446 of the largest transfers.
pub(crate) fn counted_to_the_end(world: &mut World) {
    world.ok(&Command::ChangeAccount(AccountChange { min: Some(i64::MIN), ..change(1) }));
    world.ok(&one(plain(800_000, 1, 3, MAX_AMOUNT)));
    limited(world, Policy::UNBOUNDED);
    for id in (1_000_000..).step_by(2).take(9_222) {
        let legs = [plain(id, 3, 5, MAX_AMOUNT), plain(id + 1, 5, 3, MAX_AMOUNT)];
        quickly(world, &legs.map(|leg| charging(leg, &[1])));
    }
    quickly(world, &[charging(plain(800_001, 3, 5, MAX_AMOUNT), &[1])]);
    quickly(world, &[charging(plain(800_002, 1, 2, MAX_AMOUNT), &[1])]);
    world.ok(&one(plain(800_003, 1, 4, MAX_AMOUNT)));
}

fn edges() -> Vec<Edge> {
    let edge = |why, before, over, inside| Edge { why, before, over, inside };
    let day = NEW_YEAR + DAY;
    [
        shape_edges(edge),
        target_edges(edge, day),
        meter_edges(edge),
        money_edges(edge),
        set_up_edges(edge, day),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// What is left below 64 bits after 18,446 of the largest transfers: a meter has no sign.
pub(crate) const LAST_COUNT: u64 = u64::MAX - 18_446 * MAX_AMOUNT;

type MakeEdge = fn(Why, fn(&mut World), Command, Command) -> Edge;

fn shape_edges(edge: MakeEdge) -> Vec<Edge> {
    let legs = |n: u64| group(&(0..n).map(|i| pay(Id::from(i) + 1, 1)).collect::<Vec<_>>());
    let rich: fn(&mut World) = |world| {
        world.ok(&Command::ChangeAccount(AccountChange { min: Some(i64::MIN), ..change(1) }));
    };
    let paid: fn(&mut World) = |world| {
        world.ok(&one(pay(1, 5)));
    };
    let foreign: fn(&mut World) = |world| {
        world.ok(&open_in(8, 840, CENTRAL, AccountKind::Personal, 0, 10));
        world.ok(&open_in(9, CNY, 2, AccountKind::Personal, 0, 10));
    };
    vec![
        edge(Why::IdInvalid, |_| {}, one(pay(LAST + 1, 1)), one(pay(LAST, 1))),
        edge(Why::LegCount, |_| {}, legs(9), legs(8)),
        edge(Why::IdTaken, paid, one(pay(1, 6)), one(pay(2, 6))),
        edge(Why::AmountInvalid, |_| {}, one(pay(1, 0)), one(pay(1, 1))),
        edge(Why::AmountInvalid, rich, one(plain(1, 1, 2, MAX_AMOUNT + 1)), one(plain(1, 1, 2, MAX_AMOUNT))),
        edge(Why::SameAccount, |_| {}, one(plain(1, 3, 3, 1)), one(plain(1, 3, 4, 1))),
        edge(Why::DebitAccountUnknown, |_| {}, one(plain(1, 99, 3, 1)), one(plain(1, 4, 3, 1))),
        edge(Why::CreditAccountUnknown, |_| {}, one(plain(1, 3, 99, 1)), one(plain(1, 3, 4, 1))),
        edge(Why::CurrencyDiffers, foreign, one(plain(1, 3, 8, 1)), one(plain(1, 3, 4, 1))),
        edge(Why::HolderDiffers, foreign, one(plain(1, 3, 9, 1)), one(plain(1, 3, 4, 1))),
    ]
}

fn target_edges(edge: MakeEdge, day: Nanos) -> Vec<Edge> {
    let held: fn(&mut World) = |world| {
        world.ok(&one(hold(1, 3, 5, 100, 0)));
    };
    let due: fn(&mut World) = |world| {
        world.ok(&one(hold(1, 3, 5, 100, NEW_YEAR + DAY)));
        world.ok(&one(hold(2, 3, 5, 100, NEW_YEAR + DAY + 1)));
        world.now = NEW_YEAR + DAY;
    };
    let voided: fn(&mut World) = |world| {
        world.ok(&one(hold(1, 3, 5, 100, 0)));
        world.ok(&one(hold(2, 3, 5, 100, 0)));
        world.ok(&one(void(3, 1)));
    };
    let paid: fn(&mut World) = |world| {
        world.ok(&one(pay(1, 5)));
    };
    let wrong_id = leg(reversal_id(1) + 1, LegOp::Reverse { transfer: 1 });
    let at_midnight: fn(&mut World) = |world| world.now = NEW_YEAR + DAY;
    vec![
        edge(Why::TargetUnknown, held, one(post(9, 2, 0)), one(post(9, 1, 0))),
        edge(Why::TargetUnknown, held, one(void(9, 2)), one(void(9, 1))),
        edge(Why::TargetUnknown, paid, one(reverse(2)), one(reverse(1))),
        edge(Why::HoldClosed, due, one(post(9, 1, 0)), one(post(9, 2, 0))),
        edge(Why::HoldClosed, due, one(void(9, 1)), one(void(9, 2))),
        edge(Why::HoldClosed, voided, one(post(9, 1, 0)), one(post(9, 2, 0))),
        edge(Why::OverHold, held, one(post(9, 1, 101)), one(post(9, 1, 100))),
        edge(Why::NotReversible, paid, one(wrong_id), one(reverse(1))),
        edge(Why::ExpiryInPast, at_midnight, one(hold(1, 3, 5, 1, day)), one(hold(1, 3, 5, 1, day + 1))),
        edge(Why::DebitAccountClosed, closed_account, one(plain(1, 20, 3, 1)), one(plain(1, 4, 3, 1))),
        edge(Why::CreditAccountClosed, closed_account, one(plain(1, 3, 20, 1)), one(plain(1, 3, 4, 1))),
        edge(
            Why::DebitFrozen,
            |world| {
                world.ok(&freeze(3, true, false));
            },
            one(plain(1, 3, 4, 1)),
            one(plain(1, 4, 3, 1)),
        ),
        edge(
            Why::CreditFrozen,
            |world| {
                world.ok(&freeze(3, false, true));
            },
            one(plain(1, 4, 3, 1)),
            one(plain(1, 3, 4, 1)),
        ),
    ]
}

fn meter_edges(edge: MakeEdge) -> Vec<Edge> {
    const FREE: Policy = Policy::UNBOUNDED;
    let unbounded: fn(&mut World) = |world| limited(world, FREE);
    let future: fn(&mut World) = |world| {
        world.ok(&policy(1, 1, NEW_YEAR, FREE));
        world.ok(&policy(2, 1, NEW_YEAR + 1, FREE));
        world.ok(&set_meter(1, 1));
        world.ok(&set_meter(2, 2));
    };
    let two: fn(&mut World) = |world| {
        limited(world, FREE);
        world.ok(&set_meter(2, 1));
    };
    let held: fn(&mut World) = |world| {
        limited(world, FREE);
        world.ok(&one(hold(1, 3, 5, 100, 0)));
    };
    let meters = |meters: &[Id]| one(charging(pay(1, 1), meters));
    vec![
        edge(Why::MeterUnknown, unbounded, meters(&[2]), meters(&[1])),
        edge(Why::PolicyUnknown, future, meters(&[2]), meters(&[1])),
        edge(Why::PolicyUnknown, future, set_meter(3, 3), set_meter(3, 2)),
        edge(
            Why::OverSingleLimit,
            |world| limited(world, Policy { single: 100, ..FREE }),
            one(charged(1, 101)),
            one(charged(1, 100)),
        ),
        edge(
            Why::OverDayLimit,
            |world| spent(world, Policy { day: 100, ..FREE }),
            one(charged(1, 41)),
            one(charged(1, 40)),
        ),
        edge(
            Why::OverDayCount,
            |world| spent(world, Policy { day_count: 1, ..FREE }),
            one(charged(1, 1)),
            one(pay(1, 1)),
        ),
        edge(
            Why::OverYearLimit,
            |world| spent(world, Policy { year: 100, ..FREE }),
            one(charged(1, 41)),
            one(charged(1, 40)),
        ),
        edge(
            Why::OverYearCount,
            |world| spent(world, Policy { year_count: 1, ..FREE }),
            one(charged(1, 1)),
            one(pay(1, 1)),
        ),
        edge(Why::MeterRepeated, two, meters(&[1, 2, 1]), meters(&[1, 2])),
        edge(Why::MetersNotAllowed, held, one(charging(post(2, 1, 0), &[1])), one(post(2, 1, 0))),
        edge(Why::MetersNotAllowed, held, one(charging(void(2, 1), &[1])), one(void(2, 1))),
    ]
}

fn money_edges(edge: MakeEdge) -> Vec<Edge> {
    let held: fn(&mut World) = |world| {
        world.ok(&one(hold(900, 3, 5, 4_000, 0)));
    };
    let capped: fn(&mut World) = |world| {
        world.ok(&open(20, AccountKind::Personal, 0, 500));
        world.ok(&one(hold(900, 3, 20, 100, 0)));
    };
    vec![
        edge(Why::BalanceTooLow, |_| {}, one(pay(1, 10_001)), one(pay(1, 10_000))),
        edge(Why::BalanceTooLow, held, one(pay(1, 6_001)), one(pay(1, 6_000))),
        edge(Why::BalanceTooHigh, capped, one(plain(1, 3, 20, 401)), one(plain(1, 3, 20, 400))),
        edge(
            Why::Overflow,
            received_to_the_end,
            one(plain(1, 4, 5, LAST_SUM + 1)),
            one(plain(1, 4, 5, LAST_SUM)),
        ),
        edge(
            Why::Overflow,
            received_to_the_end,
            one(hold(1, 4, 5, LAST_SUM + 1, 0)),
            one(hold(1, 4, 5, LAST_SUM, 0)),
        ),
        edge(
            Why::Overflow,
            issued_to_the_end,
            one(plain(1, 30, 4, LAST_SUM + 1)),
            one(plain(1, 30, 4, LAST_SUM)),
        ),
        edge(
            Why::Overflow,
            held_to_the_end,
            one(hold(1, 30, 4, LAST_SUM + 1, 0)),
            one(hold(1, 30, 4, LAST_SUM, 0)),
        ),
        edge(
            Why::Overflow,
            promised_to_the_end,
            one(plain(1, 1, 5, LAST_SUM + 1)),
            one(plain(1, 1, 5, LAST_SUM)),
        ),
        edge(
            Why::Overflow,
            expecting_to_the_end,
            one(plain(1, 4, 5, LAST_SUM - 999)),
            one(plain(1, 4, 5, LAST_SUM - 1_000)),
        ),
        edge(
            Why::Overflow,
            counted_to_the_end,
            one(charging(plain(1, 4, 2, LAST_COUNT + 1), &[1])),
            one(charging(plain(1, 4, 2, LAST_COUNT), &[1])),
        ),
    ]
}

fn set_up_edges(edge: MakeEdge, day: Nanos) -> Vec<Edge> {
    let set = |id, min, max| Command::ChangeAccount(AccountChange { min, max, ..change(id) });
    let one_fen: fn(&mut World) = |world| {
        world.ok(&open(20, AccountKind::Personal, 0, 500));
        world.ok(&open(21, AccountKind::Personal, 0, 500));
        world.ok(&one(plain(900, 3, 20, 1)));
    };
    let promised: fn(&mut World) = |world| {
        world.ok(&open(20, AccountKind::Personal, 0, 500));
        world.ok(&open(21, AccountKind::Personal, 0, 500));
        world.ok(&one(hold(900, 3, 20, 1, 0)));
    };
    let published: fn(&mut World) = |world| {
        world.ok(&policy(1, 4, NEW_YEAR + DAY, Policy::UNBOUNDED));
    };
    let small = Policy { single: 1, ..Policy::UNBOUNDED };
    let personal = |min, max| open(20, AccountKind::Personal, min, max);
    vec![
        edge(
            Why::IdInvalid,
            |_| {},
            open(Id::MAX, AccountKind::Personal, 0, 1),
            open(LAST, AccountKind::Personal, 0, 1),
        ),
        edge(Why::AccountNotEmpty, one_fen, close(20), close(21)),
        edge(Why::AccountNotEmpty, promised, close(20), close(21)),
        edge(Why::LimitsInvalid, |_| {}, personal(-1, 5), personal(0, 5)),
        edge(Why::LimitsInvalid, |_| {}, personal(0, -1), personal(0, 0)),
        edge(Why::LimitsInvalid, |_| {}, personal(1, 5), personal(0, 5)),
        edge(Why::LimitsInvalid, |_| {}, set(3, Some(-1), None), set(3, Some(1), None)),
        edge(Why::LimitsInvalid, |_| {}, set(3, Some(7), Some(6)), set(3, Some(6), Some(6))),
        edge(Why::PolicyVersionInvalid, published, policy(1, 4, day, small), policy(1, 5, day, small)),
        edge(Why::PolicyVersionInvalid, published, policy(1, 5, day - 1, small), policy(1, 5, day, small)),
        edge(Why::PolicyVersionInvalid, published, policy(2, 0, 0, small), policy(2, 1, 0, small)),
        edge(Why::AccountUnknown, |_| {}, set(99, None, Some(9)), set(5, None, Some(9))),
        edge(Why::AccountClosed, closed_account, freeze(20, true, false), freeze(5, true, false)),
    ]
}

#[test]
fn every_reason_is_given_just_over_its_edge_and_not_before() {
    let mut reached = BTreeSet::new();
    for Edge { why, before, over, inside } in edges() {
        let mut world = World::small_town();
        before(&mut world);
        world.refused(&over, why);
        world.ok(&inside);
        reached.insert(why);
    }
    assert_eq!(reached, BTreeSet::from(Why::ALL), "every reason has an edge");
}

#[test]
fn the_numbers_are_their_order_and_never_change() {
    for (index, why) in Why::ALL.into_iter().enumerate() {
        assert_eq!(usize::from(why.number()), index + 1, "{why:?}");
    }
    // Spot checks against the published table, which `page` compares in full.
    assert_eq!(Why::IdTaken.number(), 3);
    assert_eq!(Why::BalanceTooLow.number(), 26);
    assert_eq!(Why::MetersNotAllowed.number(), 35);
}

#[test]
fn ids_that_the_kernel_derives_cannot_be_chosen() {
    let mut world = World::small_town();
    world.ok(&one(hold(1, 3, 5, 10, 0)));
    for id in [0, 1 << 126, 1 << 127, expiry_id(1), reversal_id(1), Id::MAX] {
        world.refused(&one(pay(id, 1)), Why::IdInvalid);
        world.refused(&one(post(id, 1, 0)), Why::IdInvalid);
        world.refused_at(&group(&[pay(2, 1), pay(id, 1)]), Why::IdInvalid, 1);
    }
    for transfer in [0, 1 << 126, expiry_id(1), Id::MAX] {
        world.refused(&one(reverse(transfer)), Why::IdInvalid);
    }
    for id in [0, Id::MAX] {
        world.refused(&open(id, AccountKind::Personal, 0, 1), Why::IdInvalid);
        world.refused(&close(id), Why::IdInvalid);
        world.refused(&set_meter(id, 1), Why::IdInvalid);
        world.refused(&Command::Note { kind: 0, id, digest: [0; 32] }, Why::IdInvalid);
    }
    world.refused(&group(&[]), Why::LegCount);
}

#[test]
fn where_several_reasons_apply_the_lowest_number_wins() {
    let mut world = World::small_town();
    world.ok(&open_in(8, 840, 2, AccountKind::Personal, 0, 10));
    world.ok(&open_in(9, CNY, 2, AccountKind::Personal, 0, 10));
    world.ok(&open(20, AccountKind::Personal, 0, 10));
    world.ok(&open(21, AccountKind::Personal, 0, 10));
    world.ok(&freeze(20, true, true));
    world.ok(&freeze(21, true, true));
    world.ok(&close(20));
    world.ok(&close(21));
    world.ok(&open(22, AccountKind::Personal, 0, 10));
    world.ok(&freeze(22, true, true));
    world.ok(&open(23, AccountKind::Personal, 0, 10));
    world.ok(&freeze(23, false, true));
    limited(&mut world, Policy { single: 1, day: 1, day_count: 0, year: 1, year_count: 0 });
    world.ok(&one(pay(900, 1)));
    let past = world.now;

    // One thing is put right at a time, so the reasons come in order of their numbers.
    let bad = |id, debit, credit, amount, expires, meters: &[Id]| {
        one(charging(hold(id, debit, credit, amount, expires), meters))
    };
    let mut last = 0;
    for (cmd, why) in [
        (bad(0, 7, 7, 0, past, &[9, 9]), Why::IdInvalid),
        (bad(900, 7, 7, 0, past, &[9, 9]), Why::IdTaken),
        (bad(1, 7, 7, 0, past, &[9, 9]), Why::AmountInvalid),
        (bad(1, 7, 7, 5, past, &[9, 9]), Why::SameAccount),
        (bad(1, 7, 6, 5, past, &[9, 9]), Why::DebitAccountUnknown),
        (bad(1, 20, 6, 5, past, &[9, 9]), Why::CreditAccountUnknown),
        (bad(1, 20, 8, 5, past, &[9, 9]), Why::CurrencyDiffers),
        (bad(1, 20, 9, 5, past, &[9, 9]), Why::HolderDiffers),
        (bad(1, 20, 21, 5, past, &[9, 9]), Why::ExpiryInPast),
        (bad(1, 20, 21, 5, past + 1, &[9, 9]), Why::DebitAccountClosed),
        (bad(1, 22, 21, 5, past + 1, &[9, 9]), Why::CreditAccountClosed),
        (bad(1, 22, 23, 5, past + 1, &[9, 9]), Why::DebitFrozen),
        (bad(1, 3, 23, 50_000, past + 1, &[9, 9]), Why::CreditFrozen),
        (bad(1, 3, 5, 50_000, past + 1, &[9, 9]), Why::MeterUnknown),
        (bad(1, 3, 5, 50_000, past + 1, &[1, 1]), Why::OverSingleLimit),
        (bad(1, 3, 5, 1, past + 1, &[1, 1]), Why::OverDayCount),
    ] {
        assert!(why.number() > last, "the table is in order");
        last = why.number();
        world.refused(&cmd, why);
    }
    limited_anew(&mut world, Policy::UNBOUNDED);
    world.refused(&bad(1, 3, 23, 50_000, 0, &[1, 1]), Why::CreditFrozen);
    world.refused(&bad(1, 3, 5, 50_000, 0, &[1, 1]), Why::BalanceTooLow);
    world.refused(&bad(1, 3, 5, 50, 0, &[1, 1]), Why::MeterRepeated);
    world.ok(&bad(1, 3, 5, 50, 0, &[1]));
}

fn limited_anew(world: &mut World, bounds: Policy) {
    world.ok(&policy(1, 2, world.now, bounds));
}

#[test]
fn the_first_leg_that_fails_is_reported_whatever_the_later_ones_lack() {
    let mut world = World::small_town();
    let legs = [pay(1, 1), pay(2, 99_999), pay(0, 0)];
    world.refused_at(&group(&legs), Why::BalanceTooLow, 1);
    world.refused_at(&group(&[pay(1, 1), pay(2, 1), pay(0, 0)]), Why::IdInvalid, 2);
}

#[test]
fn a_refusal_says_where_and_why() {
    let check = |refusal: Refusal, expected: &str| assert_eq!(refusal.to_string(), expected);
    check(Refusal::new(Why::BalanceTooLow, 2), "leg 2: BalanceTooLow (26)");
    check(Refusal::taken(0, "amount"), "leg 0: IdTaken (3), amount differs");
}
