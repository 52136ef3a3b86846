//! `jialing export`: any range of the whole ledger as a table, straight from its journal.
//!
//! The folder is only read, and the platform may run meanwhile: the export ends where the newest signed
//! checkpoint ends. Every field of every record has a column, so a whole export has the tree's leaves
//! in it and can be compared with the checkpoint that is written beside it.

mod records;

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::ValueEnum;
use jialing_crypto::hash::{HashAlgorithm, Hasher};
use jialing_engine::look::Look;
use jialing_ledger::Nanos;
use jialing_platform::history::RangeAsk;
use jialing_sheet::{Format, Sheet};
use serde_json::json;

use crate::Done;

/// Records between two signs of progress.
const PROGRESS: u64 = 1_000_000;
/// The format's name and version of what is written beside the file.
const FORMAT: &str = "jialing-ledger-export/1";

/// Arguments of `jialing export`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The folder of the platform, as `jialing demo` and `jialing serve` use it, or a ledger's folder
    #[arg(long)]
    data: PathBuf,
    /// The first record: its number, or a time (RFC 3339), or a year, month or day at UTC+8
    #[arg(long, value_name = "SEQ|TIME", default_value = "0")]
    from: String,
    /// The first record that is left out, given likewise; all that is signed for by default
    #[arg(long, value_name = "SEQ|TIME")]
    to: Option<String>,
    /// The form of the table
    #[arg(long, value_enum)]
    format: Form,
    /// The file to write; one that is there is not touched
    #[arg(long)]
    out: PathBuf,
    /// Begin CSV with a byte order mark, for spreadsheet programs
    #[arg(long)]
    bom: bool,
    /// Say nothing on the way
    #[arg(long)]
    quiet: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    Csv,
    Parquet,
}

/// Where a range begins or ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Edge {
    Record(u64),
    Time(Nanos),
}

pub(crate) fn run(args: &Args) -> Done {
    let (from, to) = (edge(&args.from)?, args.to.as_deref().map(edge).transpose()?);
    let ledger = args.data.join("ledger");
    let folder = if ledger.is_dir() { &ledger } else { &args.data };
    let look = Look::open(folder).map_err(|error| error.to_string())?;
    let place = |edge| match edge {
        Edge::Record(seq) => Ok(seq.min(look.records())),
        Edge::Time(time) => look.records_before(time).map_err(|error| error.to_string()),
    };
    let (first, end) = (place(from)?, to.map_or(Ok(look.records()), place)?);
    if end < first {
        return Err(format!("--to lies before --from: records {first} to {end}"));
    }
    let beside = with_ending(&args.out, ".checkpoint.json");
    if let Some(there) = [&args.out, &beside].into_iter().find(|path| path.exists()) {
        return Err(format!("{} is there already; choose another name or remove it", there.display()));
    }
    let unfinished = with_ending(&args.out, ".part");
    let written = write(&look, first, end, args, &unfinished);
    let (bytes, sha256) = written.map_err(|error| {
        let _ = std::fs::remove_file(&unfinished);
        format!("cannot write {}: {error}", args.out.display())
    })?;
    let saying = |path: &Path| {
        let path = path.display().to_string();
        move |error: io::Error| format!("{path}: {error}")
    };
    std::fs::rename(&unfinished, &args.out).map_err(saying(&args.out))?;
    let checkpoint = look.checkpoint();
    let about = json!({
        "format": FORMAT,
        "file": args.out.file_name().and_then(|name| name.to_str()),
        "first_record": first, "end_record": end, "bytes": bytes, "sha256": hex(&sha256),
        "verifier_key": look.verifier_key(), "tree_size": checkpoint.size, "checkpoint": checkpoint.note,
    });
    std::fs::write(&beside, format!("{about:#}\n")).map_err(saying(&beside))?;
    println!(
        "{} records ({first} to {end}) in {}, {bytes} bytes, sha256 {}\nthe signed checkpoint that covers them is in {}",
        end - first,
        args.out.display(),
        hex(&sha256),
        beside.display()
    );
    Ok(ExitCode::SUCCESS)
}

fn write(look: &Look, first: u64, end: u64, args: &Args, path: &Path) -> io::Result<(u64, [u8; 32])> {
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    let out = Hashed {
        file: BufWriter::with_capacity(1 << 20, file),
        bytes: 0,
        hash: HashAlgorithm::Sha256.hasher(),
    };
    let format = match args.format {
        Form::Csv => Format::Csv { bom: args.bom },
        Form::Parquet => Format::Parquet,
    };
    let (key, begin, after) = (look.verifier_key(), first.to_string(), end.to_string());
    let notes = [("ledger", key.as_str()), ("first_record", &begin), ("end_record", &after)];
    let mut sheet = Sheet::new(out, format, records::columns(), &notes)?;
    look.visit(first, end, |record| {
        if !args.quiet && (record.seq + 1).is_multiple_of(PROGRESS) {
            eprintln!("jialing: {} of {} records", record.seq + 1 - first, end - first);
        }
        records::write(&mut sheet, record)
    })?;
    let out = sheet.finish()?;
    out.file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
    Ok((out.bytes, out.hash.finish()))
}

/// A file that is hashed and counted while it is written.
struct Hashed {
    file: BufWriter<File>,
    bytes: u64,
    hash: Hasher,
}

impl Write for Hashed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write_all(bytes)?;
        self.hash.update(bytes);
        self.bytes += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Reads where a range begins or ends. A period stands for its beginning.
fn edge(text: &str) -> Result<Edge, String> {
    if text.len() != 4
        && let Ok(seq) = text.parse()
    {
        return Ok(Edge::Record(seq));
    }
    if let Ok(time) = text.parse::<jiff::Timestamp>() {
        return Ok(Edge::Time(Nanos::try_from(time.as_nanosecond()).unwrap_or(0)));
    }
    // Four digits are a year where they can be one, or else a record.
    let asked = RangeAsk { period: Some(text.to_owned()), ..RangeAsk::default() };
    match (asked.range(), text.parse()) {
        (_, Ok(seq)) if !(1970..=2200).contains(&seq) => Ok(Edge::Record(seq)),
        (Ok(range), _) => Ok(Edge::Time(u64::try_from(range.from).unwrap_or(0).saturating_mul(1_000_000))),
        _ => Err(format!(
            "{text:?} is neither a record's number nor a time as in 2026-11-22T08:00:00+08:00, 2026-11-22 or 2026-11"
        )),
    }
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_given_by_records_or_times() {
        let check = |text: &str, expect: Option<Edge>| assert_eq!(edge(text).ok(), expect, "{text}");
        let time = |text: &str| {
            let at: jiff::Timestamp = text.parse().expect("a time");
            Some(Edge::Time(Nanos::try_from(at.as_nanosecond()).expect("after 1970")))
        };
        check("0", Some(Edge::Record(0)));
        check("18446744073709551615", Some(Edge::Record(u64::MAX)));
        check("1500", Some(Edge::Record(1500)));
        check("2026", time("2026-01-01T00:00:00+08:00"));
        check("2026-11", time("2026-11-01T00:00:00+08:00"));
        check("2026-11-22", time("2026-11-22T00:00:00+08:00"));
        check("2026-11-22T08:00:00.000000001+08:00", time("2026-11-22T00:00:00.000000001Z"));
        check("1960-01-01T00:00:00Z", Some(Edge::Time(0)));
        check("-1", None);
        check("2026-13", None);
        check("yesterday", None);
        check("", None);
    }
}
