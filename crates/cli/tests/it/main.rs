//! The binary, run as anybody runs it.

mod crash;
mod demo;
mod keys;
mod program;
mod serve;
mod verify;
