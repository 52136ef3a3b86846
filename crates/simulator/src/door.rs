//! Where clients, followers and oracles meet the engine, and where a mutant may stand between.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jialing_engine::{Checkpoint, Engine, Hash, Outcome, ReadError, Receipt, Stopped, SubmitError};
use jialing_ledger::{Account, Command, Group, Hold, Id, LegOp, Record, Refusal, Why};

use crate::mutants::Defect;

/// The answer to one command.
pub(crate) type Answered = Result<Outcome, SubmitError>;

/// An engine, seen through what may be a mutant. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Door {
    pub(crate) engine: Engine,
    defect: Option<Defect>,
    kept: Arc<Mutex<Kept>>,
}

/// What mutants remember.
#[derive(Default)]
struct Kept {
    accounts: BTreeMap<Id, Option<Account>>,
    done: BTreeMap<Id, Outcome>,
}

impl Door {
    pub(crate) fn new(engine: Engine, defect: Option<Defect>) -> Self {
        Self { engine, defect, kept: Arc::default() }
    }

    fn is(&self, defect: Defect) -> bool {
        self.defect == Some(defect)
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) async fn submit(&self, command: Command) -> Answered {
        match (&command, self.defect) {
            (Command::Note { .. }, Some(Defect::RetriesNotes)) => {
                self.engine.submit(command.clone()).await?;
            }
            (Command::Transfer(group), Some(Defect::SplitsGroups)) if group.legs.len() > 1 => {
                return self.leg_by_leg(group).await;
            }
            (Command::Transfer(group), Some(Defect::ComparesIdsOnly)) => {
                let known = group.legs.first().and_then(|leg| self.kept().done.get(&leg.id).cloned());
                if let Some(known) = known {
                    return Ok(Outcome { already: true, ..known });
                }
            }
            _ => {}
        }
        let first = first_id(&command);
        let answered = self.engine.submit(self.changed(command)).await;
        self.answer(first, answered)
    }

    pub(crate) async fn submit_all(&self, commands: Vec<Command>) -> Vec<Answered> {
        let firsts: Vec<_> = commands.iter().map(first_id).collect();
        let changed = commands.into_iter().map(|command| self.changed(command)).collect();
        let mut answers = self.engine.submit_all(changed).await;
        if self.is(Defect::SwapsAnswers) && answers.len() > 1 {
            answers.swap(0, 1);
        }
        firsts.into_iter().zip(answers).map(|(first, answered)| self.answer(first, answered)).collect()
    }

    /// A command as a mutant passes it on.
    fn changed(&self, mut command: Command) -> Command {
        let Command::Transfer(group) = &mut command else { return command };
        for leg in &mut group.legs {
            match (self.defect, &mut leg.op) {
                (Some(Defect::ForgetsMeters), _) => leg.meters = [0; 4],
                (Some(Defect::ForgetsExpiry), LegOp::Hold { expires, .. }) => *expires = 0,
                (Some(Defect::OneFenMore), LegOp::Plain { amount, .. }) if *amount > 0 => *amount += 1,
                _ => {}
            }
        }
        command
    }

    /// An answer as a mutant passes it on.
    fn answer(&self, first: Option<Id>, answered: Answered) -> Answered {
        match (&answered, self.defect) {
            (Ok(outcome), Some(Defect::ComparesIdsOnly)) => {
                if let Some(first) = first {
                    self.kept().done.insert(first, outcome.clone());
                }
            }
            (Ok(Outcome { already: true, .. }), Some(Defect::RefusesRepeats)) => {
                return Err(SubmitError::Refused(Refusal { why: Why::IdTaken, leg: 0, field: Some("kind") }));
            }
            (Err(SubmitError::Refused(refusal)), Some(Defect::ForgetsWhichLeg)) => {
                return Err(SubmitError::Refused(Refusal { leg: 0, ..*refusal }));
            }
            _ => {}
        }
        answered
    }

    async fn leg_by_leg(&self, group: &Group) -> Answered {
        let mut all: Option<Outcome> = None;
        for leg in &group.legs {
            let outcome = self.engine.submit(Command::Transfer(Group { legs: vec![*leg] })).await?;
            match &mut all {
                Some(all) => all.records.extend(outcome.records),
                None => all = Some(outcome),
            }
        }
        all.ok_or(SubmitError::Refused(Refusal::new(Why::LegCount, 0)))
    }

    pub(crate) async fn account(&self, id: Id) -> Result<Option<Account>, Stopped> {
        if self.is(Defect::StaleBalances)
            && let Some(known) = self.kept().accounts.get(&id)
        {
            return Ok(*known);
        }
        let seen = self.engine.account(id).await?;
        self.kept().accounts.insert(id, seen);
        Ok(seen)
    }

    pub(crate) async fn hold(&self, id: Id) -> Result<Option<Hold>, Stopped> {
        self.engine.hold(id).await
    }

    pub(crate) async fn transfer(&self, id: Id) -> Result<Option<Record>, ReadError> {
        if self.is(Defect::LookUpMissesReversals) && id >= 1 << 127 {
            return Ok(None);
        }
        self.engine.transfer(id).await
    }

    pub(crate) async fn feed(&self, from: u64, limit: usize) -> Result<Vec<Record>, ReadError> {
        if self.is(Defect::FeedRepeatsOne) && from > 0 {
            return self.engine.feed(from - 1, limit).await;
        }
        let mut page = self.engine.feed(from, limit).await?;
        if self.is(Defect::FeedSkipsOne) && from > 0 && page.len() > 1 {
            page.remove(0);
        }
        Ok(page)
    }

    pub(crate) async fn history(
        &self,
        account: Id,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<Record>, ReadError> {
        let loses = self.is(Defect::HistoryLosesOne);
        let before = before.map(|before| if loses { before.saturating_sub(1) } else { before });
        self.engine.history(account, before, limit).await
    }

    pub(crate) async fn receipt(&self, seq: u64) -> Result<Receipt, ReadError> {
        let mut receipt = self.engine.receipt(seq).await?;
        let size = receipt.checkpoint.size;
        if self.is(Defect::ReceiptOfNeighbour) && size > 1 {
            let beside = if (seq ^ 1) < size { seq ^ 1 } else { seq - 1 };
            receipt.path = self.engine.inclusion(beside, size).await?;
        }
        Ok(receipt)
    }

    pub(crate) async fn consistency(&self, old: u64, new: u64) -> Result<Vec<Hash>, ReadError> {
        if self.is(Defect::EmptyConsistency) {
            return Ok(Vec::new());
        }
        self.engine.consistency(old, new).await
    }

    pub(crate) fn checkpoint(&self) -> Checkpoint {
        self.engine.checkpoint()
    }
}

fn first_id(command: &Command) -> Option<Id> {
    match command {
        Command::Transfer(group) => group.legs.first().map(|leg| leg.id),
        _ => None,
    }
}
