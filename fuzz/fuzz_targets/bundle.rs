//! The target `bundle`; what it does is in `rust/fuzz/src/bundle.rs`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| agentpdp_fuzz::bundle::run(bytes));
