//! Every file of a data folder, damaged in every way: refused in words, or made again, never guessed.

use std::any::Any;
use std::io;
use std::sync::Arc;

use jialing_engine::audit::verify_disk;
use jialing_engine::{Config, Engine, KeySource, OpenError};
use jialing_journal::disk::{Disk, File, LockError, Memory, Surviving};
use jialing_ledger::{Body, Record};

use crate::bank::{Bank, everything, found, pay, submit};
use crate::cold::aged;

/// What becomes of a start on a damaged folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Start {
    /// It is refused, in these words.
    Refused(&'static str),
    /// It is as if nothing had happened: all answers are right.
    Whole,
    /// As whole; or what cannot be answered is said by name, and the start after it is whole.
    Mended,
}
use Start::{Mended, Refused, Whole};

/// What is done to a file.
enum Damage {
    Gone,
    Empty,
    Half,
    /// Without its last byte.
    Short,
    /// A bit turned at a place, in thousandths of the length.
    Flipped(usize),
    /// The bytes of another file of this folder.
    Swapped(String),
    /// The file of this name in another log's folder.
    Foreign,
    /// These bytes.
    Is(Vec<u8>),
}
use Damage::{Empty, Flipped, Foreign, Gone, Half, Is, Short, Swapped};

impl Damage {
    fn name(&self) -> String {
        match self {
            Gone => "gone".to_owned(),
            Empty => "empty".to_owned(),
            Half => "cut in half".to_owned(),
            Short => "without its last byte".to_owned(),
            Flipped(place) => format!("with a turned bit at {place} thousandths"),
            Swapped(other) => format!("swapped with {other}"),
            Foreign => "of another log".to_owned(),
            Is(_) => "of a newer version".to_owned(),
        }
    }

    fn does(&self, disk: &Memory, other: &Memory, file: &str) {
        let good = disk.bytes(file).unwrap();
        let bad = match self {
            Gone => return disk.remove(file).unwrap(),
            Empty => Vec::new(),
            Half => good[..good.len() / 2].to_vec(),
            Short => good[..good.len() - 1].to_vec(),
            Flipped(place) => {
                let mut bad = good.clone();
                bad[(good.len() - 1) * place / 1000] ^= 0x10;
                bad
            }
            Swapped(with) => disk.bytes(with).unwrap(),
            Foreign => foreign(other, file),
            Is(bytes) => bytes.clone(),
        };
        disk.plant(file, &bad);
    }
}

/// The file of this name in another folder, or the first of its kind.
fn foreign(other: &Memory, file: &str) -> Vec<u8> {
    other.bytes(file).unwrap_or_else(|_| {
        let (folder, name) = file.rsplit_once('/').expect("a file in a folder");
        let kind = name.split('-').next().unwrap();
        let names = other.list(folder).unwrap();
        let found = names.iter().find(|found| {
            found.ends_with(&name[name.len() - 4..]) && (kind == name || found.starts_with(kind))
        });
        other.bytes(&format!("{folder}/{}", found.expect("one of its kind"))).unwrap()
    })
}

/// Opens the folder and asks it everything.
async fn start(bank: &Bank, all: &[Record]) -> Result<(), OpenError> {
    let (engine, _) = bank.try_open()?;
    ask(&engine, all).await.unwrap_or_else(|said| panic!("{said}"));
    engine.shutdown().await;
    let report = verify_disk(Arc::new(bank.disk.clone()), None, &mut |_| ()).unwrap();
    assert!(report.is_sound(), "{:?}", report.findings);
    Ok(())
}

