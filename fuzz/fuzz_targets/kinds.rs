//! The target `kinds`; what it does is in `rust/fuzz/src/kinds.rs`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| agentpdp_fuzz::kinds::run(bytes));
