//! `jialing bench ledger`: how many transfers a second, each flushed, hashed and indexed.
//!
//! Several clients keep one batch each under way, so that the engine always has the next one at
//! hand. A batch's latency runs from its submission to its answer, which comes after the flush.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use hdrhistogram::Histogram;
use jialing_engine::{Config, Engine};
use jialing_ledger::{AccountKind, Command, Group, Id, Leg, LegOp, NewAccount};
use serde_json::json;

use super::{figure, peak_rss_mb};
use crate::{Done, runtime};

/// Money each account starts with, in fen.
const ENDOWMENT: u64 = 1_000_000_000;
/// A hold's id is its transfer's with this bit set.
const HOLD_BIT: Id = 1 << 40;

/// Arguments of `jialing bench ledger`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Transfers to make
    #[arg(long, default_value_t = 1_000_000)]
    transfers: u64,
    /// Accounts to spread them over
    #[arg(long, default_value_t = 10_000)]
    accounts: u64,
    /// Transfers in one submission
    #[arg(long, default_value_t = 8190, value_parser = clap::value_parser!(u64).range(1..=8190))]
    batch: u64,
    /// Clients, each with one batch under way
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=1024))]
    clients: u64,
    /// One account is in every transfer
    #[arg(long)]
    hot: bool,
    /// Each transfer is a hold, then a post; counted once
    #[arg(long)]
    pending: bool,
    /// Where to keep the journal while measuring; a temporary folder below the present one by default
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Done {
    if args.accounts < 2 {
        return Err("--accounts must be at least 2: money moves from one to another".into());
    }
    let dir = args.dir.clone().unwrap_or_else(|| format!(".jialing-bench-{}", std::process::id()).into());
    if dir.exists() {
        return Err(format!(
            "{} exists; name a folder that does not, it is removed afterwards",
            dir.display()
        ));
    }
    let figures = runtime()?.block_on(measure(args, &dir));
    let _ = std::fs::remove_dir_all(&dir);
    let figures = figures?;
    if args.json {
        println!("{figures}");
    } else {
        println!("{:>12} transfers/s", figure(&figures, "transfers_per_second"));
        println!("{:>12} µs a batch of {} (median)", figure(&figures, "batch_p50_us"), args.batch);
        println!("{:>12} µs (99 of 100)", figure(&figures, "batch_p99_us"));
        println!("{:>12} µs (worst)", figure(&figures, "batch_max_us"));
        println!("{:>12} bytes on disk a transfer", figure(&figures, "bytes_per_transfer"));
        println!("{:>12} MiB of memory at most", figure(&figures, "peak_rss_mb"));
    }
    Ok(ExitCode::SUCCESS)
}

async fn measure(args: &Args, dir: &Path) -> Result<serde_json::Value, String> {
    let (engine, _) = Engine::open(Config::new(dir)).map_err(|error| error.to_string())?;
    endow(&engine, args.accounts).await?;

    let next = Arc::new(AtomicU64::new(0));
    let start = Instant::now();
    let clients: Vec<_> = (0..args.clients)
        .map(|_| tokio::spawn(client(engine.clone(), Load::of(args), next.clone())))
        .collect();
    let mut latency = Histogram::<u64>::new(3).map_err(|error| error.to_string())?;
    for client in clients {
        latency.add(client.await.map_err(|error| error.to_string())??).map_err(|error| error.to_string())?;
    }
    let seconds = start.elapsed().as_secs_f64();
    let records = engine.stats().records.max(1);
    engine.shutdown().await;
    // The whole folder, with what is set aside for records to come, shared out over all records.
    let per_record = folder_bytes(dir) / records;
    let bytes = per_record * if args.pending { 2 } else { 1 };
    Ok(json!({
        "transfers_per_second": (args.transfers as f64 / seconds).round() as u64,
        "batch_p50_us": latency.value_at_quantile(0.50),
        "batch_p99_us": latency.value_at_quantile(0.99),
        "batch_max_us": latency.max(),
        "bytes_per_transfer": bytes,
        "peak_rss_mb": peak_rss_mb(),
        "settings": { "transfers": args.transfers, "accounts": args.accounts, "batch": args.batch, "clients": args.clients, "hot": args.hot, "pending": args.pending },
    }))
}

