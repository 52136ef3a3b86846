//! The rails against servers that answer well, badly, late and not at all.

mod bank;
mod consumer_code;
mod emvco;
mod fetch;
mod iso_bank;
mod iso_messages;
mod others;
mod peer;
mod webhooks;
