//! Keeps the house; see `tests/tidy.rs`.
