//! What became of a group, in 16 bytes.
//!
//! | bytes | field |
//! |---|---|
//! | 0 | 0 done now, 1 already done, 2 refused |
//! | 1 | refused: the leg that failed, from 0; else 0 |
//! | 2–3 | refused: the reason's number; else 0 |
//! | 4 | refused because the id is taken: the field that differs; else 0 |
//! | 5–7 | 0 |
//! | 8–15 | done: sequence number of its first transfer record; refused: 0 |
//!
//! Reasons below 1,000 are the ledger's, the others this edge's ([`NotAllowed`]).

use jialing_ledger::{Refusal, Why};

use crate::NotAllowed;

/// Bytes of an answer.
pub const ANSWER_LEN: usize = 16;

/// What became of a group, an account or a meter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Done, and durable.
    Done {
        /// Sequence number of its first transfer record in the log.
        first: u64,
    },
    /// It had been done before with the same fields; nothing was done now.
    Already {
        /// Sequence number of its first transfer record in the log.
        first: u64,
    },
    /// Refused; nothing of it happened.
    Refused(Refused),
}

/// Why a group was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The reason.
    pub reason: Reason,
    /// The leg that failed, from 0.
    pub leg: u8,
    /// When the id is taken: the first field that differs from what was done under it.
    pub field: Option<&'static str>,
}

/// Whose reason it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The ledger's.
    Ledger(Why),
    /// The edge's: the bank may not ask for this.
    NotAllowed(NotAllowed),
}

/// What may differ under a taken id, in the order of their numbers in an answer, from 1.
pub const FIELDS: [&str; 13] = [
    "op", "kind", "debit", "credit", "amount", "digest", "hold", "transfer", "meters", "expires", "legs",
    "leg", "group",
];

/// The bytes are no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("these 16 bytes are no answer")]
pub struct BadAnswer;

impl Reason {
    /// The number in an answer.
    #[must_use]
    pub const fn number(self) -> u16 {
        match self {
            Self::Ledger(why) => why.number(),
            Self::NotAllowed(why) => why.number(),
        }
    }

    /// The reason with this number.
    #[must_use]
    pub fn from_number(number: u16) -> Option<Self> {
        let ledgers = Why::ALL.into_iter().find(|why| why.number() == number).map(Self::Ledger);
        let edges = || NotAllowed::ALL.into_iter().find(|why| why.number() == number).map(Self::NotAllowed);
        ledgers.or_else(edges)
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self { reason: Reason::Ledger(refusal.why), leg: refusal.leg, field: refusal.field }
    }
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.reason {
            Reason::Ledger(why) => write!(f, "leg {}: {why:?} ({})", self.leg, why.number())?,
            Reason::NotAllowed(why) => write!(f, "leg {}: {why:?} ({})", self.leg, why.number())?,
        }
        self.field.map_or(Ok(()), |field| write!(f, ", {field} differs"))
    }
}

impl Outcome {
    /// The 16 bytes.
    #[must_use]
    #[inline]
    pub fn encode(&self) -> [u8; ANSWER_LEN] {
        let mut bytes = [0; ANSWER_LEN];
        match self {
            Self::Done { first } => bytes[8..].copy_from_slice(&first.to_le_bytes()),
            Self::Already { first } => {
                bytes[0] = 1;
                bytes[8..].copy_from_slice(&first.to_le_bytes());
            }
            Self::Refused(refused) => {
                bytes[0] = 2;
                bytes[1] = refused.leg;
                bytes[2..4].copy_from_slice(&refused.reason.number().to_le_bytes());
                bytes[4] = refused.field.and_then(field_number).unwrap_or(0);
            }
        }
        bytes
    }

    /// Reads 16 bytes.
    ///
    /// # Errors
    /// [`BadAnswer`] for anything that [`Outcome::encode`] does not write.
    pub fn decode(bytes: &[u8; ANSWER_LEN]) -> Result<Self, BadAnswer> {
        let first = u64::from_le_bytes(std::array::from_fn(|i| bytes[8 + i]));
        let number = u16::from_le_bytes([bytes[2], bytes[3]]);
        let done = number == 0 && bytes[1] == 0 && bytes[4..8] == [0; 4];
        match bytes[0] {
            0 if done => Ok(Self::Done { first }),
            1 if done => Ok(Self::Already { first }),
            2 if first == 0 && bytes[5..8] == [0; 3] => {
                let reason = Reason::from_number(number).ok_or(BadAnswer)?;
                let field = match bytes[4] {
                    0 => None,
                    n => Some(*FIELDS.get(usize::from(n) - 1).ok_or(BadAnswer)?),
                };
                Ok(Self::Refused(Refused { reason, leg: bytes[1], field }))
            }
            _ => Err(BadAnswer),
        }
    }
}

fn field_number(field: &str) -> Option<u8> {
    FIELDS.iter().zip(1..).find(|(name, _)| **name == field).map(|(_, number)| number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_answer_comes_back_as_it_was() {
        let refused = |reason, leg, field| Outcome::Refused(Refused { reason, leg, field });
        let mut all = vec![
            Outcome::Done { first: 0 },
            Outcome::Done { first: u64::MAX },
            Outcome::Already { first: 7 },
        ];
        all.extend(Why::ALL.map(|why| refused(Reason::Ledger(why), 3, None)));
        all.extend(NotAllowed::ALL.map(|why| refused(Reason::NotAllowed(why), 0, None)));
        all.extend(FIELDS.map(|field| refused(Reason::Ledger(Why::IdTaken), 7, Some(field))));
        for outcome in all {
            assert_eq!(Outcome::decode(&outcome.encode()), Ok(outcome));
        }
    }

    #[test]
    fn anything_else_is_no_answer() {
        let check = |at: usize, value: u8, base: Outcome| {
            let mut bytes = base.encode();
            bytes[at] = value;
            assert_eq!(Outcome::decode(&bytes), Err(BadAnswer), "byte {at} = {value} in {base:?}");
        };
        let done = Outcome::Done { first: 5 };
        let refused = Outcome::Refused(Refusal::new(Why::BalanceTooLow, 1).into());
        for (at, value) in [(0, 3), (1, 1), (2, 1), (3, 1), (4, 1), (5, 1), (6, 1), (7, 1)] {
            check(at, value, done);
        }
        for (at, value) in [(0, 0), (0, 1), (2, 0), (2, 99), (4, 14), (5, 1), (7, 1), (8, 1)] {
            check(at, value, refused);
        }
    }
}
