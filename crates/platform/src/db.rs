//! The SQL database: SQLite by default, PostgreSQL by setting, one portable SQL text for both.
//!
//! Reads take a pooled connection. Writes are *jobs*: an async closure over one transaction, run by a
//! writer thread, all or nothing. On SQLite a single writer runs the jobs that are waiting in one
//! transaction and commits them together: many requests share one flush. If one of them fails, all are
//! rolled back and run again, each in its own savepoint. On PostgreSQL several writers run one
//! serializable transaction per job, and a job that lost a conflict is run again. So a job must be safe
//! to repeat: it only touches the database, and it never waits for the ledger or the network. A job that answers `Err` changes nothing.
//!
//! On SQLite the writer's statements, and reads by a key ([`Db::quick`]), run without a driver's thread in
//! between (`embedded`), and rows of tables that seldom change are kept in memory until they do (`kept`).
//! PostgreSQL has neither: its driver waits for a network anyway, and other nodes write the same tables.
//!
//! Portable text: TEXT, BIGINT, SMALLINT, BLOB; `$1`; upsert; RETURNING; CTE; windows. Sums are
//! written `CAST(SUM(n) AS BIGINT)`. 128-bit ids are stored as their public text. Booleans are
//! SMALLINT 0 or 1. Times are BIGINT milliseconds since 1970.

mod embedded;
mod kept;
mod look;
mod queue;
mod tx;

use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::sync::{Arc, Once};
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AnyConnection, AssertSqlSafe, ConnectOptions, Connection, Executor};
use tokio::sync::{mpsc, oneshot};

use crate::{Code, Problem, Result};

use embedded::{Embedded, Spare};
use kept::{Changes, Touched};
pub(crate) use kept::{Kept, Table};
pub use look::{LookError, copy_sqlite};
use queue::{Queued, Waits};
pub use tx::{Reads, Tx};

/// Jobs that may wait for a writer before further ones are refused as overload.
pub const MAX_WAITING_JOBS: usize = 4096;
/// How long a job may wait for a writer: one that waited longer is refused as overload instead of run, so
/// that what is answered at all is answered in bounded time.
pub const PATIENCE: Duration = Duration::from_secs(1);
/// Jobs that SQLite commits together at most.
pub const MAX_JOBS_PER_COMMIT: usize = 256;
/// Times a job is run again after losing a serialization conflict on PostgreSQL.
pub const MAX_CONFLICT_RETRIES: u32 = 12;
/// Writer threads, each with a connection, on PostgreSQL.
pub const POSTGRES_WRITERS: usize = 8;
/// Pooled connections for reads.
const READERS: u32 = 8;

/// Which database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// Embedded, one file.
    Sqlite,
    /// A PostgreSQL server, or one that speaks its protocol.
    Postgres,
}

/// The database.
#[derive(Clone, Debug)]
pub struct Db {
    backend: Backend,
    read: Reads,
    /// What changed in an SQLite file that is ours alone.
    changes: Option<Arc<Changes>>,
    jobs: mpsc::Sender<Queued>,
    /// Jobs of followers, before all others and never refused.
    first: mpsc::Sender<Queued>,
    patience: Duration,
}

impl Db {
    /// Opens (and creates) the SQLite file at `path` and brings its tables up to date.
    ///
    /// # Errors
    /// Any error of the database or a migration.
    pub async fn sqlite(path: &Path) -> sqlx::Result<Self> {
        Self::open(Backend::Sqlite, &format!("sqlite://{}?mode=rwc", path.display())).await
    }

    /// Connects to `postgres://…` and brings its tables up to date.
    ///
    /// # Errors
    /// Any error of the database or a migration.
    pub async fn postgres(url: &str) -> sqlx::Result<Self> {
        Self::open(Backend::Postgres, url).await
    }

