//! The target `entities`; what it does is in `rust/fuzz/src/entities.rs`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| agentpdp_fuzz::entities::run(bytes));
