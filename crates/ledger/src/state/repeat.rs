//! Exactly once: what was done before under an id.
//!
//! The kernel remembers no finished transfer, or its memory would grow for ever. The caller's journal
//! does, and answers through [`Prior`]. A group whose every leg is found, with the same fields and in
//! the same group, is already done; anything else that reuses an id is refused.

use std::collections::BTreeMap;

use super::Applied;
use crate::command::MAX_METERS;
use crate::record::link_to;
use crate::{Body, Id, Leg, LegOp, Nanos, Op, Record, Refusal, Transfer};

/// Looks up transfers already recorded.
pub trait Prior {
    /// The transfer recorded under `id` and the sequence of its record. Knows every transfer record,
    /// of every operation, up to the last one the ledger gave out.
    fn find(&self, id: Id) -> Option<(Transfer, u64)>;

    /// The terms (meters and expiry) that precede the transfer recorded at `seq`: the body of the
    /// record at `seq - 1`. Asked only where [`Transfer::has_terms`] says that there is one.
    fn terms(&self, seq: u64) -> Option<([Id; MAX_METERS], Nanos)>;
}

/// A [`Prior`] that remembers every record it is shown. For tests and small tools: it grows with the
/// log.
#[derive(Clone, Debug, Default)]
pub struct Remembered {
    transfers: BTreeMap<Id, (Transfer, u64)>,
    terms: BTreeMap<u64, ([Id; MAX_METERS], Nanos)>,
}

impl Remembered {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Remembers one record. `false` when it is a transfer whose id is known from another record,
    /// which a sound log never has.
    pub fn remember(&mut self, record: &Record) -> bool {
        match record.body {
            Body::Transfer(transfer) => self.transfers.insert(transfer.id, (transfer, record.seq)).is_none(),
            Body::Terms { meters, expires } => {
                self.terms.insert(record.seq + 1, (meters, expires));
                true
            }
            _ => true,
        }
    }
}

impl Prior for Remembered {
    fn find(&self, id: Id) -> Option<(Transfer, u64)> {
        self.transfers.get(&id).copied()
    }

    fn terms(&self, seq: u64) -> Option<([Id; MAX_METERS], Nanos)> {
        self.terms.get(&seq).copied()
    }
}

/// The answer to a group whose first leg was found at `seq`: done before, or an id taken.
///
/// Walks the legs in order, so the first leg that fails is reported, as for any other refusal.
pub(super) fn answer(legs: &[Leg], prior: &impl Prior) -> Result<Applied, Refusal> {
    let mut span: Option<(u64, u64)> = None;
    for (index, leg) in (0u8..).zip(legs) {
        if !super::transfers::is_leg_id(leg) {
            return Err(Refusal::new(crate::Why::IdInvalid, index));
        }
        // The first leg was done in a group that had another leg here.
        let Some((done, seq)) = prior.find(leg.id) else { return Err(Refusal::taken(0, "group")) };
        if let Some(field) = difference(leg, index, legs.len(), &done, seq, prior) {
            return Err(Refusal::taken(index, field));
        }
        let start = seq - u64::from(done.has_terms);
        span = match span {
            None => Some((start, seq)),
            Some((first, last)) if start == last + 1 => Some((first, seq)),
            Some(_) => return Err(Refusal::taken(index, "group")),
        };
    }
    let (first, last) = span.expect("the group has a leg");
    Ok(Applied { first, records: (last - first + 1) as u16, already: true })
}

/// The first field in which `leg` differs from the transfer `done` under the same id at `seq`.
pub(super) fn difference(
    leg: &Leg,
    index: u8,
    legs: usize,
    done: &Transfer,
    seq: u64,
    prior: &impl Prior,
) -> Option<&'static str> {
    if leg.op.op() != done.op {
        return Some("op");
    }
    if leg.kind != done.kind {
        return Some("kind");
    }
    let terms = if done.has_terms { prior.terms(seq) } else { Some(([0; MAX_METERS], 0)) };
    let Some((meters, expires)) = terms else { return Some("terms") };
    let mut asked_expires = 0;
    let differs = match leg.op {
        LegOp::Plain { debit, credit, amount } => moved_otherwise(done, leg, debit, credit, amount),
        LegOp::Hold { debit, credit, amount, expires } => {
            asked_expires = expires;
            moved_otherwise(done, leg, debit, credit, amount)
        }
        LegOp::Post { hold, amount } if done.link == link_to(hold) => {
            let whole = || prior.find(hold).map_or(0, |(held, _)| held.amount);
            let asked = if amount == 0 { whole() } else { amount };
            (asked != done.amount).then_some("amount")
        }
        LegOp::Void { hold } if done.link == link_to(hold) => None,
        LegOp::Post { .. } | LegOp::Void { .. } => Some("hold"),
        LegOp::Reverse { transfer } => (done.link != link_to(transfer)).then_some("transfer"),
    };
    differs
        .or((leg.meters != meters).then_some("meters"))
        .or((asked_expires != expires).then_some("expires"))
        .or((usize::from(done.legs) != legs).then_some("legs"))
        .or((done.leg != index).then_some("leg"))
}

fn moved_otherwise(done: &Transfer, leg: &Leg, debit: Id, credit: Id, amount: u64) -> Option<&'static str> {
    [
        (done.debit == debit, "debit"),
        (done.credit == credit, "credit"),
        (done.amount == amount, "amount"),
        (done.link == leg.digest, "digest"),
    ]
    .into_iter()
    .find_map(|(same, field)| (!same).then_some(field))
}

impl LegOp {
    /// The operation that a record of this leg bears.
    #[must_use]
    pub const fn op(&self) -> Op {
        match self {
            Self::Plain { .. } => Op::Plain,
            Self::Hold { .. } => Op::Hold,
            Self::Post { .. } => Op::Post,
            Self::Void { .. } => Op::Void,
            Self::Reverse { .. } => Op::Reverse,
        }
    }
}
