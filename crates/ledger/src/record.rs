//! What is written for ever: one fixed-size record per fact.
//!
//! A record is [`RECORD_LEN`] bytes, little endian, so that its RFC 6962 leaf (one prefix byte more)
//! hashes in two 64-byte blocks. A record is self-contained: with the records before it, the whole
//! state can be rebuilt and every balance checked. A leg that charges meters or expires is preceded
//! by a [`Body::Terms`] record; a group's records are adjacent and the journal keeps them together.

use core::fmt;

use crate::{AccountKind, Id, Nanos, Policy};

/// Bytes in a record.
pub const RECORD_LEN: usize = 118;

/// One fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// Position in the log, from 0; the leaf index in the tree.
    pub seq: u64,
    /// When it was decided. Never goes back along the log.
    pub time: Nanos,
    /// What happened.
    pub body: Body,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// An account was opened.
    AccountOpened {
        /** Number. */
        id: Id,
        /** ISO 4217 numeric. */
        currency: u16,
        /** Kind. */
        kind: AccountKind,
        /** Liability holder. */
        holder: u32,
        /** Lowest balance. */
        min: i64,
        /** Highest balance. */
        max: i64,
    },
    /// An account's limits or state changed; the fields are the values after.
    AccountChanged {
        /** Number. */
        id: Id,
        /** Lowest balance. */
        min: i64,
        /** Highest balance. */
        max: i64,
        /** Debits refused. */
        debit_frozen: bool,
        /** Credits refused. */
        credit_frozen: bool,
        /** Closed. */
        closed: bool,
        /** Balance at the time. */
        balance: i64,
    },
    /// A policy version was published.
    PolicyPublished {
        /** Policy. */
        policy: u32,
        /** Version. */
        version: u32,
        /** In force from. */
        from: Nanos,
        /** Bounds. */
        bounds: Policy,
    },
    /// A meter was opened or moved to another policy.
    MeterSet {
        /** Meter. */
        meter: Id,
        /** Policy. */
        policy: u32,
    },
    /// What the next transfer record charges, and when it lapses.
    Terms {
        /** Meters charged, 0 for none. */
        meters: [Id; 4],
        /** A hold's expiry, 0 for never. */
        expires: Nanos,
    },
    /// Money moved, or was set aside or released.
    Transfer(Transfer),
    /// A digest was anchored.
    Note {
        /** The platform's registry. */
        kind: u16,
        /** The anchored thing. */
        id: Id,
        /** Its digest. */
        digest: [u8; 32],
    },
}

/// How a transfer record moved money. The number is in the log and never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Op {
    /// Moved at once.
    Plain = 16,
    /// Set aside.
    Hold = 17,
    /// Moved from what was set aside.
    Post = 18,
    /// Released.
    Void = 19,
    /// Released because its time came.
    Expire = 20,
    /// Moved back.
    Reverse = 21,
}

/// One movement of money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// The transfer's id.
    pub id: Id,
    /// How.
    pub op: Op,
    /// The platform's kind.
    pub kind: u16,
    /// Debited account.
    pub debit: Id,
    /// Credited account.
    pub credit: Id,
    /// Minor units moved, set aside or released.
    pub amount: u64,
    /// The debited account's balance after.
    pub debit_balance: i64,
    /// The credited account's balance after.
    pub credit_balance: i64,
    /// Plain and hold: the evidence's digest. Others: the id acted upon in the first 16 bytes
    /// (little endian), then zeros.
    pub link: [u8; 24],
    /// This leg's place in its group, from 0.
    pub leg: u8,
    /// Legs in the group.
    pub legs: u8,
    /// Whether a [`Body::Terms`] record precedes.
    pub has_terms: bool,
}

/// Why bytes are not a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadRecord {
    /// No record has this tag.
    Tag(u8),
    /// The account kind has no such number.
    Kind(u8),
    /// A flag byte has bits that mean nothing.
    Flag(u8),
    /// A byte that must be zero is not; its offset.
    Padding(usize),
}

impl core::error::Error for BadRecord {}

impl fmt::Display for BadRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tag(tag) => write!(f, "no record has the tag {tag}"),
            Self::Kind(kind) => write!(f, "no account has the kind {kind}"),
            Self::Flag(flag) => write!(f, "the flag byte {flag} has bits that mean nothing"),
            Self::Padding(at) => write!(f, "byte {at} must be zero"),
        }
    }
}

const TAG_ACCOUNT_OPENED: u8 = 1;
const TAG_ACCOUNT_CHANGED: u8 = 2;
const TAG_POLICY_PUBLISHED: u8 = 3;
const TAG_METER_SET: u8 = 4;
const TAG_TERMS: u8 = 5;
const TAG_NOTE: u8 = 6;

