//! The chain of lives: open, look, ask, fail, and again.

mod asking;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jialing_engine::audit::verify_disk;
use jialing_engine::{Config, Engine, KeySource, OpenError};
use jialing_ledger::Nanos;

use crate::clients::{Clients, MS};
use crate::coverage::{Coverage, Topic};
use crate::disk::{End, SimDisk};
use crate::door::Door;
use crate::fate::Fate;
use crate::follower::Follower;
use crate::history::{History, Operation};
use crate::mutants::Defect;
use crate::oracle::{self, By, Oracle, Trouble, Witness};
use crate::random::Random;
use crate::{Finding, Profile, Wrong, rot, sector};

/// 2026-12-31T15:58:00Z: two minutes before the ledger's midnight and new year.
const START: Nanos = 1_798_732_680_000_000_000;
/// Eight hours, in nanoseconds.
const EIGHT_HOURS: Nanos = 8 * 3_600_000 * MS;

/// One log through all its lives.
pub(crate) struct Chain {
    pub(crate) life: u64,
    pub(crate) setting: String,
    pub(crate) coverage: Coverage,
    pub(crate) disk: SimDisk,
    pub(crate) random: Random,
    pub(crate) clients: Clients,
    pub(crate) witness: Witness,
    pub(crate) follower: Follower,
    pub(crate) history: History,
    /// What was asked since the history was looked at last.
    pub(crate) asked: Vec<Operation>,
    /// Counts askings and answers, in the order they happen.
    events: Arc<AtomicU64>,
    clock: Arc<AtomicU64>,
    pub(crate) profile: Profile,
    /// One command at a time, and the same settings in every life.
    pub(crate) quiet: bool,
    /// Whether the last life's fault struck by itself.
    pub(crate) struck: bool,
    /// What a careless operator puts back.
    old_copy: Option<SimDisk>,
}

impl Chain {
    pub(crate) fn new(seed: u64, profile: Profile) -> Self {
        let mut random = Random::new(seed);
        let mut coverage = Coverage::default();
        coverage.count(Topic::Runs, "runs", 1);
        Self {
            life: 0,
            setting: String::new(),
            coverage,
            disk: SimDisk::new(random.fork(), profile.lie, profile.defect),
            clients: Clients::new(random.fork()),
            witness: Witness::default(),
            follower: Follower::new(random.fork(), profile.defect),
            history: History::default(),
            asked: Vec::new(),
            events: Arc::default(),
            clock: Arc::new(AtomicU64::new(START)),
            random,
            profile,
            quiet: false,
            struck: false,
            old_copy: None,
        }
    }

    pub(crate) async fn run(&mut self) -> Result<(), Wrong> {
        for life in 0..self.profile.lives {
            self.life = life;
            let fate = Fate::draw(&mut self.random);
            self.live(fate).await?;
            if fate == Fate::Clean && self.profile.rot && self.random.percent(70) {
                rot::between_lives(self).await?;
            }
        }
        self.life = self.profile.lives;
        if self.profile.rot && self.random.percent(60) {
            sector::one_bad(self).await
        } else {
            self.live(Fate::Clean).await
        }
    }

    /// The run's result, with all that was counted.
    pub(crate) fn end(mut self, seed: u64, ended: Result<(), Wrong>) -> Result<Coverage, Finding> {
        let Wrong(oracle, what) = match ended {
            Ok(()) => {
                self.coverage.add(&self.clients.coverage);
                self.coverage.count(Topic::Runs, "records", self.witness.fed.len() as u64);
                self.coverage.count(Topic::Checks, "operations with their moment", self.history.explained);
                self.follower.cover(&mut self.coverage);
                return Ok(self.coverage);
            }
            Err(wrong) => wrong,
        };
        Err(Finding { oracle, seed, life: self.life, setting: self.setting, what })
    }

    pub(crate) fn is(&self, defect: Defect) -> bool {
        self.profile.defect == Some(defect)
    }

