//! Any bytes at all to the decoder `verifier_key`: see `jialing_simulator::decoders`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| jialing_fuzz::target("verifier_key", data));
