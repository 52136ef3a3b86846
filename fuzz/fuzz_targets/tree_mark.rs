//! Any bytes at all to the decoder `tree_mark`: see `jialing_simulator::decoders`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| jialing_fuzz::target("tree_mark", data));
