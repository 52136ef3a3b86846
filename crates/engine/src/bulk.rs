//! Bulk work: many groups of legs in one list, answered by one list.
//!
//! What a bank sends at night is thousands of small groups. As commands, each would be a list of its
//! own, and its answer another. Here all legs lie end to end, and an answer takes 24 bytes.

use std::ops::Range;
use std::sync::Arc;

use jialing_ledger::{Leg, Refusal, Why};

use crate::answer::SubmitError;

/// Groups of legs to carry out in order, each all or nothing and each for itself: one that is refused
/// does not stop the next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bulk {
    /// The legs of all groups, end to end.
    pub legs: Vec<Leg>,
    /// How many legs each group has, in order; their sum is the number of legs.
    pub groups: Vec<u8>,
}

/// What came of one group of a [`Bulk`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BulkOutcome {
    /// It is carried out and durable.
    Done {
        /** Position in the log of its first leg's transfer record. */
        first: u64,
        /** It had been carried out before, with the same fields; nothing was done now. */
        already: bool,
    },
    /// The kernel refused it; nothing of it was done.
    Refused(Refusal),
}

impl Bulk {
    /// An error unless the groups' numbers of legs add up to the legs there are.
    fn fits(&self) -> Result<(), SubmitError> {
        let legs: usize = self.groups.iter().map(|&legs| usize::from(legs)).sum();
        if legs == self.legs.len() {
            Ok(())
        } else {
            // Which legs belong together is unknown, so no group can be named.
            Err(SubmitError::Refused(Refusal::new(Why::LegCount, 0)))
        }
    }
}

/// Groups of a bulk that are carried out in one round.
pub(crate) struct Part {
    bulk: Arc<Bulk>,
    pub(crate) groups: Range<usize>,
    /// Where the first group's legs begin.
    first_leg: usize,
}

impl Part {
    /// A bulk in parts of at most `most` groups.
    pub(crate) fn parts(bulk: Bulk, most: usize) -> Result<Vec<Self>, SubmitError> {
        bulk.fits()?;
        let bulk = Arc::new(bulk);
        let mut first_leg = 0;
        let parts = (0..bulk.groups.len()).step_by(most).map(|from| {
            let groups = from..bulk.groups.len().min(from + most);
            let part = Self { bulk: bulk.clone(), groups: groups.clone(), first_leg };
            first_leg += bulk.groups[groups].iter().map(|&legs| usize::from(legs)).sum::<usize>();
            part
        });
        Ok(parts.collect())
    }

    /// The numbers of legs of its groups, and the legs from its first group on.
    pub(crate) fn groups_and_legs(&self) -> (&[u8], &[Leg]) {
        (&self.bulk.groups[self.groups.clone()], &self.bulk.legs[self.first_leg..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_small() {
        assert!(size_of::<BulkOutcome>() <= 24, "{} bytes", size_of::<BulkOutcome>());
    }
}
