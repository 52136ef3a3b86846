//! A simulator that finds nothing on a lying disk is blind. Each lie has to come out.

use jialing_simulator::{Lie, Profile, run};

/// So many seeds may pass before a lie matters: not every run crosses the place where it was told.
const SEEDS: u64 = 6;

fn comes_out(lie: Lie) {
    let profile = Profile { rot: false, lie: Some(lie), ..Profile::default() };
    let found = (0..SEEDS).find_map(|seed| run(seed, &profile).err());
    let finding = found.unwrap_or_else(|| panic!("{lie:?} stayed hidden through {SEEDS} seeds"));
    assert!(!finding.what.is_empty());
    println!("{lie:?}: {finding}");
}

macro_rules! each_comes_out {
    ($($name:ident: $lie:ident,)*) => {
        $(#[test] fn $name() { comes_out(Lie::$lie); })*

        #[test]
        fn every_lie_has_its_test() {
            assert_eq!([$(Lie::$lie),*], Lie::ALL);
        }
    };
}

each_comes_out! {
    a_sync_that_writes_nothing_comes_out: SyncsNothing,
    a_read_of_another_sector_comes_out: ReadsAnotherSector,
    a_dropped_rename_comes_out: DropsRenames,
    two_swapped_sectors_come_out: SwapsSectors,
    a_silent_truncation_comes_out: Truncates,
    stale_data_comes_out: ServesStale,
    a_misdirected_write_comes_out: Misdirects,
    a_turned_bit_comes_out: TurnsBits,
}
