//! The binary, run as anybody runs it.

mod backup;
mod bulk;
mod crash;
mod demo;
mod documents;
mod export;
mod feedback;
mod keys;
mod program;
mod sandbox;
mod serve;
mod story;
mod supply;
mod verify;
mod witness;
