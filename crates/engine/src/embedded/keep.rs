//! The keeping thread: after a segment is sealed, its tree hashes, its index, and now and then a
//! snapshot of the state, all beside the writer.

use std::io;
use std::sync::Arc;

use crate::embedded::shared::{Sentinel, Shared};
use crate::snapshot;

/// Runs until closed or stopped.
pub(crate) fn run(shared: Arc<Shared>) {
    let _sentinel = Sentinel { shared: shared.clone(), thread: "keeping" };
    let mut seen = 0;
    loop {
        let (sealed, closing) = {
            let keep = shared.keep.wait(|keep| keep.closing || keep.sealed > seen);
            (keep.sealed, keep.closing)
        };
        if closing {
            return;
        }
        seen = sealed;
        if let Err(error) = tidy(&shared) {
            shared.fail(&format!("an index or snapshot could not be written: {error}"));
            return;
        }
    }
}

fn tidy(shared: &Shared) -> io::Result<()> {
    let Some(&(_, end)) = shared.reader.sealed().last() else { return Ok(()) };
    shared.reader.settle_tree(end)?;
    while !shared.keep.hold().closing && shared.index.write_frozen()? {
        // The writer may be waiting for the backlog to shrink.
        shared.keep.change(|_| ());
    }
    while !shared.keep.hold().closing && shared.index.merge_once()? {}
    let taken = snapshot::newest_size(&*shared.disk)?;
    let since = shared.reader.sealed().iter().filter(|&&(_, end)| end > taken).count() as u64;
    if since >= shared.config.snapshot_segments.max(1) {
        let closing = || shared.keep.hold().closing;
        snapshot::advance(&*shared.disk, &shared.genesis, &shared.reader, end, closing)?;
    }
    Ok(())
}
