//! From a sequence of dicts to rows: each context is read into slots as for a single call.

use std::num::NonZero;

use agentpdp_core::columns::{Contexts, Rows};
use agentpdp_core::decision::Reason;
use agentpdp_core::request::Locals;
use agentpdp_core::slots::Slot;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use super::columns::{check_parties, layouts};
use super::decisions::Decisions;
use super::uids::SideReader;
use super::{BATCH_ROWS_MAX, decide};
use crate::context::{ContextReader, Readings, diagnose, fill};
use crate::engine::Engine;
use crate::errors;
use crate::grants::view::View;

/// Decides a sequence of dicts.
pub(super) fn decide_dicts(
    slf: &Bound<'_, Engine>,
    rows: &Bound<'_, PyAny>,
    threads: Option<NonZero<usize>>,
    decisions: &mut Decisions,
) -> PyResult<()> {
    let py = slf.py();
    let engine = slf.get();
    let Columns { principals, actions, resources, contexts } = Columns::of(rows)?;
    let row_count = contexts.len();
    if engine.is_forked() {
        decisions.refuse_all(Reason::EngineForked, row_count);
        return Ok(());
    }
    let snapshot = engine.core.snapshot();
    let store = &snapshot.store;
    let mut locals = Locals::default();
    let mut refused: Vec<Option<Reason>> = vec![None; row_count];
    let reader = |unreadable| SideReader { nonce: engine.nonce, store, unreadable, threads: 1 };
    let action_side = reader(Reason::UnknownAction).read_owned_objects(actions.iter(), &mut locals, &mut refused);
    let layouts = layouts(&snapshot.compiled, &action_side, &mut refused);

    let view = View::of(&snapshot);
    let keys: Vec<_> = action_side.distinct.iter().map(|action| view.and_then(|view| view.keys(*action))).collect();
    let mut readings = Readings::new();
    let mut ends: Vec<(u32, u32)> = Vec::with_capacity(row_count);
    let schema = snapshot.compiled.schema.as_deref();
    for (row, context) in contexts.iter().enumerate() {
        let index = action_side.index.get(row).map_or(usize::MAX, |index| *index as usize);
        let layout = layouts.get(index).copied();
        let before = readings.len();
        if let (None, Some(layout)) = (refused.get(row).copied().flatten(), layout) {
            let mut reader = ContextReader { nonce: Some(engine.nonce), store, schema, locals: &mut locals };
            let read = match keys.get(index).copied().flatten() {
                Some(keys) => reader.read(context.as_ref(), layout, keys, &mut readings),
                None => reader.read_whole(context.as_ref(), &mut readings),
            };
            if read.is_err() {
                readings.truncate(before);
                let known = schema.map(|_| layout);
                let reason = diagnose(context.as_ref(), known, &mut reader).0;
                if let Some(place) = refused.get_mut(row) {
                    *place = Some(reason);
                }
            }
        }
        ends.push((readings.len() as u32, layout.map_or(0, |layout| layout.slot_count as u32)));
    }

    let principals = reader(Reason::UnknownParty).read_owned_objects(principals.iter(), &mut locals, &mut refused);
    let resources = reader(Reason::UnknownResource).read_owned_objects(resources.iter(), &mut locals, &mut refused);
    check_parties(&snapshot, &locals, &principals, &action_side, &resources, &mut refused);
    let contexts = slots(&readings, &ends, &mut refused);
    let rows = Rows { principals, actions: action_side, resources, layouts, contexts, refused, locals: &locals };
    let decided = decide(py, engine, &rows, threads);
    decisions.append(decided);
    Ok(())
}

/// Puts all readings into slots, one row behind the other; a row whose text is no Unicode is refused.
fn slots<'a>(readings: &'a Readings<'_>, ends: &[(u32, u32)], refused: &mut [Option<Reason>]) -> Contexts<'a> {
    let total = ends.iter().map(|(_, slot_count)| *slot_count as usize).sum();
    let mut slots = vec![Slot::Unreachable; total];
    let mut starts = Vec::with_capacity(ends.len());
    let (mut start, mut from) = (0usize, 0usize);
    for ((end, slot_count), refused) in ends.iter().zip(refused) {
        starts.push(start as u32);
        let next = start + *slot_count as usize;
        let readings = readings.get(from..*end as usize).unwrap_or(&[]);
        if fill(readings, slots.get_mut(start..next).unwrap_or(&mut [])).is_err() {
            *refused = Some(refused.map_or(Reason::ArgumentType, |known| known.min(Reason::ArgumentType)));
        }
        (from, start) = (*end as usize, next);
    }
    Contexts::Slots { slots, starts }
}

/// The four parts of every row.
struct Columns<'py> {
    principals: Vec<Bound<'py, PyAny>>,
    actions: Vec<Bound<'py, PyAny>>,
    resources: Vec<Bound<'py, PyAny>>,
    contexts: Vec<Option<Bound<'py, PyAny>>>,
}

impl<'py> Columns<'py> {
    fn of(rows: &Bound<'py, PyAny>) -> PyResult<Self> {
        let py = rows.py();
        let count = rows.len().unwrap_or(0);
        if count >= BATCH_ROWS_MAX {
            return Err(errors::column(py, &format!("a batch has fewer than {BATCH_ROWS_MAX} rows: split it")));
        }
        let mut columns = Self {
            principals: Vec::with_capacity(count),
            actions: Vec::with_capacity(count),
            resources: Vec::with_capacity(count),
            contexts: Vec::with_capacity(count),
        };
        for (at, row) in rows.try_iter()?.enumerate() {
            let row = row?;
            let Ok(row) = row.cast::<PyDict>() else {
                return Err(errors::column(
                    py,
                    &format!("row {at} is no dict: a row is a dict with principal, action, resource and context"),
                ));
            };
            let part = |name: &Bound<'py, PyString>| -> PyResult<Bound<'py, PyAny>> {
                row.get_item(name)?.ok_or_else(|| {
                    errors::column(py, &format!("row {at} has no `{name}`: a row has principal, action and resource"))
                })
            };
            columns.principals.push(part(intern!(py, "principal"))?);
            columns.actions.push(part(intern!(py, "action"))?);
            columns.resources.push(part(intern!(py, "resource"))?);
            columns.contexts.push(row.get_item(intern!(py, "context"))?.filter(|context| !context.is_none()));
        }
        Ok(columns)
    }
}
