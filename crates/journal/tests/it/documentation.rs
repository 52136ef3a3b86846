//! The examples on the journal's page are what the code writes.

use jialing_journal::format::{FRAME_HEADER, SEAL, TABLE_LINE};
use jialing_journal::{CheckpointSigner, ENTRY_LEN, Genesis, Memory, Suite, checkpoint};

use crate::log::{genesis, open, signer};

const PAGE: &str = include_str!("../../../../docs/concepts/journal.md");

#[test]
fn the_examples_of_genesis_and_checkpoint_are_real() {
    let disk = Memory::new();
    open(&disk, 64 << 10);
    let file = String::from_utf8(disk.bytes("genesis").unwrap()).unwrap();
    assert!(PAGE.contains(&format!("```text\n{file}```")), "the page should show:\n{file}");
    let note = signer().sign(42, [7; 32], 1_767_225_600_000_000_000).note(&genesis().key);
    assert!(PAGE.contains(&format!("```text\n{note}```")), "the page should show:\n{note}");

    let disk = Memory::new();
    let domestic = CheckpointSigner::new(Suite::Sm3Sm2, "test/log", &[9; 32]);
    let key = domestic.verifier();
    Genesis { key: key.clone() }.load_or_store(&disk).unwrap();
    let file = String::from_utf8(disk.bytes("genesis").unwrap()).unwrap();
    let note = domestic.sign(42, [7; 32], 1_767_225_600_000_000_000).note(&key);
    for text in [file, note] {
        assert!(PAGE.contains(&format!("```text\n{text}```")), "the page should show:\n{text}");
    }
}

#[test]
fn the_sizes_on_the_page_are_the_formats() {
    let check = |text: String| assert!(PAGE.contains(&text), "the page should say: {text}");
    check(format!("| 56… | the entries, {ENTRY_LEN} bytes each |"));
    assert_eq!((FRAME_HEADER, TABLE_LINE), (56, 8));
    check(format!("the file's last {SEAL} bytes"));
    check(format!("one line of {} bytes for each", checkpoint::LINE));
}
