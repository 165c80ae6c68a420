//! What stays when another bundle decides from now on?
//!
//! A reload is one step: the new bundle's rules, declarations and entities take the place of the old one's, over the
//! same numbers. What changed at run time stays: entities that were put in or taken out, links, revocations, grants.
//! What was approved does not. If something that stays does not fit the new bundle, nothing changes; but the new schema's
//! actions are as it says, whatever was taken out before there was one.
//!
//! Twin: `reference/engine.py`. Read next: `engine.rs`.

use std::sync::Arc;

use crate::authorize::PolicyError;
use crate::engine::{Engine, Snapshot};
use crate::entities::{Cycle, Edits, Entity, Lineage, Store};
use crate::request::{Locals, check_record, check_value, has_id};
use crate::schema::Schema;
use crate::value::EntityId;

/// Why a bundle cannot take the place of the one that decides.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ReloadError {
    /// One of the two has tasks and the other has none.
    OtherKind,
    /// The new bundle was not made over the store that it was given.
    OtherStore,
    /// An entity that was put in at run time does not fit the new schema.
    Entity(EntityId),
    /// With the new bundle's entities, one would be its own ancestor.
    Cycle(EntityId),
    /// A link does not fit the new bundle's templates.
    Link(Arc<str>, PolicyError),
}

impl From<Cycle> for ReloadError {
    fn from(Cycle(entity): Cycle) -> Self {
        Self::Cycle(entity)
    }
}

impl Engine {
    /// Puts another bundle in the place of the one that decides. `load` makes it over a store that knows the same uids.
    ///
    /// # Errors
    ///
    /// What `load` gives, or a [`ReloadError`]; then nothing has changed.
    pub fn reload<E: From<ReloadError>>(&self, load: impl FnOnce(Store) -> Result<Snapshot, E>) -> Result<(), E> {
        let mut lineage = self.write();
        let now = self.snapshot();
        let touched = lineage.as_ref().map(|lineage| lineage.touched.clone()).unwrap_or_default();
        let mut next = load(now.store.without_data())?;
        if next.compiled.declarations.is_some() != now.compiled.declarations.is_some() {
            return Err(ReloadError::OtherKind.into());
        }
        if !next.store.continues(&now.store) {
            return Err(ReloadError::OtherStore.into());
        }
        let mut next_lineage = Lineage::of(&next.store);
        let mut edits = Edits::new(next.store.clone(), &mut next_lineage);
        let schema = next.compiled.schema.as_deref();
        let is_fixed = |entity: &EntityId| schema.is_some_and(|schema| schema.actions.contains_key(entity));
        touched.taken.iter().filter(|entity| !is_fixed(entity)).for_each(|entity| edits.take(*entity));
        for entity in &touched.put {
            let Some(data) = now.store.get(*entity) else { continue };
            if let Some(schema) = schema
                && !fits(*entity, data, schema, &next.store)
            {
                return Err(ReloadError::Entity(*entity).into());
            }
            if is_fixed(entity) {
                continue;
            }
            edits.put(*entity, Entity::new(data.attributes.clone(), data.tags.clone(), data.parents.to_vec()));
        }
        next.store = edits.finish().map_err(ReloadError::from)?;
        next.epoch = now.epoch.saturating_add(1);
        for (_, policy) in now.policies.iter() {
            let Some((template, values)) = &policy.link else { continue };
            let linked = next.policies.link(template, &policy.name, *values, next.epoch);
            linked.map_err(|error| ReloadError::Link(policy.name.clone(), error))?;
        }
        next.generation = now.generation.saturating_add(1);
        *lineage = Some(next_lineage);
        self.publish(next);
        self.approvals.clear();
        self.grants.note_change();
        Ok(())
    }
}

/// Whether an entity is one that a schema provides for.
fn fits(entity: EntityId, data: &Entity, schema: &Schema, store: &Store) -> bool {
    if let Some(action) = schema.actions.get(&entity) {
        return data.attributes.is_empty() && data.tags.is_empty() && action.is_in_groups(&data.parents, schema);
    }
    let locals = Locals::default();
    let Some(declared) = schema.entity_types.get(&store.type_of(entity)) else { return false };
    let attributes = data.attributes.attributes().map(|(name, value)| (&**name, value));
    let tags_fit = match &declared.tags {
        None => data.tags.is_empty(),
        Some(tags) => {
            data.tags.attributes().all(|(_, value)| check_value(value.borrow(), tags, schema, store, &locals))
        }
    };
    has_id(entity, schema, store, &locals)
        && check_record(attributes, &declared.attributes, schema, store, &locals)
        && tags_fit
        && data.parents.iter().all(|parent| declared.member_of.contains(&store.type_of(*parent)))
}
