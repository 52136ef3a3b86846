//! How the ledger answers and starts with all that is in it.

use std::time::Instant;

use hdrhistogram::Histogram;
use jialing_engine::{Config, Engine};
use serde::{Deserialize, Serialize};

use super::figures::latencies;
use super::load::Load;

/// Transfers that are looked up, and pages that are read.
const ASKED: u64 = 500;
/// Rows on a page.
const PAGE: usize = 50;

/// What was found.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Probe {
    find_p50_us: u64,
    find_p99_us: u64,
    page_p50_us: u64,
    page_p99_us: u64,
    start_ms: u64,
}

/// Asks for transfers from anywhere among the first `transfers`, stops the ledger and starts it again.
pub(super) async fn probe(
    engine: Engine,
    load: Load,
    transfers: u64,
    config: Config,
) -> Result<Probe, String> {
    let (mut find, mut page) = (latencies()?, latencies()?);
    for n in 0..ASKED {
        let (id, account) = load.made(transfers * n / ASKED);
        let start = Instant::now();
        let found = engine.transfer(id).await.map_err(|error| error.to_string())?;
        record(&mut find, start)?;
        if found.is_none() {
            return Err(format!("transfer {id:x} is not found"));
        }
        let start = Instant::now();
        let rows = engine.history(account, None, PAGE).await.map_err(|error| error.to_string())?;
        record(&mut page, start)?;
        if rows.is_empty() {
            return Err(format!("account {account:x} has no history"));
        }
    }
    engine.shutdown().await;
    drop(engine);
    let start = Instant::now();
    let (again, _) = Engine::open(config).map_err(|error| error.to_string())?;
    let start_ms = start.elapsed().as_millis() as u64;
    again.shutdown().await;
    let (find_at, page_at) = (|q| find.value_at_quantile(q), |q| page.value_at_quantile(q));
    Ok(Probe {
        find_p50_us: find_at(0.5),
        find_p99_us: find_at(0.99),
        page_p50_us: page_at(0.5),
        page_p99_us: page_at(0.99),
        start_ms,
    })
}

fn record(into: &mut Histogram<u64>, start: Instant) -> Result<(), String> {
    into.record(start.elapsed().as_micros() as u64).map_err(|error| error.to_string())
}
