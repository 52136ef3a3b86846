//! Receipts, checkpoints and tiles, checked with nothing but the public key.

use jialing_engine::{Engine, ReadError, Receipt};
use jialing_journal::{Checkpoint, Suite, VerifierKey, proof};

use crate::bank::{Bank, found, pay, submit};

const SUITE: Suite = Suite::Sha256Ed25519;

/// What a stranger does with a receipt.
fn check(engine: &Engine, receipt: &Receipt) {
    let key = VerifierKey::parse(&engine.verifier_key()).unwrap();
    let said = Checkpoint::open(&receipt.checkpoint.note, &key).unwrap();
    assert_eq!((said.size, said.root), (receipt.checkpoint.size, receipt.checkpoint.root));
    let leaf = SUITE.leaf(&receipt.record);
    assert!(proof::includes(SUITE, &leaf, receipt.index, said.size, &receipt.path, &said.root));
    assert!(!proof::includes(SUITE, &leaf, receipt.index + 1, said.size, &receipt.path, &said.root));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_is_had_at_once_and_verifies_with_the_public_key_alone() {
    let bank = Bank::new();
    let engine = bank.open();
    found(&engine, 2).await;
    for id in 50..80 {
        let paid = submit(&engine, pay(id, 2, 3, 1)).await;
        // Checkpoints are an hour apart here, so this one is signed because it is asked for.
        let receipt = engine.receipt(paid.first).await.unwrap();
        assert_eq!(receipt.record, paid.records[0].encode());
        check(&engine, &receipt);
    }
    for seq in 0..engine.checkpoint().size {
        check(&engine, &engine.receipt(seq).await.unwrap());
    }
    let beyond = engine.receipt(engine.stats().records).await;
    assert!(matches!(beyond, Err(ReadError::Beyond { .. })), "{beyond:?}");
    engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_checkpoints_are_consistent_across_restarts() {
    let bank = Bank { segment_bytes: 16 << 10, ..Bank::new() };
    let engine = bank.open();
    found(&engine, 2).await;
    let mut seen = Vec::new();
    for id in 50..450 {
        let paid = submit(&engine, pay(id, 2, 3, 1)).await;
        if id % 40 == 0 {
            engine.receipt(paid.first).await.unwrap();
            seen.push(engine.checkpoint());
        }
    }
    engine.shutdown().await;
    let engine = bank.open();
    seen.push(engine.checkpoint());
    for old in &seen {
        for new in seen.iter().filter(|new| new.size >= old.size) {
            let path = engine.consistency(old.size, new.size).await.unwrap();
            assert!(proof::consistent(SUITE, old.size, &old.root, new.size, &new.root, &path));
        }
        assert_eq!(engine.checkpoint_covering(old.size).await.unwrap().as_ref(), Some(old));
    }
    let backwards = engine.consistency(seen[1].size, seen[0].size).await;
    assert!(matches!(backwards, Err(ReadError::Beyond { .. })));
    engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tiles_and_bundles_rebuild_the_signed_root() {
    let bank = Bank { segment_bytes: 16 << 10, ..Bank::new() };
    let engine = bank.open();
    found(&engine, 2).await;
    let many = (50..650).map(|id| pay(id, 2, 3, 1)).collect();
    let last = engine.submit_all(many).await.pop().unwrap().unwrap();
    engine.receipt(last.first).await.unwrap();
    let checkpoint = engine.checkpoint();
    let (mut leaves, mut entries) = (Vec::new(), Vec::new());
    for index in 0..checkpoint.size.div_ceil(256) {
        let width = (checkpoint.size - index * 256).min(256) as u16;
        leaves.extend(engine.tile(0, index, width).await.unwrap());
        entries.extend(engine.entries(index, width).await.unwrap());
    }
    let mut edge = jialing_journal::tree::Edge::new(SUITE);
    for entry in entries.chunks_exact(120) {
        assert_eq!(entry[..2], [0, 118]);
        edge.push(SUITE.leaf(&entry[2..]), |_, _, _| ());
    }
    assert_eq!((edge.size(), edge.root()), (checkpoint.size, checkpoint.root));
    assert_eq!(leaves[..32], SUITE.leaf(&entries[2..120]));
    let roots = engine.tile(1, 0, (checkpoint.size >> 8) as u16).await.unwrap();
    let mut first = jialing_journal::tree::Edge::new(SUITE);
    leaves.chunks_exact(32).take(256).for_each(|leaf| first.push(leaf.try_into().unwrap(), |_, _, _| ()));
    assert_eq!(roots[..32], first.root());
    for (level, index, width) in
        [(0, 0, 0), (0, 0, 257), (0, 99, 1), (1, 0, 256), (9, 0, 1), (0, u64::MAX, 1)]
    {
        let refused = engine.tile(level, index, width).await;
        assert!(matches!(refused, Err(ReadError::Beyond { .. })), "{level} {index} {width}");
    }
    engine.shutdown().await;
}
