//! Banks' bulk work: many transfers in one frame, over one connection, as bytes.
//!
//! A bank that pays salaries, moves its own accounts or settles a day does not want one signed HTTP
//! request for each transfer. Here it opens a connection, proves the key that signs its requests,
//! and then sends frames of up to [`MAX_GROUPS`] groups; each group is all or nothing by itself and
//! gets an answer of 16 bytes once it is durable. A frame is decoded in one pass into the ledger's
//! own legs; nothing is parsed twice and nothing is allocated per leg.
//!
//! This crate holds the format, the handshake, the rule of what a bank may touch, and a blocking
//! [`Client`]. It opens no listener and knows no engine. The bytes are written down in
//! `docs/reference/bulk.md`, which a test compares with this code.
//!
//! Cost: a plain leg is 96 bytes on the wire. Order: frames of a connection are judged in the order
//! they were sent, and answered in that order. Exactly once: a group's ids make it so; send the same
//! group again after a lost answer and it is [`Outcome::Already`] with the first result.
//!
//! Reading order: [`own`] (whose is a number), [`leg`], [`answer`], [`frame`], [`handshake`],
//! [`client`].

pub mod answer;
mod batch;
pub mod client;
pub mod fault;
pub mod frame;
pub mod handshake;
pub mod leg;
pub mod own;

pub use answer::{Outcome, Reason, Refused};
pub use batch::{Batch, BatchFull};
pub use client::{Answer, Client, Error, Who};
pub use fault::Fault;
pub use frame::{Balance, NewAccount, Welcome};
pub use own::{Authority, NotAllowed, account, transfer};

// What a caller builds legs from.
pub use jialing_ledger::{AccountKind, Id, Leg, LegOp, MAX_LEGS, Why, reversal_id};

/// Most groups in one frame: what the ledger takes in one flush.
pub const MAX_GROUPS: usize = 8190;
/// Most legs in one frame: eight in each of [`MAX_GROUPS`] groups.
pub const MAX_FRAME_LEGS: usize = MAX_GROUPS * MAX_LEGS;
/// Most bytes that one frame may hold.
///
/// 8,190 groups of three legs with four meters each fit; 8,190 groups of eight legs do not, and go in
/// two frames.
pub const MAX_FRAME_BYTES: usize = 4 << 20;
