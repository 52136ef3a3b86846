//! What a sealed frame holds: a header of 16 bytes, and then what its kind says.
//!
//! | bytes | header |
//! |---|---|
//! | 0 | kind |
//! | 1–3 | 0 |
//! | 4–7 | count: legs, accounts, meters, answers or balances that follow |
//! | 8–15 | the frame's number: the client's choice; the answer to it carries the same |
//!
//! | kind | from | holds |
//! |---:|---|---|
//! | 1 legs | client | legs, see [`crate::leg`] |
//! | 2 accounts | client | accounts to open, 32 bytes each |
//! | 3 meters | client | meters to set, 24 bytes each |
//! | 4 balances | client | account numbers, 16 bytes each |
//! | 5 ping | client | nothing |
//! | 6 goodbye | client | nothing; no frame follows |
//! | 128 welcome | server | once, first |
//! | 129 outcomes | server | answers, see [`crate::answer`]: to legs, accounts and meters |
//! | 130 balances | server | 48 bytes each |
//! | 131 pong | server | nothing |
//! | 132 goodbye | server | nothing; every frame was answered |
//! | 133 busy | server | 4 bytes: milliseconds to wait. Nothing of the frame was done |
//! | 134 fault | server | the fault's number, 2 bytes. The connection closes |

use jialing_ledger::{AccountKind, Id};

use crate::{Fault, MAX_FRAME_LEGS, MAX_GROUPS};

/// Bytes of a frame's header.
pub const HEADER_LEN: usize = 16;
/// Bytes of an account to open.
pub const ACCOUNT_LEN: usize = 32;
/// Bytes of a meter to set.
pub const METER_LEN: usize = 24;
/// Bytes of a balance.
pub const BALANCE_LEN: usize = 48;
/// Bytes of the welcome.
pub const WELCOME_LEN: usize = 72;

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum FrameKind {
    /// Legs to carry out.
    Legs = 1,
    /// Accounts to open.
    Accounts = 2,
    /// Meters to set.
    Meters = 3,
    /// Accounts whose balances are asked for.
    Look = 4,
    /// Is anybody there?
    Ping = 5,
    /// No frame follows.
    Goodbye = 6,
    /// What this connection may do.
    Welcome = 128,
    /// What became of each group, account or meter.
    Outcomes = 129,
    /// Balances.
    Balances = 130,
    /// Somebody is there.
    Pong = 131,
    /// Every frame was answered, and none will be any more.
    Farewell = 132,
    /// The ledger has more to do than it can take.
    Busy = 133,
    /// The connection closes, and why.
    Fault = 134,
}

impl FrameKind {
    const ALL: [Self; 13] = [
        Self::Legs,
        Self::Accounts,
        Self::Meters,
        Self::Look,
        Self::Ping,
        Self::Goodbye,
        Self::Welcome,
        Self::Outcomes,
        Self::Balances,
        Self::Pong,
        Self::Farewell,
        Self::Busy,
        Self::Fault,
    ];

    /// Bytes of each thing that it counts; `None` for legs, whose length varies.
    const fn each(self) -> Option<usize> {
        match self {
            Self::Legs => None,
            Self::Accounts => Some(ACCOUNT_LEN),
            Self::Meters => Some(METER_LEN),
            Self::Look => Some(16),
            Self::Outcomes => Some(crate::answer::ANSWER_LEN),
            Self::Balances => Some(BALANCE_LEN),
            Self::Welcome => Some(WELCOME_LEN),
            Self::Busy => Some(4),
            Self::Fault => Some(2),
            Self::Ping | Self::Goodbye | Self::Pong | Self::Farewell => Some(0),
        }
    }

    /// How many it may count.
    const fn counts(self) -> std::ops::RangeInclusive<usize> {
        match self {
            Self::Legs => 0..=MAX_FRAME_LEGS,
            Self::Welcome | Self::Busy | Self::Fault => 1..=1,
            Self::Ping | Self::Goodbye | Self::Pong | Self::Farewell => 0..=0,
            _ => 0..=MAX_GROUPS,
        }
    }
}

/// The bytes are no frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadFrame(pub &'static str);

/// A frame's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// What the frame is.
    pub kind: FrameKind,
    /// How many things follow.
    pub count: u32,
    /// The frame's number.
    pub number: u64,
}

impl Header {
    /// The 16 bytes.
    #[must_use]
    pub fn encode(&self) -> [u8; HEADER_LEN] {
        let mut bytes = [0; HEADER_LEN];
        bytes[0] = self.kind as u8;
        bytes[4..8].copy_from_slice(&self.count.to_le_bytes());
        bytes[8..].copy_from_slice(&self.number.to_le_bytes());
        bytes
    }

