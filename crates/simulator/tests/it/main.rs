//! The simulator from outside: short seeded runs, disks whose lies must come out, mutants that must be
//! found, and bytes that no decoder may stumble over.

mod decoders;
mod lies;
mod mutants;
mod runs;
