//! What was answered is there after a restart, whatever became of the rest.

use jialing_engine::Opened;
use jialing_journal::Disk;
use jialing_journal::disk::Surviving;
use jialing_ledger::Body;

use crate::bank::{Bank, ISSUANCE, everything, found, hold, pay, submit};

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_finds_everything_and_goes_on() {
    let bank = Bank::new();
    let (engine, opened) = bank.try_open().unwrap();
    assert!(opened.created);
    found(&engine, 3).await;
    let paid = submit(&engine, pay(77, 2, 3, 500)).await;
    assert!(!paid.already);
    let before = everything(&engine).await;
    engine.shutdown().await;

    let (engine, opened) = bank.try_open().unwrap();
    let Opened { records, created, torn_bytes, replayed, .. } = opened;
    assert_eq!(
        (records, created, torn_bytes, replayed),
        (before.len() as u64, false, 0, before.len() as u64)
    );
    assert_eq!(everything(&engine).await, before);
    assert_eq!(engine.account(3).await.unwrap().unwrap().balance(), 1_000_500);
    let again = submit(&engine, pay(77, 2, 3, 500)).await;
    assert!(again.already);
    assert_eq!((again.first, again.records), (paid.first, paid.records));
    engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_at_any_moment_keeps_what_was_answered_and_nothing_half() {
    for seed in 0..40u64 {
        let bank = Bank { segment_bytes: 16 << 10, ..Bank::new() };
        let engine = bank.open();
        found(&engine, 4).await;
        let mut acknowledged = 0;
        let mut under_way = Vec::new();
        for n in 0..seed * 7 {
            let paying = engine.clone();
            let task =
                tokio::spawn(async move { paying.submit(pay(1000 + u128::from(n), 2, 3, 1)).await.is_ok() });
            if n % 3 == 0 {
                assert!(task.await.unwrap());
                acknowledged += 1;
            } else {
                under_way.push(task);
            }
        }
        let surviving = match seed % 4 {
            0 => Surviving::None,
            1 => Surviving::All,
            _ => Surviving::Some(seed * 7919),
        };
        let crashed = bank.on(bank.disk.crash(surviving));
        for task in under_way {
            task.await.unwrap();
        }
        engine.shutdown().await;

        let engine = crashed.open();
        let paid = engine.account(2).await.unwrap().unwrap().debits;
        assert!(
            paid >= acknowledged,
            "seed {seed}: {paid} of {acknowledged} acknowledged payments are there"
        );
        let records = everything(&engine).await;
        let seen = records.iter().filter(|r| matches!(r.body, Body::Transfer(t) if t.debit == 2)).count();
        assert_eq!(seen as u64, paid, "seed {seed}");
        // Every id is either done before or done now, never twice.
        for n in 0..seed * 7 {
            submit(&engine, pay(1000 + u128::from(n), 2, 3, 1)).await;
        }
        assert_eq!(engine.account(2).await.unwrap().unwrap().debits, seed * 7, "seed {seed}");
        engine.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_start_stands_on_a_snapshot_and_finds_the_same_state() {
    let bank = Bank { segment_bytes: 16 << 10, ..Bank::new() };
    let engine = bank.open();
    found(&engine, 5).await;
    let mut id = 1000;
    // Until the keeper has stored a snapshot, beside the payments.
    while bank.disk.list("snapshots").unwrap().is_empty() {
        id += 1;
        submit(&engine, pay(id, 2 + id % 5, 2 + (id + 1) % 5, 1)).await;
    }
    let mut balances = Vec::new();
    for account in 1..7 {
        balances.push(engine.account(account).await.unwrap());
    }
    let totals = engine.totals().await.unwrap();
    engine.shutdown().await;
    let (engine, opened) = bank.try_open().unwrap();
    assert!(opened.snapshot > 0 && opened.replayed < opened.records, "{opened:?}");
    for account in 1..7 {
        assert_eq!(engine.account(account).await.unwrap(), balances[account as usize - 1]);
    }
    assert_eq!(engine.totals().await.unwrap(), totals);
    engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_lapses_by_itself_while_nobody_asks() {
    let bank = Bank::new();
    let engine = bank.open();
    found(&engine, 2).await;
    let expires = crate::bank::START + 60_000_000_000;
    submit(&engine, hold(9, 2, 3, 400, expires)).await;
    assert_eq!(engine.account(2).await.unwrap().unwrap().debits_held, 400);
    let mut durable = engine.durable();
    durable.borrow_and_update();
    bank.pass(60_000_000_000);
    durable.changed().await.unwrap();
    assert_eq!(engine.account(2).await.unwrap().unwrap().debits_held, 0);
    assert!(engine.hold(9).await.unwrap().is_none());
    engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn thousands_of_holds_lapse_at_one_instant() {
    let bank = Bank { segment_bytes: 256 << 10, max_batch: 8190, ..Bank::new() };
    let engine = bank.open();
    found(&engine, 2).await;
    let expires = crate::bank::START + 1_000_000_000;
    let holds = (0..3000).map(|n| hold(1 << 64 | n, 2, 3, 7, expires)).collect();
    assert!(engine.submit_all(holds).await.iter().all(Result::is_ok));
    assert_eq!(engine.account(3).await.unwrap().unwrap().credits_held, 21_000);
    bank.pass(2_000_000_000);
    // The next command finds the money free again, all of it.
    submit(&engine, pay(99, 2, 3, 1_000_000)).await;
    let account = engine.account(3).await.unwrap().unwrap();
    assert_eq!((account.credits_held, account.balance()), (0, 2_000_000));
    engine.shutdown().await;
    let engine = bank.open();
    assert_eq!(engine.account(3).await.unwrap(), Some(account));
    engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_goes_back_is_held_where_it_was() {
    let bank = Bank::new();
    let engine = bank.open();
    found(&engine, 2).await;
    bank.clock.store(5, std::sync::atomic::Ordering::SeqCst);
    assert_eq!(engine.now(), crate::bank::START);
    let paid = submit(&engine, pay(50, 2, 3, 1)).await;
    assert_eq!(paid.records[0].time, crate::bank::START);
    engine.shutdown().await;
    let engine = bank.open();
    assert_eq!(submit(&engine, pay(51, ISSUANCE, 3, 1)).await.records[0].time, crate::bank::START);
    engine.shutdown().await;
}