impl Op {
    /// Every operation, in order of number.
    pub const ALL: [Self; 6] = [Self::Plain, Self::Hold, Self::Post, Self::Void, Self::Expire, Self::Reverse];

    /// The operation with this number, if there is one.
    #[must_use]
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            16 => Some(Self::Plain),
            17 => Some(Self::Hold),
            18 => Some(Self::Post),
            19 => Some(Self::Void),
            20 => Some(Self::Expire),
            21 => Some(Self::Reverse),
            _ => None,
        }
    }

    /// Whether money moves, rather than being set aside or released.
    #[must_use]
    pub const fn moves(self) -> bool {
        matches!(self, Self::Plain | Self::Post | Self::Reverse)
    }
}

impl Transfer {
    /// The id acted upon: the hold of a post, void or expiry, the transfer of a reversal; `None` for
    /// plain transfers and holds, whose link is the evidence's digest.
    #[must_use]
    pub fn target(&self) -> Option<Id> {
        match self.op {
            Op::Plain | Op::Hold => None,
            Op::Post | Op::Void | Op::Expire | Op::Reverse => {
                let mut id = [0; 16];
                id.copy_from_slice(&self.link[..16]);
                Some(Id::from_le_bytes(id))
            }
        }
    }
}

/// The link of a record that acts upon `target`.
pub(crate) fn link_to(target: Id) -> [u8; 24] {
    let mut link = [0; 24];
    link[..16].copy_from_slice(&target.to_le_bytes());
    link
}

impl Record {
    /// The bytes that are written and hashed.
    ///
    /// Exactly one encoding exists for a record, and [`Record::decode`] accepts no other.
    #[must_use]
    pub fn encode(&self) -> [u8; RECORD_LEN] {
        let mut w = Writer { bytes: [0; RECORD_LEN], at: 0 };
        w.put(&self.seq.to_le_bytes());
        w.put(&self.time.to_le_bytes());
        w.put(&[self.body.tag()]);
        self.body.write(&mut w);
        w.bytes
    }

    /// Reads back what [`Record::encode`] wrote.
    ///
    /// # Errors
    /// Anything that `encode` does not write is refused: unknown tags, kinds and flags, and bytes
    /// after the body that are not zero.
    pub fn decode(bytes: &[u8; RECORD_LEN]) -> Result<Self, BadRecord> {
        let mut r = Reader { bytes, at: 0 };
        let seq = r.u64();
        let time = r.u64();
        let tag = r.u8();
        let body = Body::read(tag, &mut r)?;
        match bytes[r.at..].iter().position(|&b| b != 0) {
            Some(offset) => Err(BadRecord::Padding(r.at + offset)),
            None => Ok(Self { seq, time, body }),
        }
    }
}

impl Body {
    /// The record's tag: the operation's number for transfers.
    #[must_use]
    pub const fn tag(&self) -> u8 {
        match self {
            Self::AccountOpened { .. } => TAG_ACCOUNT_OPENED,
            Self::AccountChanged { .. } => TAG_ACCOUNT_CHANGED,
            Self::PolicyPublished { .. } => TAG_POLICY_PUBLISHED,
            Self::MeterSet { .. } => TAG_METER_SET,
            Self::Terms { .. } => TAG_TERMS,
            Self::Note { .. } => TAG_NOTE,
            Self::Transfer(transfer) => transfer.op as u8,
        }
    }

    fn write(&self, w: &mut Writer) {
        match self {
            Self::AccountOpened { id, currency, kind, holder, min, max } => {
                w.put(&id.to_le_bytes());
                w.put(&currency.to_le_bytes());
                w.put(&[*kind as u8]);
                w.put(&holder.to_le_bytes());
                w.put(&min.to_le_bytes());
                w.put(&max.to_le_bytes());
            }
            Self::AccountChanged { id, min, max, debit_frozen, credit_frozen, closed, balance } => {
                w.put(&id.to_le_bytes());
                w.put(&min.to_le_bytes());
                w.put(&max.to_le_bytes());
                w.put(&[u8::from(*debit_frozen) | u8::from(*credit_frozen) << 1 | u8::from(*closed) << 2]);
                w.put(&balance.to_le_bytes());
            }
            Self::PolicyPublished { policy, version, from, bounds } => {
                w.put(&policy.to_le_bytes());
                w.put(&version.to_le_bytes());
                w.put(&from.to_le_bytes());
                for bound in [bounds.single, bounds.day, bounds.day_count, bounds.year, bounds.year_count] {
                    w.put(&bound.to_le_bytes());
                }
            }
            Self::MeterSet { meter, policy } => {
                w.put(&meter.to_le_bytes());
                w.put(&policy.to_le_bytes());
            }
            Self::Terms { meters, expires } => {
                for meter in meters {
                    w.put(&meter.to_le_bytes());
                }
                w.put(&expires.to_le_bytes());
            }
            Self::Transfer(transfer) => transfer.write(w),
            Self::Note { kind, id, digest } => {
                w.put(&kind.to_le_bytes());
                w.put(&id.to_le_bytes());
                w.put(digest);
            }
        }
    }

