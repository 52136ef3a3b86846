//! The journal from outside: known hashes, proofs, recovery from every kind of damage.

mod checkpoints;
mod log;
mod proofs;
mod recovery;
