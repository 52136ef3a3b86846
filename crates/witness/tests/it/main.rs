//! A witness against logs that grow, lie, go back and fork, over a real socket and a real disk.

mod disk;
mod log;
mod protocol;
mod pulling;
