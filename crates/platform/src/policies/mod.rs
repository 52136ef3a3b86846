//! Dated, versioned policy data: every number of the rules, with its source.
