//! Backup of a running engine, and restore: complete, resumable, verified, to any position.

use std::sync::Arc;

use jialing_engine::audit::verify_disk;
use jialing_engine::backup::{At, Restored, Taken, restore, take};
use jialing_engine::{Engine, FilesError, OpenError};
use jialing_journal::disk::{Disk, Memory, Surviving};
use jialing_ledger::{Body, Command, Group, LegOp, Record};

use crate::bank::{Bank, START, everything, found, leg, pay, submit};
use crate::cold::aged;

fn back_up(from: &Memory, to: &Memory) -> Result<Taken, FilesError> {
    again(from, to, false)
}

fn again(from: &Memory, to: &Memory, recheck: bool) -> Result<Taken, FilesError> {
    let (from, to): (Arc<dyn Disk>, Arc<dyn Disk>) = (Arc::new(from.clone()), Arc::new(to.clone()));
    take(&from, &to, recheck, &mut |progress| assert!(progress.verified <= progress.of))
}

fn restored(from: &Memory, at: At) -> (Memory, Result<Restored, FilesError>) {
    let to = Memory::new();
    let (source, target): (Arc<dyn Disk>, Arc<dyn Disk>) = (Arc::new(from.clone()), Arc::new(to.clone()));
    let done = restore(&source, &target, at, None, false, &mut |_| ());
    (to, done)
}

fn is_sound(disk: &Memory, records: u64) {
    let report = verify_disk(Arc::new(disk.clone()), None, &mut |_| ()).unwrap();
    assert!(report.is_sound(), "{:?}", report.findings);
    assert_eq!(report.records, records);
}

