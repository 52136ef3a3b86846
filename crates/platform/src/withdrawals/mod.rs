//! Wallet money becomes deposit money.

pub mod follow;
