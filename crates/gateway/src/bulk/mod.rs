//! The door for banks' bulk work: a listener of its own, one task a connection.
//!
//! ```text
//! bytes ─► frame ─► opened ─► decoded ─► may this bank? ─► engine ─► answers ─► sealed ─► bytes
//! └──────────────── reading ─────────────────────────┘            └────── writing ─────────┘
//! ```
//!
//! Reading hands each frame to the engine before it reads the next, so frames of a connection are
//! judged in the order they came; writing answers them in that order. Between the two lie at most
//! [`BulkLimits::window`] frames: when that many wait, nothing more is read, and TCP holds the client
//! back. When the engine itself is full, or the followers lag too far behind the journal, a frame is
//! answered *busy* and nothing of it is done.
//!
//! Whose a key is and what its bank may touch is asked of [`Banks`] when the connection opens and
//! again now and then; [`Platform`] asks the tables, [`Registered`] a list (for measuring and tests).
//! The format is the crate `jialing-bulk`'s.

mod banks;
mod config;
mod connection;
mod read;
mod serve;
mod shake;
mod work;

pub use banks::{Banks, Finding, Member, Platform, Registered};
pub use config::{BulkConfig, BulkLimits};
pub use serve::{Bulk, BulkRunning};
