//! Trees that add up: every leaf of every small tree is proven, and no lie is.

use jialing_crypto::hash::HashAlgorithm::{self, Sha256, Sm3};
use jialing_crypto::sum_tree::{SumError, SumNode, commitment, empty, leaf, parent, path, root, verify};

fn amount(n: u64) -> u64 {
    n * n % 97 * 1_000 + n + 2
}

fn leaves(hash: HashAlgorithm, count: u64) -> Vec<SumNode> {
    (0..count).map(|n| leaf(hash, &commitment(hash, n.into(), &[n as u8; 32]), amount(n))).collect()
}

/// The definition, written once more from the bottom up: pairs are joined level by level, and what has
/// no partner rises as it is.
fn by_levels(hash: HashAlgorithm, mut level: Vec<SumNode>) -> SumNode {
    while level.len() > 1 {
        level = level
            .chunks(2)
            .map(|pair| match pair {
                [left, right] => parent(hash, left, right).expect("small sums"),
                [alone] => *alone,
                _ => unreachable!("chunks of two"),
            })
            .collect();
    }
    level[0]
}

#[test]
fn every_leaf_of_every_tree_is_proven_and_the_root_holds_the_sum() {
    for hash in [Sha256, Sm3] {
        for count in 1..70 {
            let leaves = leaves(hash, count);
            let root = root(hash, &leaves).expect("small sums");
            assert_eq!(root.sum, (0..count).map(amount).sum::<u64>());
            assert_eq!(root, by_levels(hash, leaves.clone()), "{count} leaves");
            for (index, leaf) in leaves.iter().enumerate() {
                let path = path(hash, &leaves, index).expect("it is there");
                assert_eq!(
                    verify(hash, leaf, index as u64, count, &path, &root),
                    Ok(()),
                    "{index} of {count}"
                );
            }
        }
    }
}

#[test]
fn a_tree_may_be_built_from_the_roots_of_its_blocks() {
    for count in [1, 7, 8, 9, 16, 17, 63, 64, 65, 69] {
        let leaves = leaves(Sha256, count);
        let blocks: Vec<SumNode> =
            leaves.chunks(8).map(|block| root(Sha256, block).expect("small sums")).collect();
        assert_eq!(root(Sha256, &blocks), root(Sha256, &leaves), "{count}");
        for index in 0..count as usize {
            let (block, within) = (index / 8, index % 8);
            let last = (block * 8 + 8).min(leaves.len());
            let mut joined = path(Sha256, &leaves[block * 8..last], within).expect("in its block");
            joined.extend(path(Sha256, &blocks, block).expect("among the blocks"));
            assert_eq!(joined, path(Sha256, &leaves, index).expect("in the tree"));
        }
    }
}

#[test]
fn an_empty_tree_and_one_leaf_have_roots_of_their_own() {
    assert_eq!(root(Sha256, &[]), Ok(empty(Sha256)));
    assert_eq!(empty(Sha256).sum, 0);
    assert_ne!(empty(Sha256).hash, empty(Sm3).hash);
    let only = leaves(Sha256, 1);
    assert_eq!(root(Sha256, &only), Ok(only[0]));
    assert_eq!(verify(Sha256, &only[0], 0, 1, &[], &only[0]), Ok(()));
    assert_eq!(verify(Sha256, &only[0], 0, 0, &[], &empty(Sha256)), Err(SumError::OutOfRange));
    assert_eq!(path(Sha256, &only, 1), Err(SumError::OutOfRange));
    assert_eq!(path(Sha256, &[], 0), Err(SumError::OutOfRange));
}

