//! The platform against a real ledger and both databases.

mod audit;
mod citizen;
mod city;
mod db;
mod postgres;
mod rails;
mod world;
