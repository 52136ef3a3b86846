//! The central bank and the operating banks: issue, redeem, supply.

pub mod follow;
