//! What the ledger is for, told as it happens. The first story is the one on the documentation page.

use jialing_ledger::*;

use crate::world::*;

const ISSUANCE: Id = 1;
const BANK: Id = 2;
const ANNA: Id = 3;
const SHOP: Id = 5;

#[test]
fn money_is_issued_topped_up_paid_and_partly_refunded() {
    let mut world = World::new();
    world.ok(&open(ISSUANCE, AccountKind::Issuance, -100_000_000, i64::MAX));
    world.ok(&open(BANK, AccountKind::Vault, 0, i64::MAX));
    world.ok(&open(ANNA, AccountKind::Personal, 0, 1_000_000));
    world.ok(&open(SHOP, AccountKind::Organisation, 0, i64::MAX));

    world.ok(&one(plain(101, ISSUANCE, BANK, 10_000_000)));
    world.balances(&[(ISSUANCE, -10_000_000), (BANK, 10_000_000), (ANNA, 0), (SHOP, 0)]);
    world.ok(&one(plain(102, BANK, ANNA, 50_000)));
    world.balances(&[(ISSUANCE, -10_000_000), (BANK, 9_950_000), (ANNA, 50_000), (SHOP, 0)]);
    world.ok(&one(plain(103, ANNA, SHOP, 1_250)));
    world.balances(&[(ISSUANCE, -10_000_000), (BANK, 9_950_000), (ANNA, 48_750), (SHOP, 1_250)]);
    world.ok(&one(plain(104, SHOP, ANNA, 250)));
    world.balances(&[(ISSUANCE, -10_000_000), (BANK, 9_950_000), (ANNA, 49_000), (SHOP, 1_000)]);
    world.ok(&one(plain(105, SHOP, BANK, 1_000)));
    world.ok(&one(plain(106, BANK, ISSUANCE, 2_000_000)));
    world.balances(&[(ISSUANCE, -8_000_000), (BANK, 7_951_000), (ANNA, 49_000), (SHOP, 0)]);

    let totals = world.ledger.totals(CNY, CENTRAL).expect("the book is there");
    assert_eq!((totals.issued, totals.redeemed, totals.circulating), (10_000_000, 2_000_000, 8_000_000));
    assert_eq!((totals.vault, totals.personal, totals.organisation), (7_951_000, 49_000, 0));
}

#[test]
fn a_record_carries_both_balances_after() {
    let mut world = World::small_town();
    let applied = world.ok(&one(plain(1, ANNA, SHOP, 1_250)));
    let transfer = world.last_transfer();
    assert_eq!((transfer.debit_balance, transfer.credit_balance), (8_750, 1_250));
    assert_eq!(applied, Applied { first: world.ledger.next_seq() - 1, records: 1, already: false });
}

#[test]
fn a_payment_with_a_coupon_and_a_split_happens_whole_or_not_at_all() {
    let mut world = World::small_town();
    world.ok(&open(20, AccountKind::Organisation, 0, i64::MAX));
    world.ok(&open(21, AccountKind::Organisation, 0, i64::MAX));
    world.ok(&one(plain(1, BANK, 20, 500)));
    let pay =
        |coupon| group(&[plain(10, ANNA, SHOP, 700), plain(11, 20, SHOP, coupon), plain(12, SHOP, 21, 35)]);
    world.refused_at(&pay(501), Why::BalanceTooLow, 1);
    world.balances(&[(ANNA, 10_000), (SHOP, 0), (20, 500), (21, 0)]);
    let applied = world.ok(&pay(300));
    assert_eq!(applied.records, 3);
    world.balances(&[(ANNA, 9_300), (SHOP, 965), (20, 200), (21, 35)]);
}

#[test]
fn the_same_payment_twice_is_paid_once() {
    let mut world = World::small_town();
    let pay = one(plain(1, ANNA, SHOP, 1_250));
    let first = world.ok(&pay);
    world.now += 3 * DAY;
    world.already(&pay, &first);
    // Even when the same could no longer be done anew.
    world.ok(&freeze(ANNA, true, true));
    world.already(&pay, &first);
    world.balances(&[(ANNA, 8_750), (SHOP, 1_250)]);
}

