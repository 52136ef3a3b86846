//! The format against itself, against hostile bytes, and against the page that describes it.

mod handshakes;
mod legs;
mod page;
