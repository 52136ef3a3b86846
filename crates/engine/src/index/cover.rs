//! Which files of the index count: the fewest good ones that cover the log from its beginning.

use std::io;
use std::sync::Arc;

use jialing_journal::Hash;
use jialing_journal::disk::Disk;

use super::run::{BadRun, Kind, Run, Span};

/// A part of the log: a run covers it, or none does.
pub(crate) enum Part {
    Run(Run),
    Missing(u64, u64),
}

impl Part {
    pub(super) const fn end(&self) -> u64 {
        match self {
            Self::Run(run) => run.span.end,
            Self::Missing(_, end) => *end,
        }
    }
}

/// The fewest good runs of a kind within the first `records` records, in order, and the parts between
/// them that none covers; what comes after the last run is not named. Reads only.
pub(crate) fn cover(disk: &dyn Disk, log: &Hash, kind: Kind, records: u64) -> io::Result<Vec<Part>> {
    let mut found = found_runs(disk, log, kind)?;
    found.retain(|run| run.span.first < run.span.end && run.span.end <= records);
    // Of those that begin together the longest first: it was merged from the others.
    found.sort_by_key(|run| (run.span.first, std::cmp::Reverse(run.span.end)));
    let (mut parts, mut next) = (Vec::new(), 0);
    for run in found {
        if run.span.first < next {
            continue;
        }
        if run.span.first > next {
            parts.push(Part::Missing(next, run.span.first));
        }
        next = run.span.end;
        parts.push(Part::Run(run));
    }
    Ok(parts)
}

/// All good runs of a kind on disk.
fn found_runs(disk: &dyn Disk, log: &Hash, kind: Kind) -> io::Result<Vec<Run>> {
    let names = match disk.list("index") {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        names => names?,
    };
    let mut found = Vec::new();
    for name in names {
        if Span::parse(&name).is_some_and(|(other, ..)| other == kind) {
            match Run::open(disk, log, &format!("index/{name}")) {
                Ok(run) => found.push(run),
                Err(error) if is_bad(&error) => tracing::warn!(%error, "an index file is passed over"),
                Err(error) => return Err(error),
            }
        }
    }
    Ok(found)
}

/// Removes the file that a failed read found bad, if that was why it failed: what is there can be made
/// again, and the next start does, rather than meet the same bytes again.
pub(crate) fn discard_bad(disk: &dyn Disk, error: &io::Error) {
    let Some(bad) = error.get_ref().and_then(|inner| inner.downcast_ref::<BadRun>()) else { return };
    match disk.remove(&bad.name).and_then(|()| disk.sync_folder("index")) {
        Ok(()) => tracing::error!(%bad, "restart to have the index whole again"),
        Err(error) => tracing::error!(%bad, %error, "and it could not be removed: remove it and restart"),
    }
}

fn is_bad(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof)
}

/// Removes the files of a kind that the chosen runs make needless, and unfinished ones.
pub(super) fn remove_others(disk: &dyn Disk, kind: Kind, runs: &[Arc<Run>]) -> io::Result<()> {
    for name in disk.list("index")? {
        let path = format!("index/{name}");
        let needless = Span::parse(&name)
            .is_some_and(|(other, ..)| other == kind && !runs.iter().any(|run| run.span.name() == path));
        if needless || name.ends_with(".tmp") {
            disk.remove(&path)?;
        }
    }
    Ok(())
}
