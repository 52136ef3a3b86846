//! Wallet money becomes deposit money.
