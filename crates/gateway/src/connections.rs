//! Connections that are open, and which of them must make room.
//!
//! A connection that waits for a request costs a file and some memory, and ten thousand of them are
//! cheap to open for anyone. So there is a limit, and at the limit the connection that has been idle
//! the longest is closed for the new one: idle connections never keep a working caller out. Only when
//! all are working is the new one turned away.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::sync::Notify;

/// Files that the process keeps for everything but connections: databases, journal, connectors, and
/// the messages under way to merchants' endpoints.
pub const RESERVED_FILES: u64 = 1_536;

/// One open connection.
#[derive(Debug)]
pub(crate) struct Connection {
    working: AtomicUsize,
    /// Milliseconds after the table was made at which it last became idle.
    idle_since: AtomicU64,
    /// Told when it must make room.
    pub(crate) evicted: Notify,
}

/// All open connections.
#[derive(Clone, Debug)]
pub(crate) struct Connections(Arc<Table>);

#[derive(Debug)]
struct Table {
    open: Mutex<HashMap<u64, Arc<Connection>>>,
    next: AtomicU64,
    limit: usize,
    made: Instant,
}

/// A connection's place in the table, given back when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    table: Connections,
    number: u64,
    pub(crate) connection: Arc<Connection>,
}

/// Marks the connection as working until all clones are dropped.
#[derive(Clone, Debug)]
pub(crate) struct Working(#[allow(dead_code)] Arc<Guard>);

#[derive(Debug)]
struct Guard {
    table: Connections,
    connection: Arc<Connection>,
}

impl Connections {
    /// Room for `wanted` connections, or as many as the process may open files for.
    pub(crate) fn new(wanted: usize) -> Self {
        let limit = wanted.min(usize::try_from(files(wanted as u64)).unwrap_or(usize::MAX)).max(1);
        if limit < wanted {
            tracing::warn!(
                wanted,
                limit,
                "fewer connections than configured: the process may not open more files"
            );
        }
        Self(Arc::new(Table { open: Mutex::default(), next: AtomicU64::new(0), limit, made: Instant::now() }))
    }

    /// Takes a place, closing the connection that has been idle the longest if there is none left.
    pub(crate) fn enter(&self) -> Option<Place> {
        let connection = Arc::new(Connection {
            working: AtomicUsize::new(0),
            idle_since: AtomicU64::new(self.now()),
            evicted: Notify::new(),
        });
        let number = self.0.next.fetch_add(1, Ordering::Relaxed);
        let mut open = self.0.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.len() >= self.0.limit {
            let idle = open.iter().filter(|(_, open)| open.working.load(Ordering::Acquire) == 0);
            let oldest = idle
                .min_by_key(|(number, open)| (open.idle_since.load(Ordering::Relaxed), **number))
                .map(|(number, _)| *number)?;
            if let Some(out) = open.remove(&oldest) {
                out.evicted.notify_one();
                metrics::counter!("jialing_http_connections_evicted_total").increment(1);
            }
        }
        open.insert(number, connection.clone());
        drop(open);
        Some(Place { table: self.clone(), number, connection })
    }

    /// How many are open.
    pub(crate) fn count(&self) -> usize {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    fn now(&self) -> u64 {
        u64::try_from(self.0.made.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

impl Place {
    /// Marks the connection as working.
    pub(crate) fn work(&self) -> Working {
        self.connection.working.fetch_add(1, Ordering::AcqRel);
        Working(Arc::new(Guard { table: self.table.clone(), connection: self.connection.clone() }))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.table.0.open.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.number);
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.connection.idle_since.store(self.table.now(), Ordering::Relaxed);
        self.connection.working.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Files that may be opened for connections, after asking for as many as are wanted.
fn files(wanted: u64) -> u64 {
    let mut limit = getrlimit(Resource::Nofile);
    let needed = wanted + RESERVED_FILES;
    if limit.current.is_some_and(|current| current < needed) {
        limit.current = Some(limit.maximum.map_or(needed, |most| most.min(needed)));
        if setrlimit(Resource::Nofile, limit).is_err() {
            limit = getrlimit(Resource::Nofile);
        }
    }
    limit.current.map_or(wanted, |current| current.saturating_sub(RESERVED_FILES).max(current / 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room_for(limit: usize) -> Connections {
        Connections(Arc::new(Table {
            open: Mutex::default(),
            next: AtomicU64::new(0),
            limit,
            made: Instant::now(),
        }))
    }

    #[tokio::test]
    async fn the_longest_idle_connection_makes_room_and_a_working_one_never_does() {
        let table = room_for(2);
        let first = table.enter().expect("room");
        let working = first.work();
        let second = table.enter().expect("room");
        let third = table.enter().expect("the second makes room");
        second.connection.evicted.notified().await;
        assert_eq!(table.count(), 2);

        let also_working = third.work();
        assert!(table.enter().is_none(), "all are working");
        drop(working);
        let fourth = table.enter().expect("the first makes room");
        first.connection.evicted.notified().await;
        drop((second, first));
        assert_eq!(table.count(), 2);
        drop((also_working, third, fourth));
        assert_eq!(table.count(), 0);
    }
}
