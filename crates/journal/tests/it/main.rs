//! The journal from outside: known hashes, proofs, recovery from every kind of damage.

mod checkpoints;
mod documentation;
mod log;
mod proofs;
mod recovery;
