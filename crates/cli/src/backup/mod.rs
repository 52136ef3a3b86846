//! `jialing backup`, `jialing restore`, `jialing cold`: a platform's folder, copied, brought back, and
//! its oldest part moved away.
//!
//! The tables are copied first, then the journal: followers can do again what the journal says and the
//! tables do not know yet, but nothing can make up records that a table already knows of.

mod cold;
mod restore;
mod take;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jialing_engine::backup::Progress;
use jialing_journal::{Disk, Folder};

pub(crate) use cold::{Args as ColdArgs, run as cold};
pub(crate) use restore::{Args as RestoreArgs, run as restore};
pub(crate) use take::{Args as TakeArgs, run as take};

/// The file of the tables in a folder.
const TABLES: &str = "jialing.db";

/// The ledger inside a platform's folder, or the folder itself when it is a ledger.
fn ledger_of(data: &Path) -> Result<PathBuf, String> {
    let inside = data.join("ledger");
    if inside.is_dir() {
        return Ok(inside);
    }
    if data.join("genesis").is_file() {
        return Ok(data.to_owned());
    }
    Err(format!(
        "{} holds no ledger: name the folder that `jialing demo --data` or `data` in the configuration names",
        data.display()
    ))
}

fn existing(folder: &Path) -> Result<Arc<dyn Disk>, String> {
    let opened =
        Folder::existing(folder).map_err(|error| format!("cannot open {}: {error}", folder.display()))?;
    Ok(Arc::new(opened))
}

fn made(folder: &Path) -> Result<Arc<dyn Disk>, String> {
    let made = Folder::make(folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
    Ok(Arc::new(made))
}

/// Tells on standard error how far it is, a line for every twentieth.
fn teller(what: &'static str) -> impl FnMut(Progress) {
    let mut shown = 0;
    move |Progress { verified, of }| {
        let percent = verified * 100 / of.max(1);
        if percent >= shown {
            eprintln!("{what}: {verified} of {of} records");
            shown = percent + 5;
        }
    }
}

/// A time in nanoseconds since 1970, for a person.
fn moment(nanos: u64) -> String {
    let at = jiff::Timestamp::from_nanosecond(i128::from(nanos));
    at.map_or_else(|_| format!("{nanos} ns"), |at| at.to_string())
}
