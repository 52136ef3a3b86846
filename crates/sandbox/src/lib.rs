//! A simulated city around the platform.
//!
//! Banks, an identity service and a notice service, each a small real HTTP server on loopback with
//! its own data and its own key. They speak the protocols of `jialing-rails`, confirm
//! asynchronously, and misbehave on order ([`Fault`]). Their common clock can be moved. [`city`]
//! invents the people, shops and habits that a demonstration moves money between.
//!
//! Nothing here is needed in production, and production refuses its keys: every key id of a sandbox
//! is in [`Sandbox::addresses`].

pub mod bank;
pub mod city;
mod clock;
mod fault;
mod identity;
mod notice;
mod phone;
mod sandbox;
mod service;
mod shelf;

pub use clock::CityClock;
pub use fault::{Fault, FaultKind, Match};
pub use identity::Resident;
pub use notice::SentMessage;
pub use phone::canonical_phone;
pub use sandbox::{
    Address, BankConfig, BankCustomer, Ports, Sandbox, SandboxConfig, SandboxError, SettleAfter,
};
