//! The examples on the journal's page are what the code writes.

use jialing_journal::format::{FRAME_HEADER, SEAL, TABLE_LINE};
use jialing_journal::{ENTRY_LEN, Memory, checkpoint};

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
}

#[test]
fn the_sizes_on_the_page_are_the_formats() {
    let check = |text: String| assert!(PAGE.contains(&text), "the page should say: {text}");
    check(format!("| 56… | the entries, {ENTRY_LEN} bytes each |"));
    assert_eq!((FRAME_HEADER, TABLE_LINE), (56, 8));
    check(format!("the file's last {SEAL} bytes"));
    check(format!("one line of {} bytes for each", checkpoint::LINE));
}
