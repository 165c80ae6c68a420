//! Law: decimals, addresses and times are Cedar's: which texts are one, which are the same, what each method gives.
//!
//! Every answer is compared with the official crate's evaluator on texts picked by hand, on whole small domains (dates,
//! prefixes) and on random texts from a seed. Those follow the grammar, with fields at and just beyond their bounds,
//! and about half are then damaged. `EXTENSIONS_CASES` sets how many random texts of each type there are,
//! `EXTENSIONS_SEED` where to start.
//!
//!     EXTENSIONS_CASES=200000 cargo test --release -p agentpdp-core --test extensions -- --nocapture

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // a test fails by a panic
#![allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap)] // numbers here are small

#[path = "extensions/addresses.rs"]
mod addresses;
#[path = "extensions/decimals.rs"]
mod decimals;
#[path = "extensions/question.rs"]
mod question;
#[path = "extensions/random.rs"]
mod random;
mod seeded;
#[path = "extensions/times.rs"]
mod times;
