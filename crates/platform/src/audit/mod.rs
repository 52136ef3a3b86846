//! What was done by whom; each entry's digest is anchored in the log.
