//! The connection that statements run on, and the readers.
//!
//! Both take what sqlx's own connections take, so a domain writes `query.execute(&mut *tx)` and
//! `query.fetch_all(app.db.read())` whatever is behind.

use std::future::ready;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream};
use sqlx::any::{AnyQueryResult, AnyRow, AnyStatement, AnyTypeInfo};
use sqlx::pool::PoolConnection;
use sqlx::{Any, AnyConnection, AnyPool, Describe, Either, Execute, Executor, SqlStr};

use super::embedded::{Done, Embedded, Lent, Spare};

/// The connection inside a write job's transaction, or one to read with.
#[derive(Debug)]
pub struct Tx(Way);

#[derive(Debug)]
enum Way {
    Embedded(Lent),
    Own(AnyConnection),
    Pooled(PoolConnection<Any>),
}

impl Tx {
    pub(super) fn embedded(connection: Embedded) -> Self {
        Self(Way::Embedded(Lent::owned(connection)))
    }

    pub(super) fn own(connection: AnyConnection) -> Self {
        Self(Way::Own(connection))
    }

    fn run<'q>(&mut self, mut query: impl Execute<'q, Any>, most: usize) -> Option<sqlx::Result<Done>> {
        let Way::Embedded(lent) = &mut self.0 else { return None };
        let arguments = match query.take_arguments().map_err(sqlx::Error::Encode) {
            Ok(arguments) => arguments,
            Err(error) => return Some(Err(error)),
        };
        let run = |connection: &mut Embedded| connection.run(query.sql().as_str(), arguments, most);
        Some(lent.connection().and_then(run))
    }

    fn driver(&mut self) -> Option<&mut AnyConnection> {
        match &mut self.0 {
            Way::Embedded(_) => None,
            Way::Own(connection) => Some(connection),
            Way::Pooled(connection) => Some(connection),
        }
    }

    /// Whether the database is there.
    pub(super) async fn ping(&mut self) -> sqlx::Result<()> {
        match self.driver() {
            Some(connection) => sqlx::Connection::ping(connection).await,
            None => self.execute("SELECT 1").await.map(drop),
        }
    }
}

/// The answer of one that was run already, or of a driver that is yet to run it.
macro_rules! answered {
    ($tx:ident, $query:ident, $most:expr, $method:ident, $done:expr) => {
        match $tx.0 {
            Way::Embedded(_) => {
                let done = $tx.run($query, $most).unwrap_or(Err(sqlx::Error::PoolClosed));
                Box::pin(ready(done.map($done)))
            }
            Way::Own(ref mut connection) => connection.$method($query),
            Way::Pooled(ref mut connection) => (&mut **connection).$method($query),
        }
    };
}

impl<'c> Executor<'c> for &'c mut Tx {
    type Database = Any;

    fn fetch_many<'e, 'q: 'e, E>(
        self,
        query: E,
    ) -> BoxStream<'e, sqlx::Result<Either<AnyQueryResult, AnyRow>>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Any>,
    {
        match self.0 {
            Way::Embedded(_) => match self.run(query, usize::MAX).unwrap_or(Err(sqlx::Error::PoolClosed)) {
                Ok(done) => {
                    let end = Either::Left(result(done.affected));
                    let steps = done.rows.into_iter().map(Either::Right).chain([end]);
                    Box::pin(stream::iter(steps.map(Ok)))
                }
                Err(error) => Box::pin(stream::iter([Err(error)])),
            },
            Way::Own(ref mut connection) => connection.fetch_many(query),
            Way::Pooled(ref mut connection) => (&mut **connection).fetch_many(query),
        }
    }

    fn execute<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, sqlx::Result<AnyQueryResult>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Any>,
    {
        answered!(self, query, 0, execute, |done| result(done.affected))
    }

    fn fetch_all<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, sqlx::Result<Vec<AnyRow>>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Any>,
    {
        answered!(self, query, usize::MAX, fetch_all, |done| done.rows)
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, sqlx::Result<Option<AnyRow>>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Any>,
    {
        answered!(self, query, 1, fetch_optional, |done| done.rows.into_iter().next())
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [AnyTypeInfo],
    ) -> BoxFuture<'e, sqlx::Result<AnyStatement>>
    where
        'c: 'e,
    {
        match self.driver() {
            Some(connection) => connection.prepare_with(sql, parameters),
            None => Box::pin(ready(Err(only_run()))),
        }
    }

    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, sqlx::Result<Describe<Any>>>
    where
        'c: 'e,
    {
        match self.driver() {
            Some(connection) => connection.describe(sql),
            None => Box::pin(ready(Err(only_run()))),
        }
    }
}

fn only_run() -> sqlx::Error {
    sqlx::Error::Protocol("statements are prepared by running them".into())
}

const fn result(rows_affected: u64) -> AnyQueryResult {
    AnyQueryResult { rows_affected, last_insert_id: None }
}

/// Connections that only read.
#[derive(Clone, Debug)]
pub struct Reads {
    pool: AnyPool,
    /// SQLite files that are in use: reads by key that need no thread of their own.
    spare: Option<Arc<Spare>>,
}

impl Reads {
    pub(super) const fn new(pool: AnyPool, spare: Option<Arc<Spare>>) -> Self {
        Self { pool, spare }
    }

    /// A connection for several statements.
    ///
    /// # Errors
    /// `PoolTimedOut` where all are in use for long; any fault of the database.
    pub async fn acquire(&self) -> sqlx::Result<Tx> {
        self.pool.acquire().await.map(|connection| Tx(Way::Pooled(connection)))
    }

    /// A connection for statements that find a few rows by a key: on SQLite they run at once, on the
    /// caller's thread.
    pub(super) async fn quick(&self) -> sqlx::Result<Tx> {
        match &self.spare {
            Some(spare) => spare.lend().map(|lent| Tx(Way::Embedded(lent))),
            None => self.acquire().await,
        }
    }

    pub(super) async fn close(&self) {
        self.pool.close().await;
        if let Some(spare) = &self.spare {
            spare.close();
        }
    }
}

impl<'p> Executor<'p> for &'_ Reads {
    type Database = Any;

    fn fetch_many<'e, 'q: 'e, E>(
        self,
        query: E,
    ) -> BoxStream<'e, sqlx::Result<Either<AnyQueryResult, AnyRow>>>
    where
        'p: 'e,
        E: 'q + Execute<'q, Any>,
    {
        self.pool.fetch_many(query)
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, sqlx::Result<Option<AnyRow>>>
    where
        'p: 'e,
        E: 'q + Execute<'q, Any>,
    {
        self.pool.fetch_optional(query)
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [AnyTypeInfo],
    ) -> BoxFuture<'e, sqlx::Result<AnyStatement>>
    where
        'p: 'e,
    {
        self.pool.prepare_with(sql, parameters)
    }

    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, sqlx::Result<Describe<Any>>>
    where
        'p: 'e,
    {
        self.pool.describe(sql)
    }
}
