//! A witness: remembers the newest checkpoint of each log, checks that every later one only adds to
//! it, and cosigns what it saw (C2SP `tlog-witness` and `tlog-cosignature`).
//!
//! Run by somebody other than the log's keeper, it makes sure that the keeper shows everybody the same
//! history. It knows nothing about payments: it sees sizes, roots and proofs.
//!
//! | module | what it is |
//! |---|---|
//! | [`rules`] | what a request says, and what follows from it: pure |
//! | [`store`] | the newest checkpoint of each log, durable before anybody hears of it |
//! | [`Witness`] | the two together, with the key |
//! | [`http`] | `POST /add-checkpoint` and what anybody may read |
//! | [`pull`] | fetches checkpoints and tiles itself, from logs that do not ask |
//! | [`tiles`] | consistency proofs out of C2SP `tlog-tiles` |
//!
//! Two things are never guessed: a state that cannot be read stops the start, and a state that cannot
//! be written stops the cosignature.

pub mod http;
pub mod key;
pub mod pull;
pub mod rules;
mod service;
pub mod store;
pub mod tiles;

pub use service::{OpenError, Witness};
