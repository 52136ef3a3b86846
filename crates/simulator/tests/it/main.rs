//! The simulator from outside: a short seeded run, and disks whose lies must come out.

mod lies;
mod runs;
