//! What runs have been through.

use std::collections::BTreeMap;
use std::fmt;

/// What is counted, in the order it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Topic {
    /// Runs, lives, records.
    Runs,
    /// Faults that struck, by kind.
    Faults,
    /// What was being done when a machine died: crash points.
    CrashPoints,
    /// What starts found and did.
    Recoveries,
    /// What clients asked, by operation.
    Operations,
    /// What they heard.
    Answers,
    /// Refusals by number.
    Refusals,
    /// Damage to a stopped log, and single bad sectors of a running one.
    Damage,
    /// What was compared.
    Checks,
    /// The store that a follower writes to.
    Follower,
}

impl Topic {
    const fn title(self) -> &'static str {
        match self {
            Self::Runs => "runs",
            Self::Faults => "faults that struck",
            Self::CrashPoints => "crash points",
            Self::Recoveries => "starts",
            Self::Operations => "operations asked",
            Self::Answers => "answers",
            Self::Refusals => "refusals by number",
            Self::Damage => "damage and bad sectors",
            Self::Checks => "comparisons",
            Self::Follower => "a follower's store",
        }
    }
}

/// Counts of what happened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage(BTreeMap<(Topic, String), u64>);

impl Coverage {
    /// Counts `more` of something.
    pub fn count(&mut self, topic: Topic, what: impl Into<String>, more: u64) {
        if more > 0 {
            *self.0.entry((topic, what.into())).or_default() += more;
        }
    }

    /// Adds another run's.
    pub fn add(&mut self, other: &Self) {
        for ((topic, what), count) in &other.0 {
            self.count(*topic, what.clone(), *count);
        }
    }

    /// How many of something.
    #[must_use]
    pub fn of(&self, topic: Topic, what: &str) -> u64 {
        self.0.get(&(topic, what.to_owned())).copied().unwrap_or(0)
    }

    /// How many different things of a topic.
    #[must_use]
    pub fn kinds(&self, topic: Topic) -> usize {
        self.0.keys().filter(|(of, _)| *of == topic).count()
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut last = None;
        for ((topic, what), count) in &self.0 {
            if last.replace(*topic) != Some(*topic) {
                writeln!(f, "{}:", topic.title())?;
            }
            writeln!(f, "{count:>12}  {what}")?;
        }
        Ok(())
    }
}
