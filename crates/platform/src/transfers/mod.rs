//! Person to person, by phone alias or wallet id.

pub mod follow;
