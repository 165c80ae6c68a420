//! Law: reading what is canonical allocates nothing, and neither does a call of plain arguments.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by a panic

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use agentpdp_arguments::declaration::Declaration;
use agentpdp_arguments::decode::{Decoded, Entities, UnknownEntity};
use agentpdp_arguments::json::read;
use agentpdp_arguments::kinds::ip::Versions;
use agentpdp_arguments::kinds::url::UrlOptions;
use agentpdp_arguments::kinds::{command, email, host, iban, ip, path, url, windows};
use agentpdp_arguments::plan::Plan;
use agentpdp_arguments::tool::{Annotations, Tool};
use agentpdp_core::entities::Store;
use agentpdp_core::evaluate::Temporaries;
use agentpdp_core::value::{EntityId, TypeId};
use serde_json::json;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: hands everything to the system's allocator, and counts besides.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.with(|count| count.set(count.get() + 1));
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

fn allocations<T>(what: impl FnOnce() -> T) -> usize {
    let before = COUNT.with(Cell::get);
    let kept = what();
    let after = COUNT.with(Cell::get);
    drop(kept);
    after - before
}

struct Nobody;

impl Entities for Nobody {
    fn resolve(&mut self, _: TypeId, _: &str) -> Result<EntityId, UnknownEntity> {
        Err(UnknownEntity)
    }
}

#[test]
fn canonical_spellings_are_read_without_allocation() {
    let options = UrlOptions::default();
    let counts = [
        allocations(|| url::read("https://api.example.com:8443/v1/a%20b?q=%2F#top", &options).unwrap()),
        allocations(|| path::read("/srv/data/january.csv").unwrap()),
        allocations(|| windows::read("c:\\data\\january.csv").unwrap()),
        allocations(|| email::read_list("ann@example.com, bob.lee@other.example").unwrap()),
        allocations(|| host::read("api.example.com").unwrap()),
        allocations(|| ip::read("2001:db8::1", Versions::Any).unwrap()),
        allocations(|| command::read("ls -la /tmp").unwrap()),
        allocations(|| iban::read("DE89370400440532013000").unwrap()),
    ];
    assert_eq!(counts, [0; 8]);
}

#[test]
fn a_call_of_plain_arguments_allocates_nothing() {
    let (text, integer, number) = (json!({"type": "string"}), json!({"type": "integer"}), json!({"type": "number"}));
    let schema = json!({"type": "object", "properties":
        {"a": text, "b": text, "c": {"enum": ["x", "y"]}, "n": integer, "p": number, "h": text, "d": {"type": "string", "format": "date-time"}}});
    let tool =
        Tool { name: "tool".into(), description: "".into(), input_schema: schema, annotations: Annotations::default() };
    let declaration = Declaration::from_json(&json!({"kinds": {"h": "host"}}), &mut |_| None).unwrap();
    let plan = Plan::new(&tool, &declaration, &mut Store::new(1)).unwrap();
    let given =
        read(r#"{"a":"one","b":"two","c":"x","n":7.0,"p":12.5,"h":"a.example","d":"2025-01-31T12:00:00Z"}"#).unwrap();
    let keep = Temporaries::default();
    let count = allocations(|| {
        let mut decoded = Decoded::default();
        plan.decode(&given, &mut Nobody, &keep, &mut decoded).unwrap();
    });
    assert_eq!(count, 0);
}
