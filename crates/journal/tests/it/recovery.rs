//! Every way a log can be found, and what opening makes of it.

use std::sync::Arc;

use jialing_journal::disk::Surviving;
use jialing_journal::{Batch, Disk, Journal, JournalError, Memory, Suite};

use crate::faults::Faulty;
use crate::log::{FIRST, append, check_entries, entry, genesis, open, signer, try_open};

const SEGMENT: u64 = 64 << 10;
const HEADER: usize = 4096;
/// Frames in the log under test, by their numbers of entries.
const FRAMES: [u64; 5] = [1, 3, 2, 7, 4];

/// A log of [`FRAMES`], and where each frame ends.
fn log() -> (Memory, Vec<usize>) {
    let disk = Memory::new();
    let (mut journal, recovered) = open(&disk, SEGMENT);
    assert!(recovered.created);
    let mut ends = vec![HEADER];
    for count in FRAMES {
        append(&mut journal, count);
        ends.push(journal.position() as usize);
    }
    drop(journal);
    (disk, ends)
}

/// Entries in the first `frames` frames.
fn entries(frames: usize) -> u64 {
    FRAMES[..frames].iter().sum()
}

#[test]
fn truncated_at_every_byte_the_longest_run_of_whole_frames_comes_back() {
    let (disk, ends) = log();
    let good = disk.bytes(FIRST).unwrap();
    let last = *ends.last().unwrap();
    for cut in HEADER..=last + 8 {
        let disk = disk.crash(Surviving::All);
        disk.plant(FIRST, &good[..cut]);
        let whole = ends.iter().filter(|&&end| end <= cut).count() - 1;
        let (mut journal, recovered) = open(&disk, SEGMENT);
        assert_eq!(recovered.records, entries(whole), "cut at {cut}");
        // Bytes of a frame that was begun; trailing zeros of it cannot be told from nothing.
        let begun =
            good[ends[whole]..cut.min(last)].iter().rposition(|&byte| byte != 0).map_or(0, |at| at + 1);
        assert_eq!(recovered.torn_bytes, begun as u64, "cut at {cut}");
        check_entries(&journal, entries(whole));
        append(&mut journal, 2);
        check_entries(&journal, entries(whole) + 2);
        drop(journal);
        let (journal, recovered) = open(&disk, SEGMENT);
        assert_eq!((recovered.torn_bytes, recovered.created), (0, false));
        check_entries(&journal, entries(whole) + 2);
    }
    for cut in [0, 1, 99, HEADER - 1] {
        disk.plant(FIRST, &good[..cut]);
        assert!(matches!(try_open(&disk, SEGMENT), Err(JournalError::Damaged { .. })), "cut at {cut}");
    }
}

#[test]
fn a_flipped_bit_is_refused_with_its_place_or_cut_with_the_last_frame() {
    let (disk, ends) = log();
    let good = disk.bytes(FIRST).unwrap();
    let (last_begin, last_end) = (ends[ends.len() - 2], ends[ends.len() - 1]);
    for at in 0..last_end {
        let disk = disk.crash(Surviving::All);
        let mut bad = good.clone();
        bad[at] ^= 1 << (at % 8);
        disk.plant(FIRST, &bad);
        match try_open(&disk, SEGMENT) {
            Ok((journal, _, recovered)) => {
                assert!(at >= last_begin, "byte {at} was flipped");
                assert_eq!(recovered.torn_bytes as usize, last_end - last_begin);
                check_entries(&journal, entries(FRAMES.len() - 1));
            }
            Err(JournalError::Damaged { file, byte, seq, .. }) => {
                assert!(at < last_begin, "byte {at} is in the last frame");
                let frame = ends.iter().rposition(|&end| end <= at);
                let (place, first) = frame.map_or((0, 0), |frame| (ends[frame] as u64, entries(frame)));
                assert_eq!((file.as_str(), byte, seq), (FIRST, place, first), "byte {at}");
                assert_eq!(disk.bytes(FIRST).unwrap(), bad, "nothing is changed");
            }
            Err(JournalError::Mismatch(_)) => assert!(at < HEADER),
            Err(other) => panic!("byte {at}: {other}"),
        }
    }
}

#[test]
fn a_batch_is_there_wholly_or_not_at_all_after_any_torn_write() {
    for seed in 1..400 {
        let (disk, _) = log();
        let (mut journal, _) = open(&disk, SEGMENT);
        disk.fail_syncs_after(Some(0));
        let mut batch = Batch::default();
        let first = journal.head().0;
        (first..first + 40).for_each(|seq| batch.push(&entry(seq)));
        assert!(journal.append(&mut batch).is_err());
        assert!(journal.append(&mut batch).is_err(), "a writer that failed stays failed");
        let after = disk.crash(Surviving::Some(seed * 0x9e37_79b9));
        let (journal, recovered) = open(&after, SEGMENT);
        let all = entries(FRAMES.len());
        assert!(recovered.records == all || recovered.records == all + 40, "{recovered:?}");
        check_entries(&journal, recovered.records);
    }
}

