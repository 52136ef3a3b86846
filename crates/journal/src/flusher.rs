//! Flushing beside hashing: a thread that flushes one file at a time when it is told to.
//!
//! A large frame takes about as long to hash as to flush. Telling a thread that waits costs a few
//! microseconds; starting one for every frame would cost ten times as much.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use crate::disk::File;

/// What the two threads tell each other.
#[derive(Default)]
enum Turn {
    #[default]
    Rest,
    Flush(Arc<dyn File>),
    Flushed(io::Result<()>),
    End,
}

#[derive(Default)]
struct Table {
    turn: Mutex<Turn>,
    changed: Condvar,
}

impl Table {
    fn put(&self, turn: Turn) {
        *self.turn.lock().unwrap_or_else(PoisonError::into_inner) = turn;
        self.changed.notify_all();
    }

    fn wait(&self, until: impl Fn(&Turn) -> bool) -> MutexGuard<'_, Turn> {
        let turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        self.changed.wait_while(turn, |turn| !until(turn)).unwrap_or_else(PoisonError::into_inner)
    }
}

/// The thread that flushes.
pub(crate) struct Flusher {
    table: Arc<Table>,
    thread: Option<JoinHandle<()>>,
}

impl Flusher {
    /// Starts it.
    ///
    /// # Errors
    /// The system's.
    pub(crate) fn start() -> io::Result<Self> {
        let table = Arc::new(Table::default());
        let theirs = table.clone();
        let thread =
            std::thread::Builder::new().name("journal-flush".to_owned()).spawn(move || run(&theirs))?;
        Ok(Self { table, thread: Some(thread) })
    }

    /// Flushes the file while this thread works; returns when both are done.
    pub(crate) fn flush_while(&self, file: &Arc<dyn File>, work: impl FnOnce()) -> io::Result<()> {
        self.table.put(Turn::Flush(file.clone()));
        work();
        let mut turn = self.table.wait(|turn| matches!(turn, Turn::Flushed(_)));
        match std::mem::take(&mut *turn) {
            Turn::Flushed(flushed) => flushed,
            _ => Err(io::Error::other("nothing was flushed")),
        }
    }
}

impl Drop for Flusher {
    fn drop(&mut self) {
        self.table.put(Turn::End);
        if let Some(thread) = self.thread.take() {
            // A panic has been answered as a failed flush.
            let _ = thread.join();
        }
    }
}

fn run(table: &Table) {
    loop {
        let file = match &*table.wait(|turn| matches!(turn, Turn::Flush(_) | Turn::End)) {
            Turn::Flush(file) => file.clone(),
            _ => return,
        };
        let flushed = catch_unwind(AssertUnwindSafe(|| file.sync()));
        drop(file);
        table.put(Turn::Flushed(flushed.unwrap_or_else(|_| Err(io::Error::other("the flush panicked")))));
    }
}