    /// Splits a frame into its header and what follows, whose length must fit the count.
    ///
    /// # Errors
    /// [`BadFrame`].
    pub fn split(frame: &[u8]) -> Result<(Self, &[u8]), BadFrame> {
        let (bytes, rest) = frame.split_first_chunk::<HEADER_LEN>().ok_or(BadFrame("the header is cut"))?;
        let kind = FrameKind::ALL.into_iter().find(|kind| *kind as u8 == bytes[0]);
        let kind = kind.ok_or(BadFrame("no frame is of this kind"))?;
        if bytes[1..4] != [0; 3] {
            return Err(BadFrame("bytes 1 to 3 of the header are not zero"));
        }
        let count = u32::from_le_bytes(std::array::from_fn(|i| bytes[4 + i]));
        let number = u64::from_le_bytes(std::array::from_fn(|i| bytes[8 + i]));
        if !kind.counts().contains(&(count as usize)) {
            return Err(BadFrame("the count is outside the limits"));
        }
        if kind.each().is_some_and(|each| each * count as usize != rest.len()) {
            return Err(BadFrame("the length does not fit the count"));
        }
        Ok((Self { kind, count, number }, rest))
    }
}

/// A frame of things that all have one length.
#[must_use]
pub fn frame<const N: usize>(kind: FrameKind, number: u64, things: &[[u8; N]]) -> Vec<u8> {
    let header = Header { kind, count: things.len() as u32, number };
    [&header.encode()[..], things.as_flattened()].concat()
}

/// What the server tells a client first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Welcome {
    /// The bank's number: what its bulk accounts and transfers carry.
    pub institution: u32,
    /// The liability holder of accounts it opens.
    pub holder: u32,
    /// Its vault at the central bank, 0 for none.
    pub vault: Id,
    /// Its own issuance account, 0 for none.
    pub issuance: Id,
    /// The kind its legs must have.
    pub kind: u16,
    /// Frames that may be under way without an answer.
    pub window: u16,
    /// Most bytes in one frame.
    pub frame_bytes: u32,
    /// Most groups in one frame.
    pub groups: u32,
    /// Seconds without a frame after which the connection closes.
    pub idle_seconds: u32,
}

impl Welcome {
    /// The frame.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = [0; WELCOME_LEN];
        let mut put = |at: usize, field: &[u8]| bytes[at..at + field.len()].copy_from_slice(field);
        put(0, &self.institution.to_le_bytes());
        put(4, &self.holder.to_le_bytes());
        put(8, &self.vault.to_le_bytes());
        put(24, &self.issuance.to_le_bytes());
        put(40, &self.kind.to_le_bytes());
        put(42, &self.window.to_le_bytes());
        put(44, &self.frame_bytes.to_le_bytes());
        put(48, &self.groups.to_le_bytes());
        put(52, &self.idle_seconds.to_le_bytes());
        frame(FrameKind::Welcome, 0, &[bytes])
    }

    /// Reads what follows the header. Bytes 56 to 71 are for later versions and are not read.
    ///
    /// # Errors
    /// [`BadFrame`] when it is cut.
    pub fn decode(bytes: &[u8]) -> Result<Self, BadFrame> {
        let bytes: &[u8; WELCOME_LEN] = bytes.try_into().map_err(|_| BadFrame("the welcome is cut"))?;
        Ok(Self {
            institution: u32::from_le_bytes(at(bytes, 0)),
            holder: u32::from_le_bytes(at(bytes, 4)),
            vault: Id::from_le_bytes(at(bytes, 8)),
            issuance: Id::from_le_bytes(at(bytes, 24)),
            kind: u16::from_le_bytes(at(bytes, 40)),
            window: u16::from_le_bytes(at(bytes, 42)),
            frame_bytes: u32::from_le_bytes(at(bytes, 44)),
            groups: u32::from_le_bytes(at(bytes, 48)),
            idle_seconds: u32::from_le_bytes(at(bytes, 52)),
        })
    }
}

/// An account to open; its liability holder is the bank's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewAccount {
    /// Its number, which carries the bank's.
    pub id: Id,
    /// Organisation or transit.
    pub kind: AccountKind,
    /// ISO 4217 numeric, 156 for CNY.
    pub currency: u16,
    /// Highest balance in minor units; `i64::MAX` for none.
    pub max: i64,
}

