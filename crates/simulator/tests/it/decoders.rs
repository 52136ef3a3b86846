//! Bytes from outside: every decoder, on spoilt good inputs.

use jialing_simulator::decoders::TARGETS;

fn holds(name: &str, rounds: u64) {
    let target = TARGETS.iter().find(|target| target.name == name).expect("the target is in the list");
    assert!(!(target.samples)().is_empty(), "there are good inputs to spoil");
    let done = target.run_mutated(1, rounds);
    assert!(done > rounds, "{done} inputs");
}

macro_rules! each_holds {
    ($($name:ident: $target:literal, $rounds:literal;)*) => {
        $(#[test] fn $name() { holds($target, $rounds); })*

        #[test]
        fn every_target_has_its_test_and_its_file() {
            let names: Vec<_> = TARGETS.iter().map(|target| target.name).collect();
            assert_eq!(names, [$($target),*]);
            for name in names {
                let file = format!("{}/../../fuzz/fuzz_targets/{name}.rs", env!("CARGO_MANIFEST_DIR"));
                assert!(std::fs::exists(&file).is_ok_and(|is| is), "{file} is missing");
            }
        }
    };
}

each_holds! {
    spoilt_records: "record", 20_000;
    spoilt_states: "snapshot", 1_500;
    spoilt_segment_headers: "segment_header", 3_000;
    spoilt_frame_headers: "frame_header", 20_000;
    spoilt_seals: "seal", 20_000;
    spoilt_segments: "segment", 300;
    spoilt_genesis_files: "genesis", 5_000;
    spoilt_verifier_keys: "verifier_key", 5_000;
    spoilt_notes: "note", 2_000;
    spoilt_checkpoint_files: "checkpoints", 2_000;
    spoilt_tree_marks: "tree_mark", 5_000;
    spoilt_proofs: "proofs", 3_000;
    spoilt_folders: "folder", 60;
}
