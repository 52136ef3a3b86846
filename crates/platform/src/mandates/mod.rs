//! Sub-wallets pushed to a merchant: own limits, no PIN inside them, paused and revoked.