    /// Settings small enough that segments, merges and snapshots happen all the time.
    pub(crate) fn config(&mut self) -> Config {
        let clock = self.clock.clone();
        let (behind, frozen) = (self.is(Defect::ClockInUtc), self.is(Defect::ClockStandsStill));
        let first = clock.load(Ordering::SeqCst);
        let time = move || match (behind, frozen) {
            (true, _) => clock.load(Ordering::SeqCst) - EIGHT_HOURS,
            (_, true) => first,
            _ => clock.load(Ordering::SeqCst),
        };
        let random = &mut self.random;
        let plain = Config {
            origin: "simulated/ledger".to_owned(),
            key: KeySource::Seed([7; 32]),
            time: Arc::new(time),
            disk: Some(Arc::new(self.disk.clone())),
            ..Config::new("simulated")
        };
        if self.quiet {
            return Config {
                segment_bytes: 8 << 10,
                max_batch: 1,
                checkpoint_every: Duration::ZERO,
                snapshot_segments: 1,
                index_fan_in: 2,
                ..plain
            };
        }
        Config {
            segment_bytes: random.within(9, 28) << 10,
            max_batch: *random.pick(&[1, 7, 64, 64]).unwrap_or(&1),
            queue: *random.pick(&[30, 1000]).unwrap_or(&1000),
            // Every chance, or only when asked: nothing in between, which would need real time.
            checkpoint_every: if random.percent(70) { Duration::ZERO } else { Duration::from_secs(1 << 30) },
            snapshot_segments: random.within(1, 3),
            index_fan_in: random.within(2, 4) as usize,
            ..plain
        }
    }

    /// One life. The disk is afterwards what the next one finds.
    pub(crate) async fn live(&mut self, fate: Fate) -> Result<(), Wrong> {
        if self.profile.lie.is_none() && !self.quiet && self.random.percent(40) {
            self.audit()?;
        }
        let config = self.config();
        self.set_out(fate, &config);
        let opened = Engine::open(config);
        match opened {
            Ok((engine, opened)) => {
                self.recovered(&opened);
                let door = Door::new(engine, self.profile.defect);
                let lived = self.work(&door, fate).await;
                self.close(door, fate).await?;
                match lived {
                    Err(Trouble::Wrong(oracle, what)) => return Err(Wrong(oracle, what)),
                    Err(Trouble::Unproven(what)) => return Err(Wrong(Oracle::Proofs, what)),
                    Err(Trouble::NoAnswer(what)) if !self.disk.struck() => {
                        return Err(Wrong(Oracle::NoAnswer, format!("no fault explains it: {what}")));
                    }
                    _ => {}
                }
            }
            Err(_) if self.disk.struck() => {
                self.coverage.count(Topic::Recoveries, "cut short by a fault", 1);
            }
            Err(error) if self.is(Defect::CutsAtDamage) => self.cut_at(&error)?,
            Err(error) => return Err(Wrong(Oracle::Opens, format!("it does not open: {error}"))),
        }
        self.die_of(fate);
        Ok(())
    }

    /// Notes what the life is to be, and tells the disk.
    pub(crate) fn set_out(&mut self, fate: Fate, config: &Config) {
        let before = self.setting.rsplit("before: ").next().unwrap_or_default();
        self.setting = format!(
            "before: {before}; fate {fate:?}, segments of {} bytes, batches of {}",
            config.segment_bytes, config.max_batch
        );
        self.disk.order(fate.orders());
        self.coverage.count(Topic::Runs, "lives", 1);
    }

    pub(crate) fn recovered(&mut self, opened: &jialing_engine::Opened) {
        let found = [
            ("new logs made", opened.created),
            ("torn tails cut", opened.torn_bytes > 0),
            ("standing on a snapshot", opened.snapshot > 0),
            ("replaying records", opened.replayed > 0),
            ("making index files again", opened.rebuilt > 0),
        ];
        self.coverage.count(Topic::Recoveries, "opened", 1);
        for (what, _) in found.into_iter().filter(|(_, is)| *is) {
            self.coverage.count(Topic::Recoveries, what, 1);
        }
    }

