//! From Arrow columns to rows.
//!
//! The context comes as a struct column, or as columns with dotted names (`context.input.amount`), or as both; either
//! way it is a tree of columns, which is walked along the layouts of the batch's actions. Every rule of reading a
//! single context holds per row: what is not declared, missing or ill-typed refuses that row and no other.

use std::num::NonZero;

use agentpdp_core::columns::{Rows, Side};
use agentpdp_core::decision::Reason;
use agentpdp_core::engine::{ActionEntry, Compiled, Snapshot};
use agentpdp_core::parallel::{Decided, decide_all, each_part, thread_count};
use agentpdp_core::request::{Locals, has_id};
use agentpdp_core::slots::Layout;
use agentpdp_core::value::{EntityId, TypeId};
use pyo3::prelude::*;
use typed_arena::Arena;

use super::BATCH_ROWS_MAX;
use super::arrow::{Batch, Import};
use super::contexts::ContextBuilder;
use super::decisions::Decisions;
use super::tree::{Leaf, Node};
use super::uids::SideReader;
use crate::engine::Engine;
use crate::errors;

/// Decides whatever speaks Arrow's C interface, record batch by record batch.
pub(super) fn decide_arrow(
    slf: &Bound<'_, Engine>,
    table: &Bound<'_, PyAny>,
    threads: Option<NonZero<usize>>,
    decisions: &mut Decisions,
) -> PyResult<()> {
    let py = slf.py();
    let import = Import::take(table).map_err(|error| errors::column(py, &error.value(py).to_string()))?;
    let is_wanted = |name: &str| SIDES.contains(&name) || is_context(name);
    let batches = import.map_or(Ok(Vec::new()), |import| import.into_batches(is_wanted));
    for batch in batches.map_err(|message| errors::column(py, &message))? {
        decide_record_batch(slf, batch, threads, decisions)?;
    }
    Ok(())
}

fn decide_record_batch(
    slf: &Bound<'_, Engine>,
    batch: Batch,
    threads: Option<NonZero<usize>>,
    decisions: &mut Decisions,
) -> PyResult<()> {
    let mut sides: [Option<Leaf>; 3] = [None, None, None];
    let mut context = Node::Record(Vec::new());
    for (name, column) in batch.columns {
        let leaf = Leaf::Arrow(column);
        match SIDES.iter().position(|side| *side == name).and_then(|side| sides.get_mut(side)) {
            Some(place) => *place = Some(leaf),
            None => {
                context.insert(name.split('.').skip(1), leaf).map_err(|message| errors::column(slf.py(), &message))?
            }
        }
    }
    decide_columns(slf, sides, &context, batch.row_count, threads, decisions)
}

/// Fewest rows that are worth a thread of their own, to check their entities.
const ROWS_PER_THREAD_MIN: usize = 32_768;

/// Names of the entity columns.
pub(super) const SIDES: [&str; 3] = ["principal", "action", "resource"];

/// Whether a column is the context or a part of it.
pub(super) fn is_context(name: &str) -> bool {
    name.split('.').next() == Some("context")
}

/// Decides rows that stand in columns.
pub(super) fn decide_columns(
    slf: &Bound<'_, Engine>,
    sides: [Option<Leaf>; 3],
    context: &Node,
    row_count: usize,
    threads: Option<NonZero<usize>>,
    decisions: &mut Decisions,
) -> PyResult<()> {
    let py = slf.py();
    let engine = slf.get();
    let wrong = |message: &str| errors::column(py, message);
    if row_count >= BATCH_ROWS_MAX {
        return Err(wrong(&format!("a batch has fewer than {BATCH_ROWS_MAX} rows: split it")));
    }
    let [Some(principal), Some(action), Some(resource)] = &sides else {
        let at = sides.iter().position(Option::is_none).unwrap_or(0);
        let name = SIDES.get(at).copied().unwrap_or("principal");
        return Err(wrong(&format!("there is no column `{name}`: a batch has principal, action and resource")));
    };
    if engine.is_forked() {
        decisions.refuse_all(Reason::EngineForked, row_count);
        return Ok(());
    }
    let decided = py.detach(|| decide_detached(engine, [principal, action, resource], context, row_count, threads));
    decisions.append(decided.map_err(|message| wrong(&message))?);
    Ok(())
}

/// As [`decide_columns`], without the interpreter's lock; what is wrong with the columns is the error.
fn decide_detached(
    engine: &Engine,
    [principal, action, resource]: [&Leaf; 3],
    context: &Node,
    row_count: usize,
    threads: Option<NonZero<usize>>,
) -> Result<Decided, String> {
    let snapshot = engine.core.snapshot();
    let mut locals = Locals::default();
    let mut refused: Vec<Option<Reason>> = vec![None; row_count];
    let (store, nonce, threads_max) = (&snapshot.store, engine.nonce, thread_count(threads));
    let reader = |unreadable| SideReader { nonce, store, unreadable, threads: threads_max };
    let actions = action.side(&reader(Reason::UnknownAction), "action", &mut locals, &mut refused)?;
    let principals = principal.side(&reader(Reason::UnknownParty), "principal", &mut locals, &mut refused)?;
    let resources = resource.side(&reader(Reason::UnknownResource), "resource", &mut locals, &mut refused)?;

    let layouts = layouts(&snapshot.compiled, &actions, &mut refused);
    let (values, nodes) = (Arena::new(), Arena::new());
    let mut builder = ContextBuilder {
        engine,
        snapshot: &snapshot,
        locals: &mut locals,
        refused,
        actions: &actions,
        values: &values,
        nodes: &nodes,
    };
    let contexts = builder.contexts(context, &layouts, row_count);
    let mut refused = builder.refused;
    check_parties(&snapshot, &locals, &principals, &actions, &resources, &mut refused, threads_max);
    let rows = Rows { principals, actions, resources, layouts, contexts, refused, locals: &locals };
    Ok(decide_all(&engine.core, &rows, threads))
}

