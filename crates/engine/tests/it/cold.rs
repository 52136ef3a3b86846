//! Cold storage: old segments lie elsewhere, and all that could be asked before can be asked still.

use std::sync::Arc;

use jialing_engine::audit::verify_disk;
use jialing_engine::cold::{Moved, move_segments, places};
use jialing_engine::{Bulk, BulkOutcome, Config, Engine, FilesError, ReadError, SubmitError};
use jialing_journal::disk::tiered::{Elsewhere, Tiered};
use jialing_journal::disk::{Disk, Folder, Memory, Surviving};
use jialing_ledger::{Body, LegOp, Record};

use crate::bank::{Bank, everything, found, leg, pay, submit};

/// A bank whose log has so many sealed segments that no start needs, shut down; and its records.
pub(crate) async fn aged(segments: usize) -> (Bank, Vec<Record>) {
    let bank = Bank { segment_bytes: 16 << 10, ..Bank::new() };
    let engine = bank.open();
    found(&engine, 4).await;
    let number = |name: &String| name[..20].parse::<u64>().unwrap();
    let needless = || {
        let snapshots = bank.disk.list("snapshots").unwrap();
        let oldest = if snapshots.len() < 2 { 0 } else { number(&snapshots[0]) };
        let names = bank.disk.list("segments").unwrap();
        names.iter().filter(|name| name.ends_with(".seg") && number(name) < oldest).count()
    };
    let mut n = 1000;
    while needless() < segments {
        n += 1;
        submit(&engine, pay(n, 2 + n % 4, 2 + (n + 1) % 4, 2)).await;
    }
    let all = everything(&engine).await;
    engine.shutdown().await;
    (bank, all)
}

fn names(disk: &dyn Disk, ending: &str) -> usize {
    disk.list("segments").unwrap().iter().filter(|name| name.ends_with(ending)).count()
}

fn move_all(data: &Memory, cold: &Memory, keep: u64) -> Result<Moved, FilesError> {
    let disk: Arc<dyn Disk> = Arc::new(data.clone());
    move_segments(&disk, cold, "cold", keep, &mut |_, _| ())
}

/// The bank on a disk whose cold segments are on another.
fn tiered(bank: &Bank, data: &Memory, cold: &Memory) -> Config {
    let both = Tiered::new(Arc::new(data.clone()), Elsewhere::Disk(Arc::new(cold.clone())));
    Config { disk: Some(Arc::new(both)), ..bank.config() }
}

/// The feed has everything, and look-ups find every `step`th transfer.
async fn answers(engine: &Engine, all: &[Record], step: usize) {
    assert_eq!(everything(engine).await[..all.len()], *all);
    for record in all.iter().step_by(step) {
        if let Body::Transfer(transfer) = record.body {
            assert_eq!(engine.transfer(transfer.id).await.unwrap(), Some(*record));
        }
    }
    let first = engine.receipt(0).await.unwrap();
    assert_eq!(first.record, all[0].encode());
}

