use super::*;

fn disk(seed: u64) -> SimDisk {
    SimDisk::new(Random::new(seed), None, None)
}

/// A disk with one durable file of two pages.
fn settled(seed: u64, byte: u8) -> (SimDisk, Arc<dyn File>) {
    let disk = disk(seed);
    let file = disk.create("a").unwrap();
    disk.sync_folder("").unwrap();
    file.write_at(&[byte; 8192], 0).unwrap();
    file.sync().unwrap();
    (disk, file)
}

#[test]
fn what_was_synced_outlives_power_and_what_was_not_may_land_in_part() {
    let (mut lost, mut landed, mut torn) = (0, 0, 0);
    for seed in 0..60 {
        let (disk, file) = settled(seed, 1);
        file.write_at(&[2; 8192], 0).unwrap();
        assert_eq!(disk.after(End::Kill).bytes("a"), [2; 8192]);
        let after = disk.after(End::PowerLoss).bytes("a");
        assert!(after.chunks(SECTOR).all(|sector| sector == [1; SECTOR] || sector == [2; SECTOR]));
        match (after.contains(&1), after.contains(&2)) {
            (true, false) => lost += 1,
            (false, true) => landed += 1,
            _ => torn += 1,
        }
    }
    assert!(lost > 0 && landed > 0 && torn > 0, "{lost} {landed} {torn}");
}

#[test]
fn a_later_write_may_land_without_an_earlier_one() {
    let reordered = (0..60).filter(|&seed| {
        let (disk, file) = settled(seed, 0);
        file.write_at(&[1; SECTOR], 0).unwrap();
        file.write_at(&[2; SECTOR], 4096).unwrap();
        let after = disk.after(End::PowerLoss).bytes("a");
        after[0] == 0 && after[4096] == 2
    });
    assert!(reordered.count() > 0);
}

#[test]
fn a_name_outlives_power_for_certain_only_once_its_folder_was_synced() {
    let mut outlived = 0;
    for seed in 0..60 {
        let disk = disk(seed);
        disk.create("f/new").unwrap();
        outlived += disk.after(End::PowerLoss).names("f").len();
        disk.sync_folder("f").unwrap();
        assert_eq!(disk.after(End::PowerLoss).names("f"), ["f/new"]);
    }
    assert!(outlived > 0 && outlived < 60, "{outlived}");
}

#[test]
fn a_failed_sync_leaves_the_cache_in_the_belief_that_all_was_written() {
    for lasting in [Lasting::ForEver, Lasting::Once] {
        let (disk, file) = settled(3, 0);
        disk.order(Orders { fail_syncs_after: Some((0, lasting)), ..Orders::default() });
        file.write_at(&[7; 8192], 0).unwrap();
        assert!(file.sync().is_err() && disk.struck());
        assert_eq!(file.sync().is_ok(), lasting == Lasting::Once);
        let next = disk.after(End::Kill);
        next.open("a", true).unwrap().sync().unwrap();
        assert_eq!(next.bytes("a"), [7; 8192]);
        assert_ne!(next.after(End::PowerLoss).bytes("a"), [7; 8192]);
    }
}

#[test]
fn after_the_ordered_change_nothing_works() {
    let disk = disk(1);
    disk.order(Orders { die_after: Some(2), ..Orders::default() });
    let file = disk.create("a").unwrap();
    file.write_at(&[1], 0).unwrap();
    assert!(!disk.struck());
    assert!(file.sync().is_err() && file.read_at(&mut [0], 0).is_err() && disk.list("").is_err());
    assert!(disk.struck());
    assert_eq!(disk.died_at().as_deref(), Some("flushing a"));
}

#[test]
fn a_process_may_die_in_the_middle_of_a_write() {
    let mut parts = std::collections::BTreeSet::new();
    for seed in 0..40 {
        let (disk, file) = settled(seed, 1);
        disk.order(Orders { die_after: Some(0), torn: true, ..Orders::default() });
        assert!(file.write_at(&[2; 4096], 0).is_err());
        let after = disk.after(End::Kill).bytes("a");
        parts.insert(after.iter().filter(|&&byte| byte == 2).count());
    }
    assert!(parts.contains(&0) && parts.contains(&4096) && parts.len() > 3, "{parts:?}");
}

#[test]
fn a_short_write_writes_a_part_says_so_and_the_disk_goes_on() {
    let (disk, file) = settled(5, 1);
    disk.order(Orders { short_write_after: Some(1), ..Orders::default() });
    file.write_at(&[2; 100], 0).unwrap();
    assert!(file.write_at(&[3; 4096], 0).is_err() && disk.struck());
    let written = disk.bytes("a").iter().filter(|&&byte| byte == 3).count();
    assert!(written > 0 && written < 4096, "{written}");
    file.write_at(&[4; 4096], 0).unwrap();
}

#[test]
fn each_bad_thing_happens_once_and_where_it_should() {
    for bad in Bad::ALL {
        let mut seen = 0;
        for seed in 0..30 {
            let (disk, file) = settled(seed, 1);
            disk.plant("b", &[9; 4096]);
            disk.order(Orders { bad: Some((bad, 1)), ..Orders::default() });
            let sees = |file: &dyn File| {
                let mut bytes = vec![0; 8192];
                file.read_at(&mut bytes, 0).map(|_| bytes).ok()
            };
            file.write_at(&[1; SECTOR], SECTOR as u64).unwrap();
            let _ = sees(&*file);
            assert_eq!(disk.bad(), None, "{bad:?} waits for its turn");
            file.write_at(&[2; SECTOR], 2048).unwrap();
            file.sync().unwrap();
            let mut meant = vec![1; 8192];
            meant[2048..2048 + SECTOR].fill(2);
            let mut part = vec![0; 1000];
            let read = file.read_at(&mut part, 4096).map(|_| part);
            let platter = disk.after(End::PowerLoss);
            let found = |name: &str| sees(&*platter.open(name, false).unwrap());
            let whole = read.is_ok_and(|part| part == meant[4096..5096])
                && found("a") == Some(meant)
                && found("b").is_some_and(|bytes| bytes[..4096] == [9; 4096]);
            assert!(disk.bad().is_some_and(|(kind, _)| kind == bad), "{bad:?} has struck");
            seen += u64::from(!whole);
        }
        assert!(seen > 5, "{bad:?} showed {seen} times of 30");
    }
}
