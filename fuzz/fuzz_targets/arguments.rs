//! The target `arguments`; what it does is in `rust/fuzz/src/arguments.rs`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| agentpdp_fuzz::arguments::run(bytes));
