//! `jialing bench ledger`: how many transfers a second, each flushed, hashed and indexed.
//!
//! ```text
//! this process: clients ══ loopback, the bulk protocol ══► a second process: door, engine, disk
//! ```
//!
//! Clients shake hands, seal and open frames as a bank would; each keeps some frames under way, so
//! that the engine always has the next one at hand. A batch's latency runs from the moment it is sent
//! to its answer, which comes after the flush. With `--in-process` the engine is called directly: what
//! is left out then is the network and the protocol.
//!
//! A *transfer* is a leg that moved money: in groups of three, each group counts three; a hold with
//! its post counts once.

mod figures;
mod load;
mod local;
mod probe;
mod remote;
mod server;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::figure;
use crate::Done;
use load::Load;

/// Arguments of `jialing bench ledger`.
#[derive(Clone, clap::Args)]
pub(crate) struct Args {
    /// Transfers to make
    #[arg(long, default_value_t = 1_000_000)]
    transfers: u64,
    /// Transfers to make before measuring begins, in the same ledger
    #[arg(long, default_value_t = 0)]
    before: u64,
    /// Accounts to spread them over
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(2..=1 << 32))]
    accounts: u64,
    /// Transfers in one submission
    #[arg(long, default_value_t = 8190, value_parser = clap::value_parser!(u64).range(1..=8190))]
    batch: u64,
    /// Clients, each with a connection of its own
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=1024))]
    clients: u64,
    /// Submissions that each client has under way
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=4))]
    depth: u64,
    /// One account is in every transfer
    #[arg(long)]
    hot: bool,
    /// Each transfer is a hold in one submission, then a post in another
    #[arg(long)]
    pending: bool,
    /// Legs in each all-or-nothing group
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=8))]
    groups: u64,
    /// Meters that each transfer charges
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u64).range(0..=4))]
    meters: u64,
    /// What the log hashes and signs with
    #[arg(long, value_enum, default_value_t = Suite::International)]
    suite: Suite,
    /// Afterwards look transfers up, page through histories, and start the ledger again
    #[arg(long)]
    probe: bool,
    /// Call the engine directly: no second process, no network, no protocol
    #[arg(long)]
    in_process: bool,
    /// Where to keep the journal while measuring; a temporary folder below the present one by default
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Be the second process
    #[arg(long, hide = true)]
    server: bool,
}

/// What the log hashes and signs with.
#[derive(Clone, Copy, Debug, clap::ValueEnum, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
enum Suite {
    /// SHA-256 and Ed25519
    International,
    /// SM3 and SM2
    Domestic,
}

pub(crate) fn run(args: &Args) -> Done {
    if args.server {
        return server::run();
    }
    if args.batch < args.groups {
        return Err("--batch must hold at least one group".into());
    }
    let dir = args.dir.clone().unwrap_or_else(|| format!(".jialing-bench-{}", std::process::id()).into());
    if dir.exists() {
        return Err(format!(
            "{} exists; name a folder that does not, it is removed afterwards",
            dir.display()
        ));
    }
    let figures = measure(args, &dir);
    let _ = std::fs::remove_dir_all(&dir);
    let figures = figures?;
    if args.json {
        println!("{figures}");
    } else {
        tell(args, &figures);
    }
    Ok(ExitCode::SUCCESS)
}

fn measure(args: &Args, dir: &Path) -> Result<serde_json::Value, String> {
    let load = Load::of(args);
    let measured =
        if args.in_process { local::measure(args, load, dir)? } else { remote::measure(args, load, dir)? };
    Ok(measured.figures(args))
}

fn tell(args: &Args, figures: &serde_json::Value) {
    let say = |name: &str, what: &str| println!("{:>12} {what}", figure(figures, name));
    say("transfers_per_second", "transfers/s");
    say("batch_p50_us", &format!("µs a batch of {} (median)", args.batch));
    say("batch_p99_us", "µs (99 of 100)");
    say("batch_max_us", "µs (worst)");
    say("bytes_per_transfer", "bytes on disk a transfer");
    say("peak_rss_mb", "MiB of memory at most");
    say("server_cpu_ns_per_transfer", "ns of CPU a transfer in the ledger's process, of which");
    for (thread, ns) in figures["threads_ns_per_transfer"].as_object().into_iter().flatten() {
        println!("{:>12}   {thread}", ns.to_string());
    }
    say("client_cpu_ns_per_transfer", "ns of CPU a transfer in the clients' process");
    if args.probe {
        let say = |name: &str, what: &str| println!("{:>12} {what}", figure(&figures["probe"], name));
        say("find_p50_us", "µs to find a transfer by its number (median)");
        say("find_p99_us", "µs (99 of 100)");
        say("page_p50_us", "µs for a page of 50 of an account's history (median)");
        say("page_p99_us", "µs (99 of 100)");
        say("start_ms", "ms to start again");
    }
}
