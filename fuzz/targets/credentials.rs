//! What the services, files and processes say that credentials come from.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fuzz::run("credentials", input));
