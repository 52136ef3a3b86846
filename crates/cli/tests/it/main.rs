//! The binary, run as anybody runs it.

mod crash;
mod demo;
mod documents;
mod keys;
mod program;
mod serve;
mod story;
mod verify;
mod witness;