    async fn open(backend: Backend, url: &str) -> sqlx::Result<Self> {
        drivers();
        let options: AnyConnectOptions = url.parse()?;
        let options = options.disable_statement_logging();
        let mut first = AnyConnection::connect_with(&options).await?;
        prepare(backend, Role::Writer, &mut first).await?;
        if backend == Backend::Postgres {
            // The portable text says BLOB; PostgreSQL calls it bytea.
            first.execute("DO $$ BEGIN CREATE DOMAIN blob AS bytea; EXCEPTION WHEN duplicate_object THEN NULL; END $$").await?;
        }
        migrations().run(&mut first).await?;
        first.close().await?;

        let (jobs, waiting) = mpsc::channel(MAX_WAITING_JOBS);
        let (first, leading) = mpsc::channel(MAX_WAITING_JOBS);
        let waiting = Arc::new(tokio::sync::Mutex::new(Waits { leading, waiting }));
        let (mut changes, mut spare) = (None, None);
        match backend {
            Backend::Sqlite => {
                let file: SqliteConnectOptions = url.parse()?;
                let connection = Embedded::open(file.get_filename(), settings(backend, Role::Writer))?;
                let noted = Changes::of(file.get_filename());
                let touched = noted.watch(&connection)?;
                spare = Some(Spare::new(file.get_filename(), settings(backend, Role::Reader)));
                changes = Some(noted);
                writer(0, async move || write_together(Tx::embedded(connection), touched, waiting).await)?;
            }
            Backend::Postgres => {
                for n in 0..POSTGRES_WRITERS {
                    let mut connection = AnyConnection::connect_with(&options).await?;
                    prepare(backend, Role::Writer, &mut connection).await?;
                    let (connection, options) = (Tx::own(connection), options.clone());
                    let waiting = waiting.clone();
                    writer(n, async move || write_one_by_one(connection, options, waiting).await)?;
                }
            }
        }
        let reading = Self::reading(backend, options, spare).await?;
        Ok(Self { jobs, first, changes, ..reading })
    }

    /// One that only reads: no writer takes its jobs.
    async fn reading(
        backend: Backend,
        options: AnyConnectOptions,
        spare: Option<Arc<Spare>>,
    ) -> sqlx::Result<Self> {
        let read = AnyPoolOptions::new()
            .max_connections(READERS)
            .acquire_timeout(Duration::from_secs(5))
            .after_connect(move |connection, _| {
                Box::pin(async move { prepare(backend, Role::Reader, connection).await })
            })
            .connect_with(options)
            .await?;
        let read = Reads::new(read, spare);
        let (jobs, first) = (mpsc::channel(1).0, mpsc::channel(1).0);
        Ok(Self { backend, read, changes: None, jobs, first, patience: PATIENCE })
    }

    /// Which database this is; for operators' pages, never for choosing SQL.
    #[must_use]
    pub const fn backend(&self) -> Backend {
        self.backend
    }

    /// The pool for reads outside a transaction: sees everything committed before.
    #[must_use]
    pub const fn read(&self) -> &Reads {
        &self.read
    }

    /// A connection for reads outside a transaction that find a few rows by a key; it sees everything
    /// committed before. On SQLite they run at once, on the caller's thread: never ask it for many rows.
    ///
    /// # Errors
    /// Any fault of the database.
    pub(crate) async fn quick(&self) -> sqlx::Result<Tx> {
        self.read.quick().await
    }

    /// Asks the database whether it is there.
    ///
    /// # Errors
    /// Any fault of the database.
    pub async fn ping(&self) -> Result<()> {
        self.read.acquire().await?.ping().await.map_err(Problem::from)
    }

    /// Runs `job` in one transaction: all of it, or nothing.
    ///
    /// # Errors
    /// What the job answers; `overloaded` if too many jobs wait or it waited longer than [`PATIENCE`], and
    /// then it was not run; `internal` if it panicked.
    pub async fn write<T, F>(&self, job: F) -> Result<T>
    where
        T: Send + 'static,
        F: AsyncFn(&mut Tx) -> Result<T> + Send + 'static,
    {
        let until = Instant::now().checked_add(self.patience);
        Self::queue(&self.jobs, job, until).await
    }

    /// Runs a follower's `job` before those of requests, however long they wait: requests wait for
    /// followers, so that the other way round nothing would go on under load.
    ///
    /// # Errors
    /// What the job answers; `internal` if it panicked.
    pub async fn write_first<T, F>(&self, job: F) -> Result<T>
    where
        T: Send + 'static,
        F: AsyncFn(&mut Tx) -> Result<T> + Send + 'static,
    {
        Self::queue(&self.first, job, None).await
    }

    async fn queue<T, F>(to: &mpsc::Sender<Queued>, job: F, until: Option<Instant>) -> Result<T>
    where
        T: Send + 'static,
        F: AsyncFn(&mut Tx) -> Result<T> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let job = Box::new(Waiting { job, answer: Some(answer), result: None });
        to.try_send(Queued { job, until }).map_err(|_| Problem::new(Code::Overloaded))?;
        answered.await.map_err(|_| Problem::new(Code::Internal).detail("The SQL writer stopped."))?
    }

    /// The same database, whose jobs wait no longer than `patience` instead of [`PATIENCE`].
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Closes the readers; writers end when the last clone is dropped.
    pub async fn close(&self) {
        self.read.close().await;
    }
}

