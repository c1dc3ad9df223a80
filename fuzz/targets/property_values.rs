//! The values that engines send.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fuzz::run("property_values", input));
