//! Bank accounts linked to wallets.
