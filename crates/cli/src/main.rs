//! `jialing`: the one binary. Each command is a thin door to a crate; none holds rules.

mod backup;
mod bench;
mod crash;
mod demo;
#[cfg(test)]
mod documents;
mod export;
mod keys;
mod log;
mod pipe;
mod sandbox;
mod serve;
mod verify;
mod witness;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use jialing_house as house;
use jialing_playground::actors;

/// An open digital-yuan wallet and payment platform for a city.
#[derive(Parser)]
#[command(name = "jialing", version, about, long_about = None, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// A seeded city on embedded storage, with moving traffic and a page that shows it
    Demo(demo::Args),
    /// The platform in production, from a configuration file
    Serve(serve::Args),
    /// Kill a platform under load, over and over, and look for lost or doubled money
    Crash(crash::Args),
    /// Measure: the ledger alone, or signed payments end to end
    Bench(bench::Args),
    /// Audit a stopped platform's folder, or one receipt, believing nothing
    Verify(verify::Args),
    /// Any range of the whole ledger as a table, from its journal, while the platform runs or not
    Export(export::Args),
    /// Copy a platform's folder while it runs; the next time only what is new
    Backup(backup::TakeArgs),
    /// A new folder from a backup, whole or up to an earlier position
    Restore(backup::RestoreArgs),
    /// Move the oldest part of the journal to another disk, where it is still read and proven
    Cold(backup::ColdArgs),
    /// Cosign checkpoints of logs that only grow, so that nobody can be shown another history
    Witness(witness::Args),
    /// Make keys; sign and check requests offline, as the API does
    Keys(keys::Args),
    /// Sandboxes for integrators: host them, make one, use it
    Sandbox(sandbox::Args),
    /// Bring a sandbox's notices to your receiver, which needs no public address
    Listen(sandbox::ListenArgs),
    /// Make an event really happen in a sandbox
    Trigger(sandbox::TriggerArgs),
    /// What was asked of a sandbox: status, code, signature outcome, the text that was signed over
    Logs(sandbox::LogsArgs),
    /// A sandbox's events
    Events(sandbox::EventsArgs),
    /// A sandbox's clock
    Clock(sandbox::ClockArgs),
    /// What goes wrong next in a sandbox
    Fault(sandbox::FaultArgs),
    /// Run the suite against your system in a sandbox; sign and check its report
    Conform(sandbox::ConformArgs),
}

fn main() -> ExitCode {
    pipe::end_quietly();
    let done = match Cli::parse().command {
        Command::Demo(args) => demo::run(&args),
        Command::Serve(args) => serve::run(&args),
        Command::Crash(args) => crash::run(&args),
        Command::Bench(args) => bench::run(args),
        Command::Verify(args) => verify::run(args),
        Command::Export(args) => export::run(&args),
        Command::Backup(args) => backup::take(&args),
        Command::Restore(args) => backup::restore(&args),
        Command::Cold(args) => backup::cold(&args),
        Command::Witness(args) => witness::run(&args),
        Command::Keys(args) => keys::run(args),
        Command::Sandbox(args) => sandbox::run(args),
        Command::Listen(args) => sandbox::listen(&args),
        Command::Trigger(args) => sandbox::trigger(args),
        Command::Logs(args) => sandbox::logs(&args),
        Command::Events(args) => sandbox::events(args),
        Command::Clock(args) => sandbox::clock(args),
        Command::Fault(args) => sandbox::fault(args),
        Command::Conform(args) => sandbox::conform(args),
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
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start the runtime: {error}"))
}
