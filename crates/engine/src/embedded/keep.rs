//! Two threads behind the writer. The *keeping* one does what the writer would soon wait for: the next
//! segment's file, the tree's hashes of sealed segments, the parts of the index that are full. The
//! *tidying* one does what takes long and nobody waits for: merging files of the index, and now and
//! then a snapshot of the state.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use jialing_journal::Preparer;

use crate::embedded::shared::{Sentinel, Shared};
use crate::index::discard_bad;
use crate::snapshot;

/// Runs until closed or stopped; what is ready then is still written.
pub(crate) fn keep(shared: Arc<Shared>, preparer: Preparer) {
    let _sentinel = Sentinel { shared: shared.clone(), thread: "keeping" };
    let mut seen = 0;
    loop {
        let (turns, closing) = next_turn(&shared, seen);
        if closing && (turns == seen || shared.stopped().is_some()) {
            return;
        }
        seen = turns;
        if let Err(error) = write_ready(&shared, &preparer, closing) {
            shared.fail(&format!("an index could not be written: {error}"));
            return;
        }
        // There may be something to merge.
        shared.keep.change(|keep| keep.written = seen);
    }
}

/// Runs until closed or stopped.
pub(crate) fn tidy(shared: Arc<Shared>) {
    let _sentinel = Sentinel { shared: shared.clone(), thread: "tidying" };
    let mut seen = 0;
    loop {
        let closing = {
            let keep = shared.keep.wait(|keep| keep.closing || keep.written > seen);
            seen = keep.written;
            keep.closing
        };
        if closing {
            return;
        }
        if let Err(error) = merge_and_snapshot(&shared) {
            discard_bad(&*shared.disk, &error);
            shared.fail(&format!("an index or snapshot could not be written: {error}"));
            return;
        }
    }
}

fn next_turn(shared: &Shared, seen: u64) -> (u64, bool) {
    let keep = shared.keep.wait(|keep| keep.closing || keep.turns > seen);
    (keep.turns, keep.closing)
}

fn write_ready(shared: &Shared, preparer: &Preparer, closing: bool) -> io::Result<()> {
    if !closing {
        if let Err(error) = preparer.prepare() {
            // The writer tries again when it needs the segment, and stops when it cannot have it.
            tracing::warn!(%error, "the next segment could not be made ahead");
        }
        shared.index.prepare();
    }
    while shared.stopped().is_none() && shared.index.write_ripe(shared.indexed())? {
        // The writer may be waiting for the backlog to shrink.
        shared.keep.change(|_| ());
    }
    // Even on the way out: what is settled need not be hashed again at the next start.
    match shared.reader.sealed().last() {
        Some(&(_, end)) => shared.reader.settle_tree(end),
        None => Ok(()),
    }
}

fn merge_and_snapshot(shared: &Shared) -> io::Result<()> {
    let closing = || shared.keep.hold().closing;
    let sealed = shared.reader.sealed();
    if let Some(&(_, end)) = sealed.last() {
        let taken = snapshot::newest_size(&*shared.disk)?;
        let since = sealed.iter().filter(|&&(_, end)| end > taken).count() as u64;
        // A snapshot costs as much as there are accounts, whatever came since the last one.
        let is_worth_it = end - taken >= shared.figures.accounts.load(Ordering::Relaxed);
        if since >= shared.config.snapshot_segments.max(1) && is_worth_it {
            snapshot::advance(&*shared.disk, &shared.genesis, &shared.reader, end, closing)?;
        }
    }
    while !closing() && shared.index.merge_once(closing)? {}
    Ok(())
}