    fn read(tag: u8, r: &mut Reader<'_>) -> Result<Self, BadRecord> {
        Ok(match tag {
            TAG_ACCOUNT_OPENED => Self::AccountOpened {
                id: r.u128(),
                currency: r.u16(),
                kind: {
                    let number = r.u8();
                    AccountKind::from_number(number).ok_or(BadRecord::Kind(number))?
                },
                holder: r.u32(),
                min: r.i64(),
                max: r.i64(),
            },
            TAG_ACCOUNT_CHANGED => {
                let (id, min, max) = (r.u128(), r.i64(), r.i64());
                let flags = r.u8();
                if flags > 0b111 {
                    return Err(BadRecord::Flag(flags));
                }
                Self::AccountChanged {
                    id,
                    min,
                    max,
                    debit_frozen: flags & 1 != 0,
                    credit_frozen: flags & 2 != 0,
                    closed: flags & 4 != 0,
                    balance: r.i64(),
                }
            }
            TAG_POLICY_PUBLISHED => Self::PolicyPublished {
                policy: r.u32(),
                version: r.u32(),
                from: r.u64(),
                bounds: Policy {
                    single: r.u64(),
                    day: r.u64(),
                    day_count: r.u64(),
                    year: r.u64(),
                    year_count: r.u64(),
                },
            },
            TAG_METER_SET => Self::MeterSet { meter: r.u128(), policy: r.u32() },
            TAG_TERMS => Self::Terms { meters: [r.u128(), r.u128(), r.u128(), r.u128()], expires: r.u64() },
            TAG_NOTE => Self::Note { kind: r.u16(), id: r.u128(), digest: r.array() },
            tag => Self::Transfer(Transfer::read(Op::from_number(tag).ok_or(BadRecord::Tag(tag))?, r)?),
        })
    }
}

impl Transfer {
    fn write(&self, w: &mut Writer) {
        w.put(&self.id.to_le_bytes());
        w.put(&self.debit.to_le_bytes());
        w.put(&self.credit.to_le_bytes());
        w.put(&self.amount.to_le_bytes());
        w.put(&self.debit_balance.to_le_bytes());
        w.put(&self.credit_balance.to_le_bytes());
        w.put(&self.link);
        w.put(&self.kind.to_le_bytes());
        w.put(&[self.leg, self.legs, u8::from(self.has_terms)]);
    }

    fn read(op: Op, r: &mut Reader<'_>) -> Result<Self, BadRecord> {
        Ok(Self {
            op,
            id: r.u128(),
            debit: r.u128(),
            credit: r.u128(),
            amount: r.u64(),
            debit_balance: r.i64(),
            credit_balance: r.i64(),
            link: r.array(),
            kind: r.u16(),
            leg: r.u8(),
            legs: r.u8(),
            has_terms: match r.u8() {
                0 => false,
                1 => true,
                flag => return Err(BadRecord::Flag(flag)),
            },
        })
    }
}

struct Writer {
    bytes: [u8; RECORD_LEN],
    at: usize,
}

impl Writer {
    fn put(&mut self, field: &[u8]) {
        self.bytes[self.at..self.at + field.len()].copy_from_slice(field);
        self.at += field.len();
    }
}

/// Every body is at most as long as a transfer's, which ends with the record's last byte, so a
/// fixed sequence of reads stays inside whatever the bytes say.
struct Reader<'a> {
    bytes: &'a [u8; RECORD_LEN],
    at: usize,
}

impl Reader<'_> {
    fn array<const N: usize>(&mut self) -> [u8; N] {
        let mut field = [0; N];
        field.copy_from_slice(&self.bytes[self.at..self.at + N]);
        self.at += N;
        field
    }

    fn u8(&mut self) -> u8 {
        self.array::<1>()[0]
    }

    fn u16(&mut self) -> u16 {
        u16::from_le_bytes(self.array())
    }

    fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.array())
    }

    fn u64(&mut self) -> u64 {
        u64::from_le_bytes(self.array())
    }

    fn i64(&mut self) -> i64 {
        i64::from_le_bytes(self.array())
    }

    fn u128(&mut self) -> u128 {
        u128::from_le_bytes(self.array())
    }
}
