//! The kernel seen from outside: stories, tables, and agreement with a second, naive ledger.

mod agreement;
mod days;
mod exhaustive;
mod meters;
mod model;
mod page;
mod records;
mod refusals;
mod replays;
mod snapshots;
mod steps;
mod stories;
mod world;
