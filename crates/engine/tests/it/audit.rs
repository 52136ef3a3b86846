//! The offline audit: sound folders are sound, and every kind of damage or forgery is found.

use std::sync::Arc;

use jialing_engine::audit::{Finding, Report, Seen, verify, verify_disk};
use jialing_engine::{Config, Engine, OpenError};
use jialing_journal::disk::Surviving;
use jialing_journal::segment::{self, Segment};
use jialing_journal::{Batch, CheckpointSigner, Disk, Genesis, Journal, Memory, PublicKey, Suite};
use jialing_ledger::{Command, Group, Id, Ledger, LegOp, Nanos, Prior, Record, Transfer};

use crate::bank::{Bank, ISSUANCE, account, everything, found, hold, leg, pay, submit};

fn audit(disk: &Memory) -> Report {
    verify_disk(Arc::new(disk.clone()), None, &mut |_| ()).expect("the audit begins")
}

/// A bank with sealed segments, indexes of two tiers, snapshots, holds and reversals, shut down.
async fn lived() -> (Bank, Vec<Record>) {
    let bank = Bank { segment_bytes: 16 << 10, ..Bank::new() };
    let engine = bank.open();
    found(&engine, 4).await;
    let mut n = 0;
    while bank.disk.list("snapshots").unwrap().len() < 2 || n < 1500 {
        n += 1;
        submit(&engine, pay(1000 + n, 2 + n % 4, 2 + (n + 1) % 4, 2)).await;
        if n % 50 == 0 {
            let reverse = LegOp::Reverse { transfer: 1000 + n - 7 };
            let id = jialing_ledger::reversal_id(1000 + n - 7);
            submit(&engine, Command::Transfer(Group { legs: vec![leg(id, reverse)] })).await;
            submit(&engine, hold(1 << 90 | n, 2, 3, 5, 0)).await;
            engine.receipt(engine.stats().records - 1).await.unwrap();
        }
    }
    let all = everything(&engine).await;
    engine.shutdown().await;
    (bank, all)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sound_log_is_found_sound_and_every_record_is_shown_once() {
    let (bank, all) = lived().await;
    let (mut shown, mut progress) = (Vec::new(), 0);
    let report = verify_disk(Arc::new(bank.disk.clone()), None, &mut |seen| match seen {
        Seen::Record(record) => shown.push(*record),
        Seen::Progress { records, of } => {
            assert!(records <= of);
            progress += 1;
        }
    });
    let report = report.unwrap();
    assert_eq!(report.findings, Vec::<Finding>::new());
    assert_eq!(shown, all);
    assert!(progress >= 1);
    assert_eq!((report.records, report.newest_checkpoint), (all.len() as u64, all.len() as u64));
    assert!(report.segments > 5 && report.checkpoints > 20 && report.snapshots == 2 && report.indexes >= 4);
    let engine = bank.open();
    assert_eq!((engine.checkpoint().root, engine.verifier_key()), (report.root, report.verifier_key));
    for id in 1..6 {
        assert_eq!(engine.account(id).await.unwrap(), report.ledger.account(id));
    }
    engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_writer_leaves_is_sound_and_nothing_is_changed() {
    for seed in 1..20u64 {
        let bank = Bank { segment_bytes: 16 << 10, ..Bank::new() };
        let engine = bank.open();
        found(&engine, 4).await;
        for n in 0..seed * 20 {
            submit(&engine, pay(1000 + Id::from(n), 2, 3, 2)).await;
        }
        let paying = engine.clone();
        let last = tokio::spawn(async move {
            paying.submit_all((0..60).map(|n| pay(9000 + n, 2, 3, 1)).collect()).await
        });
        let surviving = if seed % 2 == 0 { Surviving::Some(seed) } else { Surviving::All };
        let crashed = bank.disk.crash(surviving);
        last.await.unwrap();
        engine.shutdown().await;
        let before = crashed.crash(Surviving::All);
        let report = audit(&crashed);
        assert!(report.is_sound(), "seed {seed}: {:?}", report.findings);
        assert!(report.records >= seed * 20);
        for folder in ["", "segments", "tree", "index", "snapshots"] {
            assert_eq!(crashed.list(folder).unwrap(), before.list(folder).unwrap());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flipped_bit_anywhere_is_found_in_its_file() {
    let (bank, _) = lived().await;
    let mut checked = 0;
    for folder in ["", "segments", "tree", "index", "snapshots"] {
        for name in bank.disk.list(folder).unwrap() {
            let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
            // The next segment, made ahead, is all zeros; nothing is believed of it.
            if ["lock", "tree/mark", "segments/next"].contains(&path.as_str()) {
                continue;
            }
            let good = bank.disk.bytes(&path).unwrap();
            // Zeros after the last frame are room; hashes after the mark are made again.
            let used = match path.as_str() {
                _ if path.starts_with("segments") => good.iter().rposition(|&byte| byte != 0).unwrap(),
                _ if path.starts_with("tree/") => {
                    let mark = bank.disk.bytes("tree/mark").unwrap();
                    let settled = u64::from_le_bytes(mark[..8].try_into().unwrap());
                    let level: u32 = path["tree/".len()..].parse().unwrap();
                    ((settled >> (8 * level)) * 32) as usize - 1
                }
                // A bad last line cannot be told from one that was being written.
                "checkpoints" => good.len() - 117,
                _ => good.len() - 1,
            };
            for at in [0, used / 3, used / 2, used] {
                let disk = bank.disk.crash(Surviving::All);
                let mut bad = good.clone();
                bad[at] ^= 0x20;
                disk.plant(&path, &bad);
                let report = match verify_disk(Arc::new(disk.clone()), None, &mut |_| ()) {
                    Ok(report) => report,
                    Err(error) => {
                        assert_eq!(path, "genesis", "{error}");
                        continue;
                    }
                };
                checked += 1;
                // An index file with a bad header is as good as missing; the next start makes it again.
                let passed_over = path.starts_with("index")
                    && report.is_sound()
                    && report.indexes < audit(&bank.disk).indexes;
                assert!(passed_over || !report.is_sound(), "{path} byte {at} of {}", good.len());
                // The last frame, once it is bad, looks unwritten: then a checkpoint covers too much.
                let elsewhere = path.starts_with("segments") && at == used;
                let named = |finding: &Finding| finding.file == path || path == "genesis" || elsewhere;
                let findings = &report.findings;
                assert!(passed_over || findings.iter().any(named), "{path} byte {at}: {findings:?}");
            }
        }
    }
    assert!(checked > 60, "{checked} flips");
}

/// Nobody may look at what follows such a segment as if it were joined to what came before: other threads
/// are at work when the fault is found, so one audit would not show it.
#[tokio::test(flavor = "multi_thread")]
async fn a_segment_without_its_table_of_frames_ends_the_walk_with_a_finding() {
    let (bank, _) = lived().await;
    for base in segment::bases(&bank.disk).unwrap().into_iter().take(3) {
        let segment = Segment::open(&bank.disk, base, false).unwrap();
        let path = segment.name.clone();
        let mut bad = bank.disk.bytes(&path).unwrap();
        let seal = segment.seal().unwrap().expect("the first segments are sealed");
        bad[seal.table as usize] ^= 1;
        let disk = bank.disk.crash(Surviving::All);
        disk.plant(&path, &bad);
        for _ in 0..40 {
            let report = audit(&disk);
            let found = report.findings.iter().find(|finding| finding.file == path);
            let found = found.unwrap_or_else(|| panic!("{path}: {:?}", report.findings));
            assert_eq!(found.byte, Some(u64::from(seal.table)), "{found:?}");
            assert_eq!(report.records, segment.base, "{path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_wrong_key_an_open_engine_and_an_empty_folder_are_said() {
    let folder = tempfile::tempdir().unwrap();
    let check = |key: Option<PublicKey>| verify(folder.path(), key, &mut |_| ());
    assert!(matches!(check(None), Err(OpenError::Mismatch(_))));
    let engine = Engine::open(Config::new(folder.path())).unwrap().0;
    found(&engine, 2).await;
    let key = engine.public_key();
    assert!(matches!(check(None), Err(OpenError::InUse { .. })));
    engine.shutdown().await;
    let report = check(Some(key)).unwrap();
    assert!(report.is_sound(), "{:?}", report.findings);
    let report = check(Some(PublicKey::Ed25519([1; 32]))).unwrap();
    assert!(report.findings[0].to_string().contains("another one was expected"));
    let missing = verify(&folder.path().join("nothing"), None, &mut |_| ());
    assert!(matches!(missing, Err(OpenError::Io { .. })));
}

/// Believes that nothing ever happened.
struct Forgetful;

impl Prior for Forgetful {
    fn find(&self, _: Id) -> Option<(Transfer, u64)> {
        None
    }

    fn terms(&self, _: u64) -> Option<([Id; 4], Nanos)> {
        None
    }
}

/// A log written by somebody who has the files but wants the books to say something else.
fn forged(commands: &[Command], change: impl Fn(&mut Record)) -> Memory {
    let disk = Memory::new();
    let genesis =
        Genesis { key: CheckpointSigner::new(Suite::Sha256Ed25519, "test/ledger", &[7; 32]).verifier() };
    let (mut journal, _, _) = Journal::open(Arc::new(disk.clone()), &genesis, 64 << 10).unwrap();
    let (mut ledger, mut out) = (Ledger::new(), Vec::new());
    for command in commands {
        ledger.apply(command, 5, &Forgetful, &mut out).unwrap();
    }
    for mut record in out {
        change(&mut record);
        let mut batch = Batch::default();
        batch.push(&record.encode());
        journal.append(&mut batch).unwrap();
    }
    disk
}

#[test]
fn a_log_with_good_checksums_and_bad_books_is_found_out() {
    use jialing_ledger::{AccountKind, Body, Op};
    let mut commands = vec![account(ISSUANCE, AccountKind::Issuance, -1_000_000)];
    commands.extend([2, 3].map(|id| account(id, AccountKind::Personal, 0)));
    commands.push(pay(10, ISSUANCE, 2, 500));
    commands.push(pay(11, 2, 3, 100));
    let check = |commands: &[Command], change: &dyn Fn(&mut Record), word: &str| {
        let report = audit(&forged(commands, change));
        let said = report.findings.first().map_or_else(String::new, ToString::to_string);
        assert!(said.contains(word), "{word}: {said:?}");
    };
    check(&commands, &|_| (), "");
    assert!(audit(&forged(&commands, |_| ())).is_sound());
    let altered = |amount: u64| {
        move |record: &mut Record| {
            if let Body::Transfer(transfer) = &mut record.body
                && transfer.id == 11
            {
                transfer.amount = amount;
            }
        }
    };
    check(&commands, &altered(99), "has ");
    check(&commands, &altered(600), "record 4");
    let twice = [&commands[..], &[pay(11, 2, 3, 100)]].concat();
    check(&twice, &|_| (), "was used before");
    // Record 5, a plain payment back, is dressed up as the reversal of another transfer.
    let dressed = |target: Id| {
        move |record: &mut Record| {
            if let Body::Transfer(transfer) = &mut record.body
                && transfer.id == 12
            {
                transfer.id = jialing_ledger::reversal_id(target);
                transfer.op = Op::Reverse;
                transfer.link = [0; 24];
                transfer.link[..16].copy_from_slice(&target.to_le_bytes());
            }
        }
    };
    let back = |amount| [&commands[..], &[pay(12, 3, 2, amount)]].concat();
    check(&back(100), &dressed(11), "");
    assert!(audit(&forged(&back(100), dressed(11))).is_sound());
    check(&back(50), &dressed(11), "does not give back what record 4 moved");
    check(&back(50), &dressed(10), "does not give back what record 3 moved");
    check(&back(50), &dressed(99), "not in the log before it");
    let renumbered = |record: &mut Record| record.time = 9 - record.seq;
    check(&commands, &renumbered, "dated before");
}
