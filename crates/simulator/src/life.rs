//! The chain of lives: open, look, ask, fail, and again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jialing_engine::audit::verify_disk;
use jialing_engine::{Config, Engine, KeySource, Outcome, Stopped, SubmitError};
use jialing_ledger::{Command, Nanos};

use crate::clients::{Clients, MS};
use crate::coverage::Coverage;
use crate::disk::{End, Orders, SimDisk};
use crate::oracle::{self, Trouble, Witness};
use crate::random::Random;
use crate::{Profile, rot};

/// 2026-12-31T15:58:00Z: two minutes before the ledger's midnight and new year.
const START: Nanos = 1_798_732_680_000_000_000;

/// How a life is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Clean,
    Killed(u64),
    PowerLost(u64),
    SyncFails(u64),
    Full(u64),
}

/// One log through all its lives.
pub(crate) struct Chain {
    pub(crate) life: u64,
    pub(crate) setting: String,
    pub(crate) coverage: Coverage,
    pub(crate) disk: SimDisk,
    pub(crate) random: Random,
    pub(crate) clients: Clients,
    pub(crate) witness: Witness,
    clock: Arc<AtomicU64>,
    profile: Profile,
}

impl Chain {
    pub(crate) fn new(seed: u64, profile: Profile) -> Self {
        let mut random = Random::new(seed);
        Self {
            life: 0,
            setting: String::new(),
            coverage: Coverage { runs: 1, ..Coverage::default() },
            disk: SimDisk::new(random.fork(), profile.lie),
            clients: Clients::new(random.fork()),
            witness: Witness::default(),
            clock: Arc::new(AtomicU64::new(START)),
            random,
            profile,
        }
    }

    pub(crate) async fn run(&mut self) -> Result<(), String> {
        for life in 0..self.profile.lives {
            self.life = life;
            let fate = self.draw_fate();
            self.live(fate).await?;
            if fate == Fate::Clean && self.profile.rot && self.random.percent(70) {
                rot::between_lives(self).await?;
            }
        }
        self.life = self.profile.lives;
        self.live(Fate::Clean).await?;
        let [done, already, refused, unanswered] = self.clients.answers;
        self.coverage.add(&Coverage {
            done,
            already,
            refused,
            unanswered,
            records: self.witness.fed.len() as u64,
            ..Coverage::default()
        });
        Ok(())
    }

    fn draw_fate(&mut self) -> Fate {
        // Some faults early, so that they strike while the engine recovers.
        let early = self.random.percent(35);
        let at = if early { self.random.below(25) } else { self.random.below(350) };
        match self.random.below(100) {
            0..25 => Fate::Clean,
            25..50 => Fate::Killed(at),
            50..75 => Fate::PowerLost(at),
            75..90 => Fate::SyncFails(at / 2),
            _ => Fate::Full(self.random.below(200 << 10)),
        }
    }

    /// Settings small enough that segments, merges and snapshots happen all the time.
    pub(crate) fn config(&mut self) -> Config {
        let clock = self.clock.clone();
        let random = &mut self.random;
        Config {
            origin: "simulated/ledger".to_owned(),
            key: KeySource::Seed([7; 32]),
            time: Arc::new(move || clock.load(Ordering::SeqCst)),
            segment_bytes: random.within(9, 28) << 10,
            max_batch: *random.pick(&[1, 7, 64, 64]).unwrap_or(&1),
            queue: *random.pick(&[30, 1000]).unwrap_or(&1000),
            // Every chance, or only when asked: nothing in between, which would need real time.
            checkpoint_every: if random.percent(70) { Duration::ZERO } else { Duration::from_secs(1 << 30) },
            snapshot_segments: random.within(1, 3),
            index_fan_in: random.within(2, 4) as usize,
            disk: Some(Arc::new(self.disk.clone())),
            ..Config::new("simulated")
        }
    }

