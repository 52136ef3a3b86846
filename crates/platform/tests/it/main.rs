//! The platform against a real ledger and both databases.

// Nothing outside this binary can reach its modules.
#![allow(unreachable_pub)]

mod abnormal;
mod applications;
mod audit;
mod cashier;
mod citizen;
mod city;
mod codes;
mod day_statements;
mod db;
mod debits;
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
mod merchant_files;
mod merchants;
mod notices;
mod orders;
mod outbox;
mod payments;
mod payouts;
mod pins;
mod policies;
mod postgres;
mod providers;
mod rails;
mod receipts;
mod receiver;
mod reconciliation;
mod refunds;
mod saver;
mod sign_in;
mod sign_up;
mod statements;
mod static_codes;
mod supply;
mod topups;
mod transfers;
mod verify;
mod wallets;
mod webhook_endpoints;
mod webhooks;
mod webhooks_load;
mod withdrawals;
mod witnesses;
mod world;
