//! A stretch of the tree: many leaves hashed side by side, with the root at every size within.
//!
//! What a stretch needs of the records before it is their peaks, the roots of the complete subtrees
//! that the size's binary digits name. Peaks can come from the stretch before, or from stored hashes:
//! when they lead to a root that is known to be right, they are right, since nobody finds two sets of
//! peaks with one root. So stretches can be hashed in any order, by many threads.

use std::io;

use jialing_journal::{Hash, Suite};

/// Levels between two stored ones.
const STORED: u32 = 8;

/// The roots of the complete subtrees over the first records, the largest first.
#[derive(Clone, Debug)]
pub(crate) struct Peaks {
    suite: Suite,
    size: u64,
    hashes: Vec<Hash>,
}

impl Peaks {
    /// Those of an empty log.
    pub(crate) const fn none(suite: Suite) -> Self {
        Self { suite, size: 0, hashes: Vec::new() }
    }

    /// Those of the first `size` records, from stored hashes, which may be anything. `read` gives them
    /// by stored level, first index and number.
    pub(crate) fn stored(
        suite: Suite,
        size: u64,
        read: impl Fn(usize, u64, usize) -> io::Result<Vec<Hash>>,
    ) -> io::Result<Self> {
        let mut hashes = Vec::new();
        for stored in (0..8).rev() {
            let complete = size >> (STORED * stored);
            let count = complete % 256;
            if count == 0 {
                continue;
            }
            let mut rest = &read(stored as usize, complete - count, count as usize)?[..];
            for bit in (0..STORED).rev().filter(|bit| count >> bit & 1 == 1) {
                let (subtree, after) = rest.split_at(1 << bit);
                hashes.push(over(suite, subtree));
                rest = after;
            }
        }
        Ok(Self { suite, size, hashes })
    }

    /// Records.
    pub(crate) const fn size(&self) -> u64 {
        self.size
    }

    /// The root: RFC 6962's tree hash.
    pub(crate) fn root(&self) -> Hash {
        let mut peaks = self.hashes.iter().rev();
        let Some(&last) = peaks.next() else { return self.suite.empty() };
        peaks.fold(last, |right, left| self.suite.node(left, &right))
    }

    fn at(&self, level: u32) -> Option<&Hash> {
        let above = self.size.checked_shr(level + 1).unwrap_or(0).count_ones();
        (self.size >> level & 1 == 1).then(|| &self.hashes[above as usize])
    }
}

/// The root over a power of two of hashes.
fn over(suite: Suite, hashes: &[Hash]) -> Hash {
    let mut level = hashes.to_vec();
    while level.len() > 1 {
        let mut parents = Vec::with_capacity(level.len() / 2);
        suite.nodes(&level, &mut parents);
        level = parents;
    }
    level[0]
}

/// Leaves in a row and all subtrees that they complete.
#[derive(Debug)]
pub(crate) struct Stretch {
    before: Peaks,
    end: u64,
    /// By level: the index of the first hash, and the hashes. A level may begin with one that was
    /// there before, the left neighbour of the first new one.
    levels: Vec<(u64, Vec<Hash>)>,
}

impl Stretch {
    /// `leaves` after the records that have these peaks.
    pub(crate) fn new(before: Peaks, leaves: Vec<Hash>) -> Self {
        let (suite, end) = (before.suite, before.size + leaves.len() as u64);
        let (mut from, mut hashes, mut levels) = (before.size, leaves, Vec::new());
        while !hashes.is_empty() {
            if from & 1 == 1 {
                // An odd place has its left neighbour among the peaks.
                hashes.insert(0, *before.at(levels.len() as u32).expect("a peak for every binary digit"));
                from -= 1;
            }
            let mut parents = Vec::with_capacity(hashes.len() / 2);
            suite.nodes(&hashes[..hashes.len() & !1], &mut parents);
            levels.push((from, hashes));
            (from, hashes) = (from >> 1, parents);
        }
        Self { before, end, levels }
    }

    /// Records before it.
    pub(crate) const fn first(&self) -> u64 {
        self.before.size
    }

    /// Records before it and in it.
    pub(crate) const fn end(&self) -> u64 {
        self.end
    }

    /// The peaks over the first `size` records; `size` lies within the stretch or at its ends.
    pub(crate) fn peaks(&self, size: u64) -> Peaks {
        let hashes = (0..64).rev().filter(|level| size >> level & 1 == 1).map(|level| {
            let index = (size >> level) - 1;
            let here = self.levels.get(level).filter(|(from, _)| index >= *from);
            let here = here.and_then(|(from, hashes)| hashes.get((index - from) as usize));
            *here.or_else(|| self.before.at(level as u32)).expect("a size within the stretch")
        });
        Peaks { suite: self.before.suite, size, hashes: hashes.collect() }
    }

    /// The root over the first `size` records.
    pub(crate) fn root(&self, size: u64) -> Hash {
        self.peaks(size).root()
    }

    /// What it adds to the stored levels: each as its number, the first new hash's index, and the
    /// new hashes.
    pub(crate) fn stored(&self) -> impl Iterator<Item = (usize, u64, &[Hash])> {
        self.levels.iter().enumerate().step_by(STORED as usize).map(|(level, (from, hashes))| {
            let new = self.before.size >> level;
            (level / STORED as usize, new, &hashes[(new - from) as usize..])
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6962's definition, word for word.
    fn naive(suite: Suite, leaves: &[Hash]) -> Hash {
        match leaves {
            [] => suite.empty(),
            [leaf] => *leaf,
            _ => {
                let split = (leaves.len() - 1).ilog2();
                let (left, right) = leaves.split_at(1 << split);
                suite.node(&naive(suite, left), &naive(suite, right))
            }
        }
    }

    #[test]
    fn every_root_within_every_stretch_is_that_of_the_definition() {
        for suite in Suite::ALL {
            let leaves: Vec<Hash> = (0..300u32).map(|n| suite.leaf(&n.to_le_bytes())).collect();
            let roots: Vec<Hash> = (0..=300).map(|size| naive(suite, &leaves[..size])).collect();
            for (first, end) in
                [(0, 300), (0, 1), (1, 2), (7, 7), (7, 300), (64, 129), (255, 300), (256, 257)]
            {
                let before = Stretch::new(Peaks::none(suite), leaves[..first].to_vec()).peaks(first as u64);
                let stretch = Stretch::new(before, leaves[first..end].to_vec());
                assert_eq!((stretch.first(), stretch.end()), (first as u64, end as u64));
                for (size, root) in roots.iter().enumerate().take(end + 1).skip(first) {
                    assert_eq!(stretch.root(size as u64), *root, "{first} to {end} at {size}");
                    assert_eq!(stretch.peaks(size as u64).size(), size as u64);
                }
                let stored: Vec<_> = stretch.stored().filter(|(_, _, new)| !new.is_empty()).collect();
                if end > first {
                    assert_eq!(stored[0], (0, first as u64, &leaves[first..end]));
                }
                let tiles = if end >= 256 && first < 256 { vec![roots[256]] } else { Vec::new() };
                let found: Vec<Hash> = stored.iter().skip(1).flat_map(|(_, _, new)| new.to_vec()).collect();
                assert_eq!(found, tiles, "{first} to {end}");
            }
        }
    }
}
