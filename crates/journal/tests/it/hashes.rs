//! Many hashes side by side are the hashes one by one, on every machine that runs this.

use jialing_journal::hash::{Hash, Lanes, hex};
use jialing_journal::proof::Nodes;
use jialing_journal::tree::{Edge, Room};
use jialing_journal::{ENTRY_LEN, Suite};
use proptest::prelude::*;

use crate::proofs::{Leaves, defined_root};

/// Bytes that differ everywhere.
fn bytes(count: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..count).map(next).collect()
}

#[test]
fn lanes_give_the_librarys_hashes_for_every_number_of_messages() {
    for suite in Suite::ALL {
        for lanes in Lanes::ALL.into_iter().filter(|lanes| lanes.are_here()) {
            for count in (0..=70).chain([1000]) {
                let entries = bytes(count * ENTRY_LEN);
                let mut leaves = vec![[7; 32]];
                suite.leaves_in(lanes, &entries, &mut leaves);
                let expected: Vec<Hash> = entries.chunks(ENTRY_LEN).map(|entry| suite.leaf(entry)).collect();
                assert_eq!(leaves[0], [7; 32], "what was there stays");
                assert_eq!(leaves[1..], expected, "{suite:?} {lanes:?} {count}");

                let children: Vec<Hash> =
                    bytes(count * 64).chunks(32).map(|hash| hash.try_into().unwrap()).collect();
                let mut parents = Vec::new();
                suite.nodes_in(lanes, &children, &mut parents);
                let expected: Vec<Hash> =
                    children.chunks(2).map(|pair| suite.node(&pair[0], &pair[1])).collect();
                assert_eq!(parents, expected, "{suite:?} {lanes:?} {count}");
            }
        }
    }
}

#[test]
fn all_ones_and_all_zeros_hash_alike_in_every_lane() {
    for suite in Suite::ALL {
        for byte in [0, 0x80, 0xff] {
            let entries = [byte; ENTRY_LEN * 32];
            for lanes in Lanes::ALL.into_iter().filter(|lanes| lanes.are_here()) {
                let mut leaves = Vec::new();
                suite.leaves_in(lanes, &entries, &mut leaves);
                assert_eq!(leaves, [suite.leaf(&entries[..ENTRY_LEN]); 32], "{suite:?} {lanes:?} {byte}");
            }
        }
    }
}

#[test]
fn lanes_that_are_not_here_are_replaced_and_the_best_are_here() {
    for suite in Suite::ALL {
        assert!(suite.lanes().are_here());
        for lanes in Lanes::ALL {
            let mut leaves = Vec::new();
            suite.leaves_in(lanes, &[5; 3 * ENTRY_LEN], &mut leaves);
            assert_eq!(leaves, [suite.leaf(&[5; ENTRY_LEN]); 3]);
        }
    }
}

/// GB/T 32905, annex A; FIPS 180-4's examples; and a leaf and a node written out.
#[test]
fn single_hashes_are_those_of_the_standards() {
    let check = |suite: Suite, message: &[u8], hash: &str| assert_eq!(hex(&suite.digest(message)), hash);
    let (sha256, sm3) = (Suite::Sha256Ed25519, Suite::Sm3Sm2);
    check(sm3, b"abc", "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0");
    check(sm3, &b"abcd".repeat(16), "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732");
    check(sha256, b"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    let two_blocks = b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    check(sha256, two_blocks, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    for suite in Suite::ALL {
        assert_eq!(suite.leaf(b"x"), suite.digest(b"\x00x"));
        assert_eq!(suite.node(&[2; 32], &[3; 32]), suite.digest(&[&[1][..], &[2; 32], &[3; 32]].concat()));
        assert_eq!(suite.empty(), suite.digest(b""));
    }
}

/// Every subtree that adding leaves completes, one leaf at a time.
fn one_by_one(edge: &mut Edge, leaves: &[Hash]) -> Vec<(u32, u64, Hash)> {
    let mut completed = Vec::new();
    leaves
        .iter()
        .for_each(|&leaf| edge.push(leaf, |level, index, hash| completed.push((level, index, hash))));
    completed.sort_unstable();
    completed
}

/// The same, level by level.
fn by_levels(edge: &mut Edge, leaves: &[Hash], room: &mut Room) -> Vec<(u32, u64, Hash)> {
    let mut completed = Vec::new();
    edge.extend(leaves, room, |level, first, hashes| {
        completed.extend((first..).zip(hashes).map(|(index, &hash)| (level, index, hash)));
    });
    completed.sort_unstable();
    completed
}

#[test]
fn a_tree_of_any_size_extended_at_once_is_the_defined_one() {
    for suite in Suite::ALL {
        let nodes = Leaves::of(suite, 600);
        let mut room = Room::default();
        for size in (0..=270).chain([500, 511, 512, 513, 599, 600]) {
            let mut edge = Edge::new(suite);
            by_levels(&mut edge, &nodes.leaves[..size], &mut room);
            assert_eq!((edge.size(), edge.root()), (size as u64, defined_root(suite, &nodes.leaves[..size])));
            let loaded = Edge::load(&nodes, size as u64).unwrap();
            assert_eq!((loaded.size(), loaded.root()), (edge.size(), edge.root()));
            let digits = (0..64).filter(|level| size >> level & 1 == 1);
            for level in digits {
                let index = (size as u64 >> level) - 1;
                assert_eq!(edge.peak(level), Some(&nodes.node(level, index).unwrap()));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn cut_into_any_batches_the_tree_grows_as_one_by_one(cuts in proptest::collection::vec(0..90_usize, 1..12)) {
        let suite = Suite::ALL[cuts.len() % 2];
        let nodes = Leaves::of(suite, cuts.iter().sum());
        let (mut slow, mut fast, mut room) = (Edge::new(suite), Edge::new(suite), Room::default());
        let mut rest = &nodes.leaves[..];
        for cut in cuts {
            let (batch, after) = rest.split_at(cut);
            prop_assert_eq!(one_by_one(&mut slow, batch), by_levels(&mut fast, batch, &mut room));
            prop_assert_eq!((slow.size(), slow.root()), (fast.size(), fast.root()));
            rest = after;
        }
    }
}
