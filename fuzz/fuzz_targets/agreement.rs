//! The target `agreement`; what it does is in `rust/fuzz/src/agreement.rs`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| agentpdp_fuzz::agreement::run(bytes));
