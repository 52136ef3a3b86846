//! Events for merchants, kept until delivered.
