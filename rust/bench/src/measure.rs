//! How long does it take?
//!
//! One thread. Decisions: a first pass counts the answers and is not timed; then every round asks all requests in turn,
//! and the median round is taken. Loading: once, as a host does it; the report calls again and takes the median.

use std::hint::black_box;
use std::time::Instant;

use cedar_policy::{Authorizer, PolicySet, ValidationMode, Validator, get_sdk_version};
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::prebuilt::{Prebuilt, policies, schema};
use crate::workload::Workload;

/// Timed passes over all requests; odd, so that there is a middle one.
const ROUNDS: usize = 5;

/// The time of one `is_authorized`, over all requests, and how many were allowed.
pub(crate) fn decisions(workload: &Workload) -> Result<Value, Failure> {
    let prebuilt = Prebuilt::new(workload)?;
    let rows = prebuilt.requests.len();
    if rows == 0 {
        return Err(Failure::of("requests.jsonl", "there is no request"));
    }
    let authorizer = Authorizer::new();
    let allow = prebuilt.allowed(&authorizer);
    let mut passes: Vec<u128> = (0..ROUNDS).map(|_| pass(&prebuilt, &authorizer)).collect();
    passes.sort_unstable();
    let middle = passes.get(ROUNDS / 2).copied().unwrap_or_default();
    Ok(json!({
        "peer": peer(),
        "rows": rows,
        "allow": allow,
        "deny": rows.saturating_sub(allow),
        "nanoseconds": nanoseconds(middle) / rows as f64,
    }))
}

/// Nanoseconds of one pass over all requests.
fn pass(prebuilt: &Prebuilt, authorizer: &Authorizer) -> u128 {
    let start = Instant::now();
    for request in &prebuilt.requests {
        black_box(authorizer.is_authorized(request, &prebuilt.policies, &prebuilt.entities));
    }
    start.elapsed().as_nanos()
}

/// The time of parsing the policies and validating them strictly, against a schema that is already parsed.
pub(crate) fn loading(workload: &Workload) -> Result<Value, Failure> {
    let validator = Validator::new(schema(&workload.schema)?);
    let start = Instant::now();
    let parsed: PolicySet = policies(&workload.policies)?;
    let found = validator.validate(&parsed, ValidationMode::Strict);
    let spent = start.elapsed().as_nanos();
    if let Some(error) = found.validation_errors().next() {
        return Err(Failure::of("policies.cedar", error));
    }
    Ok(json!({"peer": peer(), "nanoseconds": nanoseconds(spent)}))
}

fn peer() -> String {
    format!("cedar-policy {}", get_sdk_version())
}

/// A duration as the report takes it.
#[allow(clippy::cast_precision_loss)] // no pass takes the 104 days from which on a nanosecond is lost
pub(crate) fn nanoseconds(spent: u128) -> f64 {
    spent as f64
}
