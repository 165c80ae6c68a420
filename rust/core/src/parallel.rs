//! How is a batch spread over chunks and cores?
//!
//! A batch is cut into runs of as many rows, one run per thread; each thread decides its run in chunks, in order, each against
//! the snapshot that is current when the chunk starts. The results are put together in row order, so they do not
//! depend on the number of threads.
//!
//! Optimisation: preserves what one thread gives; `tests/properties` compare thread counts.

use std::num::NonZero;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use crate::batch::{BatchAnswer, Plan, Sides};
use crate::columns::{Rows, Side};
use crate::engine::{CHUNK_ROWS, Engine, Snapshot};
use crate::evaluate::Temporaries;

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

    fn and(mut self, mut other: Self) -> Self {
        self.answer.reasons.append(&mut other.answer.reasons);
        self.answer.satisfied.append(&mut other.answer.satisfied);
        self.answer.errors.append(&mut other.answer.errors);
        self.answer.runs.add(other.answer.runs);
        for (start, snapshot) in other.snapshots {
            if self.snapshots.last().is_none_or(|(_, last)| !Arc::ptr_eq(last, &snapshot)) {
                self.snapshots.push((start, snapshot));
            }
        }
        self
    }
}

/// How many threads are meant; none means as many as the machine has cores.
#[must_use]
pub fn thread_count(threads: Option<NonZero<usize>>) -> usize {
    threads.or_else(|| thread::available_parallelism().ok()).map_or(1, NonZero::get)
}

/// What `work` gives for each part, in their order. There are as many threads as parts, this one among them; where the
/// system gives fewer, those that there are do all parts.
pub fn each_part<P: Send, R: Send>(parts: Vec<P>, work: impl Fn(P) -> R + Sync) -> Vec<R> {
    let others = parts.len().saturating_sub(1);
    let waiting = Mutex::new(parts.into_iter().enumerate());
    let do_parts = || {
        let mut done = Vec::new();
        loop {
            let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).next();
            match next {
                Some((number, part)) => done.push((number, work(part))),
                None => return done,
            }
        }
    };
    let mut done = thread::scope(|scope| {
        let spawn = |_| thread::Builder::new().spawn_scoped(scope, do_parts).ok();
        let handles: Vec<_> = (0..others).map_while(spawn).collect();
        let mut done = do_parts();
        for handle in handles {
            match handle.join() {
                Ok(part) => done.extend(part),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        done
    });
    done.sort_unstable_by_key(|(number, _)| *number);
    done.into_iter().map(|(_, result)| result).collect()
}

/// Decides all rows; `threads` none means as many as the machine has cores.
#[must_use]
pub fn decide_all(engine: &Engine, rows: &Rows<'_>, threads: Option<NonZero<usize>>) -> Decided {
    // Fewer rows than a chunk are not worth a thread of their own.
    let runs = thread_count(threads).min(rows.len().div_ceil(CHUNK_ROWS)).max(1);
    let per_run = rows.len().div_ceil(runs).max(1);
    let starts = (0..rows.len()).step_by(per_run);
    let parts = starts.map(|start| (start, start.saturating_add(per_run).min(rows.len()))).collect();
    let snapshot = engine.snapshot();
    let renewed = renew(rows, &snapshot);
    let rows_now = renewed.as_ref().unwrap_or(rows);
    let now = Now { snapshot: &snapshot, rows: rows_now, sides: &Sides::new(&snapshot, rows_now, runs) };
    let mut parts = each_part(parts, |(start, end)| decide_run(engine, rows, now, start, end)).into_iter();
    let first = parts.next().unwrap_or_default();
    parts.fold(first, Decided::and)
}

/// A snapshot, the rows as it knows them, and what it says of their entities.
#[derive(Clone, Copy)]
struct Now<'a> {
    snapshot: &'a Arc<Snapshot>,
    rows: &'a Rows<'a>,
    sides: &'a Sides<'a>,
}

/// Decides some rows; `now` is used for as long as its snapshot is the current one.
fn decide_run(engine: &Engine, rows: &Rows<'_>, now: Now<'_>, start: usize, end: usize) -> Decided {
    let (mut decided, mut at) = (Decided::default(), start);
    while at < end {
        let snapshot = engine.snapshot();
        if Arc::ptr_eq(now.snapshot, &snapshot) {
            at = decide_while_current(engine, now, at, end, &mut decided);
            continue;
        }
        let renewed = renew(rows, &snapshot);
        let rows = renewed.as_ref().unwrap_or(rows);
        let now = Now { snapshot: &snapshot, rows, sides: &Sides::new(&snapshot, rows, 1) };
        at = decide_while_current(engine, now, at, end, &mut decided);
    }
    decided
}

/// Decides a chunk, and more of them for as long as the snapshot is the current one; where it stopped.
#[allow(clippy::cast_possible_truncation)] // the binding refuses batches of 2^32 rows and more
fn decide_while_current(engine: &Engine, now: Now<'_>, start: usize, end: usize, decided: &mut Decided) -> usize {
    let Now { snapshot, rows, sides } = now;
    decided.snapshots.push((start as u32, snapshot.clone()));
    let temporaries = Temporaries::default();
    let mut plan = Plan::new(snapshot, rows, sides);
    let mut at = start;
    loop {
        let next = at.saturating_add(CHUNK_ROWS).min(end);
        plan.decide(rows, at as u32, next as u32, snapshot.compiled.on_error, &temporaries, &mut decided.answer);
        at = next;
        if at >= end || !Arc::ptr_eq(&engine.load(), snapshot) {
            break;
        }
    }
    decided.answer.runs.add(plan.runs());
    at
}

/// The rows with uids that only the batch knew when it was read and the store has come to know since.
fn renew<'a>(rows: &Rows<'a>, snapshot: &Snapshot) -> Option<Rows<'a>> {
    if rows.locals.is_empty() {
        return None;
    }
    let renew_side = |side: &Side<'a>| {
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
