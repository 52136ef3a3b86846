//! Legs on their way into a frame.

use jialing_ledger::{Leg, MAX_LEGS};

use crate::frame::{FrameKind, HEADER_LEN, Header};
use crate::leg::{LEG_LEN, METER_LEN, encode};
use crate::{MAX_FRAME_BYTES, MAX_GROUPS};

/// Groups that are sent, judged and answered together. Each is all or nothing by itself.
///
/// It stays as it is when it is sent, so it can be sent again after an answer that got lost.
#[derive(Clone, Debug)]
pub struct Batch {
    frame: Vec<u8>,
    legs: u32,
    groups: usize,
}

/// The group does not go into this batch any more, or into none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BatchFull {
    /// The batch has all the groups or bytes that a frame may have: send it and begin another.
    #[error("the frame is full")]
    Frame,
    /// A group has one to eight legs.
    #[error("a group has one to eight legs")]
    Group,
}

impl Default for Batch {
    fn default() -> Self {
        Self::new()
    }
}

impl Batch {
    /// An empty batch.
    #[must_use]
    pub fn new() -> Self {
        Self { frame: vec![0; HEADER_LEN], legs: 0, groups: 0 }
    }

    /// Adds a group: its legs happen together or not at all.
    ///
    /// # Errors
    /// [`BatchFull`]; nothing was added.
    pub fn group(&mut self, legs: &[Leg]) -> Result<(), BatchFull> {
        if !(1..=MAX_LEGS).contains(&legs.len()) {
            return Err(BatchFull::Group);
        }
        let meters = legs.iter().flat_map(|leg| leg.meters).filter(|meter| *meter != 0).count();
        let bytes = self.frame.len() + legs.len() * LEG_LEN + meters * METER_LEN;
        if self.groups == MAX_GROUPS || bytes > MAX_FRAME_BYTES {
            return Err(BatchFull::Frame);
        }
        for (place, leg) in legs.iter().enumerate() {
            encode(leg, place + 1 < legs.len(), &mut self.frame);
        }
        self.legs += legs.len() as u32;
        self.groups += 1;
        Ok(())
    }

    /// Adds a leg that stands for itself.
    ///
    /// # Errors
    /// [`BatchFull::Frame`]; nothing was added.
    pub fn leg(&mut self, leg: &Leg) -> Result<(), BatchFull> {
        self.group(std::slice::from_ref(leg))
    }

    /// Forgets all groups and keeps the memory.
    pub fn clear(&mut self) {
        self.frame.truncate(HEADER_LEN);
        (self.legs, self.groups) = (0, 0);
    }

    /// Groups in it.
    #[must_use]
    pub const fn groups(&self) -> usize {
        self.groups
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.groups == 0
    }

    /// The frame under this number.
    pub(crate) fn frame(&mut self, number: u64) -> &[u8] {
        let header = Header { kind: FrameKind::Legs, count: self.legs, number };
        self.frame[..HEADER_LEN].copy_from_slice(&header.encode());
        &self.frame
    }
}
