//! One suite of scenarios that an integrator's system passes before it goes live.
//!
//! The suite is seen from two sides. [`Watch`] stands in the sandbox and ticks a [`Scenario`] off when
//! the integrator's own traffic shows it. A driver, which lives with the sandboxes, plays the platform's
//! part against the integrator's system. A [`Report`] holds what both found; the sandbox signs it, and
//! [`signed::verify`] checks it offline. Nothing here knows a network or a platform: it judges what it
//! is told.

mod page;
mod report;
mod scenario;
pub mod signed;
mod watch;

pub use page::page;
pub use report::{Outcome, Report, Step, System, Tick};
pub use scenario::Scenario;
pub use watch::{Call, Told, Watch};
