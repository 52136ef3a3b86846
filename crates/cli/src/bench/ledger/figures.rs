//! What was measured, and what it is told as.

use std::collections::BTreeMap;
use std::path::Path;

use hdrhistogram::Histogram;
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Args;
use super::probe::Probe;
use crate::bench::peak_rss_mb;

/// What a process has used and done so far.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Usage {
    /// CPU of all threads, ns.
    pub(super) cpu_ns: u64,
    /// The same by what threads are for, ns; threads that ended are not in it.
    pub(super) threads: BTreeMap<String, u64>,
    /// Records in the ledger.
    pub(super) records: u64,
    /// Bytes handed to the disk.
    pub(super) written: u64,
    /// Highest resident memory, MiB.
    pub(super) peak_rss_mb: u64,
}

impl Usage {
    /// Of this process, with `records` in its ledger.
    pub(super) fn now(records: u64) -> Self {
        let cpu = clock_gettime(ClockId::ProcessCPUTime);
        Self {
            cpu_ns: cpu.tv_sec as u64 * 1_000_000_000 + cpu.tv_nsec as u64,
            threads: threads(),
            records,
            written: written(),
            peak_rss_mb: peak_rss_mb(),
        }
    }
}

/// CPU of each kind of thread, where the kernel tells.
fn threads() -> BTreeMap<String, u64> {
    let mut kinds = BTreeMap::new();
    for thread in std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten() {
        let read = |file: &str| std::fs::read_to_string(thread.path().join(file)).unwrap_or_default();
        let ran = read("schedstat").split(' ').next().and_then(|ran| ran.parse::<u64>().ok());
        // Numbered workers are one kind.
        let name = read("comm").trim().trim_end_matches(|c: char| c.is_ascii_digit() || c == '-').to_owned();
        *kinds.entry(name).or_default() += ran.unwrap_or(0);
    }
    kinds
}

fn written() -> u64 {
    let io = std::fs::read_to_string("/proc/self/io").unwrap_or_default();
    io.lines().find_map(|line| line.strip_prefix("write_bytes: ")?.parse().ok()).unwrap_or(0)
}

/// A finished measurement.
pub(super) struct Measured {
    pub(super) seconds: f64,
    pub(super) latency: Histogram<u64>,
    /// Of the process that holds the ledger, before and after.
    pub(super) server: (Usage, Usage),
    /// CPU of the clients' process meanwhile, ns; 0 when they are one.
    pub(super) client_cpu_ns: u64,
    /// Bytes of the folder and records in it, at the end.
    pub(super) folder: (u64, u64),
    /// How it answered and started afterwards, if that was asked for.
    pub(super) probe: Option<Probe>,
}

impl Measured {
    pub(super) fn figures(&self, args: &Args) -> serde_json::Value {
        let transfers = args.transfers.max(1);
        let (before, after) = &self.server;
        // The whole folder, with what is set aside for records to come, shared out over all records.
        let records = after.records - before.records;
        let (bytes, all) = self.folder;
        let bytes = u128::from(bytes) * u128::from(records) / u128::from(all.max(1)) / u128::from(transfers);
        let each = |ns: u64| ns / transfers;
        let threads: BTreeMap<_, _> = after
            .threads
            .iter()
            .map(|(name, ns)| (name, each(ns.saturating_sub(*before.threads.get(name).unwrap_or(&0)))))
            .filter(|(_, ns)| *ns > 0)
            .collect();
        json!({
            "transfers_per_second": (args.transfers as f64 / self.seconds).round() as u64,
            "batch_p50_us": self.latency.value_at_quantile(0.50),
            "batch_p99_us": self.latency.value_at_quantile(0.99),
            "batch_max_us": self.latency.max(),
            "bytes_per_transfer": bytes as u64,
            "peak_rss_mb": after.peak_rss_mb,
            "server_cpu_ns_per_transfer": each(after.cpu_ns - before.cpu_ns),
            "client_cpu_ns_per_transfer": each(self.client_cpu_ns),
            "threads_ns_per_transfer": threads,
            "written_bytes_per_transfer": (after.written - before.written) / transfers,
            "records_per_transfer": records as f64 / transfers as f64,
            "probe": self.probe,
            "settings": {
                "transfers": args.transfers, "before": args.before, "accounts": args.accounts,
                "batch": args.batch, "clients": args.clients, "depth": args.depth, "hot": args.hot,
                "pending": args.pending, "groups": args.groups, "meters": args.meters,
                "suite": args.suite, "in_process": args.in_process,
            },
        })
    }
}

/// An empty histogram of microseconds.
pub(super) fn latencies() -> Result<Histogram<u64>, String> {
    Histogram::new(3).map_err(|error| error.to_string())
}

/// Bytes of all files below `dir`.
pub(super) fn folder_bytes(dir: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(dir) else { return 0 };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(meta) if meta.is_dir() => folder_bytes(&entry.path()),
            Ok(meta) => meta.len(),
            Err(_) => 0,
        })
        .sum()
}
