//! The provider configuration, for CheckConfig and Configure.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fuzz::run("configuration", input));
