//! What a frame asks for, done.

use std::pin::Pin;
use std::task::Poll;

use jialing_bulk::answer::ANSWER_LEN;
use jialing_bulk::frame::{self, Balance, FrameKind, Header, NewAccount, NewMeter, busy};
use jialing_bulk::leg::{self, Groups};
use jialing_bulk::{
    Authority, Fault, Id, Leg, MAX_GROUPS, MAX_LEGS, NotAllowed, Outcome, Reason, Refused, Why,
};
use jialing_engine::{Bulk, BulkOutcome, Engine, SubmitError};
use jialing_ledger::{AccountKind, Command};

/// What is written for one frame.
pub(super) struct Reply {
    /// The frame to seal.
    pub(super) frame: Vec<u8>,
    /// Why the connection closes after it.
    pub(super) closing: Option<Fault>,
}

/// A frame under way.
pub(super) type Job = Pin<Box<dyn Future<Output = Reply> + Send>>;

impl Reply {
    pub(super) const fn of(frame: Vec<u8>) -> Self {
        Self { frame, closing: None }
    }

    /// The connection's last word.
    pub(super) fn fault(fault: Fault) -> Self {
        Self { frame: frame::fault(fault), closing: Some(fault) }
    }

    /// What a whole submission's error is to its frame.
    fn failed(number: u64, error: &SubmitError) -> Self {
        match error {
            SubmitError::Overloaded { retry_after_ms } => Self::of(busy(number, *retry_after_ms)),
            SubmitError::Stopped(_) => Self::fault(Fault::LedgerStopped),
            SubmitError::Refused(_) => Self::fault(Fault::Internal),
        }
    }
}

/// Starts `job`: what it submits is in the engine's queue when this returns.
pub(super) async fn begin(mut job: Job) -> Job {
    let early = std::future::poll_fn(|context| {
        Poll::Ready(match job.as_mut().poll(context) {
            Poll::Ready(reply) => Some(reply),
            Poll::Pending => None,
        })
    })
    .await;
    match early {
        Some(reply) => Box::pin(std::future::ready(reply)),
        None => job,
    }
}

/// Groups of a frame: those that the bank may ask for, and the others with the reason.
pub(super) struct Judged {
    allowed: Bulk,
    /// By place in the frame; empty when all are allowed.
    refused: Vec<(usize, Refused)>,
    total: usize,
}

/// Reads the legs of a frame and sorts out what `authority` does not reach.
pub(super) fn judge(header: &Header, body: &[u8], authority: &Authority) -> Result<Judged, Fault> {
    let mut groups = Groups::default();
    leg::decode(body, &mut groups).map_err(|_| Fault::FrameMalformed)?;
    if groups.legs.len() != header.count as usize || groups.groups.len() > MAX_GROUPS {
        return Err(Fault::FrameMalformed);
    }
    let total = groups.groups.len();
    let mut refused = Vec::new();
    let mut from = 0;
    for (place, &count) in groups.groups.iter().enumerate() {
        let legs = &groups.legs[from..from + usize::from(count)];
        from += usize::from(count);
        refused.extend(refusal(legs, authority).map(|why| (place, why)));
    }
    let allowed = if refused.is_empty() {
        Bulk { legs: groups.legs, groups: groups.groups }
    } else {
        without(&groups, &refused)
    };
    Ok(Judged { allowed, refused, total })
}

fn refusal(legs: &[Leg], authority: &Authority) -> Option<Refused> {
    if legs.len() > MAX_LEGS {
        return Some(Refused { reason: Reason::Ledger(Why::LegCount), leg: 0, field: None });
    }
    let not_allowed = |(place, leg): (usize, &Leg)| {
        let why = authority.check(leg).err()?;
        Some(Refused { reason: Reason::NotAllowed(why), leg: place as u8, field: None })
    };
    legs.iter().enumerate().find_map(not_allowed)
}

/// The groups whose places are not among `refused`, which is in order.
fn without(groups: &Groups, refused: &[(usize, Refused)]) -> Bulk {
    let mut allowed = Bulk { legs: Vec::with_capacity(groups.legs.len()), groups: Vec::new() };
    let (mut from, mut next) = (0, refused.iter().map(|(place, _)| *place).peekable());
    for (place, &count) in groups.groups.iter().enumerate() {
        let to = from + usize::from(count);
        if next.next_if_eq(&place).is_none() {
            allowed.legs.extend_from_slice(&groups.legs[from..to]);
            allowed.groups.push(count);
        }
        from = to;
    }
    allowed
}

/// Carries out judged legs.
pub(super) async fn legs(engine: Engine, number: u64, judged: Judged) -> Reply {
    let Judged { allowed, refused, total } = judged;
    let done = if allowed.groups.is_empty() { Ok(Vec::new()) } else { engine.submit_bulk(allowed).await };
    let done = match done {
        Ok(done) => done,
        Err(error) => return Reply::failed(number, &error),
    };
    count(&done, refused.len());
    let mut frame = outcomes_frame(number, total);
    let mut refused = refused.iter().peekable();
    let mut done = done.iter().map(outcome);
    for place in 0..total {
        let outcome = match refused.next_if(|(at, _)| *at == place) {
            Some((_, why)) => Some(Outcome::Refused(*why)),
            None => done.next(),
        };
        // The engine answers every group that it was given.
        let Some(outcome) = outcome else { return Reply::fault(Fault::Internal) };
        frame.extend_from_slice(&outcome.encode());
    }
    Reply::of(frame)
}

