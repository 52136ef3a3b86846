//! A bank: accounts with balances, links, pulls and pushes, statements, and notices to the platform.
//!
//! `book` remembers, `links` and `moves` decide; `http` is its counter; `courier` carries its notices.

mod book;
mod courier;
mod http;
mod links;
mod magic;
mod movement;
mod moves;

pub use book::Account;
pub(crate) use book::{Book, BookRules};
pub(crate) use courier::Courier;
pub(crate) use http::BankDesk;
pub use magic::{MAGIC_AMOUNTS, MAGIC_CODE_NEVER, VISITOR_PREFIX};
