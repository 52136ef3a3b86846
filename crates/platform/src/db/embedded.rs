//! SQLite where it is called.
//!
//! sqlx gives each SQLite connection a thread and passes it every statement and back every row: two
//! hops, which cost several times what a look-up by key does. Here a statement runs at once, on the
//! thread that asks. Texts, values and rows are those of `sqlx::Any`, so that no domain knows on which
//! of the two it runs. A statement blocks its thread for as long as it takes: the writer has a thread of
//! its own, and whoever reads this way reads a few rows by a key.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::types::{Null, ValueRef};
use rusqlite::{Connection, OpenFlags, Statement};
use sqlx::any::{AnyArguments, AnyRow, AnyTypeInfo, AnyTypeInfoKind, AnyValue};
use sqlx::error::{DatabaseError, ErrorKind};
use sqlx_core::HashMap;
use sqlx_core::any::{AnyColumn, AnyValueKind};
use sqlx_core::ext::ustr::UStr;

/// Statements that a connection keeps prepared.
const PREPARED: usize = 512;
/// Texts whose shape is remembered; beyond it all are forgotten, as lists in statements have many lengths.
const SHAPES: usize = 4 * PREPARED;

/// A connection to an SQLite file.
#[derive(Debug)]
pub(super) struct Embedded {
    connection: Connection,
    shapes: HashMap<Arc<str>, Arc<Shape>>,
}

/// What is known of a statement's text.
#[derive(Debug)]
struct Shape {
    /// For each parameter in SQLite's order the argument that it takes, from 0: `$2` may come first.
    arguments: Vec<usize>,
    columns: Vec<AnyColumn>,
    names: Arc<HashMap<UStr, usize>>,
}

/// What a statement did.
pub(super) struct Done {
    pub(super) rows: Vec<AnyRow>,
    pub(super) affected: u64,
}

impl Embedded {
    /// Opens the file, which exists, and runs `settings`.
    pub(super) fn open(path: &Path, settings: &str) -> sqlx::Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(fault)?;
        connection.set_prepared_statement_cache_capacity(PREPARED);
        connection.execute_batch(settings).map_err(fault)?;
        Ok(Self { connection, shapes: HashMap::default() })
    }

    /// Calls `told` with the table of each row that this connection changes.
    pub(super) fn on_change(&self, mut told: impl FnMut(&str) + Send + 'static) -> sqlx::Result<()> {
        self.connection.update_hook(Some(move |_, _: &str, table: &str, _| told(table))).map_err(fault)
    }

    /// Runs a statement to its end and keeps at most `most` of its rows. A text without arguments may be
    /// several statements, whose rows nobody wants.
    pub(super) fn run(
        &mut self,
        sql: &str,
        arguments: Option<AnyArguments>,
        most: usize,
    ) -> sqlx::Result<Done> {
        let Self { connection, shapes } = self;
        if arguments.is_none() && sql.trim_end().trim_end_matches(';').contains(';') {
            connection.execute_batch(sql).map_err(fault)?;
            return Ok(Done { rows: Vec::new(), affected: connection.changes() });
        }
        let mut statement = connection.prepare_cached(sql).map_err(fault)?;
        let shape = match shapes.get(sql) {
            Some(known) => known.clone(),
            None => {
                if shapes.len() >= SHAPES {
                    shapes.clear();
                }
                let shape = Arc::new(Shape::of(&statement)?);
                shapes.insert(sql.into(), shape.clone());
                shape
            }
        };
        let arguments = arguments.map(|arguments| arguments.values.0).unwrap_or_default();
        for (place, &argument) in shape.arguments.iter().enumerate() {
            let value = arguments.get(argument).ok_or_else(|| {
                sqlx::Error::Protocol(format!("a statement has no argument ${}", argument + 1))
            })?;
            bind(&mut statement, place + 1, value)?;
        }
        // What writes is run to its end also when no more rows are wanted.
        let to_the_end = !statement.readonly();
        let mut rows = Vec::new();
        let mut found = statement.raw_query();
        while let Some(row) = found.next().map_err(fault)? {
            if rows.len() < most {
                rows.push(shape.read(row)?);
            }
            if rows.len() >= most && !to_the_end {
                break;
            }
        }
        drop(found);
        drop(statement);
        Ok(Done { rows, affected: connection.changes() })
    }
}

impl Shape {
    fn of(statement: &Statement<'_>) -> sqlx::Result<Self> {
        let arguments = (1..=statement.parameter_count())
            .map(|place| {
                let name = statement.parameter_name(place).and_then(|name| name.strip_prefix('$'));
                let number = name.and_then(|number| number.parse::<usize>().ok()?.checked_sub(1));
                number.ok_or_else(|| sqlx::Error::Protocol("parameters are written $1, $2, …".into()))
            })
            .collect::<sqlx::Result<_>>()?;
        let named = statement.column_names();
        let column = |(ordinal, name): (usize, &&str)| AnyColumn {
            ordinal,
            name: UStr::new(name),
            type_info: AnyTypeInfo { kind: AnyTypeInfoKind::Null },
        };
        let columns: Vec<AnyColumn> = named.iter().enumerate().map(column).collect();
        let names = columns.iter().map(|column| (column.name.clone(), column.ordinal)).collect();
        Ok(Self { arguments, columns, names: Arc::new(names) })
    }

