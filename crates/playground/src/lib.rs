//! Isolated sandboxes for integrators, many in one process.
//!
//! A [`Playground`] listens on loopback and hosts sandboxes. Each is a whole platform of its own, with
//! its own folder, ledger, tables, keys, bank, merchant and payers, reached below its own base
//! address `http://127.0.0.1:PORT/s/{sandbox_id}`, and has a clock of its own that can be moved
//! forward. Those that nobody uses are put to sleep and opened again by the next request.
//!
//! ```text
//! request ─► front ─► log ─► faults ─► the sandbox's edge, the same as in production
//!            which        what shall      │
//!            sandbox?     go wrong?       └► orders made ─► payers, who pay on their own
//! ```
//!
//! Faults, payers, logs and moved clocks are layers around the edge: nothing of them is in it.
//! [`drive`] plays the platform's part against an integrator's system, for the suite of `jialing-conform`.
//! [`actors`] are people and shops that act through the public API, here and in the demonstration.

pub mod actors;
mod control;
pub mod drive;
mod faults;
mod front;
mod grounds;
mod inside;
mod journal;
mod kept;
mod notices;
mod pass;
mod payers;
mod refused;
mod settle;
mod triggers;
mod yard;

pub use faults::{FaultKind, FaultOrder};
pub use front::Playground;
pub use grounds::{Bounds, Opened};
pub use journal::Entry;
pub use notices::{Notice, SCHEDULE_S};
pub use payers::{MAGIC_AMOUNTS, Manner};
pub use yard::MOST_AHEAD_MS;
