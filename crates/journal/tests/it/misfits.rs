//! Every file of a log that is not what it should be: cut, swapped, another log's, of a newer format,
//! on a medium that cannot be written, on a disk that is full.
//!
//! Whatever is found, one of two things happens: the log opens with all its records, or it is refused
//! with words that name the file or the reason, and nothing is changed.

use std::sync::Arc;

use jialing_journal::disk::Surviving;
use jialing_journal::format::SEGMENT_HEADER;
use jialing_journal::{
    Batch, Checkpoint, CheckpointSigner, Disk, Genesis, Hash, Journal, JournalError, Memory, Suite,
    checkpoint, proof,
};

use crate::faults::Faulty;
use crate::log::{FIRST, append, check_entries, entry, genesis, open, signer, try_open};

const SEGMENT: u64 = 16 << 10;
/// Files of which the log can do without, since it makes them again.
const DERIVED: [&str; 3] = ["tree/0", "tree/1", "tree/mark"];

struct Log {
    disk: Memory,
    head: (u64, Hash),
    files: Vec<String>,
}

/// A log with sealed segments, settled hashes and a checkpoint of all of it.
fn log_of(signer: &CheckpointSigner, from: u64) -> Log {
    let disk = Memory::new();
    let genesis = Genesis { key: signer.verifier() };
    let (mut journal, mut checkpoints, _) = Journal::open(Arc::new(disk.clone()), &genesis, SEGMENT).unwrap();
    for _ in 0..30 {
        let mut batch = Batch::default();
        let first = journal.head().0;
        (first..first + 20).for_each(|seq| batch.push(&entry(from + seq)));
        journal.append(&mut batch).unwrap();
        let (size, root) = journal.head();
        checkpoints.append(signer.sign(size, root, size)).unwrap();
    }
    let sealed = journal.reader().sealed().last().unwrap().1;
    assert!(sealed > 256, "a second level is stored and settled");
    journal.reader().settle_tree(sealed).unwrap();
    let folders = ["segments", "tree"];
    let inside = folders.iter().flat_map(|folder| {
        disk.list(folder).unwrap().into_iter().map(move |name| format!("{folder}/{name}"))
    });
    let files = inside.chain(["genesis".to_owned(), "checkpoints".to_owned()]).collect();
    Log { head: journal.head(), disk, files }
}

fn log() -> Log {
    log_of(&signer(), 0)
}

impl Log {
    /// Changes a copy and opens it: all is there, or it is refused, untouched; then what was said.
    fn check(&self, what: &str, change: impl Fn(&Memory)) -> Option<String> {
        let disk = self.disk.crash(Surviving::All);
        change(&disk);
        let before: Vec<_> = self.truth(&disk);
        match try_open(&disk, SEGMENT) {
            Ok((journal, ..)) => {
                assert_eq!(journal.head(), self.head, "{what}");
                check_entries(&journal, self.head.0);
                None
            }
            Err(error) => {
                assert_eq!(self.truth(&disk), before, "{what}: nothing is changed");
                Some(error.to_string())
            }
        }
    }

    /// The bytes of all files that are not derived.
    fn truth(&self, disk: &Memory) -> Vec<Option<Vec<u8>>> {
        let kept = self.files.iter().filter(|file| !DERIVED.contains(&file.as_str()));
        kept.map(|file| disk.bytes(file).ok()).collect()
    }

    fn bytes(&self, file: &str) -> Vec<u8> {
        self.disk.bytes(file).unwrap()
    }
}

