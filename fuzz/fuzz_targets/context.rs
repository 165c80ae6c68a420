//! The target `context`; what it does is in `rust/fuzz/src/context.rs`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| agentpdp_fuzz::context::run(bytes));
