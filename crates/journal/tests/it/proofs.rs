//! RFC 6962 against known hashes and against the recursive definition.

use std::convert::Infallible;

use jialing_journal::hash::{Hash, hex};
use jialing_journal::proof::{self, Nodes};
use jialing_journal::tree::Edge;

use crate::log::{append, entry, open};
use jialing_journal::{Memory, Suite};

const SUITE: Suite = Suite::Sha256Ed25519;

/// The eight leaves that every RFC 6962 implementation is tested with, and the roots over the first
/// one to eight of them.
const LEAVES: [&[u8]; 8] = [
    b"",
    b"\x00",
    b"\x10",
    b"\x20\x21",
    b"\x30\x31",
    b"\x40\x41\x42\x43",
    b"\x50\x51\x52\x53\x54\x55\x56\x57",
    b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
];
const ROOTS: [&str; 8] = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

#[test]
fn roots_are_the_known_ones() {
    assert_eq!(hex(&SUITE.empty()), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    let mut edge = Edge::new(SUITE);
    assert_eq!(edge.root(), SUITE.empty());
    for (leaf, root) in LEAVES.iter().zip(ROOTS) {
        edge.push(SUITE.leaf(leaf), |_, _, _| ());
        assert_eq!(hex(&edge.root()), root);
    }
}

/// The tree's hash by its definition (RFC 6962, 2.1), slowly.
pub(crate) fn defined_root(suite: Suite, leaves: &[Hash]) -> Hash {
    match leaves {
        [] => suite.empty(),
        [leaf] => *leaf,
        _ => {
            let k = leaves.len().next_power_of_two() / 2;
            suite.node(&defined_root(suite, &leaves[..k]), &defined_root(suite, &leaves[k..]))
        }
    }
}

/// The root that an inclusion path leads to, by the definition of PATH.
fn root_by_path(leaf: Hash, m: usize, n: usize, path: &[Hash]) -> Option<Hash> {
    if n == 1 {
        return path.is_empty().then_some(leaf);
    }
    let (&last, rest) = path.split_last()?;
    let k = n.next_power_of_two() / 2;
    Some(if m < k {
        SUITE.node(&root_by_path(leaf, m, k, rest)?, &last)
    } else {
        SUITE.node(&last, &root_by_path(leaf, m - k, n - k, rest)?)
    })
}

/// The old and new root that a consistency proof leads to, by the definition of SUBPROOF.
fn roots_by_proof(m: usize, n: usize, old: Hash, whole: bool, path: &[Hash]) -> Option<(Hash, Hash)> {
    if m == n {
        return if whole {
            path.is_empty().then_some((old, old))
        } else {
            (path.len() == 1).then(|| (path[0], path[0]))
        };
    }
    let (&last, rest) = path.split_last()?;
    let k = n.next_power_of_two() / 2;
    if m <= k {
        let (before, after) = roots_by_proof(m, k, old, whole, rest)?;
        Some((before, SUITE.node(&after, &last)))
    } else {
        let (before, after) = roots_by_proof(m - k, n - k, old, false, rest)?;
        Some((SUITE.node(&last, &before), SUITE.node(&last, &after)))
    }
}

/// Leaves in memory, and every subtree worked out anew.
pub(crate) struct Leaves {
    suite: Suite,
    pub(crate) leaves: Vec<Hash>,
}

impl Leaves {
    /// The first `count` entries' hashes.
    pub(crate) fn of(suite: Suite, count: usize) -> Self {
        Self { suite, leaves: (0..count as u64).map(|seq| suite.leaf(&entry(seq))).collect() }
    }
}

impl Nodes for Leaves {
    type Error = Infallible;

    fn suite(&self) -> Suite {
        self.suite
    }

    fn node(&self, level: u32, index: u64) -> Result<Hash, Infallible> {
        let from = (index << level) as usize;
        Ok(defined_root(self.suite, &self.leaves[from..from + (1 << level)]))
    }
}

const SIZES: usize = 200;

#[test]
fn inclusion_holds_for_every_leaf_of_every_size_and_for_nothing_else() {
    let nodes = Leaves::of(SUITE, SIZES);
    let roots: Vec<Hash> = (0..=SIZES).map(|n| defined_root(SUITE, &nodes.leaves[..n])).collect();
    for n in 1..=SIZES {
        let root = &roots[n];
        assert_eq!(proof::root(&nodes, n as u64).unwrap(), *root);
        for m in 0..n {
            let path = proof::inclusion(&nodes, m as u64, n as u64).unwrap();
            let leaf = nodes.leaves[m];
            assert_eq!(root_by_path(leaf, m, n, &path), Some(*root), "leaf {m} of {n}");
            let includes = |leaf, m: usize, n: usize, path: &[Hash], root| {
                proof::includes(SUITE, leaf, m as u64, n as u64, path, root)
            };
            assert!(includes(&leaf, m, n, &path, root));
            assert!(!includes(&leaf, m, n, &path, &roots[n - 1]));
            assert!(!includes(&nodes.leaves[(m + 1) % SIZES], m, n, &path, root));
            assert!(n == 1 || !includes(&leaf, m ^ 1, n, &path, root));
            assert!(!includes(&leaf, n, n, &path, root));
            let longer = [&path[..], &[leaf]].concat();
            assert!(!includes(&leaf, m, n, &longer, root));
            assert!(path.is_empty() || !includes(&leaf, m, n, &path[1..], root));
        }
    }
}

#[test]
fn consistency_holds_between_all_sizes_and_for_nothing_else() {
    let nodes = Leaves::of(SUITE, SIZES);
    let roots: Vec<Hash> = (0..=SIZES).map(|n| defined_root(SUITE, &nodes.leaves[..n])).collect();
    let holds = |m: usize, old, n: usize, new, path: &[Hash]| {
        proof::consistent(SUITE, m as u64, old, n as u64, new, path)
    };
    for n in 0..=SIZES {
        for m in 0..=n {
            let path = proof::consistency(&nodes, m as u64, n as u64).unwrap();
            let (old, new) = (&roots[m], &roots[n]);
            if m > 0 {
                assert_eq!(roots_by_proof(m, n, *old, true, &path), Some((*old, *new)), "{m} to {n}");
            }
            assert!(holds(m, old, n, new, &path), "{m} to {n}");
            assert!(!holds(m, &[1; 32], n, new, &path), "{m} to {n}");
            assert!(m == 0 || !holds(m, old, n, &[1; 32], &path), "{m} to {n}");
            assert!(m == n || !holds(n, new, m, old, &path));
            assert!(!holds(m, old, n, new, &[&path[..], &[*old]].concat()));
            assert!(path.is_empty() || !holds(m, old, n, new, &path[1..]));
        }
    }
}

#[test]
fn proofs_from_stored_hashes_hold_over_tile_borders() {
    let disk = Memory::new();
    let (mut journal, _) = open(&disk, 1 << 20);
    let leaves: Vec<Hash> = (0..1100).map(|seq| SUITE.leaf(&entry(seq))).collect();
    let reader = journal.reader();
    for count in [1, 254, 1, 1, 255, 300, 288] {
        append(&mut journal, count);
        let size = journal.head().0;
        assert_eq!(journal.head().1, defined_root(SUITE, &leaves[..size as usize]));
        assert_eq!(reader.root(size).unwrap(), journal.head().1);
        for seq in (0..size).step_by(17).chain([size - 1]) {
            let path = reader.inclusion(seq, size).unwrap();
            assert!(proof::includes(SUITE, &leaves[seq as usize], seq, size, &path, &journal.head().1));
        }
        for old in (1..size).step_by(23) {
            let path = reader.consistency(old, size).unwrap();
            let old_root = defined_root(SUITE, &leaves[..old as usize]);
            assert!(proof::consistent(SUITE, old, &old_root, size, &journal.head().1, &path));
        }
    }
    assert_eq!(reader.tile(0, 1, 256).unwrap(), leaves[256..512].concat());
    assert_eq!(reader.tile(1, 0, 4).unwrap()[32..64], defined_root(SUITE, &leaves[256..512]));
    assert!(reader.tile(0, 4, 256).is_err(), "only 76 hashes are there");
}
