//! The log by time, and a folder read from outside while its engine runs.

use std::sync::Arc;

use jialing_engine::look::Look;
use jialing_engine::{OpenError, ReadError};
use jialing_journal::Disk;
use jialing_ledger::Record;

use crate::bank::{Bank, ISSUANCE, START, everything, found, pay, submit};

#[tokio::test]
async fn the_records_before_a_time_are_counted_exactly_at_every_edge() {
    let bank = Bank { segment_bytes: 16 << 10, ..Bank::new() };
    let engine = bank.open();
    assert_eq!(engine.records_before(u64::MAX).await, Ok(0), "an empty log");
    found(&engine, 6).await;
    // Runs of equal times, single ones, and long pauses, over several sealed segments.
    for n in 0..600u64 {
        if n % 7 == 0 {
            bank.pass([1, 1_000_000, 86_400_000_000_000][n as usize / 7 % 3]);
        }
        submit(&engine, pay(u128::from(n) + 1000, ISSUANCE, 2 + u128::from(n % 6), 1)).await;
    }
    let all = everything(&engine).await;
    let plain = |time: u64| all.iter().filter(|record| record.time < time).count() as u64;
    let mut times: Vec<u64> = all.iter().map(|record| record.time).collect();
    times.dedup();
    assert!(times.len() > 80, "{} different times", times.len());
    for time in times.iter().flat_map(|&time| [time - 1, time, time + 1]).chain([0, START - 1, u64::MAX]) {
        assert_eq!(engine.records_before(time).await, Ok(plain(time)), "at {time}");
    }
    for seq in [0, 77, all.len() as u64 - 1] {
        assert_eq!(engine.record(seq).await, Ok(all[seq as usize]));
    }
    let asked = all.len() as u64;
    assert_eq!(engine.record(asked).await, Err(ReadError::Beyond { asked, durable: asked }));
    engine.shutdown().await;
}

fn seen(look: &Look, from: u64, to: u64) -> Vec<Record> {
    let mut seen = Vec::new();
    look.visit(from, to, |record| {
        seen.push(*record);
        std::io::Result::Ok(())
    })
    .expect("readable");
    seen
}

#[tokio::test]
async fn a_running_ledger_is_read_from_outside_as_far_as_it_is_signed_for() {
    let bank = Bank { segment_bytes: 16 << 10, ..Bank::new() };
    let engine = bank.open();
    found(&engine, 6).await;
    for n in 0..400u64 {
        bank.pass(1_000);
        submit(&engine, pay(u128::from(n) + 1000, ISSUANCE, 2 + u128::from(n % 6), 1)).await;
    }
    // Asking for a receipt has a checkpoint signed; what comes after is not covered by one.
    let all = everything(&engine).await;
    engine.receipt(all.len() as u64 - 1).await.expect("a receipt");
    for n in 0..5u64 {
        submit(&engine, pay(u128::from(n) + 9000, ISSUANCE, 2, 1)).await;
    }
    let look = Look::open_disk(Arc::new(bank.disk.clone())).expect("it runs, and can be read");
    assert_eq!(look.records(), all.len() as u64);
    assert_eq!((look.checkpoint().size, look.verifier_key()), (all.len() as u64, engine.verifier_key()));
    assert_eq!(seen(&look, 0, u64::MAX), all);
    assert_eq!(seen(&look, 100, 333), all[100..333]);
    assert_eq!(seen(&look, 9, 9), []);
    for record in all.iter().step_by(37) {
        let before = all.iter().filter(|other| other.time < record.time).count() as u64;
        assert_eq!(look.records_before(record.time).expect("readable"), before);
    }
    engine.shutdown().await;
    let look = Look::open_disk(Arc::new(bank.disk.clone())).expect("stopped, and can be read");
    assert_eq!(look.records(), all.len() as u64 + 5, "the last checkpoint covers all");
}

#[tokio::test]
async fn what_is_no_sound_folder_is_refused_with_the_reason() {
    let bank = Bank { segment_bytes: 16 << 10, ..Bank::new() };
    let refused = |bank: &Bank, words: &str| match Look::open_disk(Arc::new(bank.disk.clone())) {
        Ok(_) => panic!("it should say: {words}"),
        Err(error) => {
            assert!(error.to_string().contains(words), "{error}");
            error
        }
    };
    refused(&bank, "holds no log");
    let engine = bank.open();
    found(&engine, 6).await;
    for n in 0..400u64 {
        submit(&engine, pay(u128::from(n) + 1000, ISSUANCE, 2 + u128::from(n % 6), 1)).await;
    }
    engine.shutdown().await;
    let names = bank.disk.list("segments").expect("listed");
    assert!(names.len() > 3, "{names:?}");
    let file = |disk: &jialing_journal::Memory, name: &str| disk.open(name, true).expect("there");

    // A byte of a frame changed: the reader says where, and gives nothing of that frame.
    let second = format!("segments/{}", names[1]);
    let mut byte = [0];
    file(&bank.disk, &second).read_at(&mut byte, 4_300).expect("read");
    file(&bank.disk, &second).write_at(&[byte[0] ^ 1], 4_300).expect("written");
    let look = Look::open_disk(Arc::new(bank.disk.clone())).expect("frames are checked when they are read");
    let read = look.visit(0, u64::MAX, |_| std::io::Result::Ok(()));
    assert!(read.expect_err("damaged").to_string().contains("is damaged at byte"));
    file(&bank.disk, &second).write_at(&byte, 4_300).expect("written");

    bank.disk.remove(&second).expect("removed");
    assert!(matches!(refused(&bank, "a segment is missing"), OpenError::Damaged { .. }));
}