fn outcomes_frame(number: u64, count: usize) -> Vec<u8> {
    let header = Header { kind: FrameKind::Outcomes, count: count as u32, number };
    let mut frame = Vec::with_capacity(frame::HEADER_LEN + count * ANSWER_LEN);
    frame.extend_from_slice(&header.encode());
    frame
}

fn outcome(outcome: &BulkOutcome) -> Outcome {
    match outcome {
        BulkOutcome::Done { first, already: false } => Outcome::Done { first: *first },
        BulkOutcome::Done { first, already: true } => Outcome::Already { first: *first },
        BulkOutcome::Refused(refusal) => Outcome::Refused((*refusal).into()),
    }
}

fn count(done: &[BulkOutcome], not_allowed: usize) {
    let refused = done.iter().filter(|outcome| matches!(outcome, BulkOutcome::Refused(_))).count();
    metrics::counter!("jialing_bulk_groups_done_total").increment((done.len() - refused) as u64);
    metrics::counter!("jialing_bulk_groups_refused_total").increment((refused + not_allowed) as u64);
}

/// Accounts of a frame as commands; `None` for those that the bank may not open.
pub(super) fn accounts(
    body: &[u8],
    authority: &Authority,
) -> Result<Vec<Result<Command, NotAllowed>>, Fault> {
    let command = |bytes| {
        let new = NewAccount::decode(bytes).map_err(|_| Fault::FrameMalformed)?;
        if !authority.owns(new.id) {
            return Ok(Err(NotAllowed::AccountNotOwn));
        }
        if !matches!(new.kind, AccountKind::Organisation | AccountKind::Transit) {
            return Ok(Err(NotAllowed::AccountKindNotAllowed));
        }
        Ok(Ok(Command::OpenAccount(jialing_ledger::NewAccount {
            id: new.id,
            currency: new.currency,
            kind: new.kind,
            holder: authority.holder,
            min: 0,
            max: new.max,
        })))
    };
    body.as_chunks().0.iter().map(command).collect()
}

/// Meters of a frame as commands.
pub(super) fn meters(body: &[u8], authority: &Authority) -> Result<Vec<Result<Command, NotAllowed>>, Fault> {
    let command = |bytes| {
        let new = NewMeter::decode(bytes).map_err(|_| Fault::FrameMalformed)?;
        if !authority.owns(new.id) {
            return Ok(Err(NotAllowed::AccountNotOwn));
        }
        Ok(Ok(Command::SetMeter { meter: new.id, policy: new.policy }))
    };
    body.as_chunks().0.iter().map(command).collect()
}

/// Carries out the commands of a frame that may be.
pub(super) async fn commands(engine: Engine, number: u64, asked: Vec<Result<Command, NotAllowed>>) -> Reply {
    let allowed: Vec<Command> = asked.iter().filter_map(|asked| asked.as_ref().ok().cloned()).collect();
    let mut done = if allowed.is_empty() { Vec::new() } else { engine.submit_all(allowed).await }.into_iter();
    let mut frame = outcomes_frame(number, asked.len());
    for asked in &asked {
        let outcome = match asked {
            Err(why) => Outcome::Refused(Refused { reason: Reason::NotAllowed(*why), leg: 0, field: None }),
            Ok(_) => match done.next() {
                Some(Ok(done)) if done.already => Outcome::Already { first: done.first },
                Some(Ok(done)) => Outcome::Done { first: done.first },
                Some(Err(SubmitError::Refused(refusal))) => Outcome::Refused(refusal.into()),
                // All of a submission is taken, or none of it.
                Some(Err(error)) => return Reply::failed(number, &error),
                None => return Reply::fault(Fault::Internal),
            },
        };
        frame.extend_from_slice(&outcome.encode());
    }
    Reply::of(frame)
}

/// The account numbers of a frame.
pub(super) fn ids(body: &[u8]) -> Vec<Id> {
    body.as_chunks().0.iter().map(|bytes| Id::from_le_bytes(*bytes)).collect()
}

/// Looks at accounts that are the bank's own.
pub(super) async fn look(engine: Engine, number: u64, authority: Authority, ids: Vec<Id>) -> Reply {
    let Ok(accounts) = engine.accounts(&ids).await else { return Reply::fault(Fault::LedgerStopped) };
    let own = |id: Id| authority.owns(id) || id != 0 && (id == authority.vault || id == authority.issuance);
    let balances: Vec<_> = ids
        .iter()
        .zip(accounts)
        .map(|(&id, account)| match account.filter(|_| own(id)) {
            Some(account) => Balance {
                id,
                found: true,
                balance: account.balance(),
                available: account.available(),
                debits: account.debits,
            },
            None => Balance { id, found: false, balance: 0, available: 0, debits: 0 },
        })
        .map(|balance| balance.encode())
        .collect();
    Reply::of(frame::frame(FrameKind::Balances, number, &balances))
}
