//! Seeded faults against the engine.
//!
//! A run is a chain of *lives* of one log: an engine opens a simulated disk, customers ask for random
//! things, many at a time, then a fault ends it, and the next life must find everything that was
//! acknowledged. All chance comes from the seed: the commands, the clock, the settings, the faults and
//! what a crash leaves. There is no real time in it and nothing sleeps.
//!
//! What is not drawn from the seed is how the engine's own threads take turns. Faults strike at the
//! n-th change of the disk, and which command that change belongs to depends on those turns. So a seed
//! gives the same plan every time, and mostly, not always, the same finding; `simulate --repeat` asks
//! more often. [`crashes`] leaves little of that: one client, one command at a time.
//!
//! Reading order: [`run`], `life` (the chain) and `fate` (how a life ends), `disk` and [`Lie`] (what
//! storage does), `clients` and `follower` (who asks, who reads), `oracle`, `book`, `naive` and
//! `history` (what must hold), `rot` and `sector` (damage), [`crashes`] (every crash point of a short
//! life), [`mutants`] (how all of this is tried), [`decoders`] (bytes from outside).
//! `docs/reference/simulator.md` tells what is simulated, what is not, and how to read a finding.

mod book;
mod clients;
mod coverage;
pub mod crashes;
pub mod decoders;
mod disk;
mod door;
mod fate;
mod follower;
mod history;
mod lies;
mod life;
pub mod mutants;
mod naive;
mod oracle;
mod random;
mod rot;
mod sector;

use std::fmt;

pub use coverage::{Coverage, Topic};
pub use disk::Bad;
pub use fate::Fate;
pub use lies::Lie;
pub use oracle::Oracle;

use mutants::Defect;

/// How long a run is and what its disk does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Lives in a run, 1 and up: each ends by a fault or a clean stop, and the last one looks once more.
    pub lives: u64,
    /// Rounds of commands in a life.
    pub rounds: u64,
    /// Most commands under way at once in a round.
    pub commands: u64,
    /// Damage between lives, and one bad sector in the last: turned bits, lost and stale files.
    pub rot: bool,
    /// A lie that the disk tells all the time; then a run must end in a finding.
    pub lie: Option<Lie>,
    /// A defect between the engine and everybody else; then a run should end in a finding.
    pub defect: Option<Defect>,
}

impl Default for Profile {
    fn default() -> Self {
        Self { lives: 8, rounds: 10, commands: 40, rot: true, lie: None, defect: None }
    }
}

impl Profile {
    /// A short one, for looking at many seeds quickly.
    #[must_use]
    pub const fn brief() -> Self {
        Self { lives: 5, rounds: 4, commands: 30, rot: true, lie: None, defect: None }
    }
}

/// Something that must not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Who found it.
    pub oracle: Oracle,
    /// The run's seed.
    pub seed: u64,
    /// The life in which it showed, from 0.
    pub life: u64,
    /// How the life before ended, and this one's settings.
    pub setting: String,
    /// What is wrong.
    pub what: String,
}

impl std::error::Error for Finding {}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { oracle, seed, life, setting, what } = self;
        write!(f, "seed {seed}, life {life} ({setting}): {}: {what}", oracle.name())
    }
}

/// Something that must not be, before it is known where.
#[derive(Debug)]
pub(crate) struct Wrong(pub(crate) Oracle, pub(crate) String);

/// Runs one chain of lives.
///
/// # Errors
/// The first [`Finding`]: an acknowledged record lost or changed, something done twice, an answer that
/// contradicts the log or that no order explains, a proof that does not verify, an engine that stops
/// or refuses without a fault that explains it.
///
/// # Panics
/// When the system gives no threads.
pub fn run(seed: u64, profile: &Profile) -> Result<Coverage, Finding> {
    let mut chain = life::Chain::new(seed, *profile);
    let ended = runtime().block_on(chain.run());
    chain.end(seed, ended)
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime can be made")
}
