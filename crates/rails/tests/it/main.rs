//! The rails against servers that answer well, badly, late and not at all.

mod bank;
mod emvco;
mod fetch;
mod others;
mod peer;
