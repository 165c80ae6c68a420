//! How fast is the core by itself, without Python and without Cedar?
//!
//! A single call, a batch in columns, a link more among ten thousand, an entity changed among forty thousand; each on
//! the small office of `core/office.rs`. Answers are checked once: single calls and batch must agree. For looking
//! closer at one part of the core; claims are measured by `benches/report.py`.
//!
//!     cargo bench -p agentpdp-core                  timed
//!     cargo bench -p agentpdp-core -- --test        each once, as a test

#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]
#![allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap)] // numbers here are small

#[path = "core/office.rs"]
mod office;
#[path = "../tests/seeded/mod.rs"]
mod seeded;

use std::hint::black_box;
use std::num::NonZero;

use agentpdp_core::authorize::{Diagnostics, OnError, conclude};
use agentpdp_core::decision::{Answer, Reason};
use agentpdp_core::engine::Snapshot;
use agentpdp_core::evaluate::{Call, Temporaries};
use agentpdp_core::parallel::decide_all;
use agentpdp_core::request::Locals;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use office::{Asked, LINKS, Office, rows, slots};

const BATCH_ROWS: usize = 10_000;

/// The reason of one call.
fn decide(office: &Office, snapshot: &Snapshot, asked: &Asked, row: &[agentpdp_core::slots::Slot<'_>]) -> Reason {
    let (temporaries, locals, mut answer) = (Temporaries::default(), Locals::default(), Answer::default());
    let call = Call {
        store: &snapshot.store,
        locals: &locals,
        principal: asked.principal,
        action: office.read,
        resource: asked.resource,
        layout: office.layout(),
        slots: row,
        grant: None,
        temporaries: &temporaries,
    };
    snapshot.policies.answer(&call, Diagnostics::Full, &mut answer);
    conclude(&answer, OnError::Deny)
}

fn single(criterion: &mut Criterion) {
    let office = Office::new();
    let asked = office.questions(1_000);
    let read: Vec<_> = asked.iter().map(|each| slots(office.layout(), each)).collect();
    let mut at = 0;
    criterion.bench_function("authorize, one call", |bencher| {
        bencher.iter(|| {
            at = (at + 1) % asked.len();
            black_box(decide(&office, &office.engine.load(), &asked[at], &read[at]))
        });
    });
}

fn batch(criterion: &mut Criterion) {
    let (office, locals) = (Office::new(), Locals::default());
    let asked = office.questions(BATCH_ROWS);
    let rows = rows(&office, &asked, &locals);
    let found = decide_all(&office.engine, &rows, NonZero::new(1)).answer.reasons;
    let snapshot = office.engine.snapshot();
    let singly = asked.iter().map(|each| decide(&office, &snapshot, each, &slots(office.layout(), each)));
    assert!(singly.eq(found.iter().copied()), "batch equals singles");
    assert!(found.contains(&Reason::Permitted) && found.contains(&Reason::NotPermitted));
    let mut group = criterion.benchmark_group("batch");
    group.throughput(Throughput::Elements(BATCH_ROWS as u64));
    group.bench_function("columns, 10,000 rows, one thread", |bencher| {
        bencher.iter(|| black_box(decide_all(&office.engine, &rows, NonZero::new(1))));
    });
    group.finish();
}

fn link(criterion: &mut Criterion) {
    let office = Office::new();
    criterion.bench_function("link and unlink, among 10,000", |bencher| {
        bencher.iter(|| {
            office.link(LINKS);
            office.unlink(LINKS);
        });
    });
}

fn upsert(criterion: &mut Criterion) {
    let office = Office::new();
    let mut number = 0;
    criterion.bench_function("upsert, among 40,000", |bencher| {
        bencher.iter(|| {
            number += 1;
            office.upsert(number, (number % 4) as i64);
        });
    });
}

criterion_group!(benches, single, batch, link, upsert);
criterion_main!(benches);