#[test]
fn every_file_cut_anywhere_is_made_again_or_named() {
    let log = log();
    for file in &log.files {
        let good = log.bytes(file);
        let cuts =
            [0, 1, 31, 99, good.len() / 3, good.len() / 2, good.len().saturating_sub(60), good.len() - 1];
        for cut in cuts.into_iter().filter(|&cut| cut < good.len()) {
            let what = format!("{file} cut to {cut} of {} bytes", good.len());
            let said = log.check(&what, |disk| disk.plant(file, &good[..cut]));
            let last = log.files.iter().filter(|name| name.starts_with("segments/")).max().unwrap();
            match said {
                // Checkpoints that are cut leave earlier ones, which the journal meets.
                None => assert!(
                    DERIVED.contains(&file.as_str()) || file == "checkpoints" || file == last,
                    "{what}: not noticed"
                ),
                Some(said) => {
                    assert!(!DERIVED.contains(&file.as_str()), "{what}: {said}");
                    let reason = if file == last && cut as u64 >= SEGMENT_HEADER {
                        "a stored checkpoint covers 600 records"
                    } else {
                        file
                    };
                    assert!(said.contains(reason), "{what}: {said}");
                }
            }
        }
    }
}

#[test]
fn files_that_changed_places_are_made_again_or_refused() {
    let log = log();
    let mut refused = 0;
    for (place, one) in log.files.iter().enumerate() {
        for other in &log.files[..place] {
            let said = log.check(&format!("{one} and {other} swapped"), |disk| {
                disk.plant(one, &log.bytes(other));
                disk.plant(other, &log.bytes(one));
            });
            // Too short for a single checkpoint is as good as none: nothing to be behind of.
            let short = |file: &str| DERIVED.contains(&file) && log.bytes(file).len() < checkpoint::LINE;
            let derived = |file: &str| DERIVED.contains(&file);
            let (one, other) = (one.as_str(), other.as_str());
            let harmless = derived(one) && derived(other)
                || one == "checkpoints" && short(other)
                || other == "checkpoints" && short(one);
            assert_eq!(said.is_none(), harmless, "{one} and {other}: {said:?}");
            refused += usize::from(said.is_some());
        }
    }
    assert!(refused > 20, "{refused}");
}

#[test]
fn every_file_of_another_log_is_made_again_or_refused() {
    let log = log();
    let check = |other: &Log, reasons: &dyn Fn(&str) -> &'static str| {
        for file in &log.files {
            let said = log.check(&format!("{file} of another log"), |disk| {
                disk.plant(file, &other.bytes(file));
            });
            match said {
                None => assert!(DERIVED.contains(&file.as_str()), "{file}: not noticed"),
                Some(said) => assert!(said.contains(reasons(file)), "{file}: {said}"),
            }
        }
        // All derived files at once fit each other, and not this log.
        let said = log.check("all of tree/ of another log", |disk| {
            DERIVED.iter().for_each(|file| disk.plant(file, &other.bytes(file)));
        });
        assert_eq!(said, None);
    };
    // Of another key and name.
    let stranger = CheckpointSigner::new(Suite::Sha256Ed25519, "other/log", &[8; 32]);
    check(&log_of(&stranger, 7), &|file| match file {
        "genesis" => "it is named \"other/log\", the settings say \"test/log\"",
        "checkpoints" => "is not signed by this log's key",
        _ => "belongs to another log",
    });
    // Under the same key and name, a log that began anew: its links and roots tell it from this one.
    let twin = log_of(&signer(), 7);
    for file in log.files.iter().filter(|file| file.as_str() != "genesis") {
        let said = log.check(&format!("{file} of a log that began anew"), |disk| {
            disk.plant(file, &twin.bytes(file));
        });
        assert_eq!(said.is_none(), DERIVED.contains(&file.as_str()), "{file}: {said:?}");
    }
}

