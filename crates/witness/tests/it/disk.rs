//! What a witness keeps, and what happens when it cannot.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use jialing_crypto::Suite;
use jialing_witness::rules::Refusal;
use jialing_witness::store::MAX_EVIDENCE;
use jialing_witness::{OpenError, Witness};

use crate::log::Log;
use crate::protocol::{NAME, Served};

fn open(folder: &Path, log: &Log) -> Result<Witness, OpenError> {
    Witness::open(folder, NAME, &[log.key()])
}

/// The one state file.
fn state(folder: &Path) -> PathBuf {
    let mut notes =
        fs::read_dir(folder.join("logs")).expect("logs").map(|entry| entry.expect("entry").path());
    notes.find(|path| path.extension().is_some_and(|end| end == "note")).expect("a state")
}

#[test]
fn what_was_cosigned_is_known_after_a_restart_whatever_a_crash_left_beside_it() {
    let (folder, log) = (tempfile::tempdir().expect("a folder"), Log::new(Suite::Sm2Sm3, 30));
    let witness = open(folder.path(), &log).expect("it opens");
    let key = witness.verifier_key();
    witness.add(log.body(0, 10).as_bytes()).expect("cosigned");
    drop(witness);
    // A crash between writing and putting in place leaves half a file.
    fs::write(state(folder.path()).with_extension("new"), "half a no").expect("written");
    let witness = open(folder.path(), &log).expect("it opens again");
    assert_eq!(witness.verifier_key(), key, "the key is kept");
    let forked = witness.add(log.forked(3).body(0, 20).as_bytes());
    assert_eq!(forked, Err(Refusal::OtherSize { latest: 10, rollback: false }));
    witness.add(log.body(10, 20).as_bytes()).expect("it goes on from there");
}

#[test]
fn a_state_that_was_changed_or_is_anothers_stops_the_start() {
    let (folder, log) = (tempfile::tempdir().expect("a folder"), Log::new(Suite::Ed25519, 30));
    open(folder.path(), &log).expect("it opens").add(log.body(0, 20).as_bytes()).expect("cosigned");
    let file = state(folder.path());
    let good = fs::read_to_string(&file).expect("the state");
    let check = |text: &str, words: &str| {
        fs::write(&file, text).expect("written");
        let said = open(folder.path(), &log).expect_err(words).to_string();
        assert!(said.contains(words), "{said}");
    };
    check(&good[..good.len() / 2], "cannot be trusted");
    check("", "cannot be trusted");
    check(&good.replacen("\n20\n", "\n10\n", 1), "cannot be trusted");
    check(&log.note(10), "our cosignature");
    fs::write(&file, &good).expect("written");
    let renamed = Witness::open(folder.path(), "witness.example/w2", &[log.key()]);
    assert!(renamed.is_err_and(|error| error.to_string().contains("the name changed")));
    open(folder.path(), &log).expect("the good state opens");
}

#[test]
fn one_process_at_a_time_and_a_key_that_only_its_owner_reads() {
    let (folder, log) = (tempfile::tempdir().expect("a folder"), Log::new(Suite::Ed25519, 3));
    let first = open(folder.path(), &log).expect("it opens");
    let said = open(folder.path(), &log).expect_err("the folder is in use").to_string();
    assert!(said.contains("another process"), "{said}");
    drop(first);
    let key = folder.path().join("witness.key");
    assert_eq!(fs::metadata(&key).expect("a key").permissions().mode() & 0o777, 0o600);
    fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).expect("permissions");
    let said = open(folder.path(), &log).expect_err("others can read it").to_string();
    assert!(said.contains("chmod 600"), "{said}");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).expect("permissions");
    fs::write(&key, "no key").expect("written");
    assert!(open(folder.path(), &log).is_err());
    fs::remove_file(&key).expect("removed");
    let twice = Witness::open(folder.path(), NAME, &[log.key(), Log::new(Suite::Sm2Sm3, 1).key()]);
    assert!(twice.is_err_and(|error| error.to_string().contains("two keys")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_cosigns_nothing_and_forgets_nothing() {
    let (folder, log) = (tempfile::tempdir().expect("a folder"), Log::new(Suite::Ed25519, 30));
    let served = Served::start(folder.path(), &log).await;
    assert_eq!(served.add(log.body(0, 10)).await.status, 200);
    let before = fs::read_to_string(state(folder.path())).expect("the state");
    // What is written goes to a device that has no room.
    let fresh = state(folder.path()).with_extension("new");
    symlink("/dev/full", &fresh).expect("a link");
    let said = served.add(log.body(10, 20)).await;
    assert_eq!(said.status, 500, "{}", said.text);
    assert!(said.text.contains("cosigns nothing") && !said.text.contains('\u{2014}'), "{}", said.text);
    assert_eq!(fs::read_to_string(state(folder.path())).expect("the state"), before);
    // As long as it lasts, only what needs no writing is cosigned.
    assert_eq!(served.add(log.body(10, 10)).await.status, 200);
    fs::remove_file(&fresh).expect("room again");
    assert_eq!(served.add(log.body(10, 20)).await.status, 200);
    served.stop().await;
}

#[test]
fn a_log_that_contradicts_itself_leaves_evidence_but_not_without_end() {
    let (folder, log) = (tempfile::tempdir().expect("a folder"), Log::new(Suite::Ed25519, 60));
    let witness = open(folder.path(), &log).expect("it opens");
    witness.add(log.body(0, 20).as_bytes()).expect("cosigned");
    let evidence = || -> Vec<PathBuf> {
        let folder = fs::read_dir(folder.path().join("evidence")).expect("a folder");
        folder.map(|entry| entry.expect("entry").path()).collect()
    };
    for _ in 0..2 {
        assert_eq!(witness.add(log.forked(3).body(20, 20).as_bytes()), Err(Refusal::Fork { size: 20 }));
        assert_eq!(evidence().len(), 1, "the same is kept once");
    }
    let told = fs::read_to_string(&evidence()[0]).expect("text");
    assert!(told.contains(&log.text(20)) && told.contains(&log.forked(3).note(20)), "{told}");
    for place in 0..20 {
        for size in [40, 50] {
            assert!(matches!(
                witness.add(log.forked(place).body(20, size).as_bytes()),
                Err(Refusal::NotConsistent(_))
            ));
        }
    }
    assert_eq!(evidence().len(), MAX_EVIDENCE);
    // Who is no log leaves nothing.
    let stranger = Log::new(Suite::Sm2Sm3, 30);
    assert_eq!(witness.add(stranger.body(20, 30).as_bytes()), Err(Refusal::NotSigned));
    assert_eq!(evidence().len(), MAX_EVIDENCE);
}
