//! Merchants, their stores and signing keys.
