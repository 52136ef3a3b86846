//! Events for merchants, kept until delivered.

pub mod follow;
