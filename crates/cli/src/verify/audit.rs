//! The audit: the journal walked on one thread, the tables compared with its records on another.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::mpsc;

use jialing_engine::OpenError;
use jialing_engine::audit::{Report, Seen, verify};
use jialing_journal::{PublicKey, VerifierKey};
use jialing_ledger::{Body, Record};
use jialing_platform::Db;
use jialing_platform::verify::{self as tables, compare};
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;

use crate::house::told;

/// Records that may wait between the two threads.
const WAITING: usize = 1 << 13;

/// What is to be audited.
pub(crate) struct Audit {
    pub(crate) data: PathBuf,
    pub(crate) database: Option<String>,
    pub(crate) ledger_only: bool,
    pub(crate) key: Option<VerifierKey>,
    /// Whether to tell on standard error how far it has come.
    pub(crate) progress: bool,
}

/// What was found.
pub(crate) struct Found {
    pub(crate) data: PathBuf,
    pub(crate) ledger: Report,
    /// Transfers that moved money.
    pub(crate) transfers: u64,
    pub(crate) tables: Option<Tables>,
}

/// What was found in the tables.
pub(crate) struct Tables {
    pub(crate) report: tables::Report,
    /// Institutions' codes by the number of the liability holder.
    pub(crate) holders: BTreeMap<u32, String>,
}

impl Found {
    /// Whether nothing is wrong anywhere.
    pub(crate) fn is_sound(&self) -> bool {
        self.ledger.is_sound() && self.tables.as_ref().is_none_or(|tables| tables.report.is_clean())
    }
}

/// A sign of life, then the records: the first message says that the folder is ours.
type Message = Option<Record>;

/// Audits a folder. An `Err` says why it could not begin or go on; what is wrong is in the report.
pub(crate) async fn audit(asked: Audit) -> Result<Found, String> {
    let Audit { data, database, ledger_only, key, progress } = asked;
    let ledger = data.join("ledger");
    if !ledger.is_dir() {
        return Err(format!(
            "{} holds no ledger: name the folder that `jialing demo --data` or `data` in the configuration names",
            data.display()
        ));
    }
    if let (None, false, false) = (&database, ledger_only, data.join("jialing.db").is_file()) {
        return Err(format!(
            "{} has no tables (jialing.db): name the database with --database, or take --ledger-only",
            data.display()
        ));
    }
    let (tell, told) = mpsc::sync_channel(WAITING);
    let walking = spawn_blocking(move || walk(&ledger, key.map(|key| key.public), progress, &tell));
    let comparing = (!ledger_only).then(|| {
        let file = data.join("jialing.db");
        spawn_blocking(move || Handle::current().block_on(compare_with(database, &file, told)))
    });
    let walked = walking.await.map_err(|error| format!("the audit stopped: {error}"))?;
    let compared = match comparing {
        Some(comparing) => comparing.await.map_err(|error| format!("the audit stopped: {error}"))?,
        None => Ok(None),
    };
    let (ledger, transfers) = walked.map_err(in_use)?;
    Ok(Found { data, ledger, transfers, tables: compared? })
}

fn in_use(error: OpenError) -> String {
    match error {
        OpenError::InUse { dir, pid } => format!(
            "{dir} is in use by process {pid}: an audit needs a folder that stands still. Stop that process and try again, or audit a copy of the folder"
        ),
        other => other.to_string(),
    }
}

/// Walks the journal and hands on its records. A listener who has gone is no reason to stop.
fn walk(
    ledger: &Path,
    key: Option<PublicKey>,
    progress: bool,
    tell: &mpsc::SyncSender<Message>,
) -> Result<(Report, u64), OpenError> {
    let (mut transfers, mut shown) = (0, 0);
    let report = verify(ledger, key, &mut |seen| match seen {
        Seen::Record(record) => {
            transfers += u64::from(matches!(record.body, Body::Transfer(transfer) if transfer.op.moves()));
            let _ = tell.send(Some(*record));
        }
        Seen::Progress { records, of } => {
            let _ = tell.send(None);
            let percent = records * 100 / of.max(1);
            if progress && percent >= shown {
                eprintln!("verify: {records} of {of} records");
                // One line in twenty, so that a long journal does not fill the terminal.
                shown = percent + 5;
            }
        }
    })?;
    Ok((report, transfers))
}

/// Compares the tables with the records, once the folder is known to be ours.
async fn compare_with(
    database: Option<String>,
    file: &Path,
    records: mpsc::Receiver<Message>,
) -> Result<Option<Tables>, String> {
    let Ok(first) = records.recv() else { return Ok(None) };
    let db = match &database {
        Some(url) => Db::look_postgres(url)
            .await
            .map_err(|error| format!("cannot look at the PostgreSQL database: {error}"))?,
        None => Db::look_sqlite(file)
            .await
            .map_err(|error| format!("cannot look at {}: {error}", file.display()))?,
    };
    let found = async {
        let report = compare(&db, std::iter::once(first).chain(records).flatten()).await?;
        Ok(Tables { report, holders: tables::holders(&db).await? })
    };
    let found = found.await.map_err(|problem| told("reading the tables", &problem));
    db.close().await;
    found.map(Some)
}
