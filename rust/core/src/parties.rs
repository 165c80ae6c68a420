//! What are the scopes of policies checked against?
//!
//! A [`Party`] is one side of a request with its type and everything that it is in; [`Parties`] are both sides, with what
//! the action is in, looked up once for all policies. Scopes never err.
//!
//! Optimisation: preserves what `Scope.applies` of `reference/policies.py` says; `Policies::answer_without_index` and the
//! tests named in `index.rs` hold it to that. Read next: `authorize.rs`.

use crate::entities::{Entity, Store, contains_sorted};
use crate::memory::Memory;
use crate::policies::Scope;
use crate::request::Locals;
use crate::value::{EntityId, TypeId};

/// One side of a request, with what its scopes are checked against.
#[derive(Clone, Copy, Debug)]
pub struct Party<'a> {
    /// The entity.
    pub entity: EntityId,
    /// Its type.
    pub type_id: TypeId,
    /// Everything it is in, sorted.
    pub ancestors: &'a [EntityId],
    /// Its data, if it is in the store.
    pub data: Option<&'a Entity>,
}

impl<'a> Party<'a> {
    /// What a store, or the request itself, says of an entity.
    #[inline(never)] // asked many times in a call: its code stands once
    #[must_use]
    pub fn of(entity: EntityId, store: &'a Store, locals: &Locals<'_>) -> Self {
        if entity.is_local() {
            return Self { entity, type_id: locals.type_of(entity), ancestors: &[], data: None };
        }
        let (type_id, data) = store.look(entity);
        Self { entity, type_id, ancestors: data.map_or(&[], Entity::ancestors), data }
    }

    /// What a store says of an entity of this type.
    #[inline]
    #[must_use]
    pub fn new(entity: EntityId, type_id: TypeId, store: &'a Store) -> Self {
        let data = store.get(entity);
        Self { entity, type_id, ancestors: data.map_or(&[], Entity::ancestors), data }
    }
}

impl Party<'_> {
    /// Whether a scope applies.
    #[inline]
    #[must_use]
    pub fn fits(&self, scope: Scope) -> bool {
        match scope {
            Scope::Any => true,
            Scope::Equal(wanted) => self.entity == wanted,
            Scope::In(group) => self.is_in(group),
            Scope::Is(type_id) => self.type_id == type_id,
            Scope::IsIn(type_id, group) => self.type_id == type_id && self.is_in(group),
        }
    }

    #[inline]
    fn is_in(&self, group: EntityId) -> bool {
        self.entity == group || contains_sorted(self.ancestors, group)
    }
}

/// What a call's scopes are checked against, looked up once.
#[derive(Clone, Copy, Debug)]
pub struct Parties<'s, 'a> {
    /// Who is asked.
    pub principal: &'s Party<'a>,
    /// What it is done to.
    pub resource: &'s Party<'a>,
    /// What the action is in.
    pub groups: &'a [EntityId],
    /// What was found out for other questions of the same call to the same policies.
    pub memory: Option<&'s Memory>,
}

impl<'s, 'a> Parties<'s, 'a> {
    /// Those of a call that is asked one question.
    #[inline]
    #[must_use]
    pub fn of(principal: &'s Party<'a>, resource: &'s Party<'a>, action: EntityId, store: &'a Store) -> Self {
        Self { principal, resource, groups: store.ancestors(action), memory: None }
    }
}
