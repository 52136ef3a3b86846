//! Merchant orders and their states.

pub mod follow;
