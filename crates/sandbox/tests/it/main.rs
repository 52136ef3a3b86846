//! The city's services over real HTTP, asked through the platform's own rails.

mod banks;
mod city;
mod docs;
mod faults;
mod iso;
mod others;
mod world;
