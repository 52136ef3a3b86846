//! The payment PIN: tries, growing delays, change.
