//! Wallets: classes, limits, status, closing.
