//! Figures, with the settings they were taken under. Never a test.

mod ledger;
mod payments;

use clap::Subcommand;

use crate::Done;

/// Arguments of `jialing bench`.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Durable, hashed, indexed transfers in the embedded engine
    Ledger(ledger::Args),
    /// Signed payments, end to end
    Payments(payments::Args),
}

pub(crate) fn run(args: Args) -> Done {
    match args.what {
        What::Ledger(args) => ledger::run(&args),
        What::Payments(args) => payments::run(&args),
    }
}

/// The process's highest resident memory so far, in MiB.
fn peak_rss_mb() -> u64 {
    std::fs::read_to_string("/proc/self/status")
        .ok()
        .and_then(|status| {
            status
                .lines()
                .find_map(|line| line.strip_prefix("VmHWM:")?.trim().split(' ').next()?.parse::<u64>().ok())
        })
        .map_or(0, |kib| kib / 1024)
}

/// One of the figures as it is printed in a table.
fn figure(figures: &serde_json::Value, name: &str) -> String {
    figures[name].to_string()
}