#[test]
fn segments_are_sealed_and_read_back_with_frames_of_any_size() {
    let disk = Memory::new();
    let (mut journal, _) = open(&disk, 16 << 10);
    let mut sealed = Vec::new();
    // The frame of 300 entries is larger than a segment.
    for count in [1, 50, 30, 300, 1, 1, 99, 100, 1, 20, 5, 5, 5, 300, 300, 7] {
        sealed.extend(append(&mut journal, count).sealed);
    }
    let total = journal.head().0;
    check_entries(&journal, total);
    assert!(sealed.len() >= 6, "{sealed:?}");
    assert_eq!(journal.reader().sealed(), sealed);
    drop(journal);
    let (journal, recovered) = open(&disk, 16 << 10);
    assert_eq!(recovered.records, total);
    assert_eq!(journal.reader().sealed(), sealed);
    check_entries(&journal, total);
    // What was sealed holds no room it does not need.
    let used: usize =
        sealed.iter().map(|(base, _)| disk.bytes(&format!("segments/{base:020}.seg")).unwrap().len()).sum();
    assert!(used < sealed.last().unwrap().1 as usize * 118 + sealed.len() * (4096 + 60) + 16 * (56 + 8));
}

#[test]
fn hashes_that_are_missing_or_wrong_are_made_again() {
    let disk = Memory::new();
    let (mut journal, _) = open(&disk, 16 << 10);
    for _ in 0..40 {
        append(&mut journal, 20);
    }
    let (total, root) = journal.head();
    let sealed = journal.reader().sealed().last().unwrap().1;
    journal.reader().settle_tree(sealed).unwrap();
    drop(journal);
    let (journal, recovered) = open(&disk, 16 << 10);
    assert_eq!(recovered.rehashed, total - sealed, "only the tail is hashed again");
    drop(journal);
    for file in ["tree/0", "tree/1", "tree/mark"] {
        for damage in 0..2 {
            let disk = disk.crash(Surviving::All);
            if damage == 0 {
                disk.remove(file).unwrap();
            } else {
                let length = disk.bytes(file).unwrap().len();
                disk.plant(file, &vec![0; length]);
            }
            let (journal, recovered) = open(&disk, 16 << 10);
            assert_eq!((journal.head(), recovered.records), ((total, root), total), "{file}");
            check_entries(&journal, total);
        }
    }
}

#[test]
fn hashes_in_a_sector_that_cannot_be_read_are_made_again() {
    let disk = Memory::new();
    let (mut journal, mut checkpoints, _) = try_open(&disk, 16 << 10).unwrap();
    for frame in 0..40 {
        append(&mut journal, 20);
        if frame == 20 {
            let sealed = journal.reader().sealed().last().unwrap().1;
            journal.reader().settle_tree(sealed).unwrap();
        }
    }
    let (total, root) = journal.head();
    checkpoints.append(signer().sign(total, root, 1)).unwrap();
    drop((journal, checkpoints));
    for file in ["tree/0", "tree/1"] {
        let sectors = disk.bytes(file).unwrap().len().div_ceil(512) as u64;
        for sector in 0..sectors {
            let left = disk.crash(Surviving::All);
            let faulty = Faulty::with_bad_sector(&left, file, sector);
            let at = format!("sector {sector} of {file}");
            let (journal, _, recovered) =
                Journal::open(Arc::new(faulty.clone()), &genesis(), 16 << 10).expect(&at);
            assert_eq!((journal.head(), recovered.records), ((total, root), total), "{at}");
            if faulty.has_bad_sector() {
                // What the start has no need of is found by whoever reads it.
                let found = (0..total).any(|seq| journal.reader().entry(seq).is_err());
                assert!(recovered.rehashed < total && found, "{at}");
            } else {
                check_entries(&journal, total);
            }
        }
    }
}

#[test]
fn a_bit_that_turns_in_one_read_of_a_start_is_never_made_durable() {
    let disk = Memory::new();
    let (mut journal, mut checkpoints, _) = try_open(&disk, 16 << 10).unwrap();
    for _ in 0..12 {
        append(&mut journal, 20);
    }
    let (total, root) = journal.head();
    checkpoints.append(signer().sign(total, root, 1)).unwrap();
    drop((journal, checkpoints));
    let mut reads = 0;
    loop {
        reads += 1;
        let left = disk.crash(Surviving::All);
        let faulty = Faulty::misreading(&left, reads);
        // It may open all the same, or say what it found: what matters is what lies there afterwards.
        drop(Journal::open(Arc::new(faulty.clone()), &genesis(), 16 << 10));
        if faulty.will_misread() {
            break;
        }
        let (journal, _) = open(&left, 16 << 10);
        assert_eq!(journal.head(), (total, root), "after a misread in read {reads}");
        check_entries(&journal, total);
    }
    assert!(reads > 10, "a start reads a log more often than {reads} times");
}

