//! Outside formats and callers: banks, identity and notices.
//!
//! A *rail* carries something to or from an institution that is not us. This crate knows how to ask
//! and how to read the answer; what follows from it is decided elsewhere. Three rules hold on every
//! rail:
//!
//! 1. A request has a *reference* of ours and may be sent again with it: the other side acts once.
//! 2. Only an answer that is signed by the other side, fresh, and about our reference decides. A
//!    time-out, a torn connection, a 5xx or an unsigned answer is [`Outcome::Unknown`], never a
//!    failure: ask again later.
//! 3. Every wait and every size has a limit with a name: see [`CallLimits`].
//!
//! Each rail is a trait with an HTTP implementation. A bank that speaks another protocol is another
//! implementation of [`bank::Bank`].
//!
//! | module | what it is |
//! |---|---|
//! | [`bank`] | link an account, pull a top-up, push a withdrawal, query, statement, notices |
//! | [`iso20022`] | the messages that a bank may speak instead of JSON |
//! | [`identity`] | does this name belong to this identity number (and phone)? |
//! | [`notice`] | one-time codes and notices by template |
//! | [`witness`] | cosignatures of the ledger's checkpoints |
//! | [`webhook`] | signed messages to merchants' servers, at addresses nobody vouches for |
//! | [`consumer_code`] | the code that a payer shows |
//! | [`fetch`] | a file from an address that somebody else chose |
//! | [`emvco`] | the payload of a merchant's QR code |
//! | [`ndef`] | what an NFC tag carries |

pub mod bank;
mod call;
pub mod consumer_code;
pub mod emvco;
pub mod fetch;
pub mod identity;
pub mod iso20022;
pub mod ndef;
pub mod notice;
mod outcome;
pub mod webhook;
pub mod witness;

pub use call::{BadPeer, CallLimits, Peer, SignedCaller};
pub use outcome::{Answer, Outcome, Refusal, Why};
