//! What happened to a wallet, newest first, as its holder reads it.

pub mod follow;
