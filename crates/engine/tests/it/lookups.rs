//! Look-ups by id and histories, over many sealed segments and merged indexes, against plain lists.

use jialing_engine::{Config, Engine};
use jialing_journal::Disk;
use jialing_journal::disk::Surviving;
use jialing_ledger::{Body, Command, Id, Record};

use crate::bank::{Bank, ISSUANCE, everything, found, pay, submit};

/// Transfers touching an account, newest first, the plain way.
fn plain_history(all: &[Record], account: Id, before: Option<u64>, limit: usize) -> Vec<Record> {
    let touches =
        |r: &&Record| matches!(r.body, Body::Transfer(t) if t.debit == account || t.credit == account);
    let below = |r: &&Record| before.is_none_or(|before| r.seq < before);
    all.iter().rev().filter(touches).filter(below).take(limit).copied().collect()
}

/// The payment of this number. Its id is led by a time; account 2 is in every second one.
fn payment(n: Id) -> Command {
    let (a, b) = (2 + n % 6, 2 + (n + 1 + n % 3) % 6);
    let debit = if n.is_multiple_of(2) { 2 } else { a };
    pay((n << 80) | n, debit, if b == debit { ISSUANCE } else { b }, 1)
}

/// Pays until the index has at least two tiers, and gives all records.
async fn busy_bank() -> (Bank, Engine) {
    let bank = Bank { segment_bytes: 16 << 10, ..Bank::new() };
    let engine = bank.open();
    found(&engine, 6).await;
    let mut id: Id = 1000;
    loop {
        let commands = (id..id + 50).map(payment).collect();
        id += 50;
        for answer in engine.submit_all(commands).await {
            answer.unwrap();
        }
        let files = bank.disk.list("index").unwrap();
        let widest = files.iter().filter_map(|name| {
            let mut parts = name.strip_suffix(".run")?.split('-').skip(1).map(|n| n.parse::<u64>().ok());
            let (first, end) = (parts.next()??, parts.next()??);
            Some(end - first)
        });
        // A merged run covers three segments of about 100 records.
        if id > 3000 && widest.max().is_some_and(|records| records > 600) {
            return (bank, engine);
        }
    }
}

async fn check_all(engine: &Engine) {
    let all = everything(engine).await;
    for record in &all {
        if let Body::Transfer(transfer) = record.body {
            assert_eq!(engine.transfer(transfer.id).await.unwrap(), Some(*record), "id {:x}", transfer.id);
        }
    }
    for id in [3, 999, (5000 << 80) | 5000, u128::MAX, (1500 << 80) | 1] {
        assert_eq!(engine.transfer(id).await.unwrap(), None);
    }
    let last = all.len() as u64;
    for account in 1..9 {
        for before in [None, Some(0), Some(1), Some(last / 3), Some(last / 2), Some(last), Some(last + 9)] {
            for limit in [1, 7, 5000] {
                let found = engine.history(account, before, limit).await.unwrap();
                assert_eq!(
                    found,
                    plain_history(&all, account, before, limit),
                    "{account} {before:?} {limit}"
                );
            }
        }
    }
    let mut page = engine.history(2, None, 33).await.unwrap();
    let mut paged = Vec::new();
    while let Some(last) = page.last().copied() {
        paged.extend(page);
        page = engine.history(2, Some(last.seq), 33).await.unwrap();
    }
    assert_eq!(paged, plain_history(&all, 2, None, usize::MAX));
}

#[tokio::test(flavor = "multi_thread")]
async fn look_ups_and_histories_equal_plain_ones_before_and_after_a_restart() {
    let (bank, engine) = busy_bank().await;
    check_all(&engine).await;
    engine.shutdown().await;
    let engine = bank.open();
    check_all(&engine).await;
    // An old payment sent again is recognised in the oldest files.
    let again = submit(&engine, payment(1002)).await;
    assert!(again.already);
    engine.shutdown().await;
}

/// A number of 126 bits without any order.
fn scattered(n: Id) -> Id {
    (n + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835) >> 2
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_in_no_order_are_told_apart_with_filters_and_without() {
    for filter_bytes in [1 << 20, 700, 0] {
        let bank = Bank { segment_bytes: 16 << 10, ..Bank::new() };
        let config = || Config { index_filter_bytes: filter_bytes, ..bank.config() };
        let engine = Engine::open(config()).unwrap().0;
        found(&engine, 6).await;
        let payment = |n: Id| pay(scattered(n), 2 + n % 6, 2 + (n + 1) % 6, 1);
        for first in (0..3000).step_by(60) {
            let answers = engine.submit_all((first..first + 60).map(payment).collect()).await;
            let other = answers.iter().find(|answer| !matches!(answer, Ok(outcome) if !outcome.already));
            assert_eq!(other, None, "from {first}, {filter_bytes}");
        }
        let all = everything(&engine).await;
        engine.shutdown().await;
        let engine = Engine::open(config()).unwrap().0;
        // Newest first, so that also the files made before the start are asked late.
        for n in (0..3000).rev().step_by(7) {
            let again = submit(&engine, payment(n)).await;
            assert!(again.already && all[again.first as usize] == again.records[0], "{n}, {filter_bytes}");
            assert_eq!(engine.transfer(scattered(n)).await.unwrap(), Some(again.records[0]));
            assert_eq!(engine.transfer(scattered(n + 3000)).await.unwrap(), None);
        }
        assert_eq!(everything(&engine).await, all, "no repeat is written");
        engine.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_and_bad_index_files_are_made_again() {
    let (bank, engine) = busy_bank().await;
    engine.shutdown().await;
    let files = bank.disk.list("index").unwrap();
    assert!(files.len() >= 4, "{files:?}");
    for (place, name) in files.iter().enumerate() {
        let path = format!("index/{name}");
        let mut bytes = bank.disk.bytes(&path).unwrap();
        match place % 3 {
            0 => bank.disk.remove(&path).unwrap(),
            1 => {
                bytes[20] ^= 1;
                bank.disk.plant(&path, &bytes);
            }
            _ => bank.disk.plant(&path, &bytes[..bytes.len() - 5]),
        }
    }
    let (engine, opened) = bank.try_open().unwrap();
    assert!(opened.rebuilt >= 4, "{opened:?}");
    check_all(&engine).await;
    engine.shutdown().await;
    let (engine, opened) = bank.try_open().unwrap();
    assert_eq!(opened.rebuilt, 0, "what was made again stays");
    engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_snapshot_is_passed_over_and_a_power_loss_does_not_bring_it_back() {
    let (bank, engine) = busy_bank().await;
    let totals = engine.totals().await.unwrap();
    engine.shutdown().await;
    let mut planted = Vec::new();
    for name in bank.disk.list("snapshots").unwrap() {
        let path = format!("snapshots/{name}");
        let mut bytes = bank.disk.bytes(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 4;
        bank.disk.plant(&path, &bytes);
        planted.push((path, bytes));
    }
    assert!(!planted.is_empty(), "no snapshot was taken");
    let (engine, opened) = bank.try_open().unwrap();
    assert_eq!((opened.snapshot, opened.replayed), (0, opened.records));
    assert_eq!(engine.totals().await.unwrap(), totals);
    let crashed = bank.disk.crash(Surviving::None);
    for (path, bad) in planted {
        assert!(crashed.bytes(&path).ok().is_none_or(|there| there != bad), "{path} is back");
    }
    engine.shutdown().await;
}
