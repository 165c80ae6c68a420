//! Law: what the bytes of any input say is decided as Cedar decides, one by one and in columns.
//!
//! The targets that draw their cases from bytes, on random bytes from a seed: `DRAWN_CASES` sets how many, `DRAWN_SEED`
//! where to start. The fuzzer looks for rarer ones; this is what every run of the tests does, and what catches mutants.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by a panic

use agentpdp_fuzz::{agreement, columns};

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Random bytes (splitmix64): so many hundred at most.
fn bytes(seed: u64, hundreds: usize) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)).to_le_bytes()
    };
    let length = 100 * (1 + usize::from(next()[0]) % hundreds);
    (0..length.div_ceil(8)).flat_map(|_| next()).collect()
}

fn run(target: fn(&[u8]), cases: u64, hundreds: usize) {
    let first = setting("DRAWN_SEED", 1);
    for seed in first..first + setting("DRAWN_CASES", cases) {
        let done = std::panic::catch_unwind(|| target(&bytes(seed, hundreds)));
        assert!(done.is_ok(), "seed {seed} fails, for the reason above");
    }
}

#[test]
fn drawn_cases_are_decided_as_cedar_decides() {
    run(agreement::run, 400, 15);
}

#[test]
fn drawn_batches_are_decided_as_their_rows() {
    run(columns::run, 2_000, 80); // enough for the contexts of two dozen calls
}
