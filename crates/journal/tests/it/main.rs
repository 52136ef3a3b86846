//! The journal from outside: known hashes, proofs, recovery from every kind of damage.

mod checkpoints;
mod documentation;
mod faults;
mod hashes;
mod log;
mod misfits;
mod proofs;
mod recovery;
mod seals;
mod suites;
