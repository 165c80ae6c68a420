//! Claim: loading 10,000 policies takes at most 1.5 times what Cedar's own parsing and validation take.
//!
//!     cargo test --release -p agentpdp-cedar --test load_speed -- --ignored --nocapture

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // a test fails by a panic

use std::fmt::Write;
use std::ops::ControlFlow;
use std::str::FromStr;
use std::time::{Duration, Instant};

use agentpdp_cedar::bundle::{Sources, load};
use cedar_policy::{PolicySet, Schema, ValidationMode, Validator};

const SCHEMA: &str = "
    entity Team; entity User in [Team] { age: Long, mail: String }; entity Folder; entity Doc in [Folder] { owner: User, open: Bool };
    action view, edit, share appliesTo { principal: User, resource: Doc,
        context: { mfa: Bool, input: { amount: Long, to: String, tags: Set<String> }, ip?: ipaddr } };";

fn policies(count: usize) -> String {
    let mut text = String::new();
    for number in 0..count {
        let effect = if number % 7 == 0 { "forbid" } else { "permit" };
        writeln!(
            text,
            "@id(\"p{number}\") {effect} (principal in Team::\"t{}\", action == Action::\"{}\", resource in Folder::\"f{number}\")
when {{ context.input.amount < {number} && context.mfa && [\"a{number}\", \"b\"].contains(context.input.to) }}
unless {{ resource.owner == principal || resource.owner.age < 18 }};",
            number % 50,
            ["view", "edit", "share"][number % 3],
        )
        .unwrap();
    }
    text
}

fn best<T>(mut run: impl FnMut() -> T) -> Duration {
    (0..5)
        .map(|_| {
            let start = Instant::now();
            std::hint::black_box(run());
            start.elapsed()
        })
        .min()
        .unwrap()
}

#[test]
#[ignore = "a measurement, for release builds"]
fn loading_costs_little_more_than_cedars_parsing_and_validation() {
    let text = policies(10_000);
    let schema = Schema::from_str(SCHEMA).unwrap();
    let cedar = best(|| {
        let set = PolicySet::from_str(&text).unwrap();
        let result = Validator::new(schema.clone()).validate(&set, ValidationMode::Strict);
        assert!(result.validation_passed());
        set
    });
    let parsing = best(|| PolicySet::from_str(&text).unwrap());
    let sources = Sources {
        policies: vec![("p.cedar".to_owned(), text.clone())],
        schema: Some(("s.cedarschema".to_owned(), SCHEMA.to_owned())),
        validate: true,
        ..Sources::default()
    };
    let ours = best(|| {
        let loaded = load(&sources, &mut |_, _| ControlFlow::Continue(()));
        assert_eq!(loaded.findings, []);
        loaded.compiled.unwrap()
    });
    let ratio = ours.as_secs_f64() / cedar.as_secs_f64();
    println!("10,000 policies: Cedar {cedar:?} (parsing {parsing:?}), we {ours:?}, ratio {ratio:.2}");
    assert!(ratio <= 1.5, "{ratio}");
}

#[test]
#[ignore = "a measurement, for release builds"]
fn a_million_entities_are_loaded_with_progress() {
    let mut text = String::from("[");
    for number in 0..1_000_000 {
        let comma = if number == 0 { "" } else { "," };
        write!(
            text,
            "{comma}\n{{\"uid\": {{\"type\": \"User\", \"id\": \"u{number}\"}}, \"attrs\": {{\"age\": {number}, \"mail\": \"u{number}@example.com\"}},
  \"parents\": [{{\"type\": \"Team\", \"id\": \"t{}\"}}]}}",
            number % 5_000,
        )
        .unwrap();
    }
    text.push(']');
    let bytes = text.len();
    for schema in [None, Some(SCHEMA)] {
        let sources = Sources {
            schema: schema.map(|text| ("s.cedarschema".to_owned(), text.to_owned())),
            entities: Some(("e.json".to_owned(), text.clone())),
            ..Sources::default()
        };
        let (start, mut told) = (Instant::now(), 0);
        let loaded = load(&sources, &mut |_, _| {
            told += 1;
            ControlFlow::Continue(())
        });
        assert!(loaded.compiled.is_some(), "{:?}", loaded.findings);
        println!(
            "1,000,000 entities ({bytes} bytes), schema {}: {:?}, told {told} times",
            schema.is_some(),
            start.elapsed()
        );
    }
}