    fn read(&self, row: &rusqlite::Row<'_>) -> sqlx::Result<AnyRow> {
        let mut values = Vec::with_capacity(self.columns.len());
        for place in 0..self.columns.len() {
            let kind = match row.get_ref(place).map_err(fault)? {
                ValueRef::Null => AnyValueKind::Null(AnyTypeInfoKind::Null),
                ValueRef::Integer(number) => AnyValueKind::BigInt(number),
                ValueRef::Real(number) => AnyValueKind::Double(number),
                ValueRef::Text(bytes) => {
                    let text =
                        std::str::from_utf8(bytes).map_err(|error| sqlx::Error::Decode(error.into()))?;
                    AnyValueKind::Text(Arc::new(text.to_owned()))
                }
                ValueRef::Blob(bytes) => AnyValueKind::Blob(Arc::new(bytes.to_vec())),
            };
            values.push(AnyValue { kind });
        }
        Ok(AnyRow { column_names: self.names.clone(), columns: self.columns.clone(), values })
    }
}

fn bind(statement: &mut Statement<'_>, place: usize, value: &AnyValueKind) -> sqlx::Result<()> {
    match value {
        AnyValueKind::Null(_) => statement.raw_bind_parameter(place, Null),
        AnyValueKind::Bool(yes) => statement.raw_bind_parameter(place, i64::from(*yes)),
        AnyValueKind::SmallInt(number) => statement.raw_bind_parameter(place, i64::from(*number)),
        AnyValueKind::Integer(number) => statement.raw_bind_parameter(place, i64::from(*number)),
        AnyValueKind::BigInt(number) => statement.raw_bind_parameter(place, *number),
        AnyValueKind::Real(number) => statement.raw_bind_parameter(place, f64::from(*number)),
        AnyValueKind::Double(number) => statement.raw_bind_parameter(place, *number),
        AnyValueKind::Text(text) => statement.raw_bind_parameter(place, text.as_str()),
        AnyValueKind::TextSlice(text) => statement.raw_bind_parameter(place, &**text),
        AnyValueKind::Blob(bytes) => statement.raw_bind_parameter(place, bytes.as_slice()),
        other => return Err(sqlx::Error::Protocol(format!("SQLite takes no {other:?}"))),
    }
    .map_err(fault)
}

/// What SQLite said was wrong.
#[derive(Debug)]
struct Fault {
    /// The extended result code.
    code: i32,
    message: String,
}

fn fault(error: rusqlite::Error) -> sqlx::Error {
    match error.sqlite_error() {
        Some(known) => {
            sqlx::Error::Database(Box::new(Fault { code: known.extended_code, message: error.to_string() }))
        }
        None => sqlx::Error::AnyDriverError(Box::new(error)),
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "(code: {}) {}", self.code, self.message)
    }
}

impl StdError for Fault {}

impl DatabaseError for Fault {
    fn message(&self) -> &str {
        &self.message
    }

    fn code(&self) -> Option<Cow<'_, str>> {
        Some(self.code.to_string().into())
    }

    fn as_error(&self) -> &(dyn StdError + Send + Sync + 'static) {
        self
    }

    fn as_error_mut(&mut self) -> &mut (dyn StdError + Send + Sync + 'static) {
        self
    }

    fn into_error(self: Box<Self>) -> Box<dyn StdError + Send + Sync + 'static> {
        self
    }

    fn kind(&self) -> ErrorKind {
        use rusqlite::ffi;
        match self.code {
            ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY => ErrorKind::UniqueViolation,
            ffi::SQLITE_CONSTRAINT_FOREIGNKEY => ErrorKind::ForeignKeyViolation,
            ffi::SQLITE_CONSTRAINT_NOTNULL => ErrorKind::NotNullViolation,
            ffi::SQLITE_CONSTRAINT_CHECK => ErrorKind::CheckViolation,
            _ => ErrorKind::Other,
        }
    }
}

/// Connections that wait to be lent to somebody who reads.
#[derive(Debug)]
pub(super) struct Spare {
    path: std::path::PathBuf,
    settings: &'static str,
    waiting: Mutex<Vec<Embedded>>,
}

/// Connections that are kept while nobody reads; more are opened and closed again.
const KEPT: usize = 16;

