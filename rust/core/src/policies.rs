//! What is a policy, and to which requests does its scope apply?
//!
//! A policy permits or forbids; its scope constrains principal, action and resource by equality, membership and type,
//! which never errs; its condition is an expression. A template's constraints may name a slot, and a link is the
//! template with entities put into its slots.
//!
//! Twin: `reference/policies.py`. Read next: `schema.rs`.

use std::sync::Arc;

use crate::expression::{Expression, Slot};
use crate::value::{EntityId, TypeId};

/// What a satisfied policy does.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Effect {
    /// It allows, unless something forbids.
    Permit,
    /// It denies.
    Forbid,
}

/// An entity, or a template's place for one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Reference {
    /// This entity.
    Entity(EntityId),
    /// What a link puts into the slot.
    Slot(Slot),
}

/// What a scope says of principal or resource, in a policy or a template.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ScopeSource {
    /// Nothing.
    Any,
    /// `== E`
    Equal(Reference),
    /// `in E`
    In(Reference),
    /// `is T`
    Is(TypeId),
    /// `is T in E`
    IsIn(TypeId, Reference),
}

impl ScopeSource {
    /// The constraint with the entities of a link in the place of slots.
    #[must_use]
    pub fn fill(self, values: &SlotValues) -> Option<Scope> {
        let entity = |reference| match reference {
            Reference::Entity(entity) => Some(entity),
            Reference::Slot(slot) => values.get(slot),
        };
        Some(match self {
            Self::Any => Scope::Any,
            Self::Equal(reference) => Scope::Equal(entity(reference)?),
            Self::In(reference) => Scope::In(entity(reference)?),
            Self::Is(type_id) => Scope::Is(type_id),
            Self::IsIn(type_id, reference) => Scope::IsIn(type_id, entity(reference)?),
        })
    }

    /// The slot that the constraint names.
    #[must_use]
    pub fn slot(self) -> Option<Slot> {
        match self {
            Self::Equal(Reference::Slot(slot)) | Self::In(Reference::Slot(slot)) => Some(slot),
            Self::IsIn(_, Reference::Slot(slot)) => Some(slot),
            _ => None,
        }
    }
}

/// What a scope says of principal or resource.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Scope {
    /// Nothing.
    #[default]
    Any,
    /// `== E`
    Equal(EntityId),
    /// `in E`
    In(EntityId),
    /// `is T`
    Is(TypeId),
    /// `is T in E`
    IsIn(TypeId, EntityId),
}

/// What a scope says of the action.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum ActionScope {
    /// Nothing.
    Any,
    /// `== E`
    Equal(EntityId),
    /// `in E`, `in [E, …]`
    In(Box<[EntityId]>),
}

/// The entities that a link puts into a template's slots.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct SlotValues {
    /// For `?principal`.
    pub principal: Option<EntityId>,
    /// For `?resource`.
    pub resource: Option<EntityId>,
}

impl SlotValues {
    /// The entity for a slot.
    #[must_use]
    pub fn get(&self, slot: Slot) -> Option<EntityId> {
        match slot {
            Slot::Principal => self.principal,
            Slot::Resource => self.resource,
        }
    }
}

/// A static policy or a template, as the bundle's text says it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PolicySource {
    /// Its name.
    pub id: Arc<str>,
    /// Permit or forbid.
    pub effect: Effect,
    /// What the scope says of the principal.
    pub principal: ScopeSource,
    /// What the scope says of the action.
    pub action: ActionScope,
    /// What the scope says of the resource.
    pub resource: ScopeSource,
    /// All `when` and `unless` clauses as one expression; none if there are none.
    pub condition: Option<Expression>,
    /// For a forbid: the role whose approval discharges it (`@step_up`).
    pub step_up: Option<Arc<str>>,
}

impl PolicySource {
    /// The slots that a link must fill: `?principal`, then `?resource`.
    #[must_use]
    pub fn slots(&self) -> Vec<Slot> {
        [self.principal, self.resource].into_iter().filter_map(ScopeSource::slot).collect()
    }
}
