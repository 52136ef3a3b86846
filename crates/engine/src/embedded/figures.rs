//! Counters, updated without locks.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::answer::Stats;

#[derive(Default)]
pub(crate) struct Figures {
    pub(crate) accounts: AtomicU64,
    pub(crate) done: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) already: AtomicU64,
    batches: AtomicU64,
    flush_us: [AtomicU64; 24],
    flush_max_us: AtomicU64,
    last_flush_us: AtomicU64,
}

impl Figures {
    /// Counts one flush.
    pub(crate) fn flushed(&self, took: Duration) {
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let bucket = (64 - us.leading_zeros() as usize).min(self.flush_us.len() - 1);
        self.flush_us[bucket].fetch_add(1, Ordering::Relaxed);
        self.flush_max_us.fetch_max(us, Ordering::Relaxed);
        self.last_flush_us.store(us, Ordering::Relaxed);
        self.batches.fetch_add(1, Ordering::Relaxed);
    }

    /// How long this many full batches may take, in milliseconds, from 1 to 5,000.
    pub(crate) fn wait_ms(&self, batches: usize) -> u32 {
        let us = self.last_flush_us.load(Ordering::Relaxed).max(1000) * (batches as u64 + 1);
        (us / 1000).clamp(1, 5000) as u32
    }

    /// The figures as answered; what the threads do not count stays zero.
    pub(crate) fn stats(&self) -> Stats {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Stats {
            accounts: get(&self.accounts),
            done: get(&self.done),
            refused: get(&self.refused),
            already: get(&self.already),
            batches: get(&self.batches),
            flush_us: std::array::from_fn(|bucket| get(&self.flush_us[bucket])),
            flush_max_us: get(&self.flush_max_us),
            ..Stats::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flush_is_counted_under_the_power_of_two_above_it() {
        let check = |us: u64, bucket: usize| {
            let figures = Figures::default();
            figures.flushed(Duration::from_micros(us));
            let stats = figures.stats();
            assert_eq!((stats.flush_us[bucket], stats.flush_max_us), (1, us), "{us} µs");
        };
        check(0, 0);
        check(1, 1);
        check(2, 2);
        check(3, 2);
        check(1000, 10);
        check(1 << 40, 23);
    }
}
