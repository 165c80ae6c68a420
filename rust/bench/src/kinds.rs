//! How long does reading an argument of a kind take, in its canonical spelling?
//!
//! The texts are those of `cargo bench -p agentpdp-arguments`. A refused text fails: only what passes is timed. That
//! nothing is allocated is a test of that crate.

use std::hint::black_box;
use std::time::Instant;

use agentpdp_arguments::kinds::{email, path, url};
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::measure::nanoseconds;

/// Timed rounds; odd, so that there is a middle one.
const ROUNDS: usize = 5;

/// Readings of a round.
const READINGS: u32 = 200_000;

const URL: &str = "https://api.example.com/v1/orders/1234?expand=items&page=2";
const PATH: &str = "/srv/data/reports/2025/january.csv";
const EMAILS: &str = "ann@example.com, bob.lee@other.example";

/// The time of reading one text of a kind.
pub(crate) fn reading(kind: &str) -> Result<Value, Failure> {
    let options = url::UrlOptions::default();
    match kind {
        "url" => timed(|| url::read(black_box(URL), &options).is_ok()),
        "path" => timed(|| path::read(black_box(PATH)).is_ok()),
        "email-list" => timed(|| email::read_list(black_box(EMAILS)).is_ok()),
        _ => Err(Failure::new(format!("no kind `{kind}`; there are `url`, `path` and `email-list`"))),
    }
}

fn timed(read: impl Fn() -> bool) -> Result<Value, Failure> {
    if !read() {
        return Err(Failure::new("the text is refused"));
    }
    let mut rounds: Vec<u128> = (0..ROUNDS).map(|_| round(&read)).collect();
    rounds.sort_unstable();
    let middle = rounds.get(ROUNDS / 2).copied().unwrap_or_default();
    Ok(json!({"nanoseconds": nanoseconds(middle) / f64::from(READINGS)}))
}

/// Nanoseconds of one round.
fn round(read: &impl Fn() -> bool) -> u128 {
    let start = Instant::now();
    for _ in 0..READINGS {
        black_box(read());
    }
    start.elapsed().as_nanos()
}
