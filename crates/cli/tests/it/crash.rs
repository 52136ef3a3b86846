//! A few rounds of `jialing crash`. Many are run by hand.

use crate::program::{run, said};

#[test]
fn nothing_acknowledged_is_lost_and_nothing_happens_twice_when_the_platform_is_killed() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("crash");
    let output =
        run(&["crash", "--rounds", "8", "--seed", "7", "--data", data.to_str().expect("a plain path")]);
    let said = said(&output);
    assert!(output.status.success(), "{said}");
    let closing = said.lines().find(|line| line.starts_with("8 rounds, ")).expect("a closing line");
    assert!(closing.ends_with("0 lost, 0 twice"), "{closing}");
    assert!(!closing.starts_with("8 rounds, 0 acknowledged"), "{closing}");
}
