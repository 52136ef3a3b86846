//! Deposit money becomes wallet money.

pub mod follow;
