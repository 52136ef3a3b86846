//! The platform against a real ledger and both databases.

// Nothing outside this binary can reach its modules.
#![allow(unreachable_pub)]

mod audit;
mod citizen;
mod city;
mod db;
mod devices;
mod follow;
mod history;
mod identity;
mod mandates;
mod market;
mod merchants;
mod notices;
mod orders;
mod outbox;
mod payments;
mod pins;
mod postgres;
mod rails;
mod receipts;
mod refunds;
mod sign_in;
mod sign_up;
mod transfers;
mod verify;
mod world;