/// The layout of each distinct action's contexts; rows with an action that the schema does not know are refused.
pub(super) fn layouts<'c>(
    compiled: &'c Compiled,
    actions: &Side<'_>,
    refused: &mut [Option<Reason>],
) -> Vec<&'c Layout> {
    let found: Vec<_> = actions.distinct.iter().map(|action| layout_of(compiled, *action)).collect();
    if found.iter().any(|(_, is_known)| !is_known) {
        for (index, refused) in actions.index.iter().zip(refused) {
            if found.get(*index as usize).is_none_or(|(_, is_known)| !is_known)
                && refused.is_none_or(|reason| reason != Reason::StaleCode)
            {
                *refused = Some(Reason::UnknownAction);
            }
        }
    }
    found.into_iter().map(|(layout, _)| layout).collect()
}

/// The layout of an action's contexts, and whether the action may be asked for: with a schema, whether that has it.
pub(super) fn layout_of(compiled: &Compiled, action: EntityId) -> (&Layout, bool) {
    match compiled.actions.get(&action) {
        Some(entry) => (&entry.layout, true),
        None => (&compiled.whole, compiled.schema.is_none()),
    }
}

/// Refuses rows whose principal or resource does not fit the action, as `request::check_parties` does for one call.
pub(super) fn check_parties(
    snapshot: &Snapshot,
    locals: &Locals<'_>,
    principals: &Side<'_>,
    actions: &Side<'_>,
    resources: &Side<'_>,
    refused: &mut [Option<Reason>],
    threads: usize,
) {
    let compiled = &*snapshot.compiled;
    let Some(schema) = compiled.schema.as_deref() else { return };
    let store = &snapshot.store;
    let listed = bits(schema.entity_types.iter().filter(|(_, known)| known.ids.is_some()).map(|(type_id, _)| *type_id));
    let facts = |side: &Side<'_>| -> Vec<Fact> {
        let fact = |entity: &EntityId| {
            let type_id = if entity.is_local() { locals.type_of(*entity) } else { store.type_of(*entity) };
            let bit = bits([type_id]);
            let is_listed = (bit != 0 && bit & listed == 0) || has_id(*entity, schema, store, locals);
            Fact { type_id, bit: if is_listed { bit } else { 0 }, is_listed }
        };
        side.distinct.iter().map(fact).collect()
    };
    let (principal_facts, resource_facts) = (facts(principals), facts(resources));
    let entry = |action: &EntityId| {
        let entry = compiled.actions.get(action)?;
        Some((entry, bits(entry.action.principals.iter().copied()), bits(entry.action.resources.iter().copied())))
    };
    let entries: Vec<_> = actions.distinct.iter().map(entry).collect();
    let facts = Facts { principals: &principal_facts, resources: &resource_facts, entries: &entries };
    let per_thread = refused.len().div_ceil(threads.max(1)).max(ROWS_PER_THREAD_MIN);
    let indexes = [&principals.index, &actions.index, &resources.index].map(|index| index.chunks(per_thread));
    let [principals, actions, resources] = indexes;
    let parts = refused.chunks_mut(per_thread).zip(principals.zip(actions).zip(resources)).collect();
    each_part(parts, |(refused, ((principals, actions), resources))| {
        facts.check([principals, actions, resources], refused)
    });
}

/// What is checked of the entities of a batch.
struct Facts<'f> {
    principals: &'f [Fact],
    resources: &'f [Fact],
    /// Of each distinct action that the schema has, what it applies to; the types also as bits.
    entries: &'f [Option<(&'f ActionEntry, u64, u64)>],
}

impl Facts<'_> {
    /// Refuses those of some rows whose principal or resource does not fit the action.
    fn check(&self, [principals, actions, resources]: [&[u32]; 3], refused: &mut [Option<Reason>]) {
        for (refused, ((principal, action), resource)) in
            refused.iter_mut().zip(principals.iter().zip(actions).zip(resources))
        {
            let (principal, resource, entry) = (
                self.principals.get(*principal as usize),
                self.resources.get(*resource as usize),
                self.entries.get(*action as usize),
            );
            if let (Some(principal), Some(resource), Some(Some((_, principal_bits, resource_bits)))) =
                (principal, resource, entry)
                && principal.bit & principal_bits != 0
                && resource.bit & resource_bits != 0
            {
                continue;
            }
            if refused.is_some() {
                continue;
            }
            let (Some(principal), Some(resource), Some(Some((entry, ..)))) = (principal, resource, entry) else {
                *refused = Some(Reason::UnknownAction);
                continue;
            };
            if !principal.is_listed {
                *refused = Some(Reason::UnknownParty);
            } else if !resource.is_listed {
                *refused = Some(Reason::UnknownResource);
            } else if !entry.action.principals.contains(&principal.type_id)
                || !entry.action.resources.contains(&resource.type_id)
            {
                *refused = Some(Reason::NotApplicable);
            }
        }
    }
}

/// What is checked of an entity of a side.
struct Fact {
    type_id: TypeId,
    /// The type as one bit; none for types of large numbers, nor for an entity that its type does not list.
    bit: u64,
    is_listed: bool,
}

/// Types as bits of one number; those of large numbers have none.
fn bits(types: impl IntoIterator<Item = TypeId>) -> u64 {
    types.into_iter().fold(0, |bits, type_id| bits | 1u64.checked_shl(type_id.0).unwrap_or(0))
}
