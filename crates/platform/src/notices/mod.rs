//! What people are told, and the one-time codes they are sent.

pub mod follow;
