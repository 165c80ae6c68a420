//! How long does reading arguments take? `cargo bench -p agentpdp-arguments`.
//!
//! The kinds by themselves (canonical, harmless, refused), and whole calls through a plan: six plain arguments, and a
//! URL, a path and a list of two addresses with the records that rules see.

#![allow(clippy::unwrap_used, missing_docs)] // a bench fails by a panic, and is no interface

use std::hint::black_box;

use agentpdp_arguments::declaration::Declaration;
use agentpdp_arguments::decode::{Decoded, Entities, UnknownEntity};
use agentpdp_arguments::json::{Json, read};
use agentpdp_arguments::kinds::{email, path, url};
use agentpdp_arguments::plan::Plan;
use agentpdp_arguments::tool::{Annotations, Tool};
use agentpdp_core::entities::Store;
use agentpdp_core::evaluate::Temporaries;
use agentpdp_core::value::{EntityId, TypeId};
use criterion::{Criterion, criterion_group, criterion_main};
use serde_json::{Value, json};

struct Nobody;

impl Entities for Nobody {
    fn resolve(&mut self, _: TypeId, _: &str) -> Result<EntityId, UnknownEntity> {
        Err(UnknownEntity)
    }
}

fn plan(schema: Value, declaration: &Value) -> Plan {
    let tool =
        Tool { name: "tool".into(), description: "".into(), input_schema: schema, annotations: Annotations::default() };
    let declaration = Declaration::from_json(declaration, &mut |_| None).unwrap();
    Plan::new(&tool, &declaration, &mut Store::new(1)).unwrap()
}

fn decode(plan: &Plan, json: &Json<'_>) -> usize {
    let keep = Temporaries::default();
    let mut decoded = Decoded::default();
    plan.decode(json, &mut Nobody, &keep, &mut decoded).unwrap();
    decoded.slots.len()
}

fn kinds(bench: &mut Criterion) {
    let options = url::UrlOptions::default();
    for (name, text) in [
        ("canonical", "https://api.example.com/v1/orders/1234?expand=items&page=2"),
        ("harmless", "https://API.example.com/v1/orders/1234?expand=items&page=2"),
        ("refused", "https://user@api.example.com/v1/orders/1234?expand=items&page=2"),
    ] {
        bench.bench_function(&format!("url/{name}"), |bench| {
            bench.iter(|| url::read(black_box(text), &options).is_ok())
        });
    }
    bench.bench_function("path/canonical", |bench| {
        bench.iter(|| path::read(black_box("/srv/data/reports/2025/january.csv")).is_ok());
    });
    bench.bench_function("email-list/canonical", |bench| {
        bench.iter(|| email::read_list(black_box("ann@example.com, bob.lee@other.example")).is_ok());
    });
}

fn calls(bench: &mut Criterion) {
    let (text, integer) = (json!({"type": "string"}), json!({"type": "integer"}));
    let plain = json!({"type": "object", "properties":
        {"a": text, "b": text, "c": text, "x": integer, "y": integer, "z": integer}, "required": ["a", "b", "c", "x", "y", "z"]});
    let declared = json!({"kinds": {"a": "url", "b": "path", "c": "email-list"}});
    let (six, kinds) = (plan(plain.clone(), &json!({})), plan(plain, &declared));
    let given = read(r#"{"a":"one","b":"two","c":"three","x":1,"y":2,"z":3}"#).unwrap();
    bench.bench_function("call/six-plain", |bench| bench.iter(|| decode(&six, black_box(&given))));
    let given = read(
        r#"{"a":"https://api.example.com/v1/orders/1234?expand=items","b":"/srv/data/january.csv","c":"ann@example.com, bob@other.example","x":1,"y":2,"z":3}"#,
    )
    .unwrap();
    bench.bench_function("call/three-kinds", |bench| bench.iter(|| decode(&kinds, black_box(&given))));
}

criterion_group!(benches, kinds, calls);
criterion_main!(benches);
