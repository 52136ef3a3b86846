//! Work in a row: many threads do the pieces, one takes the results in order.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

/// Pieces that may be done or under way before the one that is waited for, for each thread.
const AHEAD: u64 = 3;

struct State<T> {
    done: BTreeMap<u64, T>,
    /// Results taken so far.
    taken: u64,
    /// How many pieces there are, once it is known.
    count: Option<u64>,
    stop: bool,
}

struct Line<T> {
    state: Mutex<State<T>>,
    bell: Condvar,
}

impl<T> Line<T> {
    fn hold(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State<T>)) {
        change(&mut self.hold());
        self.bell.notify_all();
    }

    /// Waits until piece `number` may be done; `false` when the rest is not wanted.
    fn may_do(&self, number: u64, ahead: u64) -> bool {
        let held = self.hold();
        let wait = |state: &mut State<T>| !state.stop && number >= state.taken + ahead;
        !self.bell.wait_while(held, wait).unwrap_or_else(PoisonError::into_inner).stop
    }

    /// The next result in order; `None` after the last.
    fn next(&self) -> Option<T> {
        let held = self.hold();
        let wait = |state: &mut State<T>| {
            !state.stop && !state.done.contains_key(&state.taken) && state.count != Some(state.taken)
        };
        let mut state = self.bell.wait_while(held, wait).unwrap_or_else(PoisonError::into_inner);
        let number = state.taken;
        let result = state.done.remove(&number)?;
        state.taken += 1;
        drop(state);
        self.bell.notify_all();
        Some(result)
    }
}

/// Stops the line when its thread goes, so that a defect in one cannot leave others waiting.
struct Stop<'a, T> {
    line: &'a Line<T>,
    on_panic_only: bool,
}

impl<T> Drop for Stop<'_, T> {
    fn drop(&mut self) {
        if !self.on_panic_only || thread::panicking() {
            self.line.change(|state| state.stop = true);
        }
    }
}

/// Draws pieces from `pieces`, does each with `work` on one of `threads` threads, and gives the results
/// to `take` in the order of the pieces, until there are none or `take` answers `false`. At most a few
/// pieces for each thread are in memory.
pub(super) fn in_order<P, T: Send>(
    threads: usize,
    pieces: impl FnMut() -> Option<P> + Send,
    work: impl Fn(P) -> T + Sync,
    mut take: impl FnMut(T) -> bool,
) {
    let line = Line {
        state: Mutex::new(State { done: BTreeMap::new(), taken: 0, count: None, stop: false }),
        bell: Condvar::new(),
    };
    let source = Mutex::new((pieces, 0_u64));
    let draw = || {
        let mut source = source.lock().unwrap_or_else(PoisonError::into_inner);
        let number = source.1;
        if !line.may_do(number, AHEAD * threads as u64) {
            return None;
        }
        let Some(piece) = source.0() else {
            line.change(|state| state.count = Some(number));
            return None;
        };
        source.1 += 1;
        Some((number, piece))
    };
    thread::scope(|scope| {
        // When this thread stops taking, the others end.
        let _stop = Stop { line: &line, on_panic_only: false };
        for _ in 0..threads {
            let body = || {
                let _stop = Stop { line: &line, on_panic_only: true };
                while let Some((number, piece)) = draw() {
                    let result = work(piece);
                    line.change(|state| drop(state.done.insert(number, result)));
                }
            };
            let named = thread::Builder::new().name("audit-part".to_owned());
            named.spawn_scoped(scope, body).expect("a thread starts");
        }
        while line.next().is_some_and(&mut take) {}
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU64, Ordering};

    #[test]
    fn results_come_in_the_order_of_the_pieces_and_not_far_ahead_of_the_taker() {
        let (begun, mut taken) = (AtomicU64::new(0), Vec::new());
        let mut pieces = 0..1000_u64;
        let work = |piece: u64| {
            begun.fetch_add(1, Ordering::SeqCst);
            piece * piece
        };
        in_order(
            4,
            || pieces.next(),
            work,
            |result| {
                assert!(begun.load(Ordering::SeqCst) <= taken.len() as u64 + 4 * AHEAD + 1);
                taken.push(result);
                true
            },
        );
        assert_eq!(taken, (0..1000).map(|n| n * n).collect::<Vec<u64>>());
    }

    #[test]
    fn a_taker_who_has_enough_ends_it_and_nothing_to_do_ends_at_once() {
        let mut taken = Vec::new();
        let mut pieces = 0..;
        in_order(
            3,
            || pieces.next(),
            |piece: u64| piece,
            |result| {
                taken.push(result);
                result < 5
            },
        );
        assert_eq!(taken, [0, 1, 2, 3, 4, 5]);
        in_order(3, || None::<u64>, |piece| piece, |_| panic!("nothing comes"));
    }

    #[test]
    fn a_defect_in_one_piece_ends_all_of_it_with_a_panic() {
        let caught = std::panic::catch_unwind(|| {
            let mut pieces = 0..;
            let work = |piece: u64| {
                assert_ne!(piece, 7, "seven");
                piece
            };
            in_order(2, || pieces.next(), work, |_| true);
        });
        assert!(caught.is_err());
    }
}
