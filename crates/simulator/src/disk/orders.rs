//! What a disk is told to do wrong while one process lives, counted in operations, never in time.

/// One thing that goes wrong once, silently: a single bad sector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bad {
    /// One read returns a turned bit.
    ReadTurnsBit,
    /// One read returns the bytes of another place of the file.
    ReadsElsewhere,
    /// One write never reaches the platter, though its sync succeeds.
    LosesWrite,
    /// One write lands on another place of the file instead.
    WritesElsewhere,
    /// One write lands in another file instead.
    WritesOtherFile,
    /// One write lands with a turned bit.
    WriteTurnsBit,
    /// A sector of a file cannot be read any more.
    SectorDies,
    /// A bit of a file turns by itself.
    BitRots,
}

impl Bad {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::ReadTurnsBit,
        Self::ReadsElsewhere,
        Self::LosesWrite,
        Self::WritesElsewhere,
        Self::WritesOtherFile,
        Self::WriteTurnsBit,
        Self::SectorDies,
        Self::BitRots,
    ];

    /// Whether it strikes at a read; else at a write.
    pub(crate) const fn reads(self) -> bool {
        matches!(self, Self::ReadTurnsBit | Self::ReadsElsewhere)
    }

    /// In words, for counting.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ReadTurnsBit => "a read with a turned bit",
            Self::ReadsElsewhere => "a misdirected read",
            Self::LosesWrite => "a lost write",
            Self::WritesElsewhere => "a misdirected write within a file",
            Self::WritesOtherFile => "a misdirected write into another file",
            Self::WriteTurnsBit => "a write with a turned bit",
            Self::SectorDies => "an unreadable sector",
            Self::BitRots => "a bit that rots",
        }
    }
}

/// How long a failure lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lasting {
    /// From then on.
    ForEver,
    /// That one time; the disk works again afterwards.
    Once,
}

/// What a disk is told to do wrong while one process lives. Nothing by default.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Orders {
    /// After so many changes nothing works any more: the machine or the process is gone.
    pub(crate) die_after: Option<u64>,
    /// It dies in the middle of a write: a part of that write is there.
    pub(crate) torn: bool,
    /// After so many syncs, syncs fail.
    pub(crate) fail_syncs_after: Option<(u64, Lasting)>,
    /// After so many writes, one is cut short and fails.
    pub(crate) short_write_after: Option<u64>,
    /// After so many reads, one fails.
    pub(crate) fail_read_after: Option<u64>,
    /// So many more bytes can be taken.
    pub(crate) room: Option<u64>,
    /// After so many reads or writes, by its sort, one bad thing happens.
    pub(crate) bad: Option<(Bad, u64)>,
}

impl Orders {
    /// Counts one more of something; whether it is the one.
    pub(crate) const fn counts_down(left: &mut Option<u64>) -> bool {
        match left {
            Some(0) => {
                *left = None;
                true
            }
            Some(more) => {
                *more -= 1;
                false
            }
            None => false,
        }
    }

    /// Whether this sync fails.
    pub(crate) const fn sync_fails(&mut self) -> bool {
        match &mut self.fail_syncs_after {
            Some((0, Lasting::ForEver)) => true,
            Some((0, Lasting::Once)) => {
                self.fail_syncs_after = None;
                true
            }
            Some((left, _)) => {
                *left -= 1;
                false
            }
            None => false,
        }
    }

    /// The bad thing that happens at this read or write, if it is its turn.
    pub(crate) fn bad_now(&mut self, reading: bool) -> Option<Bad> {
        match &mut self.bad {
            Some((bad, 0)) if bad.reads() == reading => {
                let bad = *bad;
                self.bad = None;
                Some(bad)
            }
            Some((bad, left)) if bad.reads() == reading => {
                *left -= 1;
                None
            }
            _ => None,
        }
    }
}
