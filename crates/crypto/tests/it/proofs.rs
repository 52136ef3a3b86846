use jialing_crypto::hash::{Digest, HashAlgorithm};
use jialing_crypto::proof::{
    ProofError, empty_root, leaf_hash, node_hash, verify_consistency, verify_inclusion,
};
use proptest::prelude::*;

/// The definitions of RFC 6962 section 2.1, written as they stand there.
fn root(hash: HashAlgorithm, leaves: &[Digest]) -> Digest {
    match leaves {
        [] => empty_root(hash),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(split(leaves.len()));
            node_hash(hash, &root(hash, left), &root(hash, right))
        }
    }
}

/// The largest power of two below `n`.
fn split(n: usize) -> usize {
    n.next_power_of_two() / 2
}

fn path(hash: HashAlgorithm, index: usize, leaves: &[Digest]) -> Vec<Digest> {
    if leaves.len() == 1 {
        return vec![];
    }
    let (left, right) = leaves.split_at(split(leaves.len()));
    let (mut nodes, sibling) = if index < left.len() {
        (path(hash, index, left), root(hash, right))
    } else {
        (path(hash, index - left.len(), right), root(hash, left))
    };
    nodes.push(sibling);
    nodes
}

fn consistency(hash: HashAlgorithm, first: usize, leaves: &[Digest], whole: bool) -> Vec<Digest> {
    if first == leaves.len() {
        return if whole { vec![] } else { vec![root(hash, leaves)] };
    }
    let (left, right) = leaves.split_at(split(leaves.len()));
    let (mut nodes, sibling) = if first <= left.len() {
        (consistency(hash, first, left, whole), root(hash, right))
    } else {
        (consistency(hash, first - left.len(), right, false), root(hash, left))
    };
    nodes.push(sibling);
    nodes
}

fn records(hash: HashAlgorithm, count: usize) -> Vec<Digest> {
    (0..count).map(|i| leaf_hash(hash, format!("record {i}").as_bytes())).collect()
}

#[test]
fn roots_match_the_certificate_transparency_examples() {
    let records =
        ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
    let roots = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];
    let sha = HashAlgorithm::Sha256;
    let leaves: Vec<Digest> =
        records.iter().map(|record| leaf_hash(sha, &hex::decode(record).unwrap())).collect();
    for (i, expect) in roots.iter().enumerate() {
        assert_eq!(hex::encode(root(sha, &leaves[..=i])), *expect);
    }
}

#[test]
fn every_record_of_every_small_tree_is_proven_and_no_other_position_is() {
    for hash in [HashAlgorithm::Sha256, HashAlgorithm::Sm3] {
        let leaves = records(hash, 33);
        for size in 1..=leaves.len() {
            let root = root(hash, &leaves[..size]);
            for index in 0..size {
                let path = path(hash, index, &leaves[..size]);
                let check = |index: usize, size: usize, leaf: &Digest| {
                    verify_inclusion(hash, leaf, index as u64, size as u64, &path, &root)
                };
                assert_eq!(check(index, size, &leaves[index]), Ok(()));
                for other in 0..size {
                    if other != index {
                        assert!(check(other, size, &leaves[index]).is_err());
                        assert!(check(index, size, &leaves[other]).is_err());
                    }
                }
                assert_eq!(check(size, size, &leaves[index]), Err(ProofError::OutOfRange));
            }
        }
    }
}

#[test]
fn every_growth_of_a_small_tree_is_proven_and_no_other_root_is() {
    let hash = HashAlgorithm::Sha256;
    let leaves = records(hash, 33);
    for second in 0..=leaves.len() {
        let new = root(hash, &leaves[..second]);
        for first in 0..=second {
            let old = root(hash, &leaves[..first]);
            let proof = match first {
                0 => vec![],
                _ => consistency(hash, first, &leaves[..second], true),
            };
            let check = |old: &Digest, new: &Digest, proof: &[Digest]| {
                verify_consistency(hash, first as u64, second as u64, proof, old, new)
            };
            assert_eq!(check(&old, &new, &proof), Ok(()), "{first} of {second}");
            assert!(check(&[9; 32], &new, &proof).is_err());
            if first > 0 {
                assert!(check(&old, &[9; 32], &proof).is_err());
            }
            let longer = [proof.as_slice(), &[[0; 32]]].concat();
            assert_eq!(check(&old, &new, &longer), Err(ProofError::WrongLength));
            if let Some((_, shorter)) = proof.split_last() {
                assert!(check(&old, &new, shorter).is_err());
            }
        }
    }
    assert_eq!(verify_consistency(hash, 2, 1, &[], &[0; 32], &[0; 32]), Err(ProofError::OutOfRange));
}

proptest! {
    #[test]
    fn no_proof_makes_verification_panic(
        index in any::<u64>(),
        size in any::<u64>(),
        path in proptest::collection::vec(any::<[u8; 32]>(), 0..70),
        leaf in any::<[u8; 32]>(),
    ) {
        let hash = HashAlgorithm::Sha256;
        let root = [7; 32];
        prop_assert!(verify_inclusion(hash, &leaf, index, size, &path, &root).is_err());
        let _ = verify_consistency(hash, index, size, &path, &leaf, &root);
    }

    #[test]
    fn a_changed_hash_breaks_the_proof(
        size in 2usize..200,
        index in 0usize..200,
        at in any::<prop::sample::Index>(),
        bit in 0usize..256,
    ) {
        let hash = HashAlgorithm::Sm3;
        let leaves = records(hash, size);
        let index = index % size;
        let mut proof = path(hash, index, &leaves);
        let root = root(hash, &leaves);
        let at = at.index(proof.len());
        proof[at][bit / 8] ^= 1 << (bit % 8);
        prop_assert_eq!(
            verify_inclusion(hash, &leaves[index], index as u64, size as u64, &proof, &root),
            Err(ProofError::RootMismatch)
        );
    }
}