/// Opens the accounts and gives each its endowment.
async fn endow(engine: &Engine, accounts: u64) -> Result<(), String> {
    let issuance = Id::from(accounts) + 1;
    let open = |id: Id, kind, min| {
        Command::OpenAccount(NewAccount { id, currency: 156, kind, holder: 1, min, max: i64::MAX })
    };
    let mut commands = vec![open(issuance, AccountKind::Issuance, i64::MIN / 2)];
    commands.extend((1..=accounts).map(|n| open(Id::from(n), AccountKind::Personal, 0)));
    commands.extend((1..=accounts).map(|n| {
        let op = LegOp::Plain { debit: issuance, credit: Id::from(n), amount: ENDOWMENT };
        transfer(1 << 60 | Id::from(n), op)
    }));
    for chunk in commands.chunks(8000) {
        for answer in engine.submit_all(chunk.to_vec()).await {
            answer.map_err(|error| format!("setting up: {error}"))?;
        }
    }
    Ok(())
}

fn transfer(id: Id, op: LegOp) -> Command {
    Command::Transfer(Group { legs: vec![Leg { id, op, kind: 5, digest: [7; 24], meters: [0; 4] }] })
}

#[derive(Clone, Copy)]
struct Load {
    transfers: u64,
    accounts: u64,
    batch: u64,
    hot: bool,
    pending: bool,
}

impl Load {
    const fn of(args: &Args) -> Self {
        Self {
            transfers: args.transfers,
            accounts: args.accounts,
            batch: args.batch,
            hot: args.hot,
            pending: args.pending,
        }
    }

    /// The commands of transfer `n`, the same in every run.
    fn commands(self, n: u64, out: &mut Vec<Command>) {
        let id = (Id::from(n + 1) << 42) | (1 << 41);
        let chance = splitmix(n);
        let debit = if self.hot { 1 } else { chance % self.accounts + 1 };
        let step = 1 + (chance >> 32) % (self.accounts - 1);
        let credit = (debit - 1 + step) % self.accounts + 1;
        let (debit, credit, amount) = (Id::from(debit), Id::from(credit), 1 + (chance >> 20) % 100);
        if self.pending {
            out.push(transfer(id | HOLD_BIT, LegOp::Hold { debit, credit, amount, expires: 0 }));
            out.push(transfer(id, LegOp::Post { hold: id | HOLD_BIT, amount: 0 }));
        } else {
            out.push(transfer(id, LegOp::Plain { debit, credit, amount }));
        }
    }
}

async fn client(engine: Engine, load: Load, next: Arc<AtomicU64>) -> Result<Histogram<u64>, String> {
    let mut latency = Histogram::<u64>::new(3).map_err(|error| error.to_string())?;
    loop {
        let from = next.fetch_add(load.batch, Ordering::Relaxed);
        if from >= load.transfers {
            return Ok(latency);
        }
        let mut commands = Vec::new();
        (from..load.transfers.min(from + load.batch)).for_each(|n| load.commands(n, &mut commands));
        let start = Instant::now();
        for answer in engine.submit_all(commands).await {
            answer.map_err(|error| format!("a transfer was not made: {error}"))?;
        }
        latency.record(start.elapsed().as_micros() as u64).map_err(|error| error.to_string())?;
    }
}

/// Sebastiano Vigna's SplitMix64: a fixed scatter of the numbers, so that runs are comparable.
const fn splitmix(n: u64) -> u64 {
    let mut z = n.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn folder_bytes(dir: &Path) -> u64 {
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
