//! The platform against a real ledger and both databases.

// Nothing outside this binary can reach its modules.
#![allow(unreachable_pub)]

mod audit;
mod citizen;
mod city;
mod db;
mod devices;
mod exchange_guide;
mod exports;
mod filters;
mod follow;
mod history;
mod identity;
mod institutions;
mod links;
mod mandates;
mod market;
mod merchants;
mod notices;
mod orders;
mod outbox;
mod payments;
mod payouts;
mod pins;
mod policies;
mod postgres;
mod rails;
mod receipts;
mod reconciliation;
mod refunds;
mod saver;
mod settlements;
mod sign_in;
mod sign_up;
mod splits;
mod statements;
mod supply;
mod topups;
mod transfers;
mod verify;
mod wallets;
mod withdrawals;
mod witnesses;
mod world;
