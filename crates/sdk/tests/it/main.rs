//! The client against the documented formats, and against a server that lies.

mod evidence;
mod receipts;
mod server;
mod signed;
mod supply;
mod vectors;
mod webhooks;
