//! A small data folder made by an engine, and what opening and auditing make of one spoilt file in it.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use jialing_engine::audit::verify_disk;
use jialing_engine::{Config, Engine, KeySource};
use jialing_journal::Memory;
use jialing_journal::disk::Disk;
use jialing_ledger::{Command, Id, Ledger};

use super::Random;
use crate::clients::Clients;

/// What good inputs are taken from.
pub(super) struct Samples {
    /// The folder's files by name.
    files: Vec<(String, Vec<u8>)>,
    /// Records of every sort.
    pub(super) records: Vec<Vec<u8>>,
    /// States of the ledger, empty and full.
    pub(super) states: Vec<Vec<u8>>,
}

fn config(disk: Memory) -> Config {
    Config {
        origin: "simulated/ledger".to_owned(),
        key: KeySource::Seed([7; 32]),
        time: Arc::new(|| 1_767_225_600_000_000_000),
        segment_bytes: 12 << 10,
        max_batch: 16,
        checkpoint_every: Duration::ZERO,
        snapshot_segments: 1,
        index_fan_in: 2,
        disk: Some(Arc::new(disk)),
        ..Config::new("simulated")
    }
}

/// Made once: some hundred commands, several segments, indexes, snapshots.
pub(super) fn samples() -> &'static Samples {
    static SAMPLES: OnceLock<Samples> = OnceLock::new();
    SAMPLES.get_or_init(|| crate::runtime().block_on(make()))
}

async fn make() -> Samples {
    let disk = Memory::new();
    let (engine, _) = Engine::open(config(disk.clone())).expect("a new log opens");
    let mut clients = Clients::new(Random::new(11));
    let mut commands = Clients::founding();
    commands.extend((0..400).map(|_| clients.draw(1_767_225_600_000_000_000)));
    commands.extend((1..5).map(|id| Command::Note { kind: 1, id, digest: [8; 32] }));
    for part in commands.chunks(40) {
        engine.submit_all(part.to_vec()).await;
    }
    let feed = engine.feed(0, 100_000).await.expect("the feed reads");
    engine.shutdown().await;
    let mut ledger = Ledger::new();
    let mut states = vec![ledger.snapshot()];
    for record in &feed {
        ledger.replay(record).expect("the log replays");
        if record.seq % 97 == 0 && !ledger.mid_group() {
            states.push(ledger.snapshot());
        }
    }
    if !ledger.mid_group() {
        states.push(ledger.snapshot());
    }
    let mut files = Vec::new();
    for folder in ["", "segments", "tree", "index", "snapshots"] {
        for name in disk.list(folder).unwrap_or_default() {
            let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
            if let Ok(bytes) = disk.bytes(&path) {
                files.push((path, bytes));
            }
        }
    }
    Samples { files, records: feed.iter().map(|record| record.encode().to_vec()).collect(), states }
}

/// The bytes of the files whose name begins so.
pub(super) fn bytes_in(prefix: &str) -> Vec<Vec<u8>> {
    let files = samples().files.iter().filter(|(name, _)| name.starts_with(prefix));
    files.map(|(_, bytes)| bytes.clone()).collect()
}

/// Each file, after one byte that says which it is.
pub(super) fn whole_files() -> Vec<Vec<u8>> {
    let files = samples().files.iter().enumerate();
    files.map(|(place, (_, bytes))| [&[place as u8][..], bytes].concat()).collect()
}

/// Puts the bytes after the first in the place of one file, audits the folder, opens it and reads. The
/// state that is served must be sound, whatever the file.
pub(super) fn decode(bytes: &[u8]) {
    let Some((&which, bytes)) = bytes.split_first() else { return };
    let files = &samples().files;
    let disk = Memory::new();
    for (place, (name, good)) in files.iter().enumerate() {
        disk.plant(name, if place == usize::from(which) % files.len() { bytes } else { good });
    }
    let copy = disk.crash(jialing_journal::disk::Surviving::All);
    let _ = verify_disk(Arc::new(copy), None, &mut |_| ());
    let Ok((engine, _)) = Engine::open(config(disk)) else { return };
    crate::runtime().block_on(async {
        let good = &samples().records;
        let count = engine.stats().records.min(good.len() as u64);
        if let Ok(feed) = engine.feed(0, usize::try_from(count).unwrap_or(usize::MAX)).await {
            let same = feed.iter().zip(good).all(|(record, good)| record.encode()[..] == good[..]);
            assert!(same, "what is served is what was written");
        }
        for id in 1..9 {
            let _ = engine.history(id, None, 20).await;
        }
        for id in [1 << 64 | 1, 1 << 64 | 200] as [Id; 2] {
            let _ = engine.transfer(id).await;
        }
        engine.shutdown().await;
        let reason = engine.stopped().await.to_string();
        assert!(!reason.contains("met a defect"), "{reason}");
    });
}