impl Spare {
    pub(super) fn new(path: &Path, settings: &'static str) -> Arc<Self> {
        Arc::new(Self { path: path.to_owned(), settings, waiting: Mutex::default() })
    }

    /// One that nobody else uses.
    pub(super) fn lend(self: &Arc<Self>) -> sqlx::Result<Lent> {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let own = match waiting {
            Some(own) => own,
            None => Embedded::open(&self.path, self.settings)?,
        };
        Ok(Lent { own: Some(own), home: Some(self.clone()) })
    }

    /// Closes those that wait.
    pub(super) fn close(&self) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// A connection that goes back where it came from.
#[derive(Debug)]
pub(super) struct Lent {
    /// Present until it is dropped.
    own: Option<Embedded>,
    home: Option<Arc<Spare>>,
}

impl Lent {
    /// One that came from nowhere: a writer's.
    pub(super) fn owned(own: Embedded) -> Self {
        Self { own: Some(own), home: None }
    }

    pub(super) fn connection(&mut self) -> sqlx::Result<&mut Embedded> {
        self.own.as_mut().ok_or(sqlx::Error::PoolClosed)
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let (Some(own), Some(home)) = (self.own.take(), self.home.take()) {
            let mut waiting = home.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            if waiting.len() < KEPT {
                waiting.push(own);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use sqlx::{Executor, Row};

    use crate::{Db, Tx};

    async fn file() -> (tempfile::TempDir, Db) {
        let folder = tempfile::tempdir().expect("a folder");
        let db = Db::sqlite(&folder.path().join("a.db")).await.expect("opens");
        (folder, db)
    }

    #[tokio::test]
    async fn arguments_are_found_by_their_numbers_and_rows_by_their_names() {
        let (_folder, db) = file().await;
        let mut tx = db.quick().await.expect("a reader");
        let row =
            sqlx::query("SELECT $2 AS second, $1 AS first, $2 AS again, NULL AS empty, x'0102' AS bytes")
                .bind(7_i64)
                .bind("seven")
                .fetch_one(&mut tx)
                .await
                .expect("a row");
        assert_eq!(row.get::<String, _>("second"), "seven");
        assert_eq!(row.get::<i64, _>("first"), 7);
        assert_eq!(row.get::<i16, _>(1), 7);
        assert_eq!(row.get::<String, _>(2), "seven");
        assert_eq!(row.get::<Option<String>, _>("empty"), None);
        assert_eq!(row.get::<Vec<u8>, _>("bytes"), [1, 2]);
        assert!(row.try_get::<String, _>("missing").is_err());
        assert!(row.try_get::<i64, _>("second").is_err());
    }

    #[tokio::test]
    async fn as_many_rows_are_read_as_are_wanted() {
        let (_folder, db) = file().await;
        let mut tx = db.quick().await.expect("a reader");
        let text =
            "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 5) SELECT n FROM n";
        let all: Vec<i64> = sqlx::query_scalar(text).fetch_all(&mut tx).await.expect("rows");
        assert_eq!(all, [1, 2, 3, 4, 5]);
        let first: Option<i64> = sqlx::query_scalar(text).fetch_optional(&mut tx).await.expect("a row");
        assert_eq!(first, Some(1));
        assert!(
            sqlx::query("SELECT $1 + $2").bind(1_i64).fetch_one(&mut tx).await.is_err(),
            "one is missing"
        );
    }

    #[tokio::test]
    async fn a_reader_changes_nothing() {
        let (_folder, db) = file().await;
        let mut tx = db.quick().await.expect("a reader");
        assert!(tx.execute("DELETE FROM cursors").await.is_err());
    }

    #[tokio::test]
    async fn a_taken_key_is_known_as_one_and_rows_are_counted() {
        let (_folder, db) = file().await;
        let done = db.write(async |tx: &mut Tx| {
            let add = "INSERT INTO cursors (follower, next_seq) VALUES ('a', 1), ('b', 2)";
            assert_eq!(tx.execute(add).await?.rows_affected(), 2);
            let again = tx.execute(add).await.expect_err("taken");
            assert!(crate::db::is_taken(&again), "{again}");
            let ignored =
                "INSERT INTO cursors (follower, next_seq) VALUES ('a', 9) ON CONFLICT (follower) DO NOTHING";
            assert_eq!(tx.execute(ignored).await?.rows_affected(), 0);
            let moved = "UPDATE cursors SET next_seq = next_seq + 1 RETURNING next_seq";
            let first: Option<i64> = sqlx::query_scalar(moved).fetch_optional(&mut *tx).await?;
            assert!(first.is_some());
            let all: Vec<i64> = sqlx::query_scalar("SELECT next_seq FROM cursors ORDER BY follower")
                .fetch_all(&mut *tx)
                .await?;
            assert_eq!(all, [2, 3], "also the row that was not read was changed");
            Ok(())
        });
        done.await.expect("all is written");
    }
}
