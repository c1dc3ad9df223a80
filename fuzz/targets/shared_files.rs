//! The config and the credentials file of the AWS SDKs.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fuzz::run("shared_files", input));
