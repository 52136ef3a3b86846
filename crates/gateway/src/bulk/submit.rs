//! The bulk submission, over the engine's plain one.

use jialing_engine::{Engine, SubmitError};
use jialing_ledger::{Command, Group, Leg, Refusal};

/// Groups in order.
pub(super) struct Bulk {
    pub(super) legs: Vec<Leg>,
    pub(super) groups: Vec<u8>,
}

/// What became of a group.
pub(super) enum BulkOutcome {
    Done { first: u64, already: bool },
    Refused(Refusal),
}

pub(super) async fn submit_bulk(engine: &Engine, bulk: Bulk) -> Result<Vec<BulkOutcome>, SubmitError> {
    let mut legs = bulk.legs.into_iter();
    let commands: Vec<Command> = bulk
        .groups
        .iter()
        .map(|&count| Command::Transfer(Group { legs: legs.by_ref().take(usize::from(count)).collect() }))
        .collect();
    let answers = engine.submit_all(commands).await;
    answers
        .into_iter()
        .map(|answer| match answer {
            Ok(done) => Ok(BulkOutcome::Done { first: done.first, already: done.already }),
            Err(SubmitError::Refused(refusal)) => Ok(BulkOutcome::Refused(refusal)),
            Err(error) => Err(error),
        })
        .collect()
}
