//! The flushing thread: makes a batch durable, indexes it, then answers.
//!
//! Nobody hears of a batch before its flush returned. When a flush fails, nothing is known about what
//! the disk holds, so the engine stops for good and says why; the restart finds out.

use std::sync::Arc;
use std::time::Instant;

use jialing_journal::Journal;

use crate::embedded::shared::{Sentinel, Shared};
use crate::embedded::slot::Work;

/// Sealed segments that may wait for their index before the writer waits for it.
const MAX_BACKLOG: usize = 4;

/// Runs until closed or stopped.
pub(crate) fn run(shared: Arc<Shared>, mut journal: Journal) {
    let _sentinel = Sentinel { shared: shared.clone(), thread: "flushing" };
    while let Some(work) = shared.slot.take() {
        if let Err(reason) = flush(&shared, &mut journal, work) {
            shared.fail(&reason);
            return;
        }
    }
    // Last: the signing thread signs what there is and ends; the keeper ends.
    shared.head.change(|head| head.closing = true);
    shared.keep.change(|keep| keep.closing = true);
}

fn flush(shared: &Shared, journal: &mut Journal, mut work: Work) -> Result<(), String> {
    if let Some(last) = work.records.last() {
        let time = last.time;
        let began = Instant::now();
        let appended = journal.append(&mut work.batch).map_err(|error| error.to_string())?;
        shared.figures.flushed(began.elapsed());
        shared.index.add(&work.records, appended.sealed);
        shared.publish(appended.end, time);
        shared.head.change(|head| (head.size, head.root) = (appended.end, appended.root));
        if appended.sealed.is_some() {
            shared.keep.change(|keep| keep.sealed += 1);
        }
    }
    for answer in work.answers {
        answer.send();
    }
    drop(shared.keep.wait(|keep| keep.closing || shared.index.frozen() <= MAX_BACKLOG));
    Ok(())
}
