//! Deposit money becomes wallet money.
