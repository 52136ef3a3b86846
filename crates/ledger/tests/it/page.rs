//! The documentation page tells the truth: its tables are read and played through.

use std::collections::BTreeMap;

use jialing_ledger::*;

use crate::world::*;

const PAGE: &str = include_str!("../../../../docs/concepts/ledger.md");

/// The rows of every table whose header begins with `header`, cell by cell.
fn tables(header: &str) -> Vec<Vec<Vec<String>>> {
    let cells = |line: &str| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
    let mut tables = Vec::new();
    let mut lines = PAGE.lines();
    while let Some(line) = lines.next() {
        if line.starts_with(header) {
            tables.push(lines.by_ref().skip(1).take_while(|line| line.starts_with('|')).map(cells).collect());
        }
    }
    tables
}

fn table(header: &str) -> Vec<Vec<String>> {
    let mut found = tables(header);
    assert_eq!(found.len(), 1, "one table begins with {header}");
    found.remove(0)
}

/// Yuan with two decimals, in fen.
fn fen(yuan: &str) -> i64 {
    let (whole, part) = yuan.split_once('.').expect("two decimals");
    assert_eq!(part.len(), 2, "two decimals in {yuan}");
    format!("{whole}{part}").parse().expect("a number")
}

fn account(world: &World, id: Id) -> Account {
    world.ledger.account(id).expect("the account is open")
}

#[test]
fn the_refusals_table_is_complete_and_in_order() {
    let listed: Vec<_> =
        table("| number | name |").into_iter().map(|row| (row[0].clone(), row[1].clone())).collect();
    let known: Vec<_> = Why::ALL.iter().map(|why| (why.number().to_string(), format!("`{why:?}`"))).collect();
    assert_eq!(listed, known);
}

#[test]
fn the_record_tables_leave_no_gap_and_end_within_the_record() {
    let tables = tables("| offset | bytes |");
    assert_eq!(tables.len(), 8, "the head and seven kinds of record");
    let mut ends = Vec::new();
    for (index, rows) in tables.iter().enumerate() {
        let mut at = if index == 0 { 0 } else { 17 };
        for row in rows {
            assert_eq!(row[0].parse(), Ok(at), "{row:?}");
            at += row[1].parse::<usize>().expect("a number of bytes");
        }
        ends.push(at);
    }
    // The offsets themselves are compared with the code in `records`.
    assert_eq!(ends, [17, RECORD_LEN, 89, 56, 58, 73, 37, 67]);
}

#[test]
fn the_day_in_four_accounts_comes_out_as_written() {
    let names = ["central bank", "bank", "Anna", "shop"];
    let ids: BTreeMap<&str, Id> = names.into_iter().zip(1..).collect();
    let mut world = World::new();
    world.ok(&open(1, AccountKind::Issuance, -1_000_000_000, i64::MAX));
    world.ok(&open(2, AccountKind::Vault, 0, i64::MAX));
    world.ok(&open(3, AccountKind::Personal, 0, 1_000_000));
    world.ok(&open(4, AccountKind::Organisation, 0, i64::MAX));
    for (row, id) in table("| step | from → to |").iter().zip(1..) {
        let (from, to) = row[1].split_once(" → ").expect("two accounts");
        world.ok(&one(plain(id, ids[from], ids[to], fen(&row[2]) as u64)));
        let expected: Vec<_> = (1..).zip(&row[3..]).map(|(id, yuan)| (id, fen(yuan))).collect();
        world.balances(&expected);
    }
    let totals = world.ledger.totals(CNY, CENTRAL).expect("the book is there");
    assert_eq!([totals.issued, totals.redeemed, totals.circulating], [10_000_000, 2_000_000, 8_000_000]);
    assert_eq!([totals.vault, totals.personal], [7_951_000, 49_000]);
}

#[test]
fn the_taxi_ride_comes_out_as_written() {
    let mut world = World::small_town();
    type Step = (&'static str, fn(&mut World));
    let steps: [Step; 5] = [
        ("before", |_| {}),
        ("hold 60.00", |world| {
            world.ok(&one(hold(1, 3, 5, 6_000, 0)));
        }),
        ("pay a shop 40.01", |world| world.refused(&one(plain(2, 3, 4, 4_001)), Why::BalanceTooLow)),
        ("post 25.00", |world| {
            world.ok(&one(post(3, 1, 2_500)));
        }),
        ("post again", |world| world.refused(&one(post(4, 1, 0)), Why::HoldClosed)),
    ];
    let rows = table("| step | Anna's balance |");
    assert_eq!(rows.len(), steps.len());
    for (row, (name, step)) in rows.iter().zip(steps) {
        assert!(row[0].starts_with(name), "{name} is {}", row[0]);
        step(&mut world);
        let (anna, driver) = (account(&world, 3), account(&world, 5));
        let shown = [anna.balance(), anna.debits_held as i64, anna.available(), driver.balance()];
        assert_eq!(shown.to_vec(), row[1..].iter().map(|yuan| fen(yuan)).collect::<Vec<_>>(), "{name}");
    }
}

#[test]
fn the_evening_at_midnight_comes_out_as_written() {
    let mut world = World::small_town();
    world.ok(&policy(1, 1, 0, Policy { single: 5_000, day: 10_000, ..Policy::UNBOUNDED }));
    world.ok(&set_meter(1, 1));
    world.ok(&one(plain(100, 2, 3, 10_000)));
    for (row, id) in table("| moment (UTC+8) |").iter().zip(1..) {
        let (hour, minute) =
            (row[0][..2].parse::<u64>().expect("hour"), row[0][3..5].parse::<u64>().expect("minute"));
        let next_day = u64::from(row[0].contains("next day"));
        world.now = NEW_YEAR + next_day * DAY + (hour * 60 + minute) * 60 * SECOND;
        let answer = world.apply(&one(charging(plain(id, 3, 5, fen(&row[1]) as u64), &[1])));
        let said = answer.map_or_else(|refusal| format!("{:?}", refusal.why), |_| "paid".to_owned());
        let passed = world.ledger.allowance(1, world.now).expect("the meter is there").meter.day_amount;
        assert_eq!((said, passed as i64), (row[2].clone(), fen(&row[3])), "{row:?}");
    }
}