#[test]
fn a_refused_payment_may_be_tried_again_under_its_id() {
    let mut world = World::small_town();
    let pay = one(plain(1, ANNA, SHOP, 10_001));
    world.refused(&pay, Why::BalanceTooLow);
    world.ok(&one(plain(2, BANK, ANNA, 1)));
    world.ok(&pay);
}

#[test]
fn a_group_is_repeated_only_as_the_same_group() {
    let mut world = World::small_town();
    world.ok(&policy(1, 1, 0, Policy::UNBOUNDED));
    world.ok(&set_meter(1, 1));
    let (a, b, c) =
        (plain(1, 3, 5, 10), charging(plain(2, 3, 4, 20), &[1]), charging(hold(3, 3, 4, 1, 0), &[1]));
    let first = world.ok(&group(&[a, b, c]));
    assert_eq!(first.records, 5, "three legs, two of them with terms");
    world.already(&group(&[a, b, c]), &first);
    world.taken(&group(&[a, b]), 0, "legs");
    world.taken(&group(&[b, a, c]), 0, "leg");
    world.taken(&one(b), 0, "legs");
    world.taken(&group(&[a, b, plain(4, 3, 5, 1)]), 0, "group");
    world.taken(&group(&[plain(4, 3, 5, 1), b, c]), 1, "group");
    world.taken(&group(&[a, a, c]), 1, "leg");
    world.taken(&group(&[plain(4, 3, 5, 1), plain(4, 3, 5, 1)]), 1, "leg");

    let (d, e, f) = (plain(11, 3, 5, 10), plain(12, 3, 4, 20), plain(13, 3, 4, 30));
    world.ok(&group(&[d, e, f]));
    world.taken(&group(&[d, b, f]), 1, "group");
}

#[test]
fn a_taken_id_names_the_first_field_that_differs() {
    let mut world = World::small_town();
    world.ok(&policy(1, 1, 0, Policy::UNBOUNDED));
    world.ok(&set_meter(1, 1));
    let later = world.now + DAY;
    let done = charging(hold(1, 3, 5, 100, later), &[1]);
    world.ok(&one(done));
    let mut check = |changed: Leg, field: &str| world.taken(&one(changed), 0, field);
    check(plain(1, 3, 5, 100), "op");
    check(Leg { kind: 8, ..done }, "kind");
    check(Leg { op: LegOp::Hold { debit: 4, credit: 5, amount: 100, expires: later }, ..done }, "debit");
    check(Leg { op: LegOp::Hold { debit: 3, credit: 4, amount: 100, expires: later }, ..done }, "credit");
    check(Leg { op: LegOp::Hold { debit: 3, credit: 5, amount: 99, expires: later }, ..done }, "amount");
    check(Leg { digest: [8; 24], ..done }, "digest");
    check(Leg { meters: [0; 4], ..done }, "meters");
    check(
        Leg { op: LegOp::Hold { debit: 3, credit: 5, amount: 100, expires: later + 1 }, ..done },
        "expires",
    );

    let other = one(hold(2, 3, 5, 100, 0));
    world.ok(&other);
    let posted = world.ok(&one(post(3, 2, 0)));
    world.taken(&one(post(3, 1, 0)), 0, "hold");
    world.taken(&one(post(3, 2, 99)), 0, "amount");
    world.already(&one(post(3, 2, 100)), &posted);
    world.already(&one(post(3, 2, 0)), &posted);
    world.taken(&one(void(3, 2)), 0, "op");
    world.ok(&one(void(4, 1)));
    world.taken(&one(void(4, 2)), 0, "hold");
}

#[test]
fn a_hold_sets_aside_and_a_post_moves_part_and_releases_the_rest() {
    let mut world = World::small_town();
    world.ok(&one(hold(1, ANNA, SHOP, 6_000, 0)));
    let anna = world.ledger.account(ANNA).expect("she has a wallet");
    assert_eq!((anna.balance(), anna.available(), anna.debits_held), (10_000, 4_000, 6_000));
    assert_eq!(world.ledger.account(SHOP).map(|shop| shop.credits_held), Some(6_000));
    world.refused(&one(plain(2, ANNA, SHOP, 4_001)), Why::BalanceTooLow);
    world.ok(&one(post(3, 1, 2_500)));
    let anna = world.ledger.account(ANNA).expect("she has a wallet");
    assert_eq!((anna.balance(), anna.available(), anna.debits_held), (7_500, 7_500, 0));
    world.balances(&[(SHOP, 2_500)]);
    world.refused(&one(post(4, 1, 0)), Why::HoldClosed);
    assert_eq!(world.ledger.holds().len(), 0);
}