/// Asks everything. A wrong answer panics; none is an error.
async fn ask(engine: &Engine, all: &[Record]) -> Result<(), String> {
    assert_eq!(everything(engine).await, all);
    for record in all.iter().step_by(3) {
        if let Body::Transfer(transfer) = record.body {
            assert_eq!(engine.transfer(transfer.id).await.map_err(|error| error.to_string())?, Some(*record));
        }
    }
    for account in 1..6 {
        let touches =
            |r: &&Record| matches!(r.body, Body::Transfer(t) if t.debit == account || t.credit == account);
        let expected: Vec<Record> = all.iter().rev().filter(touches).copied().collect();
        let found = engine.history(account, None, usize::MAX).await.map_err(|error| error.to_string())?;
        assert_eq!(found, expected);
    }
    let paid = all.iter().filter_map(|record| match record.body {
        Body::Transfer(transfer) if transfer.id < 1 << 64 => Some(transfer),
        _ => None,
    });
    for paid in paid.step_by(5) {
        let repeated = engine.submit(pay(paid.id, paid.debit, paid.credit, paid.amount)).await;
        assert!(repeated.map_err(|error| error.to_string())?.already);
    }
    for seq in [0, all.len() as u64 / 2, all.len() as u64 - 1] {
        let receipt = engine.receipt(seq).await.map_err(|error| error.to_string())?;
        assert_eq!(receipt.record, all[seq as usize].encode());
    }
    engine.submit(pay(1 << 70, 2, 3, 1)).await.map(drop).map_err(|error| error.to_string())
}

struct Table {
    bank: Bank,
    all: Vec<Record>,
    other: Memory,
}

impl Table {
    async fn new() -> Self {
        let (bank, all) = aged(2).await;
        let other = Bank { segment_bytes: 16 << 10, ..Bank::new() };
        let key = KeySource::Seed([9; 32]);
        let engine =
            Engine::open(Config { origin: "other/ledger".to_owned(), key, ..other.config() }).unwrap().0;
        found(&engine, 3).await;
        let mut n = 0;
        while other.disk.list("snapshots").unwrap().len() < 2 {
            n += 1;
            submit(&engine, pay(5000 + n, 2, 3, 1)).await;
        }
        engine.shutdown().await;
        Self { bank, all, other: other.disk }
    }

    fn files(&self, folder: &str, ending: &str) -> Vec<String> {
        let names = self.bank.disk.list(folder).unwrap();
        names
            .into_iter()
            .filter(|name| name.ends_with(ending))
            .map(|name| format!("{folder}/{name}"))
            .collect()
    }

    async fn check(&self, file: &str, damage: Damage, expected: Start) {
        let bank = self.bank.on(self.bank.disk.crash(Surviving::All));
        damage.does(&bank.disk, &self.other, file);
        let case = format!("{file} {}", damage.name());
        let before = bank.disk.crash(Surviving::All);
        if expected == Mended {
            let engine = bank.open();
            let asked = ask(&engine, &self.all).await;
            engine.shutdown().await;
            match asked {
                // A whole start has made one payment more.
                Ok(()) => return,
                Err(said) => assert!(said.contains(file) && said.contains("is damaged"), "{case}: {said}"),
            }
        }
        match (start(&bank, &self.all).await, expected) {
            (Ok(()), Whole | Mended) => {}
            (Err(error), Refused(words)) => {
                let said = error.to_string();
                assert!(said.contains(words), "{case}: {said}");
                // The evidence is left as it was found.
                for folder in ["", "segments"] {
                    assert_eq!(bank.disk.list(folder).unwrap(), before.list(folder).unwrap(), "{case}");
                }
            }
            (Ok(()), Refused(words)) => panic!("{case}: it opened, {words:?} was expected"),
            (Err(error), Whole | Mended) => panic!("{case}: {error}"),
        }
    }
}

/// A text or magic with its version one higher, checksum and all.
fn newer(bytes: &[u8], old: &str, new: &str, crc_at: Option<usize>) -> Vec<u8> {
    let place = bytes.windows(old.len()).position(|part| part == old.as_bytes()).unwrap();
    let mut newer = bytes.to_vec();
    newer[place..place + old.len()].copy_from_slice(new.as_bytes());
    if let Some(at) = crc_at {
        let crc = crc32c::crc32c(&newer[..at]);
        newer[at..at + 4].copy_from_slice(&crc.to_le_bytes());
    }
    newer
}

