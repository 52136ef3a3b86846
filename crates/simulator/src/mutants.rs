//! Named defects, one at a time: how the simulator is tried.
//!
//! A mutant is a faulty wrapper: a disk that forgets a flush behaves as a journal that forgot to ask
//! for it; a door that compares ids only behaves as a ledger that forgot the fields; a follower may
//! forget its cursor. So nothing in the production crates knows of mutants. A run with a mutant has to
//! end in a finding; a mutant that lives through its runs is a defect of the simulator.

use crate::disk::Node;
use crate::{Finding, Oracle, Profile, crashes, run};

/// A defect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the table below says what each one is")]
pub enum Defect {
    FramesNotFlushed,
    AnswersBeforeFlush,
    SealNotFlushed,
    NextNotFlushed,
    SegmentNamesNotFlushed,
    RootNamesNotFlushed,
    GenesisNotFlushed,
    TreeNotFlushed,
    CheckpointsNotFlushed,
    NamesBeforeContent,
    TailNotWrittenAgain,
    RetriesNotes,
    SplitsGroups,
    ComparesIdsOnly,
    RefusesRepeats,
    SwapsAnswers,
    ForgetsMeters,
    ForgetsExpiry,
    OneFenMore,
    ForgetsWhichLeg,
    StaleBalances,
    FeedRepeatsOne,
    FeedSkipsOne,
    HistoryLosesOne,
    LookUpMissesReversals,
    ReceiptOfNeighbour,
    EmptyConsistency,
    ClockInUtc,
    ClockStandsStill,
    AuditIsBlind,
    RestoresOldCopy,
    CutsAtDamage,
    CursorForgotten,
    CursorFirst,
    EffectsFirst,
    TrustsFailedCommit,
    RepeatsDoubtfulCommit,
}

/// How a mutant is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hunt {
    /// Short random lives.
    Lives,
    /// Longer random lives: the defect needs more than 256 records to matter.
    LongLives,
    /// A crash at every change of a short life.
    Crashes,
    /// A failed flush, at every flush of a short life.
    FailedFlushes,
}

/// A line of the list.
#[derive(Clone, Copy, Debug)]
pub struct Mutant {
    /// Which one.
    pub defect: Defect,
    /// What it does, in words.
    pub what: &'static str,
    /// How it is looked for.
    pub hunt: Hunt,
    /// The oracles that find it; threads take turns, so there may be several.
    pub killers: &'static [Oracle],
}

macro_rules! mutants {
    ($($defect:ident, $hunt:ident, [$($killer:ident),+], $what:literal;)*) => {
        /// The list.
        pub const MUTANTS: &[Mutant] = &[$(Mutant {
            defect: Defect::$defect,
            what: $what,
            hunt: Hunt::$hunt,
            killers: &[$(Oracle::$killer),+],
        }),*];
    };
}

mutants! {
    FramesNotFlushed, Crashes, [Acknowledged, Opens, Feed],
        "frames are answered without a flush";
    AnswersBeforeFlush, Crashes, [Acknowledged, Opens, Feed],
        "the flush of a frame happens only with the next one: acknowledged too early";
    SealNotFlushed, Crashes, [Opens, Acknowledged],
        "a sealed segment is not flushed before the next one is begun";
    NextNotFlushed, Crashes, [Opens, Acknowledged],
        "the next segment gets its name before its header is flushed";
    SegmentNamesNotFlushed, Crashes, [Opens, Acknowledged],
        "the folder of segments is not flushed after a new name";
    RootNamesNotFlushed, Crashes, [Opens, Acknowledged, Checkpoints],
        "the data folder is not flushed after `genesis` and `checkpoints` got their names";
    GenesisNotFlushed, Crashes, [Opens],
        "`genesis` gets its name without its content being flushed";
    TreeNotFlushed, LongLives, [Audit, NoAnswer, Proofs, Opens],
        "the tree's hashes are marked as durable without a flush";
    CheckpointsNotFlushed, Crashes, [Checkpoints, Opens],
        "a checkpoint is published without being flushed";
    NamesBeforeContent, Crashes, [Opens, Checkpoints],
        "a file's name is flushed before its content: two writes swapped";
    TailNotWrittenAgain, FailedFlushes, [Acknowledged, Feed, Opens, NoAnswer],
        "a start does not write the log's end once more before it answers from it";
    RetriesNotes, Lives, [History],
        "a command that must not be repeated is sent twice";
    SplitsGroups, Lives, [Answers, History],
        "a group is carried out leg by leg";
    ComparesIdsOnly, Lives, [Answers, History],
        "a repeated id is answered without comparing the other fields";
    RefusesRepeats, Lives, [Answers, History],
        "a repeat of what was done is refused";
    SwapsAnswers, Lives, [Answers, History],
        "two answers of one bundle change places";
    ForgetsMeters, Lives, [History],
        "meters are not charged";
    ForgetsExpiry, Lives, [History],
        "holds never lapse";
    OneFenMore, Lives, [Answers, History],
        "one fen more is moved than was asked";
    ForgetsWhichLeg, Lives, [History],
        "a refusal names the first leg, whichever failed";
    StaleBalances, Lives, [History],
        "balances are read from a cache that is not renewed";
    FeedRepeatsOne, Lives, [Feed, Follower],
        "the feed gives the record before a page once more";
    FeedSkipsOne, Lives, [Feed, Follower],
        "the feed leaves out the first record of some pages";
    HistoryLosesOne, Lives, [LookUps],
        "an account's history loses a record between two pages";
    LookUpMissesReversals, Lives, [History, LookUps],
        "reversals are not found by their id";
    ReceiptOfNeighbour, Lives, [Proofs],
        "a receipt carries the path of the record beside it";
    EmptyConsistency, Lives, [Proofs],
        "consistency proofs are left empty";
    ClockInUtc, Lives, [History],
        "the clock is eight hours behind";
    ClockStandsStill, Lives, [History],
        "the clock is read once, at the start";
    AuditIsBlind, Lives, [Audit],
        "the offline audit finds nothing, whatever there is";
    RestoresOldCopy, Lives, [Acknowledged, Feed, Checkpoints],
        "after a crash an old copy of the folder is put back";
    CutsAtDamage, Lives, [Acknowledged, Feed, Checkpoints, Opens, Audit],
        "where damage is refused, the log is cut there and goes on: guessed around";
    CursorForgotten, Lives, [Follower],
        "a follower stores its effects without its cursor";
    CursorFirst, Lives, [Follower],
        "a follower stores its cursor first, its effects in a second transaction";
    EffectsFirst, Lives, [Follower],
        "a follower stores its effects first, its cursor in a second transaction";
    TrustsFailedCommit, Lives, [Follower],
        "a follower goes on after a commit that failed";
    RepeatsDoubtfulCommit, Lives, [Follower],
        "a follower repeats a commit in doubt without looking whether it happened";
}

