//! A simulated city around the platform.
