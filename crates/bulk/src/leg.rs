//! A leg as bytes: 96, and 16 more for each meter.
//!
//! | bytes | field |
//! |---|---|
//! | 0–15 | id |
//! | 16–31 | plain, hold: debited account; post, void: the hold; reverse: the transfer |
//! | 32–47 | plain, hold: credited account; others 0 |
//! | 48–55 | amount; post: 0 for the whole; void, reverse: 0 |
//! | 56–63 | hold: when it lapses, 0 for never; others 0 |
//! | 64–87 | plain, hold: digest of the evidence; others 0 |
//! | 88–89 | kind |
//! | 90 | 16 plain, 17 hold, 18 post, 19 void, 21 reverse: the tag of the record it becomes |
//! | 91 | meters that follow, 0 to 4 |
//! | 92 | 1 when the next leg belongs to the same group, else 0 |
//! | 93–95 | 0 |
//! | 96… | the meters, 16 bytes each, none of them 0 |
//!
//! All numbers are little endian. There is one encoding of a leg: bytes without a use are zero, and
//! decoding refuses everything else.

use jialing_ledger::{Id, Leg, LegOp, MAX_METERS, Op};

/// Bytes of a leg without meters.
pub const LEG_LEN: usize = 96;
/// Bytes of one meter after its leg.
pub const METER_LEN: usize = 16;

/// The bytes are no legs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("leg {leg}: {what}")]
pub struct BadLeg {
    /// Which leg of the frame, from 0.
    pub leg: usize,
    /// What is wrong with it.
    pub what: &'static str,
}

/// Legs in their groups, as a frame holds them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Groups {
    /// All legs in order.
    pub legs: Vec<Leg>,
    /// The number of legs of each group, in order.
    pub groups: Vec<u8>,
}

/// Adds `leg` to `bytes`; `more` when the next leg belongs to the same group.
pub fn encode(leg: &Leg, more: bool, bytes: &mut Vec<u8>) {
    let mut fixed = [0; LEG_LEN];
    let mut put = |at: usize, field: &[u8]| fixed[at..at + field.len()].copy_from_slice(field);
    put(0, &leg.id.to_le_bytes());
    let op = match leg.op {
        LegOp::Plain { debit, credit, amount } => {
            put(16, &debit.to_le_bytes());
            put(32, &credit.to_le_bytes());
            put(48, &amount.to_le_bytes());
            put(64, &leg.digest);
            Op::Plain
        }
        LegOp::Hold { debit, credit, amount, expires } => {
            put(16, &debit.to_le_bytes());
            put(32, &credit.to_le_bytes());
            put(48, &amount.to_le_bytes());
            put(56, &expires.to_le_bytes());
            put(64, &leg.digest);
            Op::Hold
        }
        LegOp::Post { hold, amount } => {
            put(16, &hold.to_le_bytes());
            put(48, &amount.to_le_bytes());
            Op::Post
        }
        LegOp::Void { hold } => {
            put(16, &hold.to_le_bytes());
            Op::Void
        }
        LegOp::Reverse { transfer } => {
            put(16, &transfer.to_le_bytes());
            Op::Reverse
        }
    };
    put(88, &leg.kind.to_le_bytes());
    let meters = leg.meters.iter().filter(|meter| **meter != 0);
    fixed[90] = op as u8;
    fixed[91] = meters.clone().count() as u8;
    fixed[92] = u8::from(more);
    bytes.extend_from_slice(&fixed);
    meters.for_each(|meter| bytes.extend_from_slice(&meter.to_le_bytes()));
}

/// Reads all of `bytes` as legs in groups, into `into`, which is emptied first.
///
/// # Errors
/// [`BadLeg`] for anything that [`encode`] would not have written, or a group of more than 255 legs;
/// fewer, but more than the ledger takes, is the ledger's to refuse.
pub fn decode(bytes: &[u8], into: &mut Groups) -> Result<(), BadLeg> {
    into.legs.clear();
    into.groups.clear();
    into.legs.reserve(bytes.len() / LEG_LEN);
    let (mut rest, mut in_group) = (bytes, 0u8);
    while let Some((fixed, after)) = rest.split_first_chunk::<LEG_LEN>() {
        let bad = |what| BadLeg { leg: into.legs.len(), what };
        let (mut leg, meters, more) = decode_one(fixed).map_err(bad)?;
        rest = after;
        for place in leg.meters.iter_mut().take(meters) {
            let (meter, after) = rest.split_first_chunk::<METER_LEN>().ok_or(bad("a meter is missing"))?;
            *place = Id::from_le_bytes(*meter);
            if *place == 0 {
                return Err(bad("a meter is zero"));
            }
            rest = after;
        }
        in_group = in_group.checked_add(1).ok_or(bad("the group has more than 255 legs"))?;
        into.legs.push(leg);
        if !more {
            into.groups.push(in_group);
            in_group = 0;
        }
    }
    let ended = |what| Err(BadLeg { leg: into.legs.len(), what });
    match (rest.is_empty(), in_group) {
        (false, _) => ended("it is cut"),
        (true, 0) => Ok(()),
        (true, _) => ended("the last group goes on, but no leg follows"),
    }
}

/// One leg without its meters; how many follow; whether its group goes on.
#[inline]
fn decode_one(bytes: &[u8; LEG_LEN]) -> Result<(Leg, usize, bool), &'static str> {
    let (first, credit) = (id_at(bytes, 16), id_at(bytes, 32));
    let (amount, expires) = (u64_at(bytes, 48), u64_at(bytes, 56));
    let digest: [u8; 24] = std::array::from_fn(|i| bytes[64 + i]);
    let unused =
        |zero: bool| if zero { Ok(()) } else { Err("a field that this operation has no use for is set") };
    let op = match bytes[90] {
        16 => {
            unused(expires == 0)?;
            LegOp::Plain { debit: first, credit, amount }
        }
        17 => LegOp::Hold { debit: first, credit, amount, expires },
        18 => {
            unused(credit == 0 && expires == 0 && digest == [0; 24])?;
            LegOp::Post { hold: first, amount }
        }
        tag @ (19 | 21) => {
            unused(credit == 0 && amount == 0 && expires == 0 && digest == [0; 24])?;
            if tag == 19 { LegOp::Void { hold: first } } else { LegOp::Reverse { transfer: first } }
        }
        _ => return Err("its operation is none"),
    };
    let (meters, more) = (usize::from(bytes[91]), bytes[92]);
    if meters > MAX_METERS {
        return Err("it names more than four meters");
    }
    if more > 1 || bytes[93..96] != [0; 3] {
        return Err("bytes 92 to 95 are none of ours");
    }
    let kind = u16::from_le_bytes([bytes[88], bytes[89]]);
    Ok((Leg { id: id_at(bytes, 0), op, kind, digest, meters: [0; MAX_METERS] }, meters, more == 1))
}

#[inline]
fn id_at(bytes: &[u8; LEG_LEN], at: usize) -> Id {
    Id::from_le_bytes(std::array::from_fn(|i| bytes[at + i]))
}

#[inline]
fn u64_at(bytes: &[u8; LEG_LEN], at: usize) -> u64 {
    u64::from_le_bytes(std::array::from_fn(|i| bytes[at + i]))
}