impl NewAccount {
    /// The 32 bytes: id 16, highest balance 8, currency 2, kind 1, zeros.
    #[must_use]
    pub fn encode(&self) -> [u8; ACCOUNT_LEN] {
        let mut bytes = [0; ACCOUNT_LEN];
        bytes[..16].copy_from_slice(&self.id.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.max.to_le_bytes());
        bytes[24..26].copy_from_slice(&self.currency.to_le_bytes());
        bytes[26] = self.kind as u8;
        bytes
    }

    /// Reads 32 bytes.
    ///
    /// # Errors
    /// [`BadFrame`] for a kind that is none, or a zero that is not zero.
    pub fn decode(bytes: &[u8; ACCOUNT_LEN]) -> Result<Self, BadFrame> {
        let kind = AccountKind::from_number(bytes[26]).ok_or(BadFrame("no account is of this kind"))?;
        if bytes[27..] != [0; 5] {
            return Err(BadFrame("bytes 27 to 31 of an account are not zero"));
        }
        Ok(Self {
            id: Id::from_le_bytes(at(bytes, 0)),
            max: i64::from_le_bytes(at(bytes, 16)),
            currency: u16::from_le_bytes(at(bytes, 24)),
            kind,
        })
    }
}

/// A meter to open under a published policy, or to move to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewMeter {
    /// Its number, which carries the bank's.
    pub id: Id,
    /// The policy.
    pub policy: u32,
}

impl NewMeter {
    /// The 24 bytes: id 16, policy 4, zeros.
    #[must_use]
    pub fn encode(&self) -> [u8; METER_LEN] {
        let mut bytes = [0; METER_LEN];
        bytes[..16].copy_from_slice(&self.id.to_le_bytes());
        bytes[16..20].copy_from_slice(&self.policy.to_le_bytes());
        bytes
    }

    /// Reads 24 bytes.
    ///
    /// # Errors
    /// [`BadFrame`] for a zero that is not zero.
    pub fn decode(bytes: &[u8; METER_LEN]) -> Result<Self, BadFrame> {
        if bytes[20..] != [0; 4] {
            return Err(BadFrame("bytes 20 to 23 of a meter are not zero"));
        }
        Ok(Self { id: Id::from_le_bytes(at(bytes, 0)), policy: u32::from_le_bytes(at(bytes, 16)) })
    }
}

/// An account's durable state, or that there is none, or that it is not the asker's to see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Balance {
    /// The account.
    pub id: Id,
    /// Whether there is such an account and it is the bank's own.
    pub found: bool,
    /// Minor units.
    pub balance: i64,
    /// What may leave now.
    pub available: i64,
    /// All that ever left.
    pub debits: u64,
}

impl Balance {
    /// The 48 bytes: id 16, balance 8, available 8, debits 8, found 1, zeros.
    #[must_use]
    pub fn encode(&self) -> [u8; BALANCE_LEN] {
        let mut bytes = [0; BALANCE_LEN];
        bytes[..16].copy_from_slice(&self.id.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.balance.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.available.to_le_bytes());
        bytes[32..40].copy_from_slice(&self.debits.to_le_bytes());
        bytes[40] = u8::from(self.found);
        bytes
    }

    /// Reads 48 bytes.
    ///
    /// # Errors
    /// [`BadFrame`] when it says neither found nor not found.
    pub fn decode(bytes: &[u8; BALANCE_LEN]) -> Result<Self, BadFrame> {
        if bytes[40] > 1 || bytes[41..] != [0; 7] {
            return Err(BadFrame("bytes 40 to 47 of a balance are none of ours"));
        }
        Ok(Self {
            id: Id::from_le_bytes(at(bytes, 0)),
            balance: i64::from_le_bytes(at(bytes, 16)),
            available: i64::from_le_bytes(at(bytes, 24)),
            debits: u64::from_le_bytes(at(bytes, 32)),
            found: bytes[40] == 1,
        })
    }
}

/// A frame that says the ledger is busy.
#[must_use]
pub fn busy(number: u64, retry_after_ms: u32) -> Vec<u8> {
    frame(FrameKind::Busy, number, &[retry_after_ms.to_le_bytes()])
}

/// A frame that says why the connection closes.
#[must_use]
pub fn fault(fault: Fault) -> Vec<u8> {
    frame(FrameKind::Fault, 0, &[fault.number().to_le_bytes()])
}

fn at<const N: usize>(bytes: &[u8], start: usize) -> [u8; N] {
    std::array::from_fn(|i| bytes[start + i])
}
