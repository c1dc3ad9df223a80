//! A file of the folder in which processes share tokens.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fuzz::run("cached_token", input));