#[test]
fn a_newer_format_is_refused_with_its_number() {
    let log = log();
    let text = String::from_utf8(log.bytes("genesis")).unwrap();
    let said = log.check("genesis", |disk| {
        disk.plant("genesis", text.replace("format 1,", "format 2,").as_bytes());
    });
    assert_eq!(
        said.as_deref(),
        Some("memory/genesis is of format 2, this version reads format 1: use a newer one")
    );
    let said = log.check("genesis", |disk| {
        disk.plant("genesis", text.replace("sha256, ed25519", "sha3, falcon").as_bytes());
    });
    assert!(said.as_ref().is_some_and(|said| said.contains("the suite \"sha3, falcon\"")), "{said:?}");
    for file in log.files.iter().filter(|file| file.starts_with("segments/")) {
        let mut bytes = log.bytes(file);
        bytes[16..20].copy_from_slice(&2_u32.to_le_bytes());
        let crc = crc32c::crc32c(&bytes[..96]);
        bytes[96..100].copy_from_slice(&crc.to_le_bytes());
        let said = log.check(file, |disk| disk.plant(file, &bytes));
        let expected =
            format!("{file} is of format version 2, this version reads version 1: use a newer one");
        assert_eq!(said, Some(expected));
        // A turned bit in the same place is damage and no new format.
        bytes[96] ^= 1;
        let said = log.check(file, |disk| disk.plant(file, &bytes));
        assert!(said.as_ref().is_some_and(|said| said.contains("checksum does not fit")), "{said:?}");
    }
}

#[test]
fn a_medium_that_cannot_be_written_is_said_and_a_reader_still_reads_it() {
    let log = log();
    let disk = Faulty::read_only(&log.disk);
    let refused = Journal::open(Arc::new(disk.clone()), &genesis(), SEGMENT).err().unwrap();
    assert!(refused.to_string().starts_with("locking memory/lock: read-only"), "{refused}");
    assert_eq!(disk.changes(), 0, "nothing was even tried");
    let bases = jialing_journal::segment::bases(&disk).unwrap();
    let segments: Vec<_> = bases
        .iter()
        .map(|&base| jialing_journal::segment::Segment::open(&disk, base, false).unwrap())
        .collect();
    let sealed: Vec<_> =
        segments.iter().filter_map(|segment| Some((segment.clone(), segment.seal().unwrap()?))).collect();
    let reader = jialing_journal::Reader::look(
        Arc::new(disk),
        Suite::Sha256Ed25519,
        &sealed,
        segments.last().filter(|segment| segment.seal().unwrap().is_none()),
    )
    .unwrap();
    assert_eq!((reader.durable(), reader.root(log.head.0).unwrap()), log.head);
    assert_eq!(reader.entry(17).unwrap(), entry(17));
}

#[test]
fn each_file_that_cannot_be_written_is_named() {
    // As another user's files are: each can be read, and not opened for writing.
    struct Protected(Memory, String);
    impl Disk for Protected {
        fn name(&self) -> String {
            self.0.name()
        }
        fn make_folder(&self, folder: &str) -> std::io::Result<()> {
            self.0.make_folder(folder)
        }
        fn list(&self, folder: &str) -> std::io::Result<Vec<String>> {
            self.0.list(folder)
        }
        fn open(&self, file: &str, write: bool) -> std::io::Result<Arc<dyn jialing_journal::File>> {
            if write && file == self.1 {
                return Err(std::io::ErrorKind::PermissionDenied.into());
            }
            self.0.open(file, write)
        }
        fn create(&self, file: &str) -> std::io::Result<Arc<dyn jialing_journal::File>> {
            self.0.create(file)
        }
        fn rename(&self, from: &str, to: &str) -> std::io::Result<()> {
            self.0.rename(from, to)
        }
        fn remove(&self, file: &str) -> std::io::Result<()> {
            self.0.remove(file)
        }
        fn sync_folder(&self, folder: &str) -> std::io::Result<()> {
            self.0.sync_folder(folder)
        }
        fn lock(
            &self,
            file: &str,
        ) -> Result<Box<dyn std::any::Any + Send + Sync>, jialing_journal::disk::LockError> {
            self.0.lock(file)
        }
    }
    let log = log();
    let last = log.files.iter().filter(|name| name.starts_with("segments/")).max().unwrap();
    for (file, named) in [("checkpoints", "checkpoints"), ("tree/1", "tree"), (last, last)] {
        let disk = Protected(log.disk.crash(Surviving::All), file.to_owned());
        let refused = Journal::open(Arc::new(disk), &genesis(), SEGMENT).err().expect(file).to_string();
        assert!(refused.contains(named) && refused.contains("permission denied"), "{file}: {refused}");
    }
    // Sealed segments are never written, so they may be protected.
    let disk = Protected(log.disk.crash(Surviving::All), FIRST.to_owned());
    assert_eq!(Journal::open(Arc::new(disk), &genesis(), SEGMENT).unwrap().0.head(), log.head);
}

