//! Opening: recover the journal, rebuild the state, start the threads.

use std::io;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use jialing_journal::disk::{Disk, Elsewhere, Folder, Tiered, read_file, replace_file};
use jialing_journal::{CheckpointSigner, Checkpoints, Genesis, Journal, Reader};
use jialing_ledger::{Ledger, Nanos};
use tokio::sync::watch;

use crate::answer::{OpenError, Opened};
use crate::backup::refuse_restored;
use crate::config::{Config, KeySource, MAX_BATCH};
use crate::embedded::shared::{Head, Shared};
use crate::embedded::{Embedded, apply, flush, keep, sign};
use crate::index::{Index, Sizes};
use crate::record;
use crate::snapshot::{self, ReplayFailed};

const KEY_FILE: &str = "checkpoint.key";

pub(super) fn open(mut config: Config) -> Result<(Embedded, Opened), OpenError> {
    let began = Instant::now();
    config.max_batch = config.max_batch.clamp(1, MAX_BATCH);
    let disk: Arc<dyn Disk> =
        match &config.disk {
            Some(disk) => disk.clone(),
            None => Arc::new(Folder::make(&config.dir).map_err(|source| OpenError::Io {
                what: format!("making {}", config.dir.display()),
                source,
            })?),
        };
    refuse_restored(&*disk)?;
    let elsewhere = config.cold.clone().map_or(Elsewhere::AsNoted, Elsewhere::Folder);
    let disk: Arc<dyn Disk> = Arc::new(Tiered::new(disk, elsewhere));
    let signer = CheckpointSigner::new(config.suite, config.origin.clone(), &seed(&*disk, &config.key)?);
    let genesis = Genesis { key: signer.verifier() };
    let (journal, mut checkpoints, recovered) =
        Journal::open(disk.clone(), &genesis, config.segment_bytes).map_err(OpenError::from)?;
    let reader = journal.reader();
    let opened = Opening { disk, genesis, reader };
    let (ledger, index, rebuilt) =
        opened.rebuild(&Sizes::of(&config)).inspect_err(|_| opened.reader.release())?;
    let opened_report = Opened {
        records: recovered.records,
        created: recovered.created,
        torn_bytes: recovered.torn_bytes,
        snapshot: ledger.1,
        replayed: recovered.records - ledger.1,
        rebuilt,
        took: began.elapsed(),
    };
    let ledger = ledger.0;
    let checkpoint = first_checkpoint(&signer, &mut checkpoints, &journal, (config.time)().max(ledger.now()))
        .inspect_err(|_| opened.reader.release())?;
    let (size, root) = journal.head();
    let head = Head { size, root, ..Head::default() };
    let last_time = ledger.now();
    let Opening { disk, genesis, reader } = opened;
    let shared = Arc::new(Shared::new(config, disk, genesis, reader, index, head, checkpoint, last_time));
    let embedded = start(shared, ledger, journal, signer, checkpoints)?;
    Ok((embedded, opened_report))
}

struct Opening {
    disk: Arc<dyn Disk>,
    genesis: Genesis,
    reader: Reader,
}

impl Opening {
    /// The state (with the size of the snapshot it stood on), the index, and how many of its files
    /// were made again.
    fn rebuild(&self, sizes: &Sizes) -> Result<((Ledger, u64), Index, u64), OpenError> {
        let reading = |source| OpenError::Io { what: format!("reading {}", self.disk.name()), source };
        let mut ledger = snapshot::newest(&*self.disk, &self.genesis, &self.reader).map_err(reading)?;
        let from = ledger.next_seq();
        snapshot::replay(&mut ledger, &self.reader, self.reader.durable(), || false).map_err(|failed| {
            match failed {
                ReplayFailed::Io(source) => reading(source),
                ReplayFailed::Contradiction(seq, what) => OpenError::Contradiction { seq, what },
            }
        })?;
        let index = Index::open(self.disk.clone(), &self.genesis, &self.reader, sizes, record::decode);
        let (index, rebuilt) = index.map_err(reading)?;
        Ok(((ledger, from), index, rebuilt))
    }
}

/// The newest checkpoint, signed now unless it covers everything.
fn first_checkpoint(
    signer: &CheckpointSigner,
    checkpoints: &mut Checkpoints,
    journal: &Journal,
    now: Nanos,
) -> Result<jialing_journal::Checkpoint, OpenError> {
    let (size, root) = journal.head();
    match checkpoints.newest() {
        Some(newest) if newest.size == size => Ok(*newest),
        _ => {
            let checkpoint = signer.sign(size, root, now);
            let storing = |source| OpenError::Io { what: "storing a checkpoint".to_owned(), source };
            checkpoints.append(checkpoint).map_err(storing)?;
            Ok(checkpoint)
        }
    }
}

fn start(
    shared: Arc<Shared>,
    ledger: Ledger,
    journal: Journal,
    signer: CheckpointSigner,
    checkpoints: Checkpoints,
) -> Result<Embedded, OpenError> {
    let spawn = |name: &str, body: Box<dyn FnOnce() + Send>| {
        let what = format!("starting the thread {name}");
        thread::Builder::new()
            .name(name.to_owned())
            .spawn(body)
            .map_err(|source| OpenError::Io { what, source })
    };
    let [keeping, tidying, applying, flushing, signing] = [(); 5].map(|()| shared.clone());
    let preparer = journal.preparer();
    let threads = vec![
        spawn("ledger-tidy", Box::new(move || keep::tidy(tidying)))?,
        spawn("ledger-keep", Box::new(move || keep::keep(keeping, preparer)))?,
        spawn("ledger-sign", Box::new(move || sign::run(signing, signer, checkpoints)))?,
        spawn("ledger-flush", Box::new(move || flush::run(flushing, journal)))?,
        spawn("ledger-apply", Box::new(move || apply::run(applying, ledger)))?,
    ];
    let (ended_tell, ended) = watch::channel(false);
    let ending = shared.clone();
    spawn(
        "ledger-end",
        Box::new(move || {
            for thread in threads {
                // A panic has already stopped the engine.
                let _ = thread.join();
            }
            ending.stop("it was shut down");
            ending.reader.release();
            ended_tell.send_replace(true);
        }),
    )?;
    Ok(Embedded { shared, ended })
}

/// The seed of the signing key; made and stored when it lives in the folder and is not there.
fn seed(disk: &dyn Disk, source: &KeySource) -> Result<[u8; 32], OpenError> {
    let wrap = |source| OpenError::Io { what: format!("reading {}/{KEY_FILE}", disk.name()), source };
    match source {
        KeySource::Seed(seed) => return Ok(*seed),
        KeySource::Folder => {}
    }
    match read_file(disk, KEY_FILE) {
        Ok(bytes) => parse_seed(&bytes).ok_or_else(|| {
            OpenError::Mismatch(format!(
                "{}/{KEY_FILE} is not 64 hexadecimal digits; restore it",
                disk.name()
            ))
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let mut seed = [0; 32];
            getrandom::fill(&mut seed).map_err(|error| wrap(io::Error::other(error.to_string())))?;
            let text = format!("{}\n", jialing_journal::hash::hex(&seed));
            replace_file(disk, KEY_FILE, text.as_bytes()).map_err(wrap)?;
            Ok(seed)
        }
        Err(error) => Err(wrap(error)),
    }
}

fn parse_seed(bytes: &[u8]) -> Option<[u8; 32]> {
    let text = std::str::from_utf8(bytes).ok()?.trim();
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut seed = [0; 32];
    for (place, byte) in seed.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * place..2 * place + 2], 16).ok()?;
    }
    Some(seed)
}
