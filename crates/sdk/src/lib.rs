//! The Rust client of Jialing.
//!
//! [`Wallet`] is what a person's app does: sign up, bind a device, pay. [`Merchant`] is what a
//! shop's server does: make orders, refund, read events, every request signed and every answer's
//! signature checked. [`Bank`] is a bank's treasury, [`bulk`] its bulk work by the thousand, [`Public`]
//! what anybody may read, [`Sandbox`] the doors of a sandbox and a receiver of its notices.
//! [`webhook::Receiver`] checks and opens what the platform delivers to a shop's server.
//! [`receipt::verify`] checks a receipt with nothing but the ledger's public key, and says in [`words`]
//! what that proves; [`supply`] checks proofs of the money supply.
//!
//! Money is in minor units (fen). A write is safe to repeat: each carries a natural key or an
//! `Idempotency-Key` made before the first try, and the client repeats it by itself when the answer
//! was lost or the service asks for patience. What stays unknown after that is [`Error::Unknown`]:
//! query, never assume.

pub mod answers;
pub mod bank;
pub mod code;
pub mod error;
pub mod evidence;
mod http;
pub mod listing;
pub mod merchant;
pub mod public;
pub mod receipt;
pub mod sandbox;
mod signed;
pub mod supply;
pub mod wallet;
pub mod webhook;
pub mod words;

/// Banks' bulk work over a binary connection; the bytes are in `docs/reference/bulk.md`.
pub use jialing_bulk as bulk;

pub use answers::Amount;
pub use bank::Bank;
pub use code::Code;
pub use error::{Error, Problem};
pub use evidence::Evidence;
pub use merchant::Merchant;
pub use public::Public;
pub use sandbox::Sandbox;
pub use wallet::Wallet;
