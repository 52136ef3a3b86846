//! Merchant orders and their states.
