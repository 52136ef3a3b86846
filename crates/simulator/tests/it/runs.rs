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

/// Seeds that once led to a finding. What they found: frames, seals, checkpoints and names that a
/// killed process had left in the cache, or that a failed flush had made look written, were answered
/// from and then lost with the power; bad snapshots lay for ever; damaged hashes went into
/// receipts; a look-up that could not be read became a panic instead of a stop that says so.
#[test]
fn what_was_found_before_stays_mended() {
    for seed in [39, 42, 47, 49, 51, 66, 76, 78, 1013, 5209] {
        for _ in 0..2 {
            run(seed, &Profile::default()).unwrap_or_else(|finding| panic!("{finding}"));
        }
    }
}
