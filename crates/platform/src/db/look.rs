//! Looking at tables without changing anything, and copying an SQLite file while it is in use.
//!
//! An audit must not bring the tables of another version up to date, nor leave files behind. So nothing
//! is migrated, and the version is compared instead.

use std::path::Path;

use sqlx::any::AnyConnectOptions;
use sqlx::{AnyConnection, ConnectOptions, Connection, Executor};

use super::{Backend, Db, Role, drivers, migrations, prepare};

/// Why tables cannot be looked at or copied. Every message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum LookError {
    /// The database refused.
    #[error(transparent)]
    Sql(#[from] sqlx::Error),
    /// The tables are of another version of this program.
    #[error(
        "the tables are of {0} version of this program: use that version, or start this one on them once, which brings older ones up to date"
    )]
    Version(&'static str),
    /// The copy is not whole.
    #[error("the copy of the tables is damaged: {0}. Is that disk good?")]
    Damaged(String),
}

/// How to open an SQLite file that is only to be read. One that was closed well is all in one file,
/// which is read as it is, on a medium that cannot be written too; else its log is read with it.
fn sqlite_url(path: &Path) -> String {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    let closed = std::fs::metadata(log).map_or(true, |log| log.len() == 0);
    format!("sqlite://{}?mode=ro{}", path.display(), if closed { "&immutable=true" } else { "" })
}

impl Db {
    /// Looks at the SQLite file at `path`, which nobody is using. Nothing can be written through it.
    ///
    /// # Errors
    /// See [`LookError`].
    pub async fn look_sqlite(path: &Path) -> Result<Self, LookError> {
        Self::look(Backend::Sqlite, &sqlite_url(path)).await
    }

    /// Looks at the tables at `postgres://…`. Nothing can be written through it.
    ///
    /// # Errors
    /// See [`LookError`].
    pub async fn look_postgres(url: &str) -> Result<Self, LookError> {
        Self::look(Backend::Postgres, url).await
    }

    async fn look(backend: Backend, url: &str) -> Result<Self, LookError> {
        drivers();
        let options: AnyConnectOptions = url.parse()?;
        let options = options.disable_statement_logging();
        let mut first = AnyConnection::connect_with(&options).await?;
        prepare(backend, Role::Reader, &mut first).await?;
        same_version(&mut first).await?;
        first.close().await?;
        Ok(Self::reading(backend, options, None).await?)
    }
}

/// An error unless the tables have just the migrations of this program.
async fn same_version(connection: &mut AnyConnection) -> Result<(), LookError> {
    let text = "SELECT version FROM _sqlx_migrations ORDER BY version";
    let done: Vec<i64> = sqlx::query_scalar(text).fetch_all(connection).await?;
    let known: Vec<i64> = migrations().iter().map(|migration| migration.version).collect();
    if known.iter().any(|version| !done.contains(version)) {
        return Err(LookError::Version("an older"));
    }
    if done.iter().any(|version| !known.contains(version)) {
        return Err(LookError::Version("a newer"));
    }
    Ok(())
}

/// Copies the SQLite file `from`, which may be in use, to the new file `to`: all that was committed at
/// one moment, in its smallest form. The copy is checked before it is flushed.
///
/// # Errors
/// See [`LookError`]; also when `to` exists.
pub async fn copy_sqlite(from: &Path, to: &Path) -> Result<(), LookError> {
    drivers();
    let open = async |url: String| -> Result<AnyConnection, LookError> {
        let options: AnyConnectOptions = url.parse()?;
        Ok(AnyConnection::connect_with(&options.disable_statement_logging()).await?)
    };
    let mut source = open(format!("sqlite://{}?mode=ro", from.display())).await?;
    source.execute("PRAGMA busy_timeout = 5000").await?;
    sqlx::query("VACUUM INTO $1").bind(to.display().to_string()).execute(&mut source).await?;
    source.close().await?;
    let mut copy = open(format!("sqlite://{}?mode=ro&immutable=true", to.display())).await?;
    let said: Vec<String> = sqlx::query_scalar("PRAGMA integrity_check(1)").fetch_all(&mut copy).await?;
    copy.close().await?;
    match said.first().map(String::as_str) {
        Some("ok") => {}
        said => return Err(LookError::Damaged(said.unwrap_or("no answer").to_owned())),
    }
    let synced = std::fs::File::open(to).and_then(|file| file.sync_all());
    Ok(synced.map_err(sqlx::Error::Io)?)
}
