//! The engine from outside: durability, look-ups, proofs, failures, against plain models.

mod asof;
mod audit;
mod bank;
mod concurrency;
mod durability;
mod failures;
mod lookups;
mod model;
mod proofs;
