//! Disks that say one thing and do another: how the simulator itself is tried.
//!
//! No engine can serve through these. It has to refuse, or the oracles have to notice; a run that ends
//! well on a lying disk is a defect of the simulator.

use crate::disk::{Node, SECTOR};
use crate::random::Random;

/// A lie that a disk tells all the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lie {
    /// A sync reports success and writes nothing.
    SyncsNothing,
    /// Now and then a read returns the bytes of another sector.
    ReadsAnotherSector,
    /// Renames are undone by a power loss even after the folder was synced.
    DropsRenames,
    /// Now and then two sectors of one synced write change places on the platter.
    SwapsSectors,
    /// A power loss cuts synced bytes off the ends of files.
    Truncates,
    /// After a power loss a file is as it was before its last sync.
    ServesStale,
    /// Now and then a write lands a sector away from where it should.
    Misdirects,
    /// Now and then a bit of a write is turned.
    TurnsBits,
}

impl Lie {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::SyncsNothing,
        Self::ReadsAnotherSector,
        Self::DropsRenames,
        Self::SwapsSectors,
        Self::Truncates,
        Self::ServesStale,
        Self::Misdirects,
        Self::TurnsBits,
    ];

    /// Where a read really begins.
    pub(crate) fn reads_from(self, from: usize, length: usize, size: usize, random: &mut Random) -> usize {
        let lies = self == Self::ReadsAnotherSector && from + length + SECTOR <= size && random.percent(5);
        if lies { from + SECTOR } else { from }
    }

    /// What a write really becomes.
    pub(crate) fn writes(self, at: &mut usize, bytes: &mut [u8], random: &mut Random) {
        if bytes.is_empty() || !random.percent(10) {
            return;
        }
        match self {
            Self::Misdirects => *at += SECTOR,
            Self::TurnsBits => {
                let place = random.below(bytes.len() as u64) as usize;
                bytes[place] ^= 1 << random.below(8);
            }
            _ => {}
        }
    }

    /// What else a sync does, after a last write at `last` (byte and length).
    pub(crate) fn syncs(self, node: &mut Node, last: (usize, usize), random: &mut Random) {
        let (first, end) = (last.0.div_ceil(SECTOR), (last.0 + last.1) / SECTOR);
        if self == Self::SwapsSectors && end >= first + 2 && random.percent(20) {
            for byte in first * SECTOR..(first + 1) * SECTOR {
                node.durable.swap(byte, byte + SECTOR);
            }
        }
    }

    /// What else a power loss does.
    pub(crate) fn at_power_loss(self, node: &mut Node, random: &mut Random) {
        match self {
            Self::Truncates => {
                let used = node.durable.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
                node.durable.truncate(used.saturating_sub(random.below(1024) as usize));
            }
            Self::ServesStale => node.durable.clone_from(&node.stale),
            _ => {}
        }
        node.cache.clone_from(&node.durable);
    }
}
