//! The platform against a real ledger and both databases.

mod audit;
mod citizen;
mod city;
mod db;
mod devices;
mod identity;
mod pins;
mod postgres;
mod rails;
mod sign_in;
mod sign_up;
mod world;
