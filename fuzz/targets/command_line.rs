//! The arguments behind the name of the executable.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fuzz::run("command_line", input));
