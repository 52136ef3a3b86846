//! Rounds: checkpoints that witnesses were asked to cosign, and what came back.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use super::Published;

/// Rounds that are remembered, so that a slow witness's answer still finds its own.
const KEPT: usize = 64;

/// When a round may be published.
pub(super) struct Ripeness {
    /// Cosignatures that it must have.
    pub(super) quorum: usize,
    /// How many witnesses were asked.
    pub(super) witnesses: usize,
    /// How long it waits for those beyond the quorum.
    pub(super) patience: Duration,
}

/// A checkpoint that the ledger signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Signed {
    pub(super) size: u64,
    /// The note with the ledger's signature alone.
    pub(super) note: String,
}

/// Sizes grow from the front to the back.
#[derive(Default)]
pub(super) struct Rounds {
    rounds: VecDeque<Round>,
    /// What is published, by this process or an earlier one.
    last: Option<Published>,
}

struct Round {
    checkpoint: Signed,
    begun: Instant,
    /// Signature lines by witness.
    lines: BTreeMap<usize, String>,
    /// Witnesses that have answered, whatever they said.
    answered: BTreeSet<usize>,
}

impl Round {
    fn published(&self) -> Published {
        let lines: String = self.lines.values().map(String::as_str).collect();
        Published {
            size: self.checkpoint.size,
            note: format!("{}{lines}", self.checkpoint.note),
            cosigned: self.lines.len(),
        }
    }

    fn is_ripe(&self, ripeness: &Ripeness) -> bool {
        self.lines.len() >= ripeness.quorum
            && (self.answered.len() == ripeness.witnesses || self.begun.elapsed() >= ripeness.patience)
    }
}

impl Rounds {
    /// Begins a round, if the checkpoint covers more than the last one's.
    pub(super) fn begin(&mut self, checkpoint: Signed) -> bool {
        if self.rounds.back().is_some_and(|round| round.checkpoint.size >= checkpoint.size) {
            return false;
        }
        if self.rounds.len() == KEPT {
            self.rounds.pop_front();
        }
        let (lines, answered) = (BTreeMap::new(), BTreeSet::new());
        self.rounds.push_back(Round { checkpoint, begun: Instant::now(), lines, answered });
        true
    }

    /// The checkpoint of a round that is still remembered.
    pub(super) fn checkpoint(&self, size: u64) -> Option<Signed> {
        self.rounds.iter().find(|round| round.checkpoint.size == size).map(|round| round.checkpoint.clone())
    }

    /// What a witness answered in the round of this size: a signature line, or none.
    pub(super) fn answer(&mut self, size: u64, witness: usize, line: Option<String>) {
        if let Some(round) = self.rounds.iter_mut().find(|round| round.checkpoint.size == size) {
            round.answered.insert(witness);
            if let Some(line) = line {
                round.lines.insert(witness, line);
            }
        }
    }

    /// Takes this for published: it is kept, by an earlier process or by this one.
    pub(super) fn publish(&mut self, kept: Published) {
        if self.last.as_ref().is_none_or(|last| last.size <= kept.size) {
            self.last = Some(kept);
        }
    }

    /// The newest ripe round, if it says more than what is published.
    pub(super) fn ripe(&self, ripeness: &Ripeness) -> Option<Published> {
        let ripe = self.rounds.iter().rev().find(|round| round.is_ripe(ripeness)).map(Round::published)?;
        self.last.as_ref().is_none_or(|last| last.size <= ripe.size && *last != ripe).then_some(ripe)
    }

    /// What is published; before there is anything, the first round: it must stay the same, or what is
    /// shown would shrink later.
    pub(super) fn published(&self) -> Option<Published> {
        self.last.clone().or_else(|| self.rounds.front().map(Round::published))
    }

