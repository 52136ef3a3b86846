//! The engine called directly.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use hdrhistogram::Histogram;
use jialing_engine::{Bulk, BulkOutcome, Config, Engine};

use super::Args;
use super::Suite;
use super::figures::{Measured, Usage, folder_bytes, latencies};
use super::load::{Half, Load};
use super::probe::probe;
use crate::runtime;

pub(super) fn measure(args: &Args, load: Load, dir: &Path) -> Result<Measured, String> {
    runtime()?.block_on(async {
        let (engine, _) = Engine::open(config(dir, args.suite)).map_err(|error| error.to_string())?;
        begin(&engine, load).await?;
        make(args, load.filling(), &engine, 0, args.before).await?;
        let before = Usage::now(engine.stats().records);
        let start = Instant::now();
        let latency = make(args, load, &engine, args.before, args.before + args.transfers).await?;
        let seconds = start.elapsed().as_secs_f64();
        let after = Usage::now(engine.stats().records);
        let probe = if args.probe {
            Some(probe(engine.clone(), load, args.before + args.transfers, config(dir, args.suite)).await?)
        } else {
            engine.shutdown().await;
            None
        };
        let folder = (folder_bytes(dir), after.records);
        Ok(Measured { seconds, latency, server: (before, after), client_cpu_ns: 0, folder, probe })
    })
}

/// The engine's settings.
pub(super) fn config(dir: &Path, suite: Suite) -> Config {
    let mut config = Config::new(dir);
    config.suite = match suite {
        Suite::International => jialing_journal::Suite::Sha256Ed25519,
        Suite::Domestic => jialing_journal::Suite::Sm3Sm2,
    };
    config
}

/// Opens accounts and meters and endows the accounts.
pub(super) async fn begin(engine: &Engine, load: Load) -> Result<(), String> {
    for commands in load.beginning() {
        for answer in engine.submit_all(commands).await {
            answer.map_err(|error| format!("setting up: {error}"))?;
        }
    }
    Ok(())
}

/// Makes transfers `from` to `to`; the latencies of the submissions.
async fn make(
    args: &Args,
    load: Load,
    engine: &Engine,
    from: u64,
    to: u64,
) -> Result<Histogram<u64>, String> {
    let next = Arc::new(AtomicU64::new(from));
    // What a client has under way is as if more clients had one each.
    let clients: Vec<_> = (0..args.clients * args.depth)
        .map(|_| tokio::spawn(client(engine.clone(), load, next.clone(), to)))
        .collect();
    let mut latency = latencies()?;
    for client in clients {
        latency.add(client.await.map_err(|error| error.to_string())??).map_err(|error| error.to_string())?;
    }
    Ok(latency)
}

async fn client(
    engine: Engine,
    load: Load,
    next: Arc<AtomicU64>,
    end: u64,
) -> Result<Histogram<u64>, String> {
    let mut latency = latencies()?;
    loop {
        let from = next.fetch_add(load.step(), Ordering::Relaxed);
        if from >= end {
            return Ok(latency);
        }
        let mut half = Some(Half::First);
        while let Some(now) = half {
            let mut bulk = Bulk::default();
            load.groups(from, end.min(from + load.step()), now, |legs| {
                bulk.legs.extend_from_slice(legs);
                bulk.groups.push(legs.len() as u8);
            });
            let start = Instant::now();
            for outcome in engine.submit_bulk(bulk).await.map_err(|error| error.to_string())? {
                if !matches!(outcome, BulkOutcome::Done { already: false, .. }) {
                    return Err(format!("a transfer was not made: {outcome:?}"));
                }
            }
            latency.record(start.elapsed().as_micros() as u64).map_err(|error| error.to_string())?;
            half = load.after(now);
        }
    }
}
