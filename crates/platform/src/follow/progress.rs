//! How far the followers have read, and who waits for them.
//!
//! Every payment under way waits for all followers to pass its record. Each such request is woken once,
//! when the last follower has passed it, and not at every step of each: the requests wait in the order of
//! their records, and a step takes from the front those that it sets free.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{oneshot, watch};

use super::{Follower, WAIT};

/// How far each follower has read: the number of records handled. Clones are one.
#[derive(Clone, Debug)]
pub struct Progress {
    handled: [watch::Sender<u64>; Follower::ALL.len()],
    /// Requests, by the record that all followers have to pass.
    waiting: Arc<Mutex<BTreeMap<u64, Vec<oneshot::Sender<()>>>>>,
}

impl Default for Progress {
    fn default() -> Self {
        Self { handled: std::array::from_fn(|_| watch::Sender::new(0)), waiting: Arc::default() }
    }
}

impl Progress {
    /// Records that `follower` has handled.
    #[must_use]
    pub fn of(&self, follower: Follower) -> u64 {
        *self.handled[follower as usize].borrow()
    }

    /// Records that every follower has handled.
    fn of_all(&self) -> u64 {
        Follower::ALL.into_iter().map(|follower| self.of(follower)).min().unwrap_or(0)
    }

    /// Notes that `follower` has handled the first `count` records.
    pub(super) fn advance(&self, follower: Follower, count: u64) {
        self.handled[follower as usize].send_replace(count);
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        // Read behind the lock: whoever looked before us is among those who wait.
        let passed = self.of_all();
        while let Some(first) = waiting.first_entry()
            && *first.key() < passed
        {
            for waits in first.remove() {
                let _ = waits.send(());
            }
        }
    }

    /// Waits until `follower` has handled the first `count` records.
    pub(super) async fn reached(&self, follower: Follower, count: u64) {
        // The sender lives as long as the progress itself, so the wait ends only by being reached.
        let _ = self.handled[follower as usize].subscribe().wait_for(|&handled| handled >= count).await;
    }

    /// Waits until `follower` has handled the first `count` records, at most [`WAIT`]; false if time ran
    /// out.
    pub async fn caught_up(&self, follower: Follower, count: u64) -> bool {
        tokio::time::timeout(WAIT, self.reached(follower, count)).await.is_ok()
    }

    /// Waits until every follower has handled record `seq`, at most [`WAIT`]; false if time ran out.
    pub async fn passed(&self, seq: u64) -> bool {
        let free = {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            if self.of_all() > seq {
                return true;
            }
            let (waits, free) = oneshot::channel();
            waiting.entry(seq).or_default().push(waits);
            free
        };
        let passed = matches!(tokio::time::timeout(WAIT, free).await, Ok(Ok(())));
        if !passed {
            self.forget(seq);
        }
        passed
    }

    /// Drops those who no longer wait for `seq`: however long a follower stands still, only requests that
    /// are under way are kept.
    fn forget(&self, seq: u64) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(some) = waiting.get_mut(&seq) {
            some.retain(|waits| !waits.is_closed());
            if some.is_empty() {
                waiting.remove(&seq);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn a_request_is_free_when_the_last_follower_has_passed_its_record() {
        let progress = Progress::default();
        let mut waits = Box::pin(progress.passed(4));
        let mut waits_longer = Box::pin(progress.passed(5));
        let mut waits_too = Box::pin(progress.passed(4));
        for follower in Follower::ALL {
            assert!(waits.as_mut().now_or_never().is_none(), "{follower:?} has not passed it");
            assert!(waits_too.as_mut().now_or_never().is_none());
            assert!(waits_longer.as_mut().now_or_never().is_none());
            progress.advance(follower, 5);
        }
        assert_eq!(waits.as_mut().now_or_never(), Some(true));
        assert_eq!(waits_too.as_mut().now_or_never(), Some(true));
        assert_eq!(progress.passed(4).now_or_never(), Some(true), "it was passed before");
        assert!(waits_longer.as_mut().now_or_never().is_none());
        drop(waits_longer);
        progress.forget(5);
        assert!(progress.waiting.lock().expect("nobody panicked").is_empty(), "who left is forgotten");
    }

    #[tokio::test]
    async fn a_follower_that_begins_again_holds_up_who_comes_then() {
        let progress = Progress::default();
        Follower::ALL.into_iter().for_each(|follower| progress.advance(follower, 9));
        progress.advance(Follower::History, 0);
        let mut waits = Box::pin(progress.passed(3));
        assert!(waits.as_mut().now_or_never().is_none());
        progress.advance(Follower::History, 4);
        assert_eq!(waits.as_mut().now_or_never(), Some(true));
    }
}
