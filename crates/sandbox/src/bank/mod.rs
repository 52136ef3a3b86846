//! A bank: accounts with balances, links, pulls and pushes, statements, and notices to the platform.
//!
//! `book` remembers, `links` and `moves` decide; `http` is its counter; `courier` carries its notices.
//! It speaks JSON and, in `iso`, ISO 20022: whoever orders in one is answered and told in the same.

mod book;
mod courier;
mod http;
mod iso;
mod links;
mod magic;
mod movement;
mod moves;

pub use book::Account;
pub(crate) use book::{Book, BookRules};
pub(crate) use courier::Courier;
pub(crate) use http::BankDesk;
pub use magic::{MAGIC_AMOUNTS, MAGIC_CODE_NEVER, VISITOR_PREFIX};
