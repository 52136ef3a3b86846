//! Everything around the money: who people are, what they may do, what is ordered, owed and told.
//!
//! One folder per domain. In each: what it is (`mod.rs`), pure decisions (`rules.rs`), SQL in plain
//! sight (`store.rs`), what it does when the journal moves (`follow.rs`). A domain never writes
//! another's tables; it calls its functions. Nothing here knows HTTP, and nothing here decides a
//! balance: money moves in the ledger, and the tables follow the journal.
//!
//! Functions that act take [`App`] first and the acting party second; they answer with a resource
//! or a [`Problem`] whose [`Code`] is stable.

pub mod app;
pub mod clock;
pub mod db;
pub mod id;
pub mod kind;
pub mod money;
pub mod page;
pub mod problem;
mod stored;
pub mod text;

pub mod anchors;
pub mod applications;
pub mod audit;
pub mod background;
pub mod codes;
pub mod debits;
pub mod devices;
pub mod exchange;
pub mod exports;
pub mod factors;
pub mod feedback;
pub mod files;
pub mod follow;
pub mod history;
pub mod idempotency;
pub mod institutions;
pub mod links;
pub mod mandates;
mod memory;
pub mod merchants;
pub mod monitoring;
pub mod nonces;
pub mod notices;
pub mod orders;
pub mod outbox;
pub mod passkeys;
pub mod payment_requests;
pub mod payments;
pub mod payouts;
pub mod people;
pub mod pins;
pub mod policies;
pub mod privacy;
pub mod receipts;
pub mod reconciliations;
pub mod red_packets;
pub mod refunds;
pub mod sessions;
pub mod settlements;
pub mod splits;
pub mod statements;
pub mod static_codes;
pub mod supply;
pub mod tickets;
pub mod topups;
pub mod transfers;
pub mod verify;
pub mod wallets;
pub mod webhooks;
pub mod withdrawals;
pub mod witnesses;

pub use app::{App, Connectors, Settings};
pub use clock::Clock;
pub use db::{Db, Tx};
pub use id::Tag;
pub use money::Money;
pub use page::{Page, PageAsk};
pub use problem::{Code, Problem, Result};
