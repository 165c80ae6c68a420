//! The target `columns`; what it does is in `rust/fuzz/src/columns.rs`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| agentpdp_fuzz::columns::run(bytes));
