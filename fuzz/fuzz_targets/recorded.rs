//! The target `recorded`; what it does is in `rust/fuzz/src/recorded.rs`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| agentpdp_fuzz::recorded::run(bytes));