    /// One life. The disk is afterwards what the next one finds.
    async fn live(&mut self, fate: Fate) -> Result<(), String> {
        if self.profile.lie.is_none() && self.random.percent(40) {
            self.audit()?;
        }
        let config = self.config();
        self.setting = format!(
            "{}; fate {fate:?}, segments of {} bytes, batches of {}",
            self.setting.rsplit("before: ").next().unwrap_or_default(),
            config.segment_bytes,
            config.max_batch
        );
        self.disk.order(match fate {
            Fate::Clean => Orders::default(),
            Fate::Killed(at) | Fate::PowerLost(at) => Orders { die_after: Some(at), ..Orders::default() },
            Fate::SyncFails(at) => Orders { fail_syncs_after: Some(at), ..Orders::default() },
            Fate::Full(room) => Orders { room: Some(room), ..Orders::default() },
        });
        self.coverage.lives += 1;
        match Engine::open(config) {
            Ok((engine, opened)) => {
                self.coverage.torn += u64::from(opened.torn_bytes > 0);
                self.coverage.snapshots += u64::from(opened.snapshot > 0);
                let lived = self.work(&engine, fate).await;
                if fate != Fate::Clean {
                    self.disk.die();
                }
                engine.shutdown().await;
                let reason = engine.stopped().await.to_string();
                if reason.contains("met a defect") {
                    // No disk, however bad, may lead to a panic.
                    return Err(reason);
                }
                match lived {
                    Err(Trouble::Wrong(what) | Trouble::Unproven(what)) => return Err(what),
                    Err(Trouble::NoAnswer(what)) if !self.disk.struck() => {
                        return Err(format!("no answer, and nothing was wrong with the disk: {what}"));
                    }
                    _ => {}
                }
            }
            Err(_) if self.disk.struck() => self.coverage.while_opening += 1,
            Err(error) => return Err(format!("it does not open: {error}")),
        }
        self.end(fate);
        Ok(())
    }

    fn end(&mut self, fate: Fate) {
        let either = if self.random.percent(50) { End::Kill } else { End::PowerLoss };
        let (count, end) = match fate {
            // A clean stop leaves nothing that a power loss could take.
            Fate::Clean => (&mut self.coverage.clean, either),
            Fate::Killed(_) => (&mut self.coverage.kills, End::Kill),
            Fate::PowerLost(_) => (&mut self.coverage.power_losses, End::PowerLoss),
            Fate::SyncFails(_) => (&mut self.coverage.failed_syncs, either),
            Fate::Full(_) => (&mut self.coverage.full_disks, either),
        };
        *count += 1;
        self.disk = self.disk.after(end);
        self.setting = format!("before: {fate:?}, then {end:?}");
    }

    /// What a fault left must pass the offline audit before anything repairs it.
    fn audit(&mut self) -> Result<(), String> {
        let copy = self.disk.after(End::Kill);
        match verify_disk(Arc::new(copy), None, &mut |_| ()) {
            Ok(report) if report.is_sound() => {}
            Ok(report) => return Err(format!("the offline audit complains: {}", report.findings[0])),
            // The very first start may have been cut short before there was a log.
            Err(_) if self.clients.acknowledged.is_empty() && self.witness.checkpoints.is_empty() => {}
            Err(error) => return Err(format!("the offline audit does not begin: {error}")),
        }
        self.coverage.audits += 1;
        Ok(())
    }

    async fn work(&mut self, engine: &Engine, fate: Fate) -> Result<(), Trouble> {
        self.check(engine).await?;
        let mut returning = Clients::founding();
        returning.extend(self.clients.unresolved());
        for part in returning.chunks(25) {
            self.submit(engine, part.to_vec()).await?;
        }
        for _ in 0..self.profile.rounds {
            self.pass_time();
            let now = self.clock.load(Ordering::SeqCst);
            let commands = self.random.within(1, self.profile.commands);
            let commands = (0..commands).map(|_| self.clients.draw(now)).collect();
            self.submit(engine, commands).await?;
            self.look(engine).await?;
            if self.disk.struck() {
                return Err(Trouble::NoAnswer("the disk was told to fail".to_owned()));
            }
        }
        if fate == Fate::Clean {
            return self.check(engine).await;
        }
        // The fault did not strike by itself, so it strikes now, with commands under way.
        let now = self.clock.load(Ordering::SeqCst);
        let last = (0..self.profile.commands).map(|_| self.clients.draw(now)).collect::<Vec<_>>();
        let tasks = self.send(engine, last);
        for _ in 0..self.random.below(4) {
            tokio::task::yield_now().await;
        }
        self.disk.die();
        self.hear(tasks).await
    }

    pub(crate) async fn check(&mut self, engine: &Engine) -> Result<(), Trouble> {
        let mut random = self.random.fork();
        oracle::check(engine, &self.clients, &mut self.witness, &mut random).await?;
        self.coverage.checks += 1;
        Ok(())
    }

    fn pass_time(&mut self) {
        let pass = match self.random.below(100) {
            0..60 => self.random.below(50 * MS),
            60..80 => self.random.below(120_000 * MS),
            80..92 => self.random.below(40_000_000 * MS),
            92..95 => self.random.below(150 * 86_400_000 * MS),
            95..97 => {
                // A clock that was set back.
                self.clock.fetch_sub(self.random.below(10_000 * MS), Ordering::SeqCst);
                0
            }
            _ => 0,
        };
        self.clock.fetch_add(pass, Ordering::SeqCst);
    }

