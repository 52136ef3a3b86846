//! A bank: accounts with balances, links, pulls and pushes, statements, and notices to the platform.
//!
//! [`book`] decides and remembers; [`http`] is its counter; [`courier`] carries its notices.

mod book;
mod courier;
mod http;
mod magic;
mod movement;

pub use book::Account;
pub(crate) use book::{Book, BookRules};
pub(crate) use courier::Courier;
pub(crate) use http::BankDesk;
pub use magic::{MAGIC_AMOUNTS, MAGIC_CODE_NEVER, VISITOR_PREFIX};
