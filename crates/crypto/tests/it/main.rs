//! Keys, seals, signatures, notes and proofs against vectors of standards, against OpenSSL, and
//! against hostile input.

mod cosignatures;
mod http_signature;
mod keys;
mod message_signatures;
mod notes;
mod openssl;
mod proofs;
mod seals;
mod sum_trees;
mod vectors;
