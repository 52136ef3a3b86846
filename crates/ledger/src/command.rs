//! What may be asked of the ledger.

use crate::{AccountKind, Freeze, Id, Nanos, PolicyVersion};

/// Most legs in one group.
pub const MAX_LEGS: usize = 8;
/// Most meters one leg charges.
pub const MAX_METERS: usize = 4;
/// Largest amount of one leg, in minor units: 10^15 fen, ten trillion yuan.
pub const MAX_AMOUNT: u64 = 1_000_000_000_000_000;

/// One thing to do, all or nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Open an account. Opening the same account again with the same fields is already done.
    OpenAccount(NewAccount),
    /// Change an account's limits, freezes, or close it. A change that leaves every field as it is
    /// is already done.
    ChangeAccount(AccountChange),
    /// Publish a version of a meter policy. The same version with the same fields is already done.
    PublishPolicy(PolicyVersion),
    /// Open a meter under a policy, or move an open meter to another policy keeping what was spent.
    SetMeter {
        /** The meter. */
        meter: Id,
        /** The policy. */
        policy: u32,
    },
    /// Move money.
    Transfer(Group),
    /// Anchor a digest (an audit record, a policy change) in the log. Recorded every time.
    Note {
        /** What the digest is of; the platform's registry. */
        kind: u16,
        /** Names the anchored thing. */
        id: Id,
        /** SHA-256 or SM3. */
        digest: [u8; 32],
    },
}

/// An account to open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewAccount {
    /// The account's number.
    pub id: Id,
    /// ISO 4217 numeric, 156 for CNY.
    pub currency: u16,
    /// What the account is for.
    pub kind: AccountKind,
    /// Whose liability the money is: 1 is the central bank, others are institutions.
    pub holder: u32,
    /// Lowest balance, in minor units; below zero for issuance accounts only.
    pub min: i64,
    /// Highest balance, in minor units; `i64::MAX` for none.
    pub max: i64,
}

/// A change to an account; `None` leaves the field as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AccountChange {
    /// The account.
    pub id: Id,
    /// New lowest balance. An issuance account's authorised amount is its negation.
    pub min: Option<i64>,
    /// New highest balance. Balances already above it stay and can only fall.
    pub max: Option<i64>,
    /// New freezes.
    pub freeze: Option<Freeze>,
    /// Close for good; the account must be empty.
    pub close: bool,
}

/// Legs that happen together or not at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// One to [`MAX_LEGS`] legs, applied in order.
    pub legs: Vec<Leg>,
}

/// One movement. A leg may act upon a hold or a transfer made by an earlier leg of its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leg {
    /// The transfer's id: derived from what it pays for.
    pub id: Id,
    /// What to do.
    pub op: LegOp,
    /// What it is: payment, refund, top-up… The platform's registry; the kernel only records it.
    pub kind: u16,
    /// Digest of the evidence (what the payer's device signed), 24 bytes of SHA-256 or SM3.
    /// Recorded for plain legs and holds; the others record the id they act upon in its place.
    pub digest: [u8; 24],
    /// Meters charged by `amount` (plain and hold only), at most [`MAX_METERS`].
    pub meters: [MeterRef; MAX_METERS],
}

/// A meter's id, or 0 for none.
pub type MeterRef = Id;

/// What a leg does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LegOp {
    /// Move `amount` now.
    Plain {
        /** From. */
        debit: Id,
        /** To. */
        credit: Id,
        /** Minor units. */
        amount: u64,
    },
    /// Set `amount` aside until posted, voided, or `expires` (0 for never).
    Hold {
        /** From. */
        debit: Id,
        /** To. */
        credit: Id,
        /** Minor units. */
        amount: u64,
        /** When it lapses. */
        expires: Nanos,
    },
    /// Move `amount` of what `hold` set aside and release the rest. `amount` 0 means the whole.
    Post {
        /** The hold's id. */
        hold: Id,
        /** Minor units. */
        amount: u64,
    },
    /// Release what `hold` set aside.
    Void {
        /** The hold's id. */
        hold: Id,
    },
    /// Move back the whole of a plain or posted transfer, once.
    Reverse {
        /** The transfer's id. */
        transfer: Id,
    },
}
