//! Any bytes at all to the decoder `segment_header`: see `jialing_simulator::decoders`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| jialing_fuzz::target("segment_header", data));
