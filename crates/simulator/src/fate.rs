//! How a life is to end.

use crate::disk::{Bad, End, Lasting, Orders};
use crate::random::Random;

/// How a life is to end. Numbers count operations of the disk, the start's included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// A clean stop.
    Clean,
    /// The process ends at this change.
    Killed(u64),
    /// The process ends in the middle of a write, if this change is one.
    KilledWriting(u64),
    /// The machine ends at this change.
    PowerLost(u64),
    /// The machine ends in the middle of a write, if this change is one.
    PowerLostWriting(u64),
    /// All flushes from this one on fail.
    SyncsFail(u64),
    /// This flush fails, later ones do not.
    SyncFailsOnce(u64),
    /// This write is cut short, and says so.
    WriteCutShort(u64),
    /// This read fails.
    ReadFails(u64),
    /// So many more bytes fit.
    Full(u64),
    /// One bad thing that nobody says, at this read or write.
    OneBad(Bad, u64),
}

impl Fate {
    /// For a life like any other.
    pub(crate) fn draw(random: &mut Random) -> Self {
        // Some faults early, so that they strike while the engine recovers.
        let early = random.percent(35);
        let at = if early { random.below(25) } else { random.below(350) };
        match random.below(100) {
            0..22 => Self::Clean,
            22..38 => Self::Killed(at),
            38..46 => Self::KilledWriting(at),
            46..64 => Self::PowerLost(at),
            64..72 => Self::PowerLostWriting(at),
            72..79 => Self::SyncsFail(at / 2),
            79..84 => Self::SyncFailsOnce(at / 2),
            84..88 => Self::WriteCutShort(at / 2),
            88..91 => Self::ReadFails(at / 2),
            _ => Self::Full(random.below(200 << 10)),
        }
    }

    /// One bad sector, while everything else works.
    pub(crate) fn draw_bad(random: &mut Random) -> Self {
        let bad = random.pick(&Bad::ALL).copied().unwrap_or(Bad::BitRots);
        let most = if random.percent(40) { 20 } else { 200 };
        Self::OneBad(bad, random.below(most))
    }

    /// What the disk is told.
    pub(crate) fn orders(self) -> Orders {
        let none = Orders::default();
        match self {
            Self::Clean => none,
            Self::Killed(at) | Self::PowerLost(at) => Orders { die_after: Some(at), ..none },
            Self::KilledWriting(at) | Self::PowerLostWriting(at) => {
                Orders { die_after: Some(at), torn: true, ..none }
            }
            Self::SyncsFail(at) => Orders { fail_syncs_after: Some((at, Lasting::ForEver)), ..none },
            Self::SyncFailsOnce(at) => Orders { fail_syncs_after: Some((at, Lasting::Once)), ..none },
            Self::WriteCutShort(at) => Orders { short_write_after: Some(at), ..none },
            Self::ReadFails(at) => Orders { fail_read_after: Some(at), ..none },
            Self::Full(room) => Orders { room: Some(room), ..none },
            Self::OneBad(bad, at) => Orders { bad: Some((bad, at)), ..none },
        }
    }

    /// What the next process finds.
    pub(crate) fn end(self, random: &mut Random) -> End {
        let either = if random.percent(50) { End::Kill } else { End::PowerLoss };
        match self {
            Self::Killed(_) | Self::KilledWriting(_) => End::Kill,
            Self::PowerLost(_) | Self::PowerLostWriting(_) => End::PowerLoss,
            // A clean stop leaves nothing that a power loss could take.
            _ => either,
        }
    }

    /// In words, for counting.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Clean => "none: a clean stop",
            Self::Killed(_) => "a kill",
            Self::KilledWriting(_) => "a kill in the middle of a write",
            Self::PowerLost(_) => "a power loss",
            Self::PowerLostWriting(_) => "a power loss in the middle of a write",
            Self::SyncsFail(_) => "flushes that fail from then on",
            Self::SyncFailsOnce(_) => "a flush that fails once",
            Self::WriteCutShort(_) => "a write cut short",
            Self::ReadFails(_) => "a read that fails",
            Self::Full(_) => "a full disk",
            Self::OneBad(bad, _) => bad.name(),
        }
    }

    /// One of each, but for the bad sectors.
    #[must_use]
    pub const fn each() -> [Self; 10] {
        [
            Self::Clean,
            Self::Killed(0),
            Self::KilledWriting(0),
            Self::PowerLost(0),
            Self::PowerLostWriting(0),
            Self::SyncsFail(0),
            Self::SyncFailsOnce(0),
            Self::WriteCutShort(0),
            Self::ReadFails(0),
            Self::Full(0),
        ]
    }
}
