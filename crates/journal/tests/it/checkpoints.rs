//! Signed notes: the exact text, and what a verifier refuses.

use jialing_journal::{Checkpoint, Checkpoints, Memory, VerifierKey};

use crate::log::signer;

#[test]
fn the_note_is_the_text_that_the_standards_give() {
    let signer = signer();
    let checkpoint = signer.sign(42, [0; 32], 1_700_000_000_000_000_000);
    let key = signer.verifier();
    let note = checkpoint.note(&key);
    let expected = "test/log\n42\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\ntime 1700000000000000000\n\n\u{2014} test/log ";
    assert!(note.starts_with(expected), "{note}");
    assert_eq!(Checkpoint::open(&note, &key).unwrap(), checkpoint);
}

/// The example of the Go checksum database, whose key and hash are public.
#[test]
fn a_verifier_key_of_another_log_is_read_and_written_the_same() {
    let text = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8";
    let key = VerifierKey::parse(text).expect("a key with its own hash");
    assert_eq!(key.origin, "sum.golang.org");
    assert_eq!(key.to_string(), text);
    assert_eq!(VerifierKey::parse(&text.replace("033de0ae", "033de0af")), None);
}

#[test]
fn a_changed_note_is_refused() {
    let signer = signer();
    let key = signer.verifier();
    let note = signer.sign(42, [5; 32], 77).note(&key);
    let check = |bad: String, word: &str| {
        let refused = Checkpoint::open(&bad, &key).expect_err(word);
        assert!(refused.contains(word), "{refused}");
    };
    check(note.replace("\n42\n", "\n43\n"), "signature does not fit");
    check(note.replace("time 77", "time 78"), "signature does not fit");
    check(note.replace("\ntime 77\n", "\ntime 77\nmore\n"), "signature does not fit");
    check(note.replace("\n42\n", "\n042\n"), "signature does not fit");
    check(note.replace("test/log\n42", "other/log\n42"), "not by test/log");
    check(note.replace("\n\n", "\n"), "no signatures");
    check(note.replace('\u{2014}', "-"), "malformed");
    check(note.replace("\u{2014} test/log", "\u{2014} test/witness"), "no signature by");
    check(String::new(), "no signatures");
    // Another's signature beside ours does not hurt.
    let witnessed = format!("{note}\u{2014} witness AAAAAAAA\n");
    assert!(Checkpoint::open(&witnessed, &key).is_ok());
}

#[test]
fn stored_checkpoints_survive_a_torn_last_line_and_not_a_bad_one_before() {
    let disk = Memory::new();
    let signer = signer();
    let mut stored = Checkpoints::open(&disk, true).unwrap();
    for size in [0, 10, 20, 30] {
        stored.append(signer.sign(size, [size as u8; 32], size)).unwrap();
    }
    let covering = |size| stored.covering(size).unwrap().map(|found| found.size);
    assert_eq!([0, 1, 10, 11, 30, 31].map(covering), [Some(0), Some(10), Some(10), Some(20), Some(30), None]);
    let good = disk.bytes("checkpoints").unwrap();
    let newest = |bytes: &[u8]| {
        let disk = Memory::new();
        disk.plant("checkpoints", bytes);
        Checkpoints::open(&disk, true).map(|stored| stored.newest().map(|newest| newest.size))
    };
    let line = good.len() / 4;
    for cut in 0..line {
        assert_eq!(newest(&good[..good.len() - cut]).unwrap(), Some(if cut == 0 { 30 } else { 20 }));
    }
    let mut bad = good.clone();
    bad[3 * line + 5] ^= 1;
    assert_eq!(newest(&bad).unwrap(), Some(20));
    bad[2 * line + 5] ^= 1;
    assert!(newest(&bad).is_err());
    assert_eq!(newest(&[]).unwrap(), None);
}
