//! The disk fails, is full, is taken, was damaged.

use jialing_engine::{Config, Engine, KeySource, OpenError};
use jialing_journal::disk::Surviving;

use crate::bank::{Bank, found, is_stopped, pay, submit};

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_flush_stops_the_engine_and_a_restart_has_all_that_was_answered() {
    let bank = Bank::new();
    let engine = bank.open();
    found(&engine, 2).await;
    submit(&engine, pay(50, 2, 3, 1)).await;
    bank.disk.fail_syncs_after(Some(0));
    let answer = engine.submit(pay(51, 2, 3, 1)).await;
    assert!(is_stopped(&answer), "{answer:?}");
    let reason = engine.stopped().await.to_string();
    assert!(reason.contains("flushing") && reason.contains("the disk did not flush"), "{reason}");
    assert!(is_stopped(&engine.submit(pay(52, 2, 3, 1)).await));
    assert!(engine.account(2).await.is_err() && engine.transfer(50).await.is_err());
    assert!(engine.durable().changed().await.is_err(), "followers hear of the stop");

    let engine = bank.on(bank.disk.crash(Surviving::None)).open();
    assert!(engine.transfer(50).await.unwrap().is_some());
    assert!(engine.transfer(52).await.unwrap().is_none());
    engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_stops_the_engine_and_loses_nothing_answered() {
    let bank = Bank { segment_bytes: 16 << 10, ..Bank::new() };
    let engine = bank.open();
    found(&engine, 2).await;
    bank.disk.leave_room(Some(30 << 10));
    let mut paid = 0;
    while engine.submit(pay(1000 + paid, 2, 3, 1)).await.is_ok() {
        paid += 1;
    }
    assert!(paid > 0);
    let reason = engine.stopped().await.to_string();
    let full = std::io::Error::from(std::io::ErrorKind::StorageFull).to_string();
    assert!(reason.contains(&full), "{reason}");
    bank.disk.leave_room(None);
    // A stopped engine still lets go of its folder.
    engine.shutdown().await;
    let engine = bank.open();
    assert!(engine.account(2).await.unwrap().unwrap().debits >= paid as u64);
    submit(&engine, pay(5000, 2, 3, 1)).await;
    engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_engine_on_the_same_folder_is_refused_by_the_number_of_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let (engine, _) = Engine::open(Config::new(folder.path())).unwrap();
    let refused = Engine::open(Config::new(folder.path())).err().expect("the folder is taken");
    assert!(matches!(refused, OpenError::InUse { pid, .. } if pid == std::process::id()), "{refused}");
    engine.shutdown().await;
    let (engine, opened) = Engine::open(Config::new(folder.path())).unwrap();
    assert!(!opened.created);
    drop(engine);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_name_or_key_on_the_same_folder_is_refused() {
    let bank = Bank::new();
    bank.open().shutdown().await;
    let check = |config: Config, word: &str| {
        let refused = Engine::open(config).err().expect("another log").to_string();
        assert!(refused.contains(word), "{refused}");
    };
    check(Config { origin: "other/ledger".to_owned(), ..bank.config() }, "other/ledger");
    check(Config { key: KeySource::Seed([8; 32]), ..bank.config() }, "checkpoints verify under");
    check(Config { origin: "with space".to_owned(), ..Bank::new().config() }, "cannot name a log");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_behind_its_checkpoint_is_refused() {
    let bank = Bank::new();
    let engine = bank.open();
    found(&engine, 2).await;
    engine.shutdown().await;
    let earlier = bank.disk.crash(Surviving::All);
    let engine = bank.open();
    submit(&engine, pay(50, 2, 3, 1)).await;
    engine.shutdown().await;
    // Yesterday's segments beside today's checkpoints.
    let segment = "segments/00000000000000000000.seg";
    bank.disk.plant(segment, &earlier.bytes(segment).unwrap());
    let refused = bank.try_open().err().expect("a rollback");
    assert!(matches!(refused, OpenError::RolledBack(_)), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_in_the_middle_is_refused_with_its_place_and_changes_nothing() {
    let bank = Bank::new();
    let engine = bank.open();
    found(&engine, 2).await;
    for id in 50..60 {
        submit(&engine, pay(id, 2, 3, 1)).await;
    }
    engine.shutdown().await;
    let segment = "segments/00000000000000000000.seg";
    let good = bank.disk.bytes(segment).unwrap();
    for at in (4096..4096 + 1500).step_by(13) {
        let mut bad = good.clone();
        bad[at] ^= 0x10;
        bank.disk.plant(segment, &bad);
        match bank.try_open().err().unwrap_or_else(|| panic!("byte {at} was damaged")) {
            OpenError::Damaged { segment: file, byte, .. } => {
                assert_eq!(file, segment);
                assert!(byte <= at as u64 && at as u64 - byte < 1200, "byte {at}: said {byte}");
            }
            other => panic!("byte {at}: {other}"),
        }
        assert_eq!(bank.disk.bytes(segment).unwrap(), bad, "nothing is changed");
    }
    bank.disk.plant(segment, &good);
    bank.open().shutdown().await;
}
