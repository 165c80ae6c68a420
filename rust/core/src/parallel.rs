//! How is a batch spread over chunks and cores?
//!
//! A batch is cut into runs of whole chunks, one run per thread; each thread decides its chunks in order, each against
//! the snapshot that is current when the chunk starts. The results are put together in row order, so they do not
//! depend on the number of threads.
//!
//! Optimisation: preserves what one thread gives; `tests/properties` compare thread counts.

use std::num::NonZero;
use std::sync::Arc;
use std::thread;

use crate::batch::{BatchAnswer, Plan};
use crate::columns::{Rows, Side};
use crate::engine::{CHUNK_ROWS, Engine, Snapshot};
use crate::evaluate::Temporaries;

/// Fewest rows that are worth a thread of their own, in chunks.
const CHUNKS_PER_THREAD_MIN: usize = 2;

/// What was decided of a batch, and by which snapshots.
#[derive(Clone, Debug, Default)]
pub struct Decided {
    /// The answers, rows in order.
    pub answer: BatchAnswer,
    /// The snapshots, each with the first row that it decided.
    pub snapshots: Vec<(u32, Arc<Snapshot>)>,
}

impl Decided {
    /// The snapshot that decided a row.
    #[must_use]
    pub fn snapshot(&self, row: u32) -> Option<&Snapshot> {
        let after = self.snapshots.partition_point(|(start, _)| *start <= row);
        self.snapshots.get(after.checked_sub(1)?).map(|(_, snapshot)| &**snapshot)
    }

    fn append(&mut self, mut other: Self) {
        self.answer.reasons.append(&mut other.answer.reasons);
        self.answer.satisfied.append(&mut other.answer.satisfied);
        self.answer.errors.append(&mut other.answer.errors);
        self.answer.runs.add(other.answer.runs);
        for (start, snapshot) in other.snapshots {
            if self.snapshots.last().is_none_or(|(_, last)| !Arc::ptr_eq(last, &snapshot)) {
                self.snapshots.push((start, snapshot));
            }
        }
    }
}

/// Decides all rows; `threads` none means as many as the machine has cores.
#[must_use]
pub fn decide_all(engine: &Engine, rows: &Rows<'_>, threads: Option<NonZero<usize>>) -> Decided {
    let chunks = rows.len().div_ceil(CHUNK_ROWS);
    let wanted = threads.or_else(|| thread::available_parallelism().ok()).map_or(1, NonZero::get);
    let useful = if threads.is_some() { chunks } else { chunks.div_ceil(CHUNKS_PER_THREAD_MIN) };
    let runs = wanted.min(useful).max(1);
    let per_run = chunks.div_ceil(runs).saturating_mul(CHUNK_ROWS);
    let parts: Vec<(usize, usize)> = (0..runs)
        .map(|run| (run.saturating_mul(per_run), run.saturating_add(1).saturating_mul(per_run).min(rows.len())))
        .filter(|(start, end)| start < end)
        .collect();
    let mut decided = Decided::default();
    if let [(start, end)] = parts[..] {
        decide_run(engine, rows, start, end, &mut decided);
        return decided;
    }
    let results = thread::scope(|scope| {
        let handles: Vec<_> = parts
            .iter()
            .map(|(start, end)| {
                scope.spawn(move || {
                    let mut part = Decided::default();
                    decide_run(engine, rows, *start, *end, &mut part);
                    part
                })
            })
            .collect();
        handles.into_iter().map(thread::ScopedJoinHandle::join).collect::<Vec<_>>()
    });
    for result in results {
        match result {
            Ok(part) => decided.append(part),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
    decided
}

#[allow(clippy::cast_possible_truncation)] // the binding refuses batches of 2^32 rows and more
fn decide_run(engine: &Engine, rows: &Rows<'_>, start: usize, end: usize, decided: &mut Decided) {
    let mut at = start;
    while at < end {
        let snapshot = engine.snapshot();
        let renewed = renew(rows, &snapshot);
        let rows = renewed.as_ref().unwrap_or(rows);
        decided.snapshots.push((at as u32, snapshot.clone()));
        let temporaries = Temporaries::default();
        let mut plan = Plan::new(&snapshot, rows);
        loop {
            let next = at.saturating_add(CHUNK_ROWS).min(end);
            let on_error = snapshot.compiled.on_error;
            plan.decide(rows, at as u32, next as u32, on_error, &temporaries, &mut decided.answer);
            at = next;
            if at >= end || !Arc::ptr_eq(&engine.load(), &snapshot) {
                break;
            }
        }
        decided.answer.runs.add(plan.runs());
    }
}

/// The rows with uids that only the batch knew when it was read and the store has come to know since.
fn renew<'a>(rows: &Rows<'a>, snapshot: &Snapshot) -> Option<Rows<'a>> {
    if rows.locals.is_empty() {
        return None;
    }
    let renew_side = |side: &Side| {
        let known = |entity| rows.locals.known_now(entity, &snapshot.store).unwrap_or(entity);
        Side { distinct: side.distinct.iter().map(|entity| known(*entity)).collect(), index: side.index.clone() }
    };
    let any_new = [&rows.principals, &rows.resources]
        .into_iter()
        .flat_map(|side| &side.distinct)
        .any(|entity| rows.locals.known_now(*entity, &snapshot.store).is_some());
    any_new.then(|| Rows {
        principals: renew_side(&rows.principals),
        resources: renew_side(&rows.resources),
        ..rows.clone()
    })
}