#[tokio::test(flavor = "multi_thread")]
async fn cold_records_are_found_proved_and_audited_as_before() {
    let (bank, all) = aged(6).await;
    let cold = Memory::new();
    let before = names(&bank.disk, ".seg");
    let moved = move_all(&bank.disk, &cold, 2).unwrap();
    assert!(moved.segments >= 5, "{moved:?}");
    assert_eq!(names(&bank.disk, ".seg"), before - moved.segments as usize);
    assert_eq!(names(&cold, ".seg") as u64, moved.segments);
    assert_eq!(places(&bank.disk).unwrap().len() as u64, moved.segments);

    let report = {
        let both = Tiered::new(Arc::new(bank.disk.clone()), Elsewhere::Disk(Arc::new(cold.clone())));
        verify_disk(Arc::new(both), None, &mut |_| ()).unwrap()
    };
    assert!(report.is_sound(), "{:?}", report.findings);
    assert_eq!(report.records, all.len() as u64);

    let (engine, opened) = Engine::open(tiered(&bank, &bank.disk, &cold)).unwrap();
    assert_eq!(opened.records, all.len() as u64);
    answers(&engine, &all, 1).await;
    // A payment made long ago is still recognised.
    let first = all.iter().find_map(|record| match record.body {
        Body::Transfer(transfer) if transfer.kind == 1 && transfer.id > 1000 && transfer.id < 2000 => {
            Some(transfer)
        }
        _ => None,
    });
    let first = first.unwrap();
    assert!(submit(&engine, pay(first.id, first.debit, first.credit, first.amount)).await.already);
    submit(&engine, pay(1 << 70, 2, 3, 1)).await;
    engine.shutdown().await;
    // A second time there is nothing left to move.
    assert_eq!(move_all(&bank.disk, &cold, 2).unwrap().segments, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cold_folder_that_is_away_is_felt_by_those_who_ask_for_it_only() {
    let data = tempfile::tempdir().unwrap();
    let cold = tempfile::tempdir().unwrap();
    let elsewhere = cold.path().join("moved here");
    let bank = Bank { segment_bytes: 16 << 10, ..Bank::new() };
    let config = || Config { dir: data.path().to_path_buf(), disk: None, ..bank.config() };
    let engine = Engine::open(config()).unwrap().0;
    found(&engine, 4).await;
    let snapshots = || std::fs::read_dir(data.path().join("snapshots")).map_or(0, Iterator::count);
    let mut n = 1000;
    while n < 1800 || snapshots() < 2 {
        n += 1;
        submit(&engine, pay(n, 2 + n % 4, 2 + (n + 1) % 4, 2)).await;
    }
    // Beside the running engine.
    let (from, to): (Arc<dyn Disk>, _) =
        (Arc::new(Folder::existing(data.path()).unwrap()), Folder::existing(cold.path()).unwrap());
    let place = cold.path().display().to_string();
    let moved = move_segments(&from, &to, &place, 1, &mut |_, _| ()).unwrap();
    assert!(moved.segments >= 2, "{moved:?}");
    let all = everything(&engine).await;
    answers(&engine, &all, 1).await;
    engine.shutdown().await;

    std::fs::create_dir(&elsewhere).unwrap();
    for name in ["genesis", "segments"] {
        std::fs::rename(cold.path().join(name), elsewhere.join(name)).unwrap();
    }
    let (engine, opened) = Engine::open(config()).unwrap();
    assert_eq!(opened.records, all.len() as u64);
    let said = engine.feed(0, 100).await.unwrap_err();
    let named = |said: &ReadError| {
        let said = said.to_string();
        said.contains("segments/00000000000000000000.seg")
            && said.contains(&place)
            && said.contains("cold storage")
    };
    assert!(named(&said), "{said}");
    // What is hot is answered, new payments are made, and an old one repeated is put off, not done twice.
    let newest = all.last().unwrap();
    assert_eq!(engine.feed(newest.seq, 1).await.unwrap(), [*newest]);
    submit(&engine, pay(1 << 70, 2, 3, 1)).await;
    let repeated = engine.submit(pay(1001, 2 + 1001 % 4, 2 + 1002 % 4, 2)).await;
    assert!(matches!(repeated, Err(SubmitError::Overloaded { .. })), "{repeated:?}");
    let legs = [(1 << 72, 2, 3), (1001, 2 + 1001 % 4, 2 + 1002 % 4)]
        .map(|(id, debit, credit)| leg(id, LegOp::Plain { debit, credit, amount: 2 }));
    let bulk = || Bulk { legs: legs.to_vec(), groups: vec![1, 1] };
    let put_off = engine.submit_bulk(bulk()).await;
    assert!(matches!(put_off, Err(SubmitError::Overloaded { .. })), "{put_off:?}");
    submit(&engine, pay(1 << 71, 2, 3, 1)).await;
    engine.shutdown().await;

    // Its new place named, everything is there.
    let engine = Engine::open(Config { cold: Some(elsewhere.clone()), ..config() }).unwrap().0;
    answers(&engine, &all, 5).await;
    engine.shutdown().await;
    // Or noted, beside the running engine.
    let engine = Engine::open(config()).unwrap().0;
    assert!(named(&engine.feed(0, 100).await.unwrap_err()));
    let (to, place) = (Folder::existing(&elsewhere).unwrap(), elsewhere.display().to_string());
    let noted = move_segments(&from, &to, &place, 1, &mut |_, _| ()).unwrap().noted;
    assert_eq!(noted, moved.segments);
    answers(&engine, &all, 1).await;
    assert!(submit(&engine, pay(1001, 2 + 1001 % 4, 2 + 1002 % 4, 2)).await.already);
    let done = engine.submit_bulk(bulk()).await.unwrap();
    assert!(done.iter().all(|done| matches!(done, BulkOutcome::Done { already: true, .. })), "{done:?}");
    engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_that_is_cut_off_at_any_flush_leaves_every_segment_somewhere() {
    let (bank, all) = aged(2).await;
    let mut done = false;
    for syncs in 0.. {
        for surviving in [Surviving::None, Surviving::All, Surviving::Some(syncs * 31 + 7)] {
            let (data, cold) = (bank.disk.crash(Surviving::All), Memory::new());
            // The same fault on both: whichever comes to it first stops the move.
            data.fail_syncs_after(Some(syncs / 2));
            cold.fail_syncs_after(Some(syncs));
            let cut = move_all(&data, &cold, 1);
            let (data, cold) = (data.crash(surviving), cold.crash(surviving));
            let (engine, _) = Engine::open(tiered(&bank, &data, &cold)).unwrap();
            answers(&engine, &all, 37).await;
            engine.shutdown().await;
            let moved = move_all(&data, &cold, 1).unwrap();
            assert_eq!(names(&data, ".seg") as u64, moved.kept + 1, "{moved:?}");
            let (engine, _) = Engine::open(tiered(&bank, &data, &cold)).unwrap();
            answers(&engine, &all, 41).await;
            engine.shutdown().await;
            done = cut.is_ok();
        }
        if done {
            assert!(syncs > 2);
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_moved_that_is_damaged_or_needed_or_to_the_wrong_place() {
    let (bank, _) = aged(3).await;
    let check = |damage: &dyn Fn(&Memory, &Memory), words: &str| {
        let (data, cold) = (bank.disk.crash(Surviving::All), Memory::new());
        damage(&data, &cold);
        let before = names(&data, ".seg");
        let said = move_all(&data, &cold, 1).map_or_else(|error| error.to_string(), |moved| moved.held_back);
        assert!(said.contains(words), "{words}: {said}");
        assert_eq!(names(&data, ".seg"), before, "{words}");
    };
    let first = "segments/00000000000000000000.seg";
    check(
        &|data, _| {
            let mut bytes = data.bytes(first).unwrap();
            bytes[5000] ^= 1;
            data.plant(first, &bytes);
        },
        "checksum does not fit",
    );
    check(
        &|data, _| {
            let mut bytes = data.bytes("tree/0").unwrap();
            bytes[40] ^= 1;
            data.plant("tree/0", &bytes);
        },
        "tree",
    );
    check(
        &|data, _| {
            for name in data.list("snapshots").unwrap() {
                data.remove(&format!("snapshots/{name}")).unwrap();
            }
        },
        "snapshot",
    );
    check(
        &|data, _| {
            for name in data.list("index").unwrap() {
                data.remove(&format!("index/{name}")).unwrap();
            }
        },
        "index files",
    );
    check(&|data, _| data.plant("genesis", b"something else"), "genesis");
    check(&|_, cold| cold.plant("genesis", &other_genesis()), "another log");
    check(&|_, cold| cold.plant(first, b"?"), "not a cold folder");
    check(&|data, _| data.remove("checkpoints").unwrap(), "checkpoints");
}

/// The genesis of another log.
fn other_genesis() -> Vec<u8> {
    let other = Bank::new();
    let config = Config { origin: "other/ledger".to_owned(), ..other.config() };
    drop(Engine::open(config).unwrap());
    other.disk.bytes("genesis").unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cold_file_that_was_changed_or_swapped_is_refused_by_name() {
    let (bank, _) = aged(3).await;
    let cold = Memory::new();
    assert!(move_all(&bank.disk, &cold, 1).unwrap().segments >= 2);
    let files: Vec<String> = cold.list("segments").unwrap();
    let (first, second) = (format!("segments/{}", files[0]), format!("segments/{}", files[1]));
    let good = cold.bytes(&first).unwrap();
    let check = |change: &dyn Fn(&Memory), words: &str| {
        let (bank, cold) = (bank.on(bank.disk.crash(Surviving::All)), cold.crash(Surviving::All));
        change(&cold);
        let both = Tiered::new(Arc::new(bank.disk.clone()), Elsewhere::Disk(Arc::new(cold.clone())));
        let report = verify_disk(Arc::new(both), None, &mut |_| ()).unwrap();
        let said = report.findings.first().map_or_else(String::new, ToString::to_string);
        assert!(said.contains(words), "{words}: {said}");
        // The start does not need it.
        let engine = Engine::open(tiered(&bank, &bank.disk, &cold)).unwrap().0;
        (engine, words.to_owned())
    };
    let mut flipped = good.clone();
    flipped[6000] ^= 4;
    let checks: Vec<(Engine, String)> = vec![
        check(&|cold| cold.plant(&first, &flipped), "checksum does not fit"),
        check(&|cold| cold.plant(&first, &good[..good.len() - 1]), "not the file that was moved"),
        check(&|cold| cold.plant(&first, &cold.bytes(&second).unwrap()), "not the file that was moved"),
        check(&|cold| cold.remove(&first).unwrap(), "cold storage"),
    ];
    for (engine, words) in checks {
        assert!(matches!(engine.feed(0, 100).await, Err(ReadError::Io(_))), "{words}");
        engine.shutdown().await;
    }
}
