//! What the fuzz targets do with their input.
//!
//! Each target is one function of bytes that must return: it panics where the engine and Cedar's own crate differ, or
//! where something of ours panics. The folder `fuzz` wraps them for libFuzzer (nightly toolchain); `tests/replay.rs`
//! replays the inputs that are kept in `fuzz/corpus_kept` on the stable one.
//!
//! Read in this order:
//!
//! 1. texts against Cedar's readers: [`bundle`], [`entities`], [`context`];
//! 2. both sides asked: `ours.rs`, `theirs.rs`, and the fixed schema `fixed.cedarschema`;
//! 3. bytes as policies, data and requests: `draw.rs`, `words.rs`, `policies.rs`, `data.rs`;
//! 4. decisions: [`agreement`], [`columns`];
//! 5. bundles with tasks: [`tasks`];
//! 6. what is handed to tools: [`arguments`], [`kinds`];
//! 7. what happened: [`recorded`].

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // a test fails by a panic

pub mod agreement;
pub mod arguments;
pub mod bundle;
pub mod columns;
pub mod context;
mod data;
mod draw;
pub mod entities;
pub mod kinds;
mod ours;
mod policies;
pub mod recorded;
pub mod tasks;
mod theirs;
mod words;

/// The schema of all targets that need one.
pub const SCHEMA: &str = include_str!("fixed.cedarschema");

/// A target: what is fuzzed, with its name.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: [Target; 9] = [
    ("bundle", bundle::run),
    ("entities", entities::run),
    ("context", context::run),
    ("agreement", agreement::run),
    ("columns", columns::run),
    ("arguments", arguments::run),
    ("kinds", kinds::run),
    ("tasks", tasks::run),
    ("recorded", recorded::run),
];

/// The input as text, for targets that read text.
fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}
