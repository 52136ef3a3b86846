//! The flushing thread: makes a batch durable, then answers.
//!
//! Nobody hears of a batch before its flush returned. When a flush fails, nothing is known about what
//! the disk holds, so the engine stops for good and says why; the restart finds out.

use std::sync::Arc;
use std::time::Instant;

use jialing_journal::Journal;

use crate::embedded::shared::{Sentinel, Shared};
use crate::embedded::slot::Work;

/// Runs until closed or stopped.
pub(crate) fn run(shared: Arc<Shared>, mut journal: Journal) {
    let _sentinel = Sentinel { shared: shared.clone(), thread: "flushing" };
    let (mut durable, mut spare) = (shared.reader.durable(), None);
    while let Some(mut work) = shared.slot.take(durable, spare.take()) {
        match flush(&shared, &mut journal, &mut work) {
            Ok(end) => durable = end,
            Err(reason) => {
                shared.fail(&reason);
                return;
            }
        }
        work.answers.drain(..).for_each(|answer| answer.send());
        work.batch.clear();
        spare = Some(work.batch);
    }
    // Last: the signing thread signs what there is and ends; the keeper ends.
    shared.head.change(|head| head.closing = true);
    shared.keep.change(|keep| keep.closing = true);
}

/// Makes the work's records durable and tells everyone but those who wait for an answer.
fn flush(shared: &Shared, journal: &mut Journal, work: &mut Work) -> Result<u64, String> {
    if work.batch.is_empty() {
        return Ok(shared.reader.durable());
    }
    let began = Instant::now();
    let appended = journal.append(&mut work.batch).map_err(|error| error.to_string())?;
    shared.figures.flushed(began.elapsed());
    shared.publish(appended.end, work.time);
    shared.head.change_and_maybe_ring(|head| {
        (head.size, head.root) = (appended.end, appended.root);
        head.idle || head.wanted > 0
    });
    if appended.sealed.is_some() || shared.index.is_ripe(appended.end) {
        shared.keep.change(|keep| keep.turns += 1);
    }
    Ok(appended.end)
}
