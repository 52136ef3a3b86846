//! The ledger kernel: may this money move?
//!
//! `(state, command, time) → records or a refusal`, nothing else. The kernel does no I/O, reads no
//! clock, draws no random number and never looks at hash order, so the same commands give the same
//! bytes on every machine and after every restart. Amounts are integers in the currency's minor unit.
//!
//! Reading order: [`account`] (who holds money), [`command`] (what may be asked), [`meter`] (how
//! much may still be spent), [`refusal`] (why not), [`record`] (what is written for ever),
//! [`state`] (the decision itself).

pub mod account;
pub mod calendar;
pub mod command;
pub mod meter;
pub mod record;
pub mod refusal;
pub mod state;

pub use account::{Account, AccountKind, Freeze};
pub use command::{
    AccountChange, Command, Group, Leg, LegOp, MAX_AMOUNT, MAX_LEGS, MAX_METERS, MeterRef, NewAccount,
};
pub use meter::{Allowance, Meter, Policy, PolicyVersion};
pub use record::{BadRecord, Body, Op, RECORD_LEN, Record, Transfer};
pub use refusal::{Refusal, Why};
pub use state::{
    Applied, BadSnapshot, Discrepancy, Fault, Hold, Ledger, Looked, Prior, Remembered, ReplayError, Totals,
};

/// An account, transfer or meter number: 128 bits, chosen by the caller, never zero.
///
/// The three kinds live in separate spaces. Callers derive a transfer's id from the thing it pays
/// for, which is what makes paying twice impossible.
pub type Id = u128;

/// Nanoseconds since 1970-01-01T00:00:00Z. Enough until the year 2554.
pub type Nanos = u64;

const REVERSAL_BIT: Id = 1 << 127;
const EXPIRY_BIT: Id = 1 << 126;

/// The id of the reversal of `transfer`: the same with the highest bit flipped.
///
/// A transfer has one reversal id, so it can be reversed once; a reversal's reversal id would be an
/// ordinary id and is refused.
#[must_use]
pub const fn reversal_id(transfer: Id) -> Id {
    transfer ^ REVERSAL_BIT
}

/// The id of the record that lapses `hold`: the same with the second-highest bit flipped.
#[must_use]
pub const fn expiry_id(hold: Id) -> Id {
    hold ^ EXPIRY_BIT
}

/// Whether a caller may choose `id` for a plain leg, hold, post or void: not zero, and without the
/// two highest bits, which mark reversals and expiries.
#[must_use]
pub const fn is_transfer_id(id: Id) -> bool {
    id != 0 && id < EXPIRY_BIT
}
