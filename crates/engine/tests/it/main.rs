//! The engine from outside: durability, look-ups, proofs, failures, against plain models.

mod asof;
mod audit;
mod backup;
mod bank;
mod bulk;
mod cold;
mod concurrency;
mod durability;
mod failures;
mod files;
mod lookups;
mod model;
mod proofs;
mod suites;
