//! The keeping thread: the next segment's file, what is full of the index, sealed segments' tree hashes, and now and then a
//! snapshot of the state, all beside the writer.

use std::io;
use std::sync::Arc;

use jialing_journal::Preparer;

use crate::embedded::shared::{Sentinel, Shared};
use crate::snapshot;

/// How far this thread stands back behind those that somebody waits for.
const NICE: i32 = 10;

/// Runs until closed or stopped.
pub(crate) fn run(shared: Arc<Shared>, preparer: Preparer) {
    let _sentinel = Sentinel { shared: shared.clone(), thread: "keeping" };
    // Of the calling thread alone. Where it is not allowed, all is as before.
    let _ = rustix::process::setpriority_process(None, NICE);
    let mut seen = 0;
    loop {
        let (turns, closing) = {
            let keep = shared.keep.wait(|keep| keep.closing || keep.turns > seen);
            (keep.turns, keep.closing)
        };
        if closing && (turns == seen || shared.stopped().is_some()) {
            return;
        }
        seen = turns;
        if let Err(error) = tidy(&shared, &preparer) {
            shared.fail(&format!("an index or snapshot could not be written: {error}"));
            return;
        }
    }
}

fn tidy(shared: &Shared, preparer: &Preparer) -> io::Result<()> {
    let closing = || shared.keep.hold().closing;
    if !closing()
        && let Err(error) = preparer.prepare()
    {
        // The writer tries again when it needs the segment, and stops when it cannot have it.
        tracing::warn!(%error, "the next segment could not be made ahead");
    }
    let write_ripe = || -> io::Result<bool> {
        while shared.stopped().is_none() && shared.index.write_ripe(shared.indexed())? {
            // The writer may be waiting for the backlog to shrink.
            shared.keep.change(|_| ());
        }
        Ok(!closing())
    };
    if !closing() {
        shared.index.prepare();
    }
    // This, and what is ripe, even on the way out: it need not be made again at the next start.
    if let Some(&(_, end)) = shared.reader.sealed().last() {
        shared.reader.settle_tree(end)?;
    }
    while write_ripe()? && shared.index.merge_once(closing)? {}
    let sealed = shared.reader.sealed();
    let Some(&(_, end)) = sealed.last() else { return Ok(()) };
    let taken = snapshot::newest_size(&*shared.disk)?;
    let since = sealed.iter().filter(|&&(_, end)| end > taken).count() as u64;
    if !closing() && since >= shared.config.snapshot_segments.max(1) {
        snapshot::advance(&*shared.disk, &shared.genesis, &shared.reader, end, closing)?;
    }
    Ok(())
}
