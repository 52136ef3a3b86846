//! `jialing`: the one binary. Each command is a thin door to a crate; none holds rules.

mod bench;
mod keys;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// An open digital-yuan wallet and payment platform for a city.
#[derive(Parser)]
#[command(name = "jialing", version, about, long_about = None, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measure: the ledger alone, or signed payments end to end
    Bench(bench::Args),
    /// Make keys; sign and check requests offline, as the API does
    Keys(keys::Args),
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Bench(args) => bench::run(args),
        Command::Keys(args) => keys::run(args),
    };
    match done {
        Ok(code) => code,
        Err(message) => {
            eprintln!("jialing: {message}");
            ExitCode::FAILURE
        }
    }
}

/// What a command answers: an exit code, or what went wrong and what to do, for a person.
type Done = Result<ExitCode, String>;

/// A runtime for the commands that need one.
fn runtime() -> Result<tokio::runtime::Runtime, String> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|error| format!("cannot start the runtime: {error}"))
}