#[test]
fn the_hashes_are_those_of_the_published_format() {
    let who = commitment(Sha256, 0x0102, &[7; 32]);
    let mut text = b"JIALING-SUM-WHO-1".to_vec();
    text.extend([0; 14]);
    text.extend([1, 2]);
    text.extend([7; 32]);
    assert_eq!(who, Sha256.digest(&text));
    let one = leaf(Sha256, &who, 258);
    let text = [b"JIALING-SUM-LEAF-1".as_slice(), &who, &[0, 0, 0, 0, 0, 0, 1, 2]].concat();
    assert_eq!((one.hash, one.sum), (Sha256.digest(&text), 258));
    let both = parent(Sha256, &one, &one).expect("small sums");
    let half = [one.hash.as_slice(), &[0, 0, 0, 0, 0, 0, 1, 2]].concat();
    assert_eq!(both.hash, Sha256.digest(&[b"JIALING-SUM-NODE-1".as_slice(), &half, &half].concat()));
}

#[test]
fn whatever_is_changed_in_a_proof_shows() {
    for count in [2, 3, 5, 8, 33] {
        let leaves = leaves(Sha256, count);
        let root = root(Sha256, &leaves).expect("small sums");
        for index in 0..count {
            let path = path(Sha256, &leaves, index as usize).expect("it is there");
            let own = leaves[index as usize];
            let check = |leaf: SumNode, index, count, path: &[SumNode], root: SumNode| {
                assert!(verify(Sha256, &leaf, index, count, path, &root).is_err(), "{index} of {count}");
            };
            check(SumNode { sum: own.sum + 1, ..own }, index, count, &path, root);
            check(own, index, count, &path, SumNode { sum: root.sum - 1, ..root });
            check(own, index, count, &path[1..], root);
            check(own, index, count, &[path.as_slice(), &path[..1]].concat(), root);
            check(own, (index + 1) % count, count, &path, root);
            check(own, count, count, &path, root);
            for at in 0..path.len() {
                let mut lie = path.clone();
                lie[at].sum += 1;
                check(own, index, count, &lie, root);
                let mut lie = path.clone();
                lie[at].hash[at % 32] ^= 1;
                check(own, index, count, &lie, root);
            }
        }
    }
}

/// In a tree whose nodes hash only the total of their children, its keeper shows each child that its
/// own amount counts and that the other's is zero, and states the larger of the two as the total.
#[test]
fn money_moved_between_siblings_shows() {
    let leaves = leaves(Sha256, 4);
    let root = root(Sha256, &leaves).expect("small sums");
    for index in 0..4 {
        let path = path(Sha256, &leaves, index).expect("it is there");
        let own = leaves[index];
        // The pair's total stays, its parts do not.
        let moved = own.sum / 2;
        let mut lie = path.clone();
        lie[0].sum += own.sum - moved;
        let less = SumNode { sum: moved, ..own };
        assert_eq!(verify(Sha256, &less, index as u64, 4, &lie, &root), Err(SumError::RootMismatch));
        // Between the two halves of the tree.
        let mut lie = path.clone();
        lie[0].sum += 1;
        lie[1].sum -= 1;
        assert_eq!(verify(Sha256, &own, index as u64, 4, &lie, &root), Err(SumError::RootMismatch));
    }
}

#[test]
fn sums_do_not_wrap() {
    let one = SumNode { hash: [1; 32], sum: u64::MAX };
    let two = SumNode { hash: [2; 32], sum: 1 };
    assert_eq!(parent(Sha256, &one, &two), Err(SumError::Overflow));
    assert_eq!(root(Sha256, &[one, two]), Err(SumError::Overflow));
    assert_eq!(verify(Sha256, &one, 0, 2, &[two], &two), Err(SumError::Overflow));
    assert!(parent(Sha256, &one, &SumNode { sum: 0, ..two }).is_ok());
}

#[test]
fn two_people_cannot_share_one_leaf() {
    let (ann, bob) = (commitment(Sha256, 1, &[7; 32]), commitment(Sha256, 2, &[7; 32]));
    assert_ne!(ann, bob, "the same nonce hides two names differently");
    assert_ne!(leaf(Sha256, &ann, 5), leaf(Sha256, &bob, 5));
    assert_ne!(commitment(Sha256, 1, &[7; 32]), commitment(Sha256, 1, &[8; 32]));
}
