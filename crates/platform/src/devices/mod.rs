//! Bound devices: a public key that a person proved to hold, and what it signed.
