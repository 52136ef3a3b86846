//! Seals, and the next segment's file that is made ahead of them.

use std::sync::Arc;

use jialing_journal::disk::Surviving;
use jialing_journal::{Batch, Disk, Journal, Memory};

use crate::faults::Faulty;
use crate::log::{append, check_entries, entry, genesis, open};

const SEGMENT: u64 = 16 << 10;
/// Frames of thirty entries; three fill a segment.
const FRAMES: u64 = 10;

/// When the keeper makes the next file.
#[derive(Clone, Copy, Debug)]
enum Keeper {
    Never,
    AfterSeals,
    Always,
}

/// Appends until the disk gives up; how many entries were answered.
fn write(disk: &Faulty, keeper: Keeper) -> u64 {
    let Ok((mut journal, ..)) = Journal::open(Arc::new(disk.clone()), &genesis(), SEGMENT) else { return 0 };
    let preparer = journal.preparer();
    let (mut answered, mut sealed) = (journal.head().0, true);
    for _ in 0..FRAMES {
        let prepares = match keeper {
            Keeper::Never => false,
            Keeper::AfterSeals => sealed,
            Keeper::Always => true,
        };
        // The keeper may fail and the writer go on.
        let _ = prepares.then(|| preparer.prepare());
        let mut batch = Batch::default();
        (answered..answered + 30).for_each(|seq| batch.push(&entry(seq)));
        match journal.append(&mut batch) {
            Ok(appended) => (answered, sealed) = (appended.end, appended.sealed.is_some()),
            Err(_) => return answered,
        }
    }
    answered
}

#[test]
fn a_crash_at_any_change_around_a_seal_loses_nothing_that_was_answered() {
    for keeper in [Keeper::Never, Keeper::AfterSeals, Keeper::Always] {
        let whole = Faulty::dying_after(&Memory::new(), u64::MAX);
        assert_eq!(write(&whole, keeper), FRAMES * 30);
        assert!(whole.disk.list("segments").unwrap().len() > 2);
        for allowed in 1..whole.changes() {
            let disk = Faulty::dying_after(&Memory::new(), allowed);
            let answered = write(&disk, keeper);
            let survivors = [Surviving::All, Surviving::None, Surviving::Some(allowed * 7919)];
            for (place, surviving) in survivors.into_iter().enumerate() {
                let after = disk.disk.crash(surviving);
                let (mut journal, recovered) = open(&after, SEGMENT);
                assert!(recovered.records >= answered, "{keeper:?} {allowed} {surviving:?}: {recovered:?}");
                assert!(recovered.records <= answered + 30);
                check_entries(&journal, recovered.records);
                if place == 0 && allowed % 4 == 0 {
                    for _ in 0..8 {
                        append(&mut journal, 30);
                    }
                    check_entries(&journal, recovered.records + 240);
                }
            }
        }
    }
}

#[test]
fn a_seal_that_finds_the_next_file_ready_takes_no_room() {
    for ready in [true, false] {
        let disk = Memory::new();
        let (mut journal, _) = open(&disk, 4 * SEGMENT);
        append(&mut journal, 300);
        let preparer = journal.preparer();
        assert_eq!(ready, ready && preparer.prepare().unwrap(), "it was not there before");
        assert!(!ready || !preparer.prepare().unwrap(), "once is enough");
        // Enough for what the tree's files need, not for a segment.
        disk.leave_room(Some(2 * SEGMENT));
        let mut batch = Batch::default();
        (300..600).for_each(|seq| batch.push(&entry(seq)));
        let appended = journal.append(&mut batch);
        assert_eq!(appended.is_ok(), ready);
        match appended {
            Ok(appended) => {
                assert_eq!(appended.sealed, Some((0, 300)));
                check_entries(&journal, 600);
            }
            Err(error) => assert!(error.to_string().contains("making memory/segments/"), "{error}"),
        }
    }
}

#[test]
fn a_keeper_without_room_says_so_and_the_writer_goes_on_until_the_seal() {
    let disk = Memory::new();
    let (mut journal, _) = open(&disk, 4 * SEGMENT);
    disk.leave_room(Some(2 * SEGMENT));
    let refused = journal.preparer().prepare().unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::StorageFull);
    append(&mut journal, 300);
    disk.leave_room(None);
    assert_eq!(append(&mut journal, 300).sealed, Some((0, 300)));
    check_entries(&journal, 600);
}

#[test]
fn what_was_made_ahead_and_not_used_is_made_again_after_a_start() {
    let disk = Memory::new();
    let (mut journal, _) = open(&disk, SEGMENT);
    append(&mut journal, 100);
    journal.preparer().prepare().unwrap();
    drop(journal);
    // Somebody wrote into it since.
    disk.plant("segments/next", &[0xff; 20_000]);
    for prepares in [true, false] {
        let disk = disk.crash(Surviving::All);
        let (mut journal, recovered) = open(&disk, SEGMENT);
        assert_eq!(recovered.records, 100);
        let _ = prepares.then(|| journal.preparer().prepare().unwrap());
        assert_eq!(append(&mut journal, 100).sealed, Some((0, 100)));
        let journal = {
            drop(journal);
            open(&disk, SEGMENT).0
        };
        check_entries(&journal, 200);
    }
}

#[test]
fn room_is_filled_ahead_where_frames_are_small_and_only_taken_where_they_are_large() {
    for (count, segment, filled) in [(1, 64 << 10, false), (30, 64 << 10, true), (3000, 1 << 20, false)] {
        let disk = Faulty::dying_after(&Memory::new(), u64::MAX);
        let (mut journal, ..) = Journal::open(Arc::new(disk.clone()), &genesis(), segment).unwrap();
        journal.preparer().prepare().unwrap();
        while append(&mut journal, count).sealed.is_none() {}
        let before = disk.changes();
        journal.preparer().prepare().unwrap();
        // The file's name, its room, a flush; and zeros with a flush of theirs.
        assert_eq!(disk.changes() - before, if filled { 5 } else { 3 }, "{count} entries a frame");
        assert_eq!(disk.disk.bytes("segments/next").unwrap(), vec![0; segment as usize]);
    }
}

#[test]
fn a_writer_takes_the_next_file_while_it_is_being_filled_and_no_zero_lands_on_its_frames() {
    let disk = Memory::new();
    let (mut journal, _) = open(&disk, 4 * SEGMENT);
    let preparer = journal.preparer();
    std::thread::scope(|scope| {
        let (tell, told) = std::sync::mpsc::channel();
        scope.spawn(move || {
            while told.recv().is_ok() {
                preparer.prepare().unwrap();
            }
        });
        for _ in 0..400 {
            append(&mut journal, 30);
            tell.send(()).unwrap();
        }
    });
    let total = journal.head().0;
    drop(journal);
    let (journal, recovered) = open(&disk, 4 * SEGMENT);
    assert_eq!((recovered.records, recovered.torn_bytes), (total, 0));
    check_entries(&journal, total);
}