async fn records_of(bank: &Bank, disk: &Memory) -> Vec<Record> {
    let engine = bank.on(disk.crash(Surviving::All)).open();
    let all = everything(&engine).await;
    engine.shutdown().await;
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn backups_of_a_running_engine_grow_and_each_restores_to_what_was_signed() {
    let bank = Bank { segment_bytes: 16 << 10, ..Bank::new() };
    let engine = bank.open();
    found(&engine, 4).await;
    let backup = Memory::new();
    let (mut before, mut copied) = (0, 0);
    for round in 0..12u64 {
        let paying = engine.clone();
        // Payments go on while the backup is taken.
        let payer = tokio::spawn(async move {
            for n in 0..90 {
                let id = 1000 + u128::from(round * 1000 + n);
                submit(&paying, pay(id, 2 + id % 4, 2 + (id + 1) % 4, 1)).await;
            }
        });
        let covered = engine.receipt(before).await.unwrap().checkpoint.size;
        let (from, to) = (bank.disk.clone(), backup.clone());
        let taken = tokio::task::spawn_blocking(move || back_up(&from, &to)).await.unwrap().unwrap();
        payer.await.unwrap();
        assert!(taken.records >= covered && taken.before == before, "{taken:?}");
        assert!(taken.checkpoint.contains(&format!("\n{}\n", taken.records)));
        is_sound(&backup, taken.records);
        let (disk, done) = restored(&backup, At::Newest);
        let Restored { records, known, checkpoint, marked } = done.unwrap();
        assert_eq!((records, known, checkpoint, marked), (taken.records, records, records, false));
        is_sound(&disk, records);
        (before, copied) = (taken.records, copied + taken.copied);
        engine.receipt(engine.stats().records - 1).await.unwrap();
    }
    let taken = back_up(&bank.disk, &backup).unwrap();
    assert!(taken.segments > 5, "{taken:?}");
    copied += taken.copied;
    let held: u64 = backup
        .list("segments")
        .unwrap()
        .iter()
        .map(|name| backup.bytes(&format!("segments/{name}")).unwrap().len() as u64)
        .sum();
    assert_eq!(copied, held, "every byte was copied once");
    assert_eq!(back_up(&bank.disk, &backup).unwrap().copied, 0);
    let all = everything(&engine).await;
    engine.shutdown().await;
    let (disk, done) = restored(&backup, At::Newest);
    assert_eq!(done.unwrap().records, all.len() as u64);
    // It goes on where it was, and what was paid is known to be paid.
    let engine = bank.on(disk).open();
    assert_eq!(everything(&engine).await, all);
    assert!(submit(&engine, pay(1000, 2, 3, 1)).await.already);
    assert!(!submit(&engine, pay(1 << 70, 2, 3, 1)).await.already);
    engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_with_a_snapshot_restores_to_a_start_that_replays_little() {
    let (bank, all) = aged(3).await;
    let backup = Memory::new();
    let taken = back_up(&bank.disk, &backup).unwrap();
    assert!(taken.snapshot > 0, "{taken:?}");
    let (disk, _) = restored(&backup, At::Newest);
    let (engine, opened) = bank.on(disk).try_open().unwrap();
    assert_eq!((opened.snapshot, opened.records), (taken.snapshot, all.len() as u64));
    engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_backup_goes_on_and_what_it_left_is_never_believed() {
    let (bank, all) = aged(2).await;
    let mut ended = false;
    for syncs in 0.. {
        let backup = Memory::new();
        backup.fail_syncs_after(Some(syncs));
        let cut = back_up(&bank.disk, &backup);
        for surviving in [Surviving::None, Surviving::All, Surviving::Some(syncs * 977 + 1)] {
            let left = backup.crash(surviving);
            match restored(&left, At::Newest).1 {
                Ok(done) => assert_eq!(done.records, all.len() as u64),
                Err(FilesError::Refused(what)) => assert!(what.contains("no backup"), "{what}"),
                Err(other) => panic!("{other}"),
            }
            back_up(&bank.disk, &left).unwrap_or_else(|error| panic!("after {syncs} flushes: {error}"));
            assert_eq!(records_of(&bank, &left).await, all);
        }
        ended = cut.is_ok();
        if ended {
            break;
        }
    }
    assert!(ended);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_second_backup_leaves_the_first_one_good() {
    let bank = Bank { segment_bytes: 16 << 10, ..Bank::new() };
    let engine = bank.open();
    found(&engine, 3).await;
    let first = engine.receipt(0).await.unwrap().checkpoint.size;
    let backup = Memory::new();
    assert_eq!(back_up(&bank.disk, &backup).unwrap().records, first);
    for n in 0..300 {
        submit(&engine, pay(1000 + n, 2, 3, 1)).await;
    }
    let second = engine.receipt(first).await.unwrap().checkpoint.size;
    engine.shutdown().await;
    for syncs in 0..40 {
        let later = backup.crash(Surviving::All);
        later.fail_syncs_after(Some(syncs));
        let cut = back_up(&bank.disk, &later);
        for surviving in [Surviving::None, Surviving::All, Surviving::Some(syncs + 5)] {
            let left = later.crash(surviving);
            let (disk, done) = restored(&left, At::Newest);
            let records = done.unwrap().records;
            assert!(records == first || (records == second && surviving_whole(&cut)), "{records}");
            is_sound(&disk, records);
        }
        if cut.is_ok() {
            return;
        }
    }
    panic!("forty flushes were not enough");
}

/// The last flush of all is that of the manifest's folder; the new name may survive without it.
fn surviving_whole(cut: &Result<Taken, FilesError>) -> bool {
    cut.is_ok()
        || matches!(cut, Err(FilesError::Io { what, .. }) if what.contains("mark") || what.contains("snapshots"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_sector_in_a_backup_is_found_and_copied_again() {
    let (bank, all) = aged(2).await;
    let backup = Memory::new();
    back_up(&bank.disk, &backup).unwrap();
    let first = "segments/00000000000000000000.seg";
    let good = backup.bytes(first).unwrap();
    for at in [10, 5000, good.len() - 100, good.len() - 1] {
        let mut bad = good.clone();
        bad[at] ^= 8;
        backup.plant(first, &bad);
        let (_, done) = restored(&backup, At::Newest);
        assert!(done.is_err(), "byte {at}");
        let taken = again(&bank.disk, &backup, true).unwrap();
        assert_eq!(taken.copied, good.len() as u64, "byte {at}");
        assert_eq!(backup.bytes(first).unwrap(), good);
    }
    // A file that is gone is noticed without being asked to look.
    backup.remove(first).unwrap();
    assert_eq!(back_up(&bank.disk, &backup).unwrap().copied, good.len() as u64);
    assert_eq!(records_of(&bank, &backup).await, all);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_ends_at_any_group_and_is_marked_unless_it_is_the_newest() {
    let bank = Bank { segment_bytes: 16 << 10, ..Bank::new() };
    let engine = bank.open();
    found(&engine, 3).await;
    for n in 0..40u128 {
        bank.pass(1_000_000_000);
        // Groups of two legs, several in a frame.
        let two = |id: u128| {
            let legs = [(0, 2, 3), (1, 3, 4)]
                .map(|(more, debit, credit)| leg(id + more, LegOp::Plain { debit, credit, amount: 1 }));
            Command::Transfer(Group { legs: legs.to_vec() })
        };
        let answers = engine.submit_all((0..5).map(|m| two(1000 + n * 10 + m * 2)).collect()).await;
        assert!(answers.iter().all(Result::is_ok));
    }
    engine.receipt(engine.stats().records - 1).await.unwrap();
    let all = everything(&engine).await;
    engine.shutdown().await;
    let backup = Memory::new();
    back_up(&bank.disk, &backup).unwrap();
    // The records that a log which ends with a whole group may have.
    let whole = |records: u64| {
        let ends = |record: &Record| match record.body {
            Body::Transfer(transfer) => transfer.leg + 1 == transfer.legs,
            _ => true,
        };
        (0..=records).rev().find(|&n| n == 0 || ends(&all[n as usize - 1])).unwrap()
    };
    let total = all.len() as u64;
    for records in (0..total).step_by(7).chain([total - 1, total, total + 5]) {
        let (disk, done) = restored(&backup, At::Records(records));
        let done = done.unwrap();
        let expected = whole(records.min(total));
        assert_eq!((done.records, done.marked), (expected, expected < total), "at {records}");
        assert!(done.checkpoint <= expected);
        if expected > 0 {
            is_sound(&disk, expected);
        }
        if done.marked {
            let refused = bank.on(disk.clone()).try_open().err().expect("a marked folder");
            assert!(
                matches!(refused, OpenError::Restored { records, known, .. } if (records, known) == (expected, total))
            );
            // Somebody has decided.
            disk.remove("restored").unwrap();
        }
        let engine = bank.on(disk).open();
        assert_eq!(everything(&engine).await, all[..expected as usize]);
        engine.shutdown().await;
    }
    for seconds in [-1_i64, 0, 1, 17, 40, 41] {
        let time = START.saturating_add_signed(seconds * 1_000_000_000);
        let expected = all.iter().filter(|record| record.time <= time).count() as u64;
        let (_, done) = restored(&backup, At::Time(time));
        assert_eq!(done.unwrap().records, expected, "{seconds} s");
        let (_, done) = restored(&backup, At::Time(time - 1));
        let expected = all.iter().filter(|record| record.time < time).count() as u64;
        assert_eq!(done.unwrap().records, expected, "just before {seconds} s");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_published_checkpoint_beyond_the_backup_marks_the_restored_folder() {
    let bank = Bank::new();
    let engine = bank.open();
    found(&engine, 2).await;
    engine.receipt(0).await.unwrap();
    let backup = Memory::new();
    let taken = back_up(&bank.disk, &backup).unwrap();
    submit(&engine, pay(50, 2, 3, 1)).await;
    let later = engine.receipt(taken.records).await.unwrap().checkpoint;
    engine.shutdown().await;
    let check = |published: &str, go_on: bool| {
        let (from, to): (Arc<dyn Disk>, Arc<dyn Disk>) = (Arc::new(backup.clone()), Arc::new(Memory::new()));
        restore(&from, &to, At::Newest, Some(published), go_on, &mut |_| ())
    };
    let same = check(&taken.checkpoint, false).unwrap();
    assert_eq!((same.known, same.marked), (taken.records, false));
    let behind = check(&later.note, false).unwrap();
    assert_eq!((behind.records, behind.known, behind.marked), (taken.records, later.size, true));
    assert!(!check(&later.note, true).unwrap().marked);
    let forged = later.note.replace(&format!("\n{}\n", later.size), "\n999\n");
    assert!(check(&forged, false).unwrap_err().to_string().contains("not one of this log"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_place_for_a_backup_or_a_restore_is_refused_in_words() {
    let (bank, _) = aged(2).await;
    let backup = Memory::new();
    back_up(&bank.disk, &backup).unwrap();
    let other = Bank::new();
    let engine = Engine::open(jialing_engine::Config { origin: "other/ledger".to_owned(), ..other.config() })
        .unwrap()
        .0;
    found(&engine, 2).await;
    engine.shutdown().await;
    let check = |done: Result<String, FilesError>, words: &str| {
        let said = done.unwrap_err().to_string();
        assert!(said.contains(words), "{words}: {said}");
    };
    let taken = |from: &Memory, to: &Memory| back_up(from, to).map(|taken| taken.checkpoint);
    check(taken(&other.disk, &backup), "another log");
    check(taken(&bank.disk, &other.disk), "no backup");
    check(taken(&Memory::new(), &Memory::new()), "holds no log");
    // An older copy of the log must not replace what its backup has.
    let older = {
        let (disk, done) = restored(&backup, At::Records(20));
        assert!(done.unwrap().marked);
        disk
    };
    check(taken(&older, &backup), "");
    let mut manifest = backup.bytes("backup").unwrap();
    manifest[40] ^= 1;
    let bad = backup.crash(Surviving::All);
    bad.plant("backup", &manifest);
    check(taken(&bank.disk, &bad), "damaged");
    bad.plant("backup", b"jialing backup, format 2\n");
    check(taken(&bank.disk, &bad), "format 2");
    let (source, full): (Arc<dyn Disk>, Arc<dyn Disk>) =
        (Arc::new(backup.clone()), Arc::new(bank.disk.clone()));
    let done = restore(&source, &full, At::Newest, None, false, &mut |_| ());
    check(done.map(|_| String::new()), "not empty");
    let cramped = Memory::new();
    cramped.leave_room(Some(20_000));
    check(taken(&bank.disk, &cramped), &std::io::Error::from(std::io::ErrorKind::StorageFull).to_string());
}
