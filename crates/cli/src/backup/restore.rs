//! `jialing restore`: a new folder from a backup.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use jialing_engine::backup::{At, Restored, restore};
use serde_json::json;

use super::{TABLES, existing, ledger_of, made, teller};
use crate::Done;

/// Arguments of `jialing restore`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The folder of the backup
    #[arg(long)]
    from: PathBuf,
    /// The new folder of the platform; must be empty or missing
    #[arg(long)]
    to: PathBuf,
    /// Only so many records of the ledger, down to the last whole group
    #[arg(long, value_name = "RECORDS", conflicts_with = "time")]
    position: Option<u64>,
    /// Only what the ledger recorded up to this time, for instance 2026-07-01T00:00:00+08:00
    #[arg(long)]
    time: Option<jiff::Timestamp>,
    /// The newest checkpoint of the log that anybody has (a file: from a witness, or saved from
    /// /v1/public/log/checkpoint): when it covers more than the backup, the folder is marked
    #[arg(long, value_name = "FILE")]
    published: Option<PathBuf>,
    /// Let the log go on from here although its key has signed more: what came after is void
    #[arg(long)]
    go_on: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Done {
    crate::log::start_quiet();
    let ledger = ledger_of(&args.from)?;
    let whole = ledger != args.from;
    refuse_full(&args.to)?;
    let from = existing(&ledger)?;
    let to = made(&if whole { args.to.join("ledger") } else { args.to.clone() })?;
    let published = args.published.as_deref().map(|file| {
        std::fs::read_to_string(file).map_err(|error| format!("cannot read {}: {error}", file.display()))
    });
    let at = match (args.position, args.time) {
        (Some(records), _) => At::Records(records),
        (None, Some(time)) => At::Time(
            u64::try_from(time.as_nanosecond()).map_err(|_| "--time lies before 1970 or too far ahead")?,
        ),
        (None, None) => At::Newest,
    };
    let done = restore(&from, &to, at, published.transpose()?.as_deref(), args.go_on, &mut teller("restore"));
    let done = done.map_err(|error| error.to_string())?;
    // Earlier than the newest, the tables would know of records that are not there.
    let tables = args.from.join(TABLES);
    let with_tables = whole && at == At::Newest && tables.is_file();
    if with_tables {
        copy(&tables, &args.to.join(TABLES))?;
    }
    if args.json {
        let Restored { records, known, checkpoint, marked } = done;
        let told = json!({
            "records": records, "known": known, "checkpoint": checkpoint, "marked": marked, "tables": with_tables,
        });
        println!("{told}");
    } else {
        print(args, &done, with_tables);
    }
    Ok(ExitCode::SUCCESS)
}

fn refuse_full(to: &Path) -> Result<(), String> {
    let entries = match std::fs::read_dir(to) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(|error| format!("cannot read {}: {error}", to.display()))?,
    };
    for entry in entries {
        let name = entry.map_err(|error| format!("cannot read {}: {error}", to.display()))?.file_name();
        if name != "lost+found" {
            return Err(format!(
                "{} is not empty (it has {}): a restore goes into an empty folder; if this is what an interrupted restore left, remove it",
                to.display(),
                name.display()
            ));
        }
    }
    Ok(())
}

fn copy(tables: &Path, to: &Path) -> Result<(), String> {
    let copied = std::fs::copy(tables, to)
        .and_then(|_| std::fs::File::open(to)?.sync_all())
        .and_then(|()| std::fs::File::open(to.parent().unwrap_or(Path::new(".")))?.sync_all());
    copied.map_err(|error| format!("cannot copy {} to {}: {error}", tables.display(), to.display()))
}

fn print(args: &Args, done: &Restored, tables: bool) {
    println!("records      {}, hashed to the root that was signed", done.records);
    println!("checkpoint   the newest here covers {} records", done.checkpoint);
    println!("tables       {}", if tables { "copied" } else { "not copied" });
    if !tables && !done.marked {
        println!("             restore the dump of the PostgreSQL database that was taken with this backup");
    }
    println!(
        "keys         are in no backup: put back those of the configuration, and ledger/checkpoint.key if it was in the folder"
    );
    if done.marked {
        println!(
            "\nATTENTION: the log's key has signed {} records, this folder has {}.",
            done.known, done.records
        );
        println!(
            "It is for looking only (jialing verify --ledger-only, jialing export): nothing will start on it."
        );
        println!(
            "To let the log go on from here would contradict receipts and checkpoints that others hold."
        );
        println!("Whoever decides that what came after is void restores again with --go-on.");
    } else {
        println!(
            "\n{} is restored. Check it: jialing verify --data {}",
            args.to.display(),
            args.to.display()
        );
    }
}
