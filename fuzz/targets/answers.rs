//! What Amazon ECR answers.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fuzz::run("answers", input));