    /// Stops the engine, by what its fate says.
    pub(crate) async fn close(&self, door: Door, fate: Fate) -> Result<(), Wrong> {
        if fate != Fate::Clean {
            self.disk.die();
        }
        door.engine.shutdown().await;
        let reason = door.engine.stopped().await.to_string();
        // No disk, however bad, may lead to a panic.
        if reason.contains("met a defect") { Err(Wrong(Oracle::Stops, reason)) } else { Ok(()) }
    }

    fn die_of(&mut self, fate: Fate) {
        self.struck = self.disk.ordered_struck();
        // Of the quiet life's failed flushes the cache is left, which holds them for written.
        let end = match fate {
            Fate::SyncsFail(_) if self.quiet => End::Kill,
            _ => fate.end(&mut self.random),
        };
        self.coverage.count(Topic::Faults, fate.name(), 1);
        if let Some(point) = self.disk.died_at() {
            self.coverage.count(Topic::CrashPoints, point, 1);
        }
        if self.is(Defect::RestoresOldCopy) {
            // Made two lives ago, put back after a fault.
            let old = self.old_copy.replace(self.disk.after(End::Kill));
            if let (Some(old), true) = (old, fate != Fate::Clean) {
                self.disk = old;
            }
        }
        self.disk = self.disk.after(end);
        self.follower.restart();
        self.setting = format!("before: {fate:?}, then {end:?}");
    }

    /// What a careless operator does: throws away what the refusal names, and all after it.
    pub(crate) fn cut_at(&self, error: &OpenError) -> Result<(), Wrong> {
        let OpenError::Damaged { segment, byte, .. } = error else {
            return Err(Wrong(Oracle::Opens, format!("it does not open: {error}")));
        };
        if *byte < 4096 {
            // Nothing of a segment stands without its header.
            self.disk.lose(segment);
        } else {
            let mut bytes = self.disk.bytes(segment);
            bytes.truncate(usize::try_from(*byte).unwrap_or(usize::MAX));
            bytes.resize(bytes.len() + (64 << 10), 0);
            self.disk.plant(segment, &bytes);
        }
        for later in self.disk.names("segments").iter().filter(|name| *name > segment) {
            self.disk.lose(later);
        }
        self.disk.lose("checkpoints");
        Ok(())
    }

    /// What a fault left must pass the offline audit before anything repairs it.
    fn audit(&mut self) -> Result<(), Wrong> {
        let copy = self.disk.after(End::Kill);
        match verify_disk(Arc::new(copy), None, &mut |_| ()) {
            Ok(report) if report.is_sound() => {}
            Ok(report) => {
                let what = format!("the offline audit complains: {}", report.findings[0]);
                return Err(Wrong(Oracle::Audit, what));
            }
            // The very first start may have been cut short before there was a log.
            Err(_) if self.clients.acknowledged.is_empty() && self.witness.checkpoints.is_empty() => {}
            Err(error) => {
                return Err(Wrong(Oracle::Audit, format!("the offline audit does not begin: {error}")));
            }
        }
        self.coverage.count(Topic::Checks, "offline audits", 1);
        Ok(())
    }

    /// Everything, of an engine that has nothing to do.
    pub(crate) async fn check(&mut self, door: &Door) -> Result<(), Trouble> {
        let mut random = self.random.fork();
        oracle::check(door, &self.clients, &mut self.witness, &mut random).await?;
        let asked = std::mem::take(&mut self.asked);
        self.history.advance(&self.witness.fed, asked).by(Oracle::History)?;
        self.follower.check(door, &self.witness.fed).await?;
        self.coverage.count(Topic::Checks, "full checks", 1);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