#[test]
fn a_missing_segment_or_one_of_another_log_is_refused() {
    let disk = Memory::new();
    let (mut journal, _) = open(&disk, 16 << 10);
    for _ in 0..40 {
        append(&mut journal, 20);
    }
    let bases: Vec<u64> = journal.reader().sealed().iter().map(|sealed| sealed.0).collect();
    drop(journal);
    let check = |change: &dyn Fn(&Memory), word: &str| {
        let disk = disk.crash(Surviving::All);
        change(&disk);
        let refused = try_open(&disk, 16 << 10).err().expect(word).to_string();
        assert!(refused.contains(word), "{refused}");
    };
    let name = |base: u64| format!("segments/{base:020}.seg");
    check(&|disk| disk.remove(&name(0)).unwrap(), "a segment is missing");
    check(&|disk| disk.remove(&name(bases[2])).unwrap(), "a segment is missing");
    check(&|disk| disk.remove("genesis").unwrap(), "genesis is missing");
    check(&|disk| disk.plant("genesis", b"jialing ledger, format 9\n"), "not of a format known here");
    let cut_seal = |disk: &Memory| {
        let bytes = disk.bytes(&name(bases[1])).unwrap();
        disk.plant(&name(bases[1]), &bytes[..bytes.len() - 1]);
    };
    check(&cut_seal, "no good seal");
    let other = Memory::new();
    let key = jialing_journal::CheckpointSigner::new(Suite::Sha256Ed25519, "other/log", &[9; 32]).verifier();
    let stranger = jialing_journal::Genesis { key };
    drop(Journal::open(Arc::new(other.clone()), &stranger, 16 << 10).unwrap());
    check(&|disk| disk.plant(FIRST, &other.bytes(FIRST).unwrap()), "belongs to another log");
}

#[test]
fn a_log_behind_or_beside_its_checkpoint_is_refused() {
    let (disk, ends) = log();
    let (journal, mut checkpoints, _) = try_open(&disk, SEGMENT).unwrap();
    let (size, root) = journal.head();
    checkpoints.append(signer().sign(size, root, 1)).unwrap();
    drop(journal);
    open(&disk, SEGMENT);

    let good = disk.bytes(FIRST).unwrap();
    let shorter = disk.crash(Surviving::All);
    shorter.plant(FIRST, &good[..ends[3]]);
    let refused = try_open(&shorter, SEGMENT).err().expect("a rollback");
    assert!(
        matches!(&refused, JournalError::RolledBack(what) if what.contains("covers 17 records")),
        "{refused}"
    );
    assert_eq!(shorter.bytes(FIRST).unwrap().len(), ends[3], "nothing is changed");

    let rewritten = disk.crash(Surviving::All);
    rewritten.plant(FIRST, &good[..ends[4]]);
    let checkpoint = rewritten.bytes("checkpoints").unwrap();
    rewritten.remove("checkpoints").unwrap();
    let (mut journal, _) = open(&rewritten, SEGMENT);
    let mut batch = Batch::default();
    (90..95).for_each(|seq| batch.push(&entry(seq)));
    journal.append(&mut batch).unwrap();
    drop(journal);
    rewritten.plant("checkpoints", &checkpoint);
    let refused = try_open(&rewritten, SEGMENT).err().expect("another history");
    assert!(matches!(&refused, JournalError::RolledBack(what) if what.contains("signed")), "{refused}");
}

#[test]
fn a_full_disk_is_said_and_the_log_opens_again_with_room() {
    let disk = Memory::new();
    let (mut journal, _) = open(&disk, 16 << 10);
    disk.leave_room(Some(20 << 10));
    let mut done = 0;
    let error = loop {
        let mut batch = Batch::default();
        let first = journal.head().0;
        (first..first + 20).for_each(|seq| batch.push(&entry(seq)));
        match journal.append(&mut batch) {
            Ok(appended) => done = appended.end,
            Err(error) => break error.to_string(),
        }
    };
    assert!(error.contains("making") || error.contains("sealing") || error.contains("hashing"), "{error}");
    drop(journal);
    disk.leave_room(None);
    let (journal, recovered) = open(&disk, 16 << 10);
    assert!(done > 0 && recovered.records >= done);
    check_entries(&journal, recovered.records);
}

#[test]
fn reading_says_what_was_damaged_after_the_start() {
    let (disk, ends) = log();
    let (journal, _) = open(&disk, SEGMENT);
    let reader = journal.reader();
    let file = disk.open(FIRST, true).unwrap();
    file.write_at(&[0xff], ends[1] as u64 + 56 + 118 + 3).unwrap();
    // Entry 2 is the second of the second frame.
    assert!(reader.entry(1).is_ok() && reader.entry(3).is_ok());
    let said = reader.entry(2).unwrap_err().to_string();
    assert!(said.contains(FIRST) && said.contains("verify"), "{said}");
    assert!(reader.entries(0, 17).is_err(), "a whole frame is checked as one");
}
