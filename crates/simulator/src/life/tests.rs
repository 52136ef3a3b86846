use jialing_ledger::Command;

use super::*;
use crate::disk::{Lasting, Orders};

async fn fed(door: &Door) -> Vec<jialing_ledger::Record> {
    let mut witness = Witness::default();
    witness.follow(door, 50).await.expect("the feed reads");
    witness.fed
}

/// Lives until the fault, is started again on what is in the cache, and then loses power.
async fn check(orders: Orders) {
    let mut chain = Chain::new(9, Profile::default());
    let open = |chain: &mut Chain| {
        let opened = Engine::open(Config { segment_bytes: 8 << 10, max_batch: 1, ..chain.config() });
        opened.map(|(engine, _)| Door::new(engine, None))
    };
    chain.disk.order(orders);
    if let Ok(door) = open(&mut chain) {
        for id in 1..50 {
            let _ = door.submit(Command::Note { kind: 1, id, digest: [5; 32] }).await;
        }
        chain.disk.die();
        door.engine.shutdown().await;
    }
    chain.disk = chain.disk.after(End::Kill);
    let door = open(&mut chain).expect("it opens after a kill");
    let seen = fed(&door).await;
    chain.disk.die();
    door.engine.shutdown().await;
    let left = chain.disk.clone();
    for _ in 0..3 {
        chain.disk = left.after(End::PowerLoss);
        let door = open(&mut chain).unwrap_or_else(|error| panic!("{orders:?}: {error}"));
        assert_eq!(fed(&door).await, seen, "{orders:?}");
        door.engine.shutdown().await;
    }
}

/// Found as seeds first: frames, seals, names and checkpoints that were in the cache only.
#[test]
fn what_a_start_answers_from_outlives_a_power_loss() {
    let runtime = crate::runtime();
    for at in 0..90 {
        runtime.block_on(check(Orders { die_after: Some(at), ..Orders::default() }));
    }
    for at in 0..45 {
        let fails = Some((at, Lasting::ForEver));
        runtime.block_on(check(Orders { fail_syncs_after: fails, ..Orders::default() }));
    }
}

/// A log with snapshots, stopped well.
async fn with_snapshots() -> Chain {
    let mut chain = Chain::new(9, Profile::default());
    chain.quiet = true;
    let (engine, _) = Engine::open(chain.config()).expect("a new log opens");
    for id in 1..120 {
        engine.submit(Command::Note { kind: 1, id, digest: [5; 32] }).await.expect("a note is taken");
    }
    engine.shutdown().await;
    chain.disk = chain.disk.after(End::Kill);
    chain
}

/// Found as a seed first: a bad snapshot lay for ever, and its removal was undone by a power loss.
#[test]
fn a_bad_snapshot_is_removed_for_good() {
    crate::runtime().block_on(async {
        let mut chain = with_snapshots().await;
        // Those that this start would not make anew.
        let newest = chain.disk.names("snapshots").last().cloned().expect("there is a snapshot");
        let mut bytes = chain.disk.bytes(&newest);
        bytes[60] ^= 1;
        chain.disk.plant(&newest, &bytes);
        let (engine, _) = Engine::open(chain.config()).expect("it opens without that snapshot");
        chain.disk.die();
        engine.shutdown().await;
        for _ in 0..8 {
            let after = chain.disk.after(End::PowerLoss);
            let same = after.names("snapshots").contains(&newest) && after.bytes(&newest) == bytes;
            assert!(!same, "{newest} is still there, and still bad");
        }
    });
}

/// Found as a seed first: hashes that were damaged under a running engine went into receipts.
#[test]
fn a_damaged_hash_never_becomes_a_receipt() {
    crate::runtime().block_on(async {
        let mut chain = with_snapshots().await;
        let (engine, _) = Engine::open(chain.config()).expect("it opens");
        let door = Door::new(engine, None);
        assert!(door.receipt(8).await.is_ok());
        let leaves =
            chain.disk.names("tree").into_iter().find(|name| name.ends_with('0')).expect("leaf hashes");
        chain.disk.rot(&leaves, 9 * 32);
        let receipt = door.receipt(8).await.expect_err("record 8 has no path without the hash of record 9");
        assert!(receipt.to_string().contains("tree/"), "{receipt}");
        door.engine.shutdown().await;
    });
}

/// Found as a seed first: a look-up that could not be read became a panic instead of a stop.
#[test]
fn a_look_up_that_cannot_be_read_stops_the_engine_and_says_so() {
    crate::runtime().block_on(async {
        let mut stopped = 0;
        for at in 0..40 {
            let mut chain = Chain::new(9, Profile::default());
            chain.quiet = true;
            let door = Door::new(Engine::open(chain.config()).expect("a new log opens").0, None);
            for command in Clients::founding() {
                let _ = door.submit(command).await;
            }
            let asked: Vec<_> = (0..60).map(|_| chain.clients.draw(START)).collect();
            for command in &asked {
                let _ = door.submit(command.clone()).await;
            }
            chain.disk.order(Orders { fail_read_after: Some(at), ..Orders::default() });
            for command in &asked {
                let _ = door.submit(command.clone()).await;
            }
            door.engine.shutdown().await;
            let reason = door.engine.stopped().await.to_string();
            assert!(!reason.contains("met a defect"), "{reason}");
            stopped += u64::from(reason.contains("did not read"));
        }
        assert!(stopped > 5, "{stopped} of 40 failed reads stopped the engine");
    });
}