/// Starts the thread of a writer.
fn writer<F>(n: usize, write: F) -> sqlx::Result<()>
where
    F: AsyncFnOnce() + Send + 'static,
{
    let name = format!("sql-writer-{n}");
    let run = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime for the SQL writer").block_on(write());
    };
    std::thread::Builder::new().name(name).spawn(run).map(drop).map_err(sqlx::Error::Io)
}

fn drivers() {
    static DRIVERS: Once = Once::new();
    DRIVERS.call_once(sqlx::any::install_default_drivers);
}

fn migrations() -> sqlx::migrate::Migrator {
    sqlx::migrate!("./migrations")
}

/// What a connection is for.
#[derive(Clone, Copy)]
enum Role {
    Writer,
    Reader,
}

/// Session settings. SQLite: write-ahead log, flushed at each commit, and brought into the file when it has
/// grown to 32 MiB: a page that many commits change is copied once. A reader cannot write, and on
/// PostgreSQL it neither pays for serializable isolation nor can it lose a conflict.
const fn settings(backend: Backend, role: Role) -> &'static str {
    match (backend, role) {
        (Backend::Sqlite, Role::Writer) => {
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA busy_timeout = 5000; PRAGMA cache_size = -65536; PRAGMA wal_autocheckpoint = 8192;"
        }
        (Backend::Sqlite, Role::Reader) => {
            "PRAGMA busy_timeout = 5000; PRAGMA cache_size = -16384; PRAGMA query_only = ON;"
        }
        (Backend::Postgres, Role::Writer) => {
            "SET timezone = 'UTC'; SET default_transaction_isolation = 'serializable';"
        }
        (Backend::Postgres, Role::Reader) => {
            "SET timezone = 'UTC'; SET default_transaction_isolation = 'read committed'; SET default_transaction_read_only = on;"
        }
    }
}

async fn prepare(backend: Backend, role: Role, connection: &mut AnyConnection) -> sqlx::Result<()> {
    connection.execute(settings(backend, role)).await.map(drop)
}

/// A job with its answer's way back.
trait Job: Send {
    /// Runs it; true if it succeeded.
    fn run<'a>(&'a mut self, tx: &'a mut Tx) -> LocalBoxFuture<'a, std::result::Result<(), Failed>>;
    /// Sends the answer: the job's own if `committed` is fine, the problem otherwise.
    fn answer(self: Box<Self>, committed: std::result::Result<(), Problem>);
}

/// Why a run did not succeed.
enum Failed {
    /// The job said no; its answer is kept.
    Refused,
    /// The database asks to run it again.
    Conflict,
}

struct Waiting<F, T> {
    job: F,
    answer: Option<oneshot::Sender<Result<T>>>,
    result: Option<Result<T>>,
}

impl<T, F> Job for Waiting<F, T>
where
    T: Send + 'static,
    F: AsyncFn(&mut Tx) -> Result<T> + Send + 'static,
{
    fn run<'a>(&'a mut self, tx: &'a mut Tx) -> LocalBoxFuture<'a, std::result::Result<(), Failed>> {
        Box::pin(async move {
            let result = AssertUnwindSafe((self.job)(tx)).catch_unwind().await;
            let result =
                result.unwrap_or_else(|_| Err(Problem::new(Code::Internal).detail("A write job panicked.")));
            let outcome = match &result {
                Ok(_) => Ok(()),
                Err(problem) if problem.is_conflict() => Err(Failed::Conflict),
                Err(_) => Err(Failed::Refused),
            };
            self.result = Some(result);
            outcome
        })
    }

    fn answer(mut self: Box<Self>, committed: std::result::Result<(), Problem>) {
        let result = match (self.result.take(), committed) {
            (Some(Ok(value)), Ok(())) => Ok(value),
            (Some(Err(problem)), _) => Err(problem),
            (Some(Ok(_)), Err(problem)) => Err(problem),
            (None, Err(problem)) => Err(problem),
            (None, Ok(())) => Err(Problem::new(Code::Internal).detail("A write job was not run.")),
        };
        if let Some(answer) = self.answer.take() {
            let _ = answer.send(result);
        }
    }
}

type Queue = Arc<tokio::sync::Mutex<Waits>>;

