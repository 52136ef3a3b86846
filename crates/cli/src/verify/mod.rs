//! `jialing verify`: an audit of a stopped platform's folder, with nothing believed.
//!
//! The journal is computed again from its segments alone and compared with all that is stored beside
//! it; then the tables are compared with the journal, record by record while it is read, so that
//! memory stays small; then the audit chain. Nothing is changed: tables of another version are refused.

mod audit;
mod export;
mod receipt;
mod report;
mod supply;
mod trusting;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;
use jialing_journal::VerifierKey;

use crate::{Done, runtime};

pub(crate) use audit::{Audit, audit};

/// Arguments of `jialing verify`.
#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: Option<What>,
    /// The folder of the platform, as `jialing demo` and `jialing serve` use it
    #[arg(long, required = true)]
    data: Option<PathBuf>,
    /// The tables are in this PostgreSQL database instead of the folder
    #[arg(long)]
    database: Option<String>,
    /// The ledger alone, without tables
    #[arg(long, conflicts_with = "database")]
    ledger_only: bool,
    /// The log must be the one with this verifier key, as published at /v1/public/keys
    #[arg(long, value_name = "VERIFIER_KEY", value_parser = verifier_key)]
    key: Option<VerifierKey>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Subcommand)]
enum What {
    /// Check a receipt with nothing but the ledger's key
    Receipt(receipt::Args),
    /// Check an exported file and its proof with nothing but the ledger's key
    Export(export::Args),
    /// Check a day's money supply, or that a balance is counted in it
    Supply(supply::Args),
}

pub(crate) fn run(args: Args) -> Done {
    crate::log::start_quiet();
    match args.what {
        Some(What::Receipt(receipt)) => return receipt::run(&receipt),
        Some(What::Export(export)) => return export::run(&export),
        Some(What::Supply(supply)) => return supply::run(&supply),
        None => {}
    }
    let data = args.data.ok_or("--data is missing")?;
    let asked =
        Audit { data, database: args.database, ledger_only: args.ledger_only, key: args.key, progress: true };
    let found = runtime()?.block_on(audit(asked))?;
    if args.json {
        println!("{}", found.to_json());
    } else {
        print!("{found}");
    }
    Ok(if found.is_sound() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Reads a C2SP verifier key: `<origin>+<hash>+<base64>`.
fn verifier_key(text: &str) -> Result<VerifierKey, String> {
    VerifierKey::parse(text.trim()).ok_or_else(|| "not a verifier key: it looks like jialing.example/city+1a2b3c4d+AeUq…, whole, with its three parts".to_owned())
}
