//! Outside formats and callers: banks, identity and notices.
