//! What waits for writers: followers' jobs first, then those of requests, none longer than its patience.

use std::time::Instant;

use tokio::sync::mpsc;

use super::Job;
use crate::{Code, Problem};

/// A job on its way to a writer.
pub(super) struct Queued {
    pub(super) job: Box<dyn Job>,
    /// When it is no longer worth running.
    pub(super) until: Option<Instant>,
}

/// What waits for writers.
pub(super) struct Waits {
    pub(super) leading: mpsc::Receiver<Queued>,
    pub(super) waiting: mpsc::Receiver<Queued>,
}

impl Waits {
    /// Takes up to `most` jobs that are still worth running, at least one; `false` when none will come any
    /// more. Those that waited too long are answered.
    pub(super) async fn take(&mut self, jobs: &mut Vec<Box<dyn Job>>, most: usize) -> bool {
        let mut taken = Vec::new();
        while jobs.is_empty() {
            let came = tokio::select! {
                biased;
                came = self.leading.recv() => came,
                came = self.waiting.recv() => came,
            };
            // All senders live in the same values, so both end together.
            let Some(came) = came else { return false };
            taken.push(came);
            while taken.len() < most
                && let Ok(queued) = self.leading.try_recv().or_else(|_| self.waiting.try_recv())
            {
                taken.push(queued);
            }
            let now = Instant::now();
            for Queued { job, until } in taken.drain(..) {
                if until.is_some_and(|until| until <= now) {
                    job.answer(Err(Problem::new(Code::Overloaded)));
                } else {
                    jobs.push(job);
                }
            }
        }
        true
    }
}
