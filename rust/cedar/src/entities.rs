//! Is this JSON an entity, and does it fit the schema?
//!
//! An entity is an object of `uid`, `attrs`, `parents` and, if it has any, `tags`. With a schema it must fit as Cedar's
//! own check has it: a declared type, every required attribute and no other, parents of the types that it may be in,
//! enumerated ids, actions as the schema has them. The schema's actions are entities, too, in the groups they are in.
//!
//! One file may have an entity twice if both are equal. Unknown keys are errors: `tag` instead of `tags` must not be
//! passed over. [`load_entities`] reads a file into a store, [`put_all`] what a host hands over at run time.
//!
//! Twin: `read_entity` in `reference/request.py`. Read next: `entity_reader.rs`.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::Arc;

use agentpdp_core::entities::{Edits, Entity, Lineage, Store};
use agentpdp_core::schema::Schema;
use agentpdp_core::value::{EntityId, Record};
use foldhash::fast::FixedState;

pub use crate::entities_error::EntityError;
use crate::entity_reader::EntityReader;
use crate::finding::{Code, Finding, Lines};
use crate::input::{Input, member_offset, read_members};
use crate::limits::{Language, measure};

/// Entities between two calls of the progress function.
pub const PROGRESS_STEP: usize = 10_000;

/// Told how many entities of how many are read; may stop the reading.
pub type Progress<'p> = dyn FnMut(usize, usize) -> ControlFlow<()> + 'p;

/// Puts entities in, each in place of what was there under its uid; of two with one uid the last one stays.
///
/// # Errors
///
/// [`EntityError`] names the first entity that cannot be put in.
pub fn put_all(edits: &mut Edits<'_>, entities: Vec<Input>, schema: Option<&Schema>) -> Result<(), EntityError> {
    for (index, input) in entities.iter().enumerate() {
        let read = EntityReader { store: edits.store(), schema }.read(input);
        if let Some((entity, data)) = read.map_err(|error| error.of(index, input))? {
            edits.put(entity, data);
        }
    }
    Ok(())
}

/// Whether an entity may be taken out: the schema's actions may not.
///
/// # Errors
///
/// [`EntityError`] if it is one of them.
pub fn check_removable(entity: EntityId, schema: Option<&Schema>) -> Result<(), EntityError> {
    if schema.is_some_and(|schema| schema.actions.contains_key(&entity)) {
        return Err(EntityError::new(Code::EntitySchema, "the schema declares this action; it cannot be taken out"));
    }
    Ok(())
}

/// Puts the schema's actions in, in the groups they are in.
pub fn put_actions(edits: &mut Edits<'_>, schema: &Schema) {
    for action in schema.actions.values() {
        let groups = action.ancestors.to_vec();
        edits.put(action.action, Entity::new(Record::default(), Record::default(), groups));
    }
}

/// A file could not be loaded.
#[derive(Debug)]
pub enum LoadError {
    /// This is wrong with it.
    Finding(Box<Finding>),
    /// The progress function said so.
    Stopped,
}

/// Reads the file of a bundle's entities into a store, and puts the schema's actions in.
///
/// # Errors
///
/// [`LoadError`] with the first entity that cannot be put in.
pub fn load_entities(
    file: &Arc<str>,
    text: &str,
    store: Store,
    schema: Option<&Schema>,
    progress: &mut Progress<'_>,
) -> Result<Store, LoadError> {
    let total = measure(file, text, Language::Json).map_err(LoadError::Finding)?.members;
    let base = store.clone();
    let mut lineage = Lineage::default();
    let mut edits = Edits::new(store, &mut lineage);
    if let Some(schema) = schema {
        put_actions(&mut edits, schema);
    }
    put_members(file, text, &mut edits, schema, &mut |index| progress(index, total))?;
    let store = edits.finish().map_err(|cycle| {
        let names = names_again(text, base, schema);
        EntityError::from(cycle).named(&names).stops(file, text)
    })?;
    match progress(total, total) {
        ControlFlow::Continue(()) => Ok(store),
        ControlFlow::Break(()) => Err(LoadError::Stopped),
    }
}

fn put_members(
    file: &Arc<str>,
    text: &str,
    edits: &mut Edits<'_>,
    schema: Option<&Schema>,
    progress: &mut dyn FnMut(usize) -> ControlFlow<()>,
) -> Result<(), LoadError> {
    let mut seen = HashSet::with_hasher(FixedState::default());
    let mut failed = None;
    let mut take = |index: usize, input: Input| {
        if index.is_multiple_of(PROGRESS_STEP) {
            progress(index)?;
        }
        if let Err(error) = put_one(edits, &input, schema, &mut seen) {
            failed = Some(error.of(index, &input));
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    };
    let read = read_members(text, &mut take);
    match (failed, read) {
        (Some(error), _) => Err(error.stops(file, text)),
        (None, Err(error)) => Err(LoadError::Finding(Box::new(not_json(file, text, &error)))),
        (None, Ok(ControlFlow::Break(()))) => Err(LoadError::Stopped),
        (None, Ok(ControlFlow::Continue(()))) => Ok(()),
    }
}

fn put_one(
    edits: &mut Edits<'_>,
    input: &Input,
    schema: Option<&Schema>,
    seen: &mut HashSet<EntityId, FixedState>,
) -> Result<(), EntityError> {
    let Some((entity, data)) = (EntityReader { store: edits.store(), schema }).read(input)? else { return Ok(()) };
    if seen.insert(entity) {
        edits.put(entity, data);
    } else if edits.store().get(entity) != Some(&data) {
        return Err(EntityError::new(
            Code::EntityDuplicate,
            "another entity of this uid stands further up, and differs",
        )
        .advise("put both into one"));
    }
    Ok(())
}

/// The uids of a file with the numbers that they got when it was read: a cycle is known by number only.
fn names_again(text: &str, mut store: Store, schema: Option<&Schema>) -> Store {
    let mut take = |_: usize, input: Input| {
        // It was read before, so it can be read again.
        let _ = EntityReader { store: &mut store, schema }.read(&input);
        ControlFlow::Continue(())
    };
    let _ = read_members(text, &mut take);
    store
}

fn not_json(file: &Arc<str>, text: &str, error: &serde_json::Error) -> Finding {
    let lines = Lines::of(text);
    // The reader appends the place; ours counts characters.
    let message = error.to_string();
    let message = message.split_once(" at line ").map_or(message.as_str(), |(message, _)| message);
    let advice = "write a JSON array of entities: `[{\"uid\": …, \"attrs\": {}, \"parents\": []}]`";
    Finding::new(Code::EntitiesSyntax, file, message, advice).at(&lines, lines.offset(error.line(), error.column()))
}

impl EntityError {
    /// The error as what stops the loading of a file.
    fn stops(&self, file: &Arc<str>, text: &str) -> LoadError {
        let finding = Finding::new(self.code(), file, self.to_string(), self.advice());
        LoadError::Finding(Box::new(match self.index().and_then(|index| member_offset(text, index)) {
            Some(offset) => finding.at(&Lines::of(text), offset),
            None => finding,
        }))
    }
}
