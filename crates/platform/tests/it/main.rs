//! The platform against a real ledger and both databases.

mod audit;
mod db;
mod postgres;
mod rails;
mod world;
