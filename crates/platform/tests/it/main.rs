//! The platform against a real ledger and both databases.

mod audit;
mod citizen;
mod city;
mod db;
mod devices;
mod identity;
mod mandates;
mod market;
mod merchants;
mod orders;
mod payments;
mod pins;
mod postgres;
mod rails;
mod refunds;
mod sign_in;
mod sign_up;
mod world;