    /// The newest round over record `seq` with at least `want` cosignatures, else the one with the most.
    pub(super) fn covering(&self, seq: u64, want: usize) -> Option<Published> {
        let over = || self.rounds.iter().rev().filter(|round| round.checkpoint.size > seq);
        let found = over().find(|round| round.lines.len() >= want).map(Round::published);
        let last = || self.last.clone().filter(|last| last.size > seq && last.cosigned >= want);
        found.or_else(last).or_else(|| {
            let most = over().max_by_key(|round| (round.lines.len(), round.checkpoint.size));
            most.map(Round::published)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENT: Duration = Duration::from_secs(3600);

    fn checkpoint(size: u64) -> Signed {
        Signed { size, note: format!("{size}\n") }
    }

    fn rounds(sizes: &[u64]) -> Rounds {
        let mut rounds = Rounds::default();
        for size in sizes {
            assert!(rounds.begin(checkpoint(*size)));
        }
        rounds
    }

    fn shown(rounds: &mut Rounds, quorum: usize, patience: Duration) -> (u64, usize) {
        let ripeness = Ripeness { quorum, witnesses: 2, patience };
        rounds.ripe(&ripeness).into_iter().for_each(|ripe| rounds.publish(ripe));
        assert_eq!(rounds.ripe(&ripeness), None, "it is published");
        let published = rounds.published().expect("a round");
        (published.size, published.cosigned)
    }

    #[test]
    fn a_round_is_shown_once_it_has_its_quorum_and_the_others_had_their_time() {
        let mut rounds = rounds(&[10, 20]);
        assert_eq!(shown(&mut rounds, 1, PATIENT), (10, 0), "the first one until one is ripe");
        rounds.answer(20, 0, Some("a\n".into()));
        assert_eq!(shown(&mut rounds, 1, PATIENT), (10, 0), "the second witness may still come");
        rounds.answer(20, 1, None);
        assert_eq!(shown(&mut rounds, 1, PATIENT), (20, 1), "it had its say");
        assert!(rounds.begin(checkpoint(30)));
        rounds.answer(30, 1, Some("b\n".into()));
        assert_eq!(shown(&mut rounds, 1, PATIENT), (20, 1));
        assert_eq!(shown(&mut rounds, 1, Duration::ZERO), (30, 1), "a silent witness delays it no longer");
        rounds.answer(30, 0, Some("a\n".into()));
        assert_eq!(shown(&mut rounds, 1, PATIENT), (30, 2), "a late one is added");
        assert!(rounds.begin(checkpoint(40)));
        assert_eq!(shown(&mut rounds, 2, Duration::ZERO), (30, 2), "without its quorum it is not shown");
    }

    #[test]
    fn what_is_shown_never_shrinks() {
        let mut rounds = rounds(&[10]);
        rounds.publish(Published { size: 15, note: String::new(), cosigned: 2 });
        rounds.answer(10, 0, Some("a\n".into()));
        assert_eq!(shown(&mut rounds, 0, Duration::ZERO), (15, 2));
        for size in 20..20 + 2 * KEPT as u64 {
            assert!(rounds.begin(checkpoint(size)));
        }
        assert_eq!(rounds.rounds.len(), KEPT);
        assert_eq!(shown(&mut rounds, 1, Duration::ZERO), (15, 2));
        assert!(!rounds.begin(checkpoint(12)), "nor does a round go back");
    }

    #[test]
    fn a_receipt_takes_the_newest_round_that_has_enough_else_the_one_with_most() {
        let mut rounds = rounds(&[10, 20, 30]);
        rounds.answer(10, 0, Some("a\n".into()));
        rounds.answer(10, 1, Some("b\n".into()));
        rounds.answer(20, 0, Some("a\n".into()));
        let check = |seq, want, expect: Option<(u64, usize)>| {
            let found = rounds.covering(seq, want);
            assert_eq!(found.map(|found| (found.size, found.cosigned)), expect, "{seq} {want}");
        };
        check(5, 0, Some((30, 0)));
        check(5, 1, Some((20, 1)));
        check(5, 2, Some((10, 2)));
        check(5, 3, Some((10, 2)));
        check(15, 2, Some((20, 1)));
        check(25, 1, Some((30, 0)));
        check(30, 0, None);
    }
}