    /// Sends commands in order, one by one and in bundles, without waiting.
    fn send(&mut self, engine: &Engine, mut commands: Vec<Command>) -> Vec<Sent> {
        let mut sent = Vec::new();
        while !commands.is_empty() {
            let bundle = if self.random.percent(70) { 1 } else { self.random.within(2, 20) as usize };
            let rest = commands.split_off(bundle.min(commands.len()));
            let (asked, engine) = (commands.clone(), engine.clone());
            let task = tokio::spawn(async move {
                match <[Command; 1]>::try_from(commands) {
                    Ok([command]) => vec![engine.submit(command).await],
                    Err(commands) => engine.submit_all(commands).await,
                }
            });
            sent.push(Sent { asked, task, gives_up: self.random.percent(6) });
            commands = rest;
        }
        sent
    }

    /// Waits for the answers in the order of the questions.
    async fn hear(&mut self, sent: Vec<Sent>) -> Result<(), Trouble> {
        for Sent { asked, task, gives_up } in sent {
            let answers = task.await.map_err(|error| Trouble::Wrong(error.to_string()))?;
            if answers.len() != asked.len() {
                return Err(Trouble::Wrong(format!("{} answers to {} commands", answers.len(), asked.len())));
            }
            for (command, answer) in asked.iter().zip(&answers) {
                let silence = Err(SubmitError::Stopped(Stopped("the client gave up".into())));
                let heard = if gives_up { &silence } else { answer };
                self.clients.hear(command, heard)?;
            }
        }
        Ok(())
    }

    async fn submit(&mut self, engine: &Engine, commands: Vec<Command>) -> Result<(), Trouble> {
        let sent = self.send(engine, commands);
        self.hear(sent).await
    }

    /// What customers and followers look at while money moves.
    async fn look(&mut self, engine: &Engine) -> Result<(), Trouble> {
        self.witness.notice(engine)?;
        if let Some((_, last)) = self.clients.acknowledged.last_key_value() {
            let fed = engine.feed(last.seq, 1).await?;
            if fed.first() != Some(last) {
                return Err(Trouble::Wrong(format!("acknowledged {last:?}, the feed has {fed:?}")));
            }
        }
        if self.random.percent(40) {
            let page = self.random.within(1, 200) as usize;
            self.witness.follow(engine, page).await?;
        }
        Ok(())
    }
}

/// A bundle of commands under way.
struct Sent {
    asked: Vec<Command>,
    task: tokio::task::JoinHandle<Vec<Result<Outcome, SubmitError>>>,
    gives_up: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn fed(engine: &Engine) -> Vec<jialing_ledger::Record> {
        let mut witness = Witness::default();
        witness.follow(engine, 50).await.expect("the feed reads");
        witness.fed
    }

    /// Lives until the fault, is started again on what is in the cache, and then loses power.
    async fn check(orders: Orders) {
        let mut chain = Chain::new(9, Profile::default());
        let config = |chain: &mut Chain| Config { segment_bytes: 8 << 10, max_batch: 1, ..chain.config() };
        chain.disk.order(orders);
        if let Ok((engine, _)) = Engine::open(config(&mut chain)) {
            for id in 1..50 {
                let _ = engine.submit(Command::Note { kind: 1, id, digest: [5; 32] }).await;
            }
            chain.disk.die();
            engine.shutdown().await;
        }
        chain.disk = chain.disk.after(End::Kill);
        let (engine, _) = Engine::open(config(&mut chain)).expect("it opens after a kill");
        let seen = fed(&engine).await;
        chain.disk.die();
        engine.shutdown().await;
        let left = chain.disk.clone();
        for _ in 0..3 {
            chain.disk = left.after(End::PowerLoss);
            let opened = Engine::open(config(&mut chain));
            let (engine, _) = opened.unwrap_or_else(|error| panic!("{orders:?}: {error}"));
            assert_eq!(fed(&engine).await, seen, "{orders:?}");
            engine.shutdown().await;
        }
    }

    /// Each found as a seed first: frames, seals, names and checkpoints that were in the cache only.
    #[test]
    fn what_a_start_answers_from_outlives_a_power_loss() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        for at in 0..90 {
            runtime.block_on(check(Orders { die_after: Some(at), ..Orders::default() }));
        }
        for at in 0..45 {
            runtime.block_on(check(Orders { fail_syncs_after: Some(at), ..Orders::default() }));
        }
    }
}