/// SQLite: whatever waits is run in one transaction.
async fn write_together(mut connection: Tx, touched: Touched, queue: Queue) {
    let mut queue = queue.lock().await;
    let mut jobs = Vec::new();
    while queue.take(&mut jobs, MAX_JOBS_PER_COMMIT).await {
        let mut committed = run_plainly(&mut connection, &mut jobs).await;
        if committed == Ok(false) {
            committed = run_apart(&mut connection, &mut jobs).await.map(|()| true);
        }
        if committed.is_err() {
            let _ = connection.execute("ROLLBACK").await;
        }
        // Before anybody hears of it: what others keep in memory of these tables is good no longer.
        touched.tell();
        for job in jobs.drain(..) {
            job.answer(committed.clone().map(drop).map_err(Problem::from_shared));
        }
    }
}

fn said(error: sqlx::Error) -> String {
    error.to_string()
}

/// Runs the jobs as if none would fail, as nearly always none does, and commits; `false` when one did,
/// and then nothing is changed, unless it was the only one, and all is answered.
async fn run_plainly(connection: &mut Tx, jobs: &mut [Box<dyn Job>]) -> std::result::Result<bool, String> {
    connection.execute("BEGIN IMMEDIATE").await.map_err(said)?;
    let alone = jobs.len() == 1;
    for job in jobs {
        if job.run(connection).await.is_err() {
            connection.execute("ROLLBACK").await.map_err(said)?;
            return Ok(alone);
        }
    }
    connection.execute("COMMIT").await.map_err(said)?;
    Ok(true)
}

/// Runs the jobs again, each in a savepoint, so that one that fails leaves the others' work alone.
async fn run_apart(connection: &mut Tx, jobs: &mut [Box<dyn Job>]) -> std::result::Result<(), String> {
    connection.execute("BEGIN IMMEDIATE").await.map_err(said)?;
    for job in jobs {
        connection.execute("SAVEPOINT job").await.map_err(said)?;
        let after = match job.run(connection).await {
            Ok(()) => "RELEASE job",
            Err(_) => "ROLLBACK TO job; RELEASE job",
        };
        connection.execute(after).await.map_err(said)?;
    }
    connection.execute("COMMIT").await.map(drop).map_err(said)
}

/// PostgreSQL: one serializable transaction per job, run again after a conflict.
async fn write_one_by_one(mut connection: Tx, options: AnyConnectOptions, queue: Queue) {
    let mut jobs = Vec::new();
    while queue.lock().await.take(&mut jobs, 1).await {
        let Some(mut job) = jobs.pop() else { continue };
        let mut tries = 0;
        let committed = loop {
            match run_alone(&mut connection, job.as_mut()).await {
                Err(Failed::Conflict) if tries < MAX_CONFLICT_RETRIES => {
                    tries += 1;
                    tokio::time::sleep(Duration::from_millis(u64::from(tries * tries))).await;
                }
                Ok(committed) => break committed,
                Err(Failed::Refused) => break Ok(()),
                Err(Failed::Conflict) => {
                    break Err(
                        Problem::new(Code::Overloaded).detail("Too many concurrent writes of the same rows.")
                    );
                }
            }
        };
        job.answer(committed);
        if connection.ping().await.is_err()
            && let Ok(mut fresh) = AnyConnection::connect_with(&options).await
        {
            let _ = prepare(Backend::Postgres, Role::Writer, &mut fresh).await;
            connection = Tx::own(fresh);
        }
    }
}

async fn run_alone(
    connection: &mut Tx,
    job: &mut dyn Job,
) -> std::result::Result<std::result::Result<(), Problem>, Failed> {
    if let Err(error) = connection.execute("BEGIN").await {
        return Ok(Err(error.into()));
    }
    if let Err(failed) = job.run(connection).await {
        let _ = connection.execute("ROLLBACK").await;
        return Err(failed);
    }
    match connection.execute("COMMIT").await {
        Ok(_) => Ok(Ok(())),
        Err(error) => {
            let _ = connection.execute("ROLLBACK").await;
            let problem = Problem::from(error);
            if problem.is_conflict() { Err(Failed::Conflict) } else { Ok(Err(problem)) }
        }
    }
}

/// `$first, $first+1, …` for a list of `count` values.
#[must_use]
pub fn places(first: usize, count: usize) -> String {
    (first..first + count).map(|n| format!("${n}")).collect::<Vec<_>>().join(", ")
}

/// Executes SQL that the caller composed from constants only, never from input.
///
/// # Errors
/// Any error of the database.
pub async fn execute_trusted(tx: &mut Tx, sql: String) -> sqlx::Result<u64> {
    Ok(tx.execute(AssertSqlSafe(sql)).await?.rows_affected())
}

/// Whether `error` says that a unique key is taken.
#[must_use]
pub fn is_taken(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(sqlx::error::DatabaseError::is_unique_violation)
}
