//! Short runs on disks that fail honestly.

use jialing_ledger::Why;
use jialing_simulator::{Bad, Coverage, Fate, Profile, Topic, crashes, run};

#[test]
fn the_engine_keeps_its_word_through_seeded_faults() {
    // A count of zero would mean that the run no longer tries what it is there for.
    let faults = Fate::each().map(|fate| (Topic::Faults, fate.name()));
    let starts = ["cut short by a fault", "torn tails cut", "standing on a snapshot", "replaying records"];
    let starts = starts.map(|what| (Topic::Recoveries, what));
    let answers = ["carried out", "done before", "refused", "no answer"].map(|what| (Topic::Answers, what));
    let follower = ["failed commits", "commits in doubt", "slow commits"].map(|what| (Topic::Follower, what));
    let wanted: Vec<_> = faults.into_iter().chain(starts).chain(answers).chain(follower).collect();
    let missing =
        |covered: &Coverage| wanted.iter().find(|(topic, what)| covered.of(*topic, what) == 0).copied();
    let mut covered = Coverage::default();
    // The engine's threads are not of the seed, so what is rare may need some seeds more.
    for seed in 0..60 {
        if seed >= 14 && missing(&covered).is_none() {
            break;
        }
        let coverage = run(seed, &Profile::default()).unwrap_or_else(|finding| panic!("{finding}"));
        covered.add(&coverage);
    }
    println!("{covered}");
    if let Some((_, what)) = missing(&covered) {
        panic!("no {what} in\n{covered}");
    }
    assert!(covered.kinds(Topic::CrashPoints) >= 7, "few crash points in\n{covered}");
    assert!(covered.kinds(Topic::Damage) >= 9, "little damage in\n{covered}");
}

/// What a refusal may be for is decided by the naive ledger; the clients have to get there.
#[test]
fn clients_are_refused_for_nearly_every_reason() {
    // Ids, legs and limits that a client of this sort does not send, and sums near 64 bits.
    let unseen = [Why::IdInvalid, Why::LegCount, Why::CurrencyDiffers, Why::ExpiryInPast, Why::Overflow];
    let mut missing: Vec<String> = Why::ALL
        .iter()
        .filter(|why| !unseen.contains(why))
        .map(|why| format!("{:>2} {why:?}", why.number()))
        .collect();
    let mut covered = Coverage::default();
    // Six runs are mostly enough; some reasons are rare, and which comes when is the threads' affair.
    for seed in 100..140 {
        let profile = Profile { rot: false, lives: 2, rounds: 40, ..Profile::default() };
        covered.add(&run(seed, &profile).unwrap_or_else(|finding| panic!("{finding}")));
        missing.retain(|name| covered.of(Topic::Refusals, name) == 0);
        if missing.is_empty() {
            return;
        }
    }
    panic!("nobody was refused for {missing:?} in\n{covered}");
}

#[test]
fn one_bad_sector_is_repaired_or_found_and_refused() {
    let mut covered = Coverage::default();
    for seed in 0..90 {
        let profile = Profile { lives: 1, rounds: 3, commands: 20, ..Profile::default() };
        covered.add(&run(seed, &profile).unwrap_or_else(|finding| panic!("{finding}")));
    }
    for bad in Bad::ALL {
        assert!(covered.of(Topic::Damage, bad.name()) > 0, "no {} in\n{covered}", bad.name());
    }
}

#[test]
fn a_fault_at_every_operation_loses_nothing() {
    let covered = crashes::every(1, None, 7).unwrap_or_else(|finding| panic!("{finding}"));
    println!("{covered}");
    assert!(covered.kinds(Topic::CrashPoints) >= 8, "few crash points in\n{covered}");
}

#[test]
fn a_crash_at_every_change_of_a_recovery_loses_nothing() {
    let covered = crashes::every_recovery(2, 61).unwrap_or_else(|finding| panic!("{finding}"));
    println!("{covered}");
    assert!(covered.kinds(Topic::CrashPoints) >= 7, "few crash points in\n{covered}");
}
