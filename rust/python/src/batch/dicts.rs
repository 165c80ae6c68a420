//! From a sequence of dicts to rows: each context is read into slots as for a single call.

use std::num::NonZero;

use agentpdp_core::columns::{Contexts, Rows};
use agentpdp_core::decision::Reason;
use agentpdp_core::request::Locals;
use agentpdp_core::slots::Slot;
use agentpdp_core::value::{Value, ValueRef};
use bumpalo::Bump;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use typed_arena::Arena;

use super::columns::{check_parties, layout_of};
use super::decisions::Decisions;
use super::uids::{ObjectSide, SideReader};
use super::{BATCH_ROWS_MAX, decide};
use crate::context::{ContextReader, Held, Misfit, Readings, diagnose, walk};
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
    let count = rows.len().unwrap_or(0);
    if count >= BATCH_ROWS_MAX {
        return Err(errors::column(py, &format!("a batch has fewer than {BATCH_ROWS_MAX} rows: split it")));
    }
    let snapshot = engine.core.snapshot();
    let (store, compiled) = (&snapshot.store, &*snapshot.compiled);
    let schema = compiled.schema.as_deref();
    let mut locals = Locals::default();
    let mut refused: Vec<Option<Reason>> = Vec::with_capacity(count);
    let side = |unreadable| ObjectSide::new(SideReader { nonce: engine.nonce, store, unreadable, threads: 1 }, count);
    let mut principals = side(Reason::UnknownParty);
    let mut actions = side(Reason::UnknownAction);
    let mut resources = side(Reason::UnknownResource);
    // Of each distinct action.
    let (mut layouts, mut keys) = (Vec::new(), Vec::new());

    let view = View::of(&snapshot);
    let names = Names::of(py);
    let mut readings = Readings::new();
    let keeper = Keeper::default();
    let mut slots: Vec<Slot<'_>> = Vec::new();
    let mut starts: Vec<u32> = Vec::with_capacity(count);
    for (at, row) in rows.try_iter()?.enumerate() {
        let row = names.parts(&row?, at)?;
        let (index, mut reason) = actions.read(&row.action, &mut locals);
        if let (true, Some(action)) = (index == layouts.len(), actions.distinct().get(index)) {
            layouts.push(layout_of(compiled, *action));
            keys.push(view.and_then(|view| view.keys(*action)));
        }
        let (layout, is_known) = layouts.get(index).copied().unwrap_or((&compiled.whole, false));
        if !is_known && reason != Some(Reason::StaleCode) {
            reason = Some(Reason::UnknownAction);
        }
        let start = slots.len();
        starts.push(start as u32);
        slots.resize(start + layout.slot_count, Slot::Unreachable);
        if reason.is_none() {
            let mut reader = ContextReader { nonce: Some(engine.nonce), store, schema, locals: &mut locals };
            let read = match keys.get(index).copied().flatten() {
                Some(keys) => reader.read(row.context.as_ref(), layout, keys, &mut readings),
                None => reader.read_whole(row.context.as_ref(), &mut readings),
            };
            let of_row = slots.get_mut(start..).unwrap_or_default();
            if read.and_then(|()| keeper.fill(&mut readings, of_row)).is_err() {
                readings.clear();
                reason = Some(diagnose(row.context.as_ref(), schema.map(|_| layout), &mut reader).0);
            }
        }
        for (side, object) in [(&mut principals, &row.principal), (&mut resources, &row.resource)] {
            if let (_, Some(unreadable)) = side.read(object, &mut locals) {
                reason = Some(reason.map_or(unreadable, |reason| reason.min(unreadable)));
            }
        }
        refused.push(reason);
    }
    if engine.is_forked() {
        decisions.refuse_all(Reason::EngineForked, refused.len());
        return Ok(());
    }
    let contexts = Contexts::Slots { slots, starts };
    let layouts = layouts.into_iter().map(|(layout, _)| layout).collect();
    let [principals, actions, resources] = [principals, actions, resources].map(ObjectSide::finish);
    check_parties(&snapshot, &locals, &principals, &actions, &resources, &mut refused, 1);
    let rows = Rows { principals, actions, resources, layouts, contexts, refused, locals: &locals };
    let decided = decide(py, engine, &rows, threads);
    decisions.append(decided);
    Ok(())
}

/// Longest text of a context that is copied, in bytes: kernels then read short ones side by side, and the rows are
/// not touched again. Longer ones are held.
const COPIED_BYTES: usize = 64;

/// Keeps what the slots of all rows borrow from.
#[derive(Default)]
struct Keeper<'py> {
    texts: Bump,
    long_texts: Arena<Bound<'py, PyString>>,
    values: Arena<Value>,
}

impl<'py> Keeper<'py> {
    /// Puts the readings of a row into its slots; none is left.
    fn fill<'a>(&'a self, readings: &mut Readings<'py>, slots: &mut [Slot<'a>]) -> Result<(), Misfit> {
        for (slot, held) in readings.drain(..) {
            let value = match held {
                Held::Text(text) => Slot::Value(ValueRef::String(self.keep(text)?)),
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

    #[inline]
    fn keep(&self, text: Bound<'py, PyString>) -> Result<&str, Misfit> {
        let known = text.to_str().map_err(|_| Misfit)?;
        if known.len() <= COPIED_BYTES {
            return Ok(self.texts.alloc_str(known));
        }
        self.long_texts.alloc(text).to_str().map_err(|_| Misfit)
    }
}

/// The names of a row's four parts.
struct Names<'py>([&'py Bound<'py, PyString>; 4]);

/// The four parts of a row.
struct Parts<'py> {
    principal: Bound<'py, PyAny>,
    action: Bound<'py, PyAny>,
    resource: Bound<'py, PyAny>,
    context: Option<Bound<'py, PyAny>>,
}

impl<'py> Names<'py> {
    fn of(py: Python<'py>) -> Self {
        Self([intern!(py, "principal"), intern!(py, "action"), intern!(py, "resource"), intern!(py, "context")])
    }

    /// The parts of a row that is a dict: those whose names are the very strings that a program's text has in one
    /// walk, others by looking them up.
    fn parts(&self, row: &Bound<'py, PyAny>, at: usize) -> PyResult<Parts<'py>> {
        let py = row.py();
        let Ok(row) = row.cast::<PyDict>() else {
            return Err(errors::column(
                py,
                &format!("row {at} is no dict: a row is a dict with principal, action, resource and context"),
            ));
        };
        let mut found: [Option<Bound<'py, PyAny>>; 4] = Default::default();
        walk(row, |key, value| {
            if let Some(part) = self.0.iter().position(|name| name.as_ptr() == key)
                && let Some(place) = found.get_mut(part)
            {
                *place = Some(value.to_owned());
            }
            true
        });
        for (place, name) in found.iter_mut().zip(&self.0) {
            if place.is_none() {
                *place = row.get_item(name)?;
            }
        }
        let [Some(principal), Some(action), Some(resource), context] = found else {
            let missing = self.0.iter().zip(&found).find(|(_, found)| found.is_none());
            let name = missing.map_or_else(String::new, |(name, _)| name.to_string());
            return Err(errors::column(
                py,
                &format!("row {at} has no `{name}`: a row has principal, action and resource"),
            ));
        };
        Ok(Parts { principal, action, resource, context: context.filter(|context| !context.is_none()) })
    }
}
