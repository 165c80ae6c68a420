//! From a sequence of dicts to rows: each context is read into slots as for a single call.

use std::num::NonZero;

use agentpdp_core::columns::{Contexts, Rows};
use agentpdp_core::decision::Reason;
use agentpdp_core::request::Locals;
use agentpdp_core::slots::Slot;
use agentpdp_core::value::{Value, ValueRef};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use typed_arena::Arena;

use super::columns::{check_parties, layouts};
use super::decisions::Decisions;
use super::uids::SideReader;
use super::{BATCH_ROWS_MAX, decide};
use crate::context::{ContextReader, Held, Misfit, Readings, diagnose};
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
    let keeper = Keeper::default();
    let mut slots: Vec<Slot<'_>> = Vec::new();
    let mut starts: Vec<u32> = Vec::with_capacity(row_count);
    let schema = snapshot.compiled.schema.as_deref();
    for (row, context) in contexts.iter().enumerate() {
        let index = action_side.index.get(row).map_or(usize::MAX, |index| *index as usize);
        let layout = layouts.get(index).copied();
        let start = slots.len();
        starts.push(start as u32);
        slots.resize(start + layout.map_or(0, |layout| layout.slot_count), Slot::Unreachable);
        let (None, Some(layout)) = (refused.get(row).copied().flatten(), layout) else { continue };
        let mut reader = ContextReader { nonce: Some(engine.nonce), store, schema, locals: &mut locals };
        let read = match keys.get(index).copied().flatten() {
            Some(keys) => reader.read(context.as_ref(), layout, keys, &mut readings),
            None => reader.read_whole(context.as_ref(), &mut readings),
        };
        let of_row = slots.get_mut(start..).unwrap_or_default();
        if read.and_then(|()| keeper.fill(&mut readings, of_row)).is_err() {
            readings.clear();
            let reason = diagnose(context.as_ref(), schema.map(|_| layout), &mut reader).0;
            if let Some(place) = refused.get_mut(row) {
                *place = Some(reason);
            }
        }
    }
    let contexts = Contexts::Slots { slots, starts };

    let principals = reader(Reason::UnknownParty).read_owned_objects(principals.iter(), &mut locals, &mut refused);
    let resources = reader(Reason::UnknownResource).read_owned_objects(resources.iter(), &mut locals, &mut refused);
    check_parties(&snapshot, &locals, &principals, &action_side, &resources, &mut refused, 1);
    let rows = Rows { principals, actions: action_side, resources, layouts, contexts, refused, locals: &locals };
    let decided = decide(py, engine, &rows, threads);
    decisions.append(decided);
    Ok(())
}

/// Keeps what the slots of all rows borrow from.
#[derive(Default)]
struct Keeper<'py> {
    texts: Arena<Bound<'py, PyString>>,
    values: Arena<Value>,
}

impl<'py> Keeper<'py> {
    /// Puts the readings of a row into its slots; none is left.
    fn fill<'a>(&'a self, readings: &mut Readings<'py>, slots: &mut [Slot<'a>]) -> Result<(), Misfit> {
        for (slot, held) in readings.drain(..) {
            let value = match held {
                Held::Text(text) => Slot::Value(ValueRef::String(self.texts.alloc(text).to_str().map_err(|_| Misfit)?)),
                Held::Ready(value) => Slot::Value(value),
                Held::Owned(value) => Slot::Value(self.values.alloc(value).borrow()),
                Held::Absent => Slot::Absent,
            };
            if let Some(place) = slots.get_mut(usize::from(slot)) {
                *place = value;
            }
        }
        Ok(())
    }
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
