//! A receipt anyone can verify offline.
