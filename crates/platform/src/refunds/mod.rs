//! Refunds of paid orders.