#[test]
fn a_disk_that_is_full_at_any_point_is_said_and_nothing_answered_is_lost() {
    for room in (0..120_000).step_by(1531) {
        let disk = Memory::new();
        disk.leave_room(Some(room));
        let mut answered = 0;
        let error = match try_open(&disk, SEGMENT) {
            Err(error) => error,
            Ok((mut journal, ..)) => loop {
                // A keeper that finds no room leaves it to the writer to say so.
                let _ = journal.preparer().prepare();
                let mut batch = Batch::default();
                (answered..answered + 20).for_each(|seq| batch.push(&entry(seq)));
                match journal.append(&mut batch) {
                    Ok(appended) => answered = appended.end,
                    Err(error) => break error,
                }
            },
        };
        let full = matches!(&error, JournalError::Io { source, .. } if source.kind() == std::io::ErrorKind::StorageFull);
        assert!(full, "{room}: {error}");
        disk.leave_room(None);
        let (mut journal, recovered) = open(&disk, SEGMENT);
        assert!(recovered.records >= answered, "{room}");
        check_entries(&journal, recovered.records);
        append(&mut journal, 20);
    }
}

#[test]
fn a_checkpoint_by_another_key_or_of_more_records_or_of_another_root_is_refused() {
    let log = log();
    let (size, root) = log.head;
    let check = |checkpoint: Checkpoint, reason: &str| {
        let said = log.check(reason, |disk| {
            disk.remove("checkpoints").unwrap();
            let mut stored = jialing_journal::Checkpoints::open(disk, true).unwrap();
            stored.append(checkpoint).unwrap();
        });
        assert!(said.as_ref().is_some_and(|said| said.contains(reason)), "{reason}: {said:?}");
    };
    let other = CheckpointSigner::new(Suite::Sha256Ed25519, "test/log", &[1; 32]);
    check(other.sign(size, root, 1), "is not signed by this log's key");
    check(signer().sign(size + 1, root, 1), "covers 601 records, the journal has 600 whole ones");
    check(signer().sign(size, [1; 32], 1), "the first 600 records have root");
    check(signer().sign(size - 1, root, 1), "the first 599 records have root");
    let mut forged = signer().sign(size, root, 1);
    forged.time += 1;
    check(forged, "is not signed by this log's key");
}

#[test]
fn a_tree_head_that_shrank_has_no_proof_and_another_leaf_no_path() {
    let log = log();
    let (journal, _) = open(&log.disk, SEGMENT);
    let (reader, suite) = (journal.reader(), Suite::Sha256Ed25519);
    let (size, root) = log.head;
    for smaller in [0, 1, 255, 256, 599] {
        let old = reader.root(smaller).unwrap();
        let path = reader.consistency(smaller, size).unwrap();
        assert!(proof::consistent(suite, smaller, &old, size, &root, &path));
        assert!(!proof::consistent(suite, size, &root, smaller, &old, &path), "{smaller}");
        assert!(!proof::consistent(suite, size, &root, smaller, &old, &[]), "{smaller}");
    }
    let path = reader.inclusion(300, size).unwrap();
    let includes =
        |seq: u64, index| proof::includes(suite, &suite.leaf(&entry(seq)), index, size, &path, &root);
    assert!(includes(300, 300));
    for seq in (0..size).filter(|&seq| seq != 300) {
        assert!(!includes(seq, 300) && !includes(seq, seq) && !includes(300, seq), "{seq}");
    }
}
