//! Short runs on disks that fail honestly.

use jialing_simulator::{Coverage, Profile, run};

#[test]
fn the_engine_keeps_its_word_through_seeded_faults() {
    let mut covered = Coverage::default();
    for seed in 0..25 {
        let coverage = run(seed, &Profile::default()).unwrap_or_else(|finding| panic!("{finding}"));
        covered.add(&coverage);
    }
    // A count of zero would mean that the run no longer tries what it is there for.
    for (what, count) in covered.counts() {
        assert!(count > 0, "no {what} in\n{covered}");
    }
}
