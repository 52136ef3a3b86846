//! `jialing backup`: while the platform runs.

use std::path::PathBuf;
use std::process::ExitCode;

use jialing_engine::backup::{Taken, take};
use jialing_platform::db::copy_sqlite;
use serde_json::json;

use super::{TABLES, existing, ledger_of, made, moment, teller};
use crate::{Done, runtime};

/// Arguments of `jialing backup`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The folder of the platform; it may be running
    #[arg(long)]
    data: PathBuf,
    /// The folder of the backup; made when missing, brought up to date when it is there
    #[arg(long)]
    to: PathBuf,
    /// The ledger alone, without tables (those in PostgreSQL are dumped by its own tools, before this)
    #[arg(long)]
    ledger_only: bool,
    /// Read and verify all that the backup holds again, and copy again what is bad
    #[arg(long)]
    recheck: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Done {
    crate::log::start_quiet();
    let ledger = ledger_of(&args.data)?;
    let from = existing(&ledger)?;
    let inside = if ledger == args.data { args.to.clone() } else { args.to.join("ledger") };
    let to = made(&inside)?;
    let tables = args.data.join(TABLES);
    let with_tables = !args.ledger_only && tables.is_file();
    if !args.ledger_only && !with_tables && ledger != args.data {
        return Err(format!(
            "{} has no tables ({TABLES}): dump the PostgreSQL database first, then take --ledger-only",
            args.data.display()
        ));
    }
    let part = args.to.join(format!("{TABLES}.part"));
    if with_tables {
        copy_tables(&tables, &part)?;
    }
    let taken = take(&from, &to, args.recheck, &mut teller("backup")).map_err(|error| error.to_string())?;
    if with_tables {
        // Only now: an interrupted run leaves the tables and the journal of the backup before.
        let wrap = |error| format!("cannot name {}: {error}", part.display());
        std::fs::rename(&part, args.to.join(TABLES)).map_err(wrap)?;
        std::fs::File::open(&args.to).and_then(|folder| folder.sync_all()).map_err(wrap)?;
    }
    if args.json {
        println!("{}", json_of(&taken, with_tables));
    } else {
        print(args, &taken, with_tables);
    }
    Ok(ExitCode::SUCCESS)
}

fn copy_tables(tables: &std::path::Path, part: &std::path::Path) -> Result<(), String> {
    match std::fs::remove_file(part) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(format!("cannot remove {}: {error}", part.display()));
        }
        _ => {}
    }
    let copied = runtime()?.block_on(copy_sqlite(tables, part));
    copied.map_err(|error| format!("cannot copy {} to {}: {error}", tables.display(), part.display()))
}

fn json_of(taken: &Taken, tables: bool) -> serde_json::Value {
    json!({
        "records": taken.records,
        "before": taken.before,
        "bytes_copied": taken.copied,
        "segments": taken.segments,
        "snapshot": taken.snapshot,
        "tables": tables,
        "at": moment(taken.time),
        "checkpoint": taken.checkpoint,
    })
}

fn print(args: &Args, taken: &Taken, tables: bool) {
    println!("records      {}, {} of them new", taken.records, taken.records - taken.before);
    println!("copied       {} bytes; {} segments in the backup", taken.copied, taken.segments);
    match taken.snapshot {
        0 => println!("snapshot     none yet; a restored ledger replays all records when it starts"),
        size => println!("snapshot     of {size} records"),
    }
    println!("tables       {}", if tables { "copied and checked, before the journal" } else { "not copied" });
    println!("checkpoint   {}, read again and linked up to its root", moment(taken.time));
    println!("\n{} is a whole backup.", args.to.display());
}