#[tokio::test(flavor = "multi_thread")]
async fn genesis_and_checkpoints_that_are_not_as_they_were_are_refused() {
    let table = Table::new().await;
    let genesis = "genesis";
    table.check(genesis, Gone, Refused("genesis is missing")).await;
    table.check(genesis, Empty, Refused("genesis")).await;
    table.check(genesis, Half, Refused("genesis")).await;
    table.check(genesis, Short, Refused("genesis")).await;
    table.check(genesis, Flipped(999), Refused("genesis")).await;
    table.check(genesis, Foreign, Refused("other/ledger")).await;
    table.check(genesis, Swapped("checkpoints".to_owned()), Refused("genesis")).await;
    let text = table.bank.disk.bytes(genesis).unwrap();
    table.check(genesis, Is(newer(&text, "format 1", "format 2", None)), Refused("format")).await;

    let signed = "checkpoints";
    // A missing or shorter list cannot be told from a log that signed less; what others hold shows it.
    table.check(signed, Gone, Whole).await;
    table.check(signed, Empty, Whole).await;
    table.check(signed, Short, Whole).await;
    table.check(signed, Foreign, Refused("checkpoint")).await;
    // Shorter than one checkpoint: a first one that was never finished.
    table.check(signed, Swapped(genesis.to_owned()), Whole).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn segments_that_are_not_as_they_were_are_refused_by_name() {
    let table = Table::new().await;
    let names = table.files("segments", ".seg");
    let (first, second, last) = (&names[0], &names[1], &names[names.len() - 1]);
    table.check(first, Gone, Refused("a segment is missing")).await;
    for damage in [Empty, Half, Short] {
        table.check(first, damage, Refused(first_name(first))).await;
    }
    table.check(first, Swapped(second.clone()), Refused("begins with record")).await;
    table.check(first, Foreign, Refused("another log")).await;
    let bytes = table.bank.disk.bytes(first).unwrap();
    let mut newer = bytes.clone();
    newer[16] = 2;
    let crc = crc32c::crc32c(&newer[..96]);
    newer[96..100].copy_from_slice(&crc.to_le_bytes());
    table.check(first, Is(newer), Refused("version 2")).await;
    // The one that is written: cut where a checkpoint covers it, it is a rollback.
    table.check(last, Gone, Refused("checkpoint")).await;
    table.check(last, Empty, Refused("ends inside its header")).await;
    table.check(last, Foreign, Refused("begins with record 0")).await;
    table.check(last, Swapped(first.clone()), Refused("begins with record")).await;
}

fn first_name(path: &str) -> &'static str {
    assert!(path.ends_with("00000000000000000000.seg"));
    "segments/00000000000000000000.seg"
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_derived_is_made_again_whatever_became_of_it() {
    let table = Table::new().await;
    for file in ["tree/0", "tree/1", "tree/mark"] {
        for damage in [Gone, Empty, Half, Foreign] {
            table.check(file, damage, Whole).await;
        }
    }
    table.check("tree/mark", Flipped(100), Whole).await;
    table.check("tree/0", Swapped("tree/1".to_owned()), Whole).await;
    for kind in ["ids", "accounts"] {
        let runs = table.files("index", ".run");
        let of = |kind: &str| runs.iter().find(|name| name.contains(kind)).unwrap().clone();
        let run = of(kind);
        for damage in [Gone, Empty, Half, Short, Foreign] {
            table.check(&run, damage, Whole).await;
        }
        let other = of(if kind == "ids" { "accounts" } else { "ids" });
        table.check(&run, Swapped(other), Whole).await;
        // The header, a page, the fences.
        table.check(&run, Flipped(0), Whole).await;
        for place in [2, 300, 500, 700, 990, 1000] {
            table.check(&run, Flipped(place), Mended).await;
        }
    }
    let snapshots = table.files("snapshots", ".snap");
    let (older, newest) = (&snapshots[0], &snapshots[1]);
    for damage in [Gone, Empty, Half, Short, Flipped(5), Flipped(500), Foreign, Swapped(older.clone())] {
        table.check(newest, damage, Whole).await;
    }
    let bytes = table.bank.disk.bytes(newest).unwrap();
    table.check(newest, Is(newer(&bytes, "state 1", "state 2", Some(100))), Whole).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_signing_key_is_refused_and_never_replaced() {
    let bank = Bank::new();
    let config = || Config { key: KeySource::Folder, ..bank.config() };
    Engine::open(config()).unwrap().0.shutdown().await;
    let good = bank.disk.bytes("checkpoint.key").unwrap();
    let check = |bytes: Option<&[u8]>, words: &str| {
        match bytes {
            Some(bytes) => bank.disk.plant("checkpoint.key", bytes),
            None => bank.disk.remove("checkpoint.key").unwrap(),
        }
        let said = Engine::open(config()).err().expect("another key").to_string();
        assert!(said.contains(words), "{words}: {said}");
    };
    check(Some(b""), "64 hexadecimal digits");
    check(Some(&good[..40]), "64 hexadecimal digits");
    check(Some("g".repeat(64).as_bytes()), "64 hexadecimal digits");
    check(Some("0".repeat(64).as_bytes()), "checkpoints verify under");
    bank.disk.plant("checkpoint.key", &good);
    Engine::open(config()).unwrap().0.shutdown().await;
}

/// A disk that can be read only.
struct ReadOnly(Memory);

fn denied<T>() -> io::Result<T> {
    Err(io::ErrorKind::ReadOnlyFilesystem.into())
}

impl Disk for ReadOnly {
    fn name(&self) -> String {
        "memory".to_owned()
    }

    fn make_folder(&self, _: &str) -> io::Result<()> {
        Ok(())
    }

    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        self.0.list(folder)
    }

    fn open(&self, file: &str, write: bool) -> io::Result<Arc<dyn File>> {
        if write { denied() } else { self.0.open(file, false) }
    }

    fn create(&self, _: &str) -> io::Result<Arc<dyn File>> {
        denied()
    }

    fn rename(&self, _: &str, _: &str) -> io::Result<()> {
        denied()
    }

    fn remove(&self, _: &str) -> io::Result<()> {
        denied()
    }

    fn sync_folder(&self, _: &str) -> io::Result<()> {
        denied()
    }

    fn lock(&self, _: &str) -> Result<Box<dyn Any + Send + Sync>, LockError> {
        Err(LockError::Io(io::ErrorKind::ReadOnlyFilesystem.into()))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_cannot_be_written_is_not_opened_but_can_be_audited() {
    let (bank, all) = aged(2).await;
    let disk = Arc::new(ReadOnly(bank.disk.clone()));
    let refused =
        Engine::open(Config { disk: Some(disk.clone()), ..bank.config() }).err().unwrap().to_string();
    let why = io::Error::from(io::ErrorKind::ReadOnlyFilesystem).to_string();
    assert!(refused.contains("lock") && refused.contains(&why), "{refused}");
    let report = verify_disk(disk, None, &mut |_| ()).unwrap();
    assert!(report.is_sound() && report.records == all.len() as u64, "{:?}", report.findings);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_at_the_start_is_said_and_harms_nothing() {
    let (bank, all) = aged(2).await;
    for room in [0, 100, 5000, 20_000, 60_000] {
        for lost in ["tree/mark", "index", "snapshots"] {
            let disk = bank.disk.crash(Surviving::All);
            let names = if lost.contains('/') {
                vec![lost.to_owned()]
            } else {
                disk.list(lost).unwrap().into_iter().map(|name| format!("{lost}/{name}")).collect()
            };
            names.iter().for_each(|name| disk.remove(name).unwrap());
            disk.leave_room(Some(room));
            match bank.on(disk.clone()).try_open() {
                Ok((engine, _)) => engine.shutdown().await,
                Err(error) => {
                    let full = io::Error::from(io::ErrorKind::StorageFull).to_string();
                    assert!(error.to_string().contains(&full), "{error}");
                }
            }
            disk.leave_room(None);
            start(&bank.on(disk), &all).await.unwrap();
        }
    }
}
