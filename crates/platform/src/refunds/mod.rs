//! Refunds of paid orders.

pub mod follow;