/// Seeds tried before a mutant counts as alive: not every run crosses the place where it sits.
const SEEDS: u64 = 60;

impl Mutant {
    /// Runs until it is found; the finding, and how many runs it took.
    ///
    /// # Errors
    /// When it lived through all of them.
    pub fn hunt(&self) -> Result<(Finding, u64), String> {
        for seed in 0..SEEDS {
            let found = match self.hunt {
                Hunt::Lives => run(seed, &Profile { defect: Some(self.defect), ..Profile::brief() }),
                Hunt::LongLives => run(seed, &Profile { defect: Some(self.defect), ..Profile::default() }),
                Hunt::Crashes => crashes::every(seed, Some(self.defect), 1),
                Hunt::FailedFlushes => crashes::every_failed_flush(seed, Some(self.defect), 1),
            };
            if let Err(finding) = found {
                return Ok((finding, seed + 1));
            }
        }
        Err(format!("{:?} lived through {SEEDS} seeds: {}", self.defect, self.what))
    }
}

/// The list as the page shows it.
#[must_use]
pub fn table() -> String {
    let mut table = String::from("| mutant | what it does | looked for in | found by |\n|---|---|---|---|\n");
    for Mutant { defect, what, hunt, killers } in MUTANTS {
        let hunt = match hunt {
            Hunt::Lives => "random lives",
            Hunt::LongLives => "long random lives",
            Hunt::Crashes => "every crash",
            Hunt::FailedFlushes => "every failed flush",
        };
        let killers: Vec<_> = killers.iter().map(|oracle| oracle.name()).collect();
        table += &format!("| `{defect:?}` | {what} | {hunt} | {} |\n", killers.join(", "));
    }
    table
}

impl Defect {
    /// Whether a sync of this file is dropped.
    pub(crate) fn forgets_sync(self, node: &Node) -> bool {
        let name = &node.name;
        match self {
            Self::FramesNotFlushed => Self::holds_frames(node) && !node.cut,
            Self::SealNotFlushed => Self::holds_frames(node) && node.cut,
            Self::NextNotFlushed => name.starts_with("segments/") && !name.ends_with(".seg"),
            Self::GenesisNotFlushed => name == "genesis.tmp",
            Self::TreeNotFlushed => name.starts_with("tree/") && !name.contains("mark"),
            Self::CheckpointsNotFlushed => name == "checkpoints",
            _ => false,
        }
    }

    /// Whether the sync of a folder is dropped.
    pub(crate) fn forgets_names(self, folder: &str) -> bool {
        match self {
            Self::SegmentNamesNotFlushed => folder == "segments",
            Self::RootNamesNotFlushed => folder.is_empty(),
            _ => false,
        }
    }

    /// Whether a write does not happen: bytes that are there already.
    pub(crate) fn skips_write(self, node: &Node, at: usize, bytes: &[u8]) -> bool {
        self == Self::TailNotWrittenAgain
            && Self::holds_frames(node)
            && node.cache.get(at..at + bytes.len()) == Some(bytes)
    }

    /// Whether a file is a segment with its name.
    pub(crate) fn holds_frames(node: &Node) -> bool {
        node.name.ends_with(".seg")
    }

    /// Whether a file still has the name it is made under.
    pub(crate) fn has_no_name_yet(node: &Node) -> bool {
        let name = &node.name;
        name.ends_with(".tmp") || name.starts_with("segments/") && !name.ends_with(".seg")
    }
}
