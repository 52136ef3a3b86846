//! Joining runs into one of the next tier.
//!
//! Each part is read a stretch of pages at a time. The part with the least pair is copied from until
//! it has passed the least pair of all others, so parts that hardly overlap (ids are led by a time,
//! an account's transfers of one part stand together) cost little more than the copying.

use std::io;
use std::sync::Arc;

use jialing_journal::Hash;
use jialing_journal::disk::Disk;
use jialing_ledger::Id;

use super::filter::Budget;
use super::run::{Builder, Pair, Run, Span};

/// Pages of a part in memory.
const STRETCH: u64 = 32;

/// Sorts after everything: no record has this number.
const END: Pair = (Id::MAX, u64::MAX);

/// A part, and how far it has been read.
struct Source {
    run: Arc<Run>,
    next_page: u64,
    pairs: Vec<Pair>,
    at: usize,
}

impl Source {
    fn new(run: Arc<Run>) -> io::Result<Self> {
        let mut source = Self { run, next_page: 0, pairs: Vec::new(), at: 0 };
        source.read_on()?;
        Ok(source)
    }

    fn read_on(&mut self) -> io::Result<()> {
        self.pairs.clear();
        self.at = 0;
        while self.pairs.is_empty() && self.next_page < self.run.pages() {
            let end = self.run.pages().min(self.next_page + STRETCH);
            self.run.read_pages(self.next_page, end, &mut self.pairs)?;
            self.next_page = end;
        }
        Ok(())
    }

    fn head(&self) -> Pair {
        self.pairs.get(self.at).copied().unwrap_or(END)
    }

    /// Moves all pairs below `bound` to the builder.
    fn copy_below(&mut self, bound: Pair, to: &mut Builder<'_>) -> io::Result<()> {
        while self.head() < bound {
            to.push(self.pairs[self.at])?;
            self.at += 1;
            if self.at == self.pairs.len() {
                self.read_on()?;
            }
        }
        Ok(())
    }
}

/// Writes the run that holds all pairs of `parts`. `None` when `closing` came true before the end.
pub(super) fn merge(
    disk: &dyn Disk,
    log: &Hash,
    span: Span,
    parts: &[Arc<Run>],
    budget: &Arc<Budget>,
    closing: impl Fn() -> bool,
) -> io::Result<Option<Run>> {
    let mut builder = Builder::new(disk, log, span)?;
    let mut sources = parts.iter().cloned().map(Source::new).collect::<io::Result<Vec<_>>>()?;
    let (mut heads, mut turns) = (sources.iter().map(Source::head).collect::<Vec<_>>(), 0_u32);
    loop {
        let (mut least, mut second) = (0, END);
        for place in 1..heads.len() {
            if heads[place] < heads[least] {
                second = heads[least];
                least = place;
            } else if heads[place] < second {
                second = heads[place];
            }
        }
        if heads[least] == END {
            return builder.finish(budget).map(Some);
        }
        turns = turns.wrapping_add(1);
        if turns.is_multiple_of(1 << 16) && closing() {
            return Ok(None);
        }
        sources[least].copy_below(second, &mut builder)?;
        heads[least] = sources[least].head();
    }
}
