//! `jialing cold`: the oldest part of the journal on another disk.

use std::path::PathBuf;
use std::process::ExitCode;

use jialing_engine::cold::{Moved, move_segments};
use jialing_journal::Folder;
use serde_json::json;

use super::{existing, ledger_of};
use crate::Done;

/// Arguments of `jialing cold`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The folder of the platform; it may be running
    #[arg(long)]
    data: PathBuf,
    /// The cold folder; must be there. One that was moved is named here once, and its new place is noted
    #[arg(long)]
    to: PathBuf,
    /// Sealed segments that stay, the newest ones
    #[arg(long, value_name = "SEGMENTS", default_value_t = 16)]
    keep: u64,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Done {
    crate::log::start_quiet();
    let data = existing(&ledger_of(&args.data)?)?;
    let place = args.to.canonicalize().map_err(|error| {
        format!(
            "cannot open {}: {error}. The cold folder must be there: if it is the mount point of a disk, mount that first",
            args.to.display()
        )
    })?;
    let cold =
        Folder::existing(&place).map_err(|error| format!("cannot open {}: {error}", place.display()))?;
    let place = place.to_str().ok_or("the cold folder's name is not UTF-8")?;
    let mut told = |name: &str, bytes: u64| eprintln!("cold: moved {name}, {bytes} bytes");
    let moved =
        move_segments(&data, &cold, place, args.keep, &mut told).map_err(|error| error.to_string())?;
    let Moved { segments, bytes, noted, hot_from, kept, held_back } = moved;
    if args.json {
        let told = json!({
            "segments": segments, "bytes": bytes, "noted": noted, "hot_from": hot_from, "kept": kept,
            "held_back": held_back,
        });
        println!("{told}");
    } else {
        println!("moved        {segments} segments, {bytes} bytes, read again and linked to the signed root");
        if noted > 0 {
            println!("noted        {place} as the place of {noted} segments that were moved before");
        }
        println!("hot          records from {hot_from} on; {kept} sealed segments stay");
        if !held_back.is_empty() {
            println!("             {held_back}");
        }
    }
    Ok(ExitCode::SUCCESS)
}
