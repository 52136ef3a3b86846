//! The edge through a real socket, in front of a whole platform.
//!
//! The world behind the door (databases, ledger, banks in memory, people whose devices sign) is the
//! one that the platform's tests use.

#![allow(unreachable_pub)]

#[allow(dead_code)]
#[path = "../../../platform/tests/it/authenticator.rs"]
mod authenticator;
#[allow(dead_code)]
#[path = "../../../platform/tests/it/citizen.rs"]
mod citizen;
#[allow(dead_code)]
#[path = "../../../platform/tests/it/city.rs"]
mod city;
#[allow(dead_code, unused_imports)]
#[path = "../../../platform/tests/it/market.rs"]
mod market;
#[allow(dead_code)]
#[path = "../../../platform/tests/it/postgres.rs"]
mod postgres;
#[allow(dead_code)]
#[path = "../../../platform/tests/it/rails.rs"]
mod rails;
#[allow(dead_code)]
#[path = "../../../platform/tests/it/saver.rs"]
mod saver;
#[allow(dead_code)]
#[path = "../../../platform/tests/it/world.rs"]
mod world;

mod absurd;
mod acting;
mod amounts;
mod between;
mod books;
mod bulk;
mod connections;
mod docs;
mod door;
mod exchange;
mod files;
mod frame;
mod golive;
mod keyed;
mod letters;
mod log;
mod logs;
mod movements;
mod out;
mod pages;
mod people;
mod races;
mod routes;
mod sealed;
mod shop;
mod signed;
mod strangers;
mod supply;
mod texts;
mod tickets;
mod trust;
mod ways;
