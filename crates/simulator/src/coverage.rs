//! What runs have been through.

use std::fmt;

macro_rules! coverage {
    ($($(#[$doc:meta])* $name:ident: $text:literal,)*) => {
        /// Counts of what happened; a count that stays zero over many runs was not tried.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct Coverage { $($(#[$doc])* pub $name: u64,)* }

        impl Coverage {
            /// Adds another run's.
            pub const fn add(&mut self, other: &Self) { $(self.$name += other.$name;)* }

            /// Every count with its words.
            #[must_use]
            pub const fn counts(&self) -> [(&'static str, u64); [$($text),*].len()] {
                [$(($text, self.$name)),*]
            }
        }
    };
}

coverage! {
    /// Runs.
    runs: "runs",
    /// Times an engine was opened.
    lives: "lives",
    /// Lives ended by a clean stop.
    clean: "clean stops",
    /// Lives ended by killing the process.
    kills: "kills",
    /// Lives ended by taking power away.
    power_losses: "power losses",
    /// Lives ended by a failed flush.
    failed_syncs: "failed flushes",
    /// Lives ended by a full disk.
    full_disks: "full disks",
    /// Of all these, those that struck while the engine was opening.
    while_opening: "faults while opening",
    /// Torn tails that were cut.
    torn: "torn tails cut",
    /// Starts that stood on a snapshot.
    snapshots: "starts from a snapshot",
    /// Commands carried out.
    done: "commands carried out",
    /// Commands done before.
    already: "commands done before",
    /// Commands refused.
    refused: "commands refused",
    /// Commands without an answer.
    unanswered: "commands without an answer",
    /// Records at the end of runs.
    records: "records",
    /// Full checks.
    checks: "full checks",
    /// Offline audits of what a fault left.
    audits: "offline audits",
    /// Damage done between lives.
    damaged: "damages",
    /// Damage that was refused or reported.
    refusals: "damages refused",
    /// Damage that was repaired, because the files can be derived.
    repaired: "damages repaired",
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (text, count) in self.counts() {
            writeln!(f, "{count:>12}  {text}")?;
        }
        Ok(())
    }
}