#[test]
fn holds_lapse_in_order_of_expiry_and_then_id() {
    let mut world = World::small_town();
    let at = world.now;
    for (id, after) in [(5, 20), (4, 10), (3, 20), (2, 30), (1, 0)] {
        let expires = if after == 0 { 0 } else { at + after };
        world.ok(&one(hold(id, ANNA, SHOP, 100, expires)));
    }
    assert_eq!(world.ledger.next_expiry(), Some(at + 10));
    world.now = at + 9;
    assert_eq!(world.expire(), 0);
    world.now = at + 20;
    let written = world.log.len();
    assert_eq!(world.expire(), 3);
    let lapsed: Vec<_> = world.log[written..]
        .iter()
        .map(|record| match record.body {
            Body::Transfer(t) => (t.id, t.target(), t.amount),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(lapsed, [4, 3, 5].map(|hold| (expiry_id(hold), Some(hold), 100)));
    assert_eq!(world.ledger.next_expiry(), Some(at + 30));
    assert_eq!(world.ledger.account(ANNA).map(|anna| anna.debits_held), Some(200));
    assert_eq!(world.expire(), 0, "they lapse once");
}

#[test]
fn a_leg_may_act_upon_an_earlier_leg_of_its_group() {
    let mut world = World::small_town();
    world.ok(&group(&[hold(1, ANNA, SHOP, 100, 0), post(2, 1, 60)]));
    world.balances(&[(ANNA, 9_940), (SHOP, 60)]);
    world.ok(&group(&[plain(3, ANNA, SHOP, 10), reverse(3)]));
    world.balances(&[(ANNA, 9_940), (SHOP, 60)]);
    let twice = group(&[hold(5, ANNA, SHOP, 100, 0), void(6, 5), post(7, 5, 0)]);
    world.refused_at(&twice, Why::HoldClosed, 2);
    assert_eq!(world.ledger.hold(5), None);
}

#[test]
fn a_failed_group_leaves_holds_and_meters_as_they_were() {
    let mut world = World::small_town();
    world.ok(&policy(1, 1, 0, Policy::UNBOUNDED));
    world.ok(&set_meter(1, 1));
    let expires = world.now + DAY;
    world.ok(&one(charging(hold(1, ANNA, SHOP, 100, expires), &[1])));
    // `World` compares the snapshots before and after a refusal.
    let fails = plain(9, ANNA, SHOP, 0);
    world.refused_at(&group(&[post(2, 1, 50), fails]), Why::AmountInvalid, 1);
    world.refused_at(&group(&[void(2, 1), fails]), Why::AmountInvalid, 1);
    let meter = |leg| charging(leg, &[1]);
    world.refused_at(
        &group(&[meter(hold(2, ANNA, SHOP, 5, expires)), void(3, 1), fails]),
        Why::AmountInvalid,
        2,
    );
    world.refused_at(
        &group(&[meter(plain(2, 1, BANK, 5)), plain(3, BANK, 1, 2), fails]),
        Why::AmountInvalid,
        2,
    );
    assert_eq!(world.ledger.hold(1).map(|hold| hold.amount), Some(100));
}

#[test]
fn a_payment_is_reversed_once_and_a_reversal_never() {
    let mut world = World::small_town();
    world.ok(&one(plain(1, ANNA, SHOP, 700)));
    let first = world.ok(&one(reverse(1)));
    world.balances(&[(ANNA, 10_000), (SHOP, 0)]);
    world.already(&one(reverse(1)), &first);
    world.taken(&one(Leg { kind: 8, ..reverse(1) }), 0, "kind");
    // The reversal's own reversal would have the payment's id, and that is taken.
    world.taken(&one(leg(1, LegOp::Reverse { transfer: reversal_id(1) })), 0, "op");
    world.refused(&one(leg(2, LegOp::Reverse { transfer: reversal_id(1) })), Why::NotReversible);

    world.ok(&one(hold(3, ANNA, SHOP, 500, 0)));
    world.refused(&one(reverse(3)), Why::NotReversible);
    world.ok(&one(post(4, 3, 200)));
    world.ok(&one(reverse(4)));
    world.balances(&[(ANNA, 10_000), (SHOP, 0)]);
}

#[test]
fn a_frozen_account_keeps_its_holds_which_can_only_be_released() {
    let mut world = World::small_town();
    world.ok(&one(hold(1, ANNA, SHOP, 100, 0)));
    world.ok(&one(hold(2, ANNA, SHOP, 100, world.now + DAY)));
    world.ok(&freeze(ANNA, true, false));
    world.refused(&one(post(3, 1, 0)), Why::DebitFrozen);
    world.ok(&one(void(4, 1)));
    world.ok(&one(plain(5, BANK, ANNA, 1)));
    world.ok(&freeze(ANNA, true, true));
    world.refused(&one(plain(6, BANK, ANNA, 1)), Why::CreditFrozen);
    world.now += DAY;
    assert_eq!(world.expire(), 1);
}

#[test]
fn money_already_above_a_lowered_maximum_stays_and_can_only_fall() {
    let mut world = World::small_town();
    world.ok(&one(hold(1, BANK, ANNA, 100, 0)));
    world.ok(&Command::ChangeAccount(AccountChange { max: Some(5_000), ..change(ANNA) }));
    world.balances(&[(ANNA, 10_000)]);
    world.refused(&one(plain(2, BANK, ANNA, 1)), Why::BalanceTooHigh);
    world.refused(&one(post(3, 1, 0)), Why::BalanceTooHigh);
    world.ok(&one(plain(4, ANNA, SHOP, 5_100)));
    world.ok(&one(post(5, 1, 0)));
    world.balances(&[(ANNA, 5_000)]);
}

#[test]
fn the_authorised_amount_bounds_what_is_issued() {
    let mut world = World::new();
    world.ok(&open(ISSUANCE, AccountKind::Issuance, -1_000, i64::MAX));
    world.ok(&open(BANK, AccountKind::Vault, 0, i64::MAX));
    world.refused(&one(plain(1, ISSUANCE, BANK, 1_001)), Why::BalanceTooLow);
    world.ok(&one(plain(1, ISSUANCE, BANK, 1_000)));
    world.ok(&Command::ChangeAccount(AccountChange { min: Some(-1_500), ..change(ISSUANCE) }));
    world.ok(&one(plain(2, ISSUANCE, BANK, 500)));
    world.refused(&one(plain(3, ISSUANCE, BANK, 1)), Why::BalanceTooLow);
    world.ok(&one(plain(4, BANK, ISSUANCE, 1)));
    world.ok(&one(plain(3, ISSUANCE, BANK, 1)));
}

#[test]
fn setting_up_twice_is_done_once() {
    let mut world = World::new();
    let wallet = open(3, AccountKind::Personal, 0, 500);
    let opened = world.ok(&wallet);
    let raised = Command::ChangeAccount(AccountChange { max: Some(900), ..change(3) });
    let changed = world.ok(&raised);
    world.already(&raised, &changed);
    // What it was opened as is compared, not what became of it.
    world.already(&wallet, &opened);
    world.taken(&open(3, AccountKind::Personal, 0, 900), 0, "max");
    world.taken(&open(3, AccountKind::Organisation, 0, 900), 0, "kind");
    world.taken(&open_in(3, 840, 2, AccountKind::Personal, 0, 500), 0, "currency");
    world.taken(&open_in(3, CNY, 2, AccountKind::Personal, 0, 500), 0, "holder");
    let rule = policy(1, 1, 5, Policy::UNBOUNDED);
    let published = world.ok(&rule);
    world.already(&rule, &published);
    let set = world.ok(&set_meter(9, 1));
    world.already(&set_meter(9, 1), &set);
    world.ok(&close(3));
    let closed = Applied { first: world.ledger.next_seq() - 1, records: 1, already: false };
    world.already(&close(3), &closed);
}

#[test]
fn what_was_noted_is_recorded_every_time() {
    let mut world = World::new();
    let note = Command::Note { kind: 4, id: 77, digest: [3; 32] };
    world.ok(&note);
    world.ok(&note);
    assert_eq!(world.log[1].body, Body::Note { kind: 4, id: 77, digest: [3; 32] });
}
