//! A fault at every operation of the disk of a short life, one after the other, and a crash at every
//! change of the recovery that follows.
//!
//! One client, one command at a time, small settings: the same changes in the same order each time,
//! but for what the engine does beside the writer (indexes, snapshots). The life opens a log, fills a
//! segment and begins the next.

use jialing_engine::Engine;

use crate::coverage::Topic;
use crate::disk::End;
use crate::door::Door;
use crate::fate::Fate;
use crate::life::Chain;
use crate::mutants::Defect;
use crate::oracle::{By, Oracle, Trouble};
use crate::{Coverage, Finding, Profile, Wrong, runtime};

/// Commands of the short life after the accounts are open: enough to begin a second segment.
const ROUNDS: u64 = 14;
/// More changes than a short life has; one that makes more does not end.
const MOST: u64 = 5_000;

fn chain(seed: u64, defect: Option<Defect>) -> Chain {
    let profile = Profile { lives: 1, rounds: ROUNDS, commands: 1, rot: false, lie: None, defect };
    let mut chain = Chain::new(seed, profile);
    chain.quiet = true;
    chain
}

/// Every way to end at an operation: changes, flushes, writes or reads are counted, by the way.
const WAYS: [fn(u64) -> Fate; 8] = [
    Fate::PowerLost,
    Fate::Killed,
    Fate::PowerLostWriting,
    Fate::KilledWriting,
    Fate::SyncsFail,
    Fate::SyncFailsOnce,
    Fate::WriteCutShort,
    Fate::ReadFails,
];

/// Ends a life at every `stride`-th operation in every way; each time the next lives must find
/// everything. After all but a power loss the machine loses power too, once the log has been read and
/// gone on with: what is in the system's cache only must not have been answered from.
///
/// # Errors
/// The first [`Finding`]; its setting names the change.
pub fn every(seed: u64, defect: Option<Defect>, stride: u64) -> Result<Coverage, Finding> {
    in_ways(&WAYS, seed, defect, stride)
}

/// The same with flushes that fail from the `stride`-th, two times the `stride`-th, and so on.
///
/// # Errors
/// The first [`Finding`].
pub fn every_failed_flush(seed: u64, defect: Option<Defect>, stride: u64) -> Result<Coverage, Finding> {
    in_ways(&[Fate::SyncsFail], seed, defect, stride)
}

fn in_ways(
    ways: &[fn(u64) -> Fate],
    seed: u64,
    defect: Option<Defect>,
    stride: u64,
) -> Result<Coverage, Finding> {
    let mut covered = Coverage::default();
    for way in ways {
        for at in (0..MOST).step_by(stride.max(1) as usize) {
            let mut chain = chain(seed, defect);
            let lived = runtime().block_on(lives(&mut chain, way(at)));
            let strikes = lived.as_ref().copied().unwrap_or(true);
            covered.add(&chain.end(seed, lived.map(|_| ()))?);
            if !strikes {
                break;
            }
        }
    }
    Ok(covered)
}

/// Whether the fault struck.
async fn lives(chain: &mut Chain, fate: Fate) -> Result<bool, Wrong> {
    chain.live(fate).await?;
    let strikes = chain.struck;
    if !matches!(fate, Fate::PowerLost(_) | Fate::PowerLostWriting(_)) {
        chain.life = 1;
        chain.live(Fate::PowerLost(u64::MAX)).await?;
    }
    chain.life = 2;
    chain.live(Fate::Clean).await?;
    Ok(strikes)
}

/// Crashes at every `stride`-th change, and then at every change of the start after it.
///
/// # Errors
/// The first [`Finding`].
pub fn every_recovery(seed: u64, stride: u64) -> Result<Coverage, Finding> {
    let mut covered = Coverage::default();
    for way in WAYS {
        for at in (0..MOST).step_by(stride.max(1) as usize) {
            let mut chain = chain(seed, None);
            let recovered = runtime().block_on(recoveries(&mut chain, way(at)));
            let strikes = recovered.as_ref().copied().unwrap_or(true);
            covered.add(&chain.end(seed, recovered.map(|_| ()))?);
            if !strikes {
                break;
            }
        }
    }
    Ok(covered)
}

/// One crash, and then the start from it cut short at each of its changes in turn.
async fn recoveries(chain: &mut Chain, fate: Fate) -> Result<bool, Wrong> {
    chain.live(fate).await?;
    let strikes = chain.struck;
    let left = chain.disk.copy();
    let outside = (chain.witness.clone(), chain.history.clone(), chain.asked.clone(), chain.follower.clone());
    for at in 0..MOST {
        chain.life = at + 1;
        chain.disk = left.copy();
        (chain.witness, chain.history, chain.asked, chain.follower) = outside.clone();
        let config = chain.config();
        chain.set_out(Fate::PowerLost(at), &config);
        if let Ok((engine, _)) = Engine::open(config) {
            chain.disk.die();
            chain.close(Door::new(engine, None), Fate::Killed(0)).await?;
        }
        let struck = chain.disk.died_at();
        if let Some(point) = &struck {
            chain.coverage.count(Topic::CrashPoints, format!("in recovery: {point}"), 1);
        }
        chain.disk = chain.disk.after(End::PowerLoss);
        look(chain).await.map_err(|trouble| match trouble {
            Trouble::Wrong(oracle, what) => Wrong(oracle, what),
            Trouble::NoAnswer(what) => Wrong(Oracle::NoAnswer, what),
            Trouble::Unproven(what) => Wrong(Oracle::Proofs, what),
        })?;
        if struck.is_none() {
            return Ok(strikes);
        }
    }
    Ok(strikes)
}

async fn look(chain: &mut Chain) -> Result<(), Trouble> {
    let config = chain.config();
    let (engine, _) = Engine::open(config).map_err(|error| error.to_string()).by(Oracle::Opens)?;
    let door = Door::new(engine, None);
    chain.check(&door).await?;
    door.engine.shutdown().await;
    Ok(())
}
