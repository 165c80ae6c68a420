//! The target `tasks`; what it does is in `rust/fuzz/src/tasks.rs`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| agentpdp_fuzz::tasks::run(bytes));
