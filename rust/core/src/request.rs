//! Is this request one that the schema provides for?
//!
//! Uids that only one request mentions get local numbers ([`Locals`]), so that a request cannot make the store grow.
//! [`check_value`] says whether a value fits a type, [`check_parties`] whether principal and resource fit the action.
//! In a bundle without a schema every request is well formed, as in Cedar.
//!
//! Twin: `reference/request.py`. Read next: `evaluate.rs`.

use std::borrow::Cow;
use std::collections::HashMap;

use foldhash::fast::RandomState;

use crate::decision::Reason;
use crate::entities::Store;
use crate::schema::{ActionType, RecordType, Schema, Type};
use crate::value::{EntityId, TypeId, Value, ValueRef};

/// Uids beyond which the request's own table is searched by hash.
const LOCALS_SCANNED_MAX: usize = 8;

/// Uids that only one request, or one batch of them, mentions.
#[derive(Clone, Debug, Default)]
pub struct Locals<'a> {
    uids: Vec<(TypeId, Cow<'a, str>, Cow<'a, str>)>,
    /// Where they stand, once they are more than are scanned.
    numbers: Option<Box<Numbers<'a>>>,
}

/// Where every uid is the store's.
pub static NO_LOCALS: Locals<'static> = Locals { uids: Vec::new(), numbers: None };

/// Places of uids by type and id.
type Numbers<'a> = HashMap<(Cow<'a, str>, Cow<'a, str>), usize, RandomState>;

impl<'a> Locals<'a> {
    /// The number of a uid: the store's if it knows it, else the request's own.
    #[allow(clippy::cast_possible_truncation)] // one request mentions far fewer than 2^31 uids
    pub fn resolve(&mut self, store: &Store, type_name: Cow<'a, str>, id: Cow<'a, str>) -> EntityId {
        let type_id = store.find_type(&type_name);
        if let Some(known) = type_id.and_then(|type_id| store.find_typed(type_id, &id)) {
            return known;
        }
        let at = self.position(&type_name, &id).unwrap_or_else(|| {
            let at = self.uids.len();
            if at == LOCALS_SCANNED_MAX {
                let known = self.uids.iter().enumerate();
                let numbers = known.map(|(at, (_, type_name, id))| ((type_name.clone(), id.clone()), at)).collect();
                self.numbers = Some(Box::new(numbers));
            }
            if let Some(numbers) = &mut self.numbers {
                numbers.insert((type_name.clone(), id.clone()), at);
            }
            self.uids.push((type_id.unwrap_or(TypeId::UNKNOWN), type_name, id));
            at
        });
        EntityId(EntityId::LOCAL_START | at as u32)
    }

    fn position(&self, type_name: &str, id: &str) -> Option<usize> {
        match &self.numbers {
            None => self.uids.iter().position(|(_, other_type, other_id)| *other_type == type_name && *other_id == id),
            Some(numbers) => numbers.get(&(Cow::Borrowed(type_name), Cow::Borrowed(id))).copied(),
        }
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.uids.is_empty()
    }

    /// The number that a store gives one of these uids, if it has come to know it.
    #[must_use]
    pub fn known_now(&self, entity: EntityId, store: &Store) -> Option<EntityId> {
        let (_, type_name, id) = self.uids.get(entity.is_local().then(|| entity.index())?)?;
        store.find(type_name, id)
    }

    /// The type of one of these uids.
    #[must_use]
    pub fn type_of(&self, entity: EntityId) -> TypeId {
        self.uids.get(entity.index()).map_or(TypeId::UNKNOWN, |(type_id, _, _)| *type_id)
    }

    /// The name of the type of one of these uids.
    #[must_use]
    pub fn type_name_of(&self, entity: EntityId) -> Option<&str> {
        self.uids.get(entity.index()).map(|(_, type_name, _)| &**type_name)
    }

    /// The id of one of these uids.
    #[must_use]
    pub fn id_of(&self, entity: EntityId) -> Option<&str> {
        self.uids.get(entity.index()).map(|(_, _, id)| &**id)
    }
}

/// Whether the id of a uid, of the store's or the request's own, is one of its type's, if that is enumerated.
#[must_use]
pub fn has_id(entity: EntityId, schema: &Schema, store: &Store, locals: &Locals<'_>) -> bool {
    let (type_id, id) = if entity.is_local() {
        (locals.type_of(entity), locals.id_of(entity))
    } else {
        (store.type_of(entity), store.uid(entity).map(|(_, id)| &**id))
    };
    match (schema.entity_types.get(&type_id), id) {
        (Some(entity_type), Some(id)) => entity_type.has_id(id),
        (Some(_), None) => false,
        (None, _) => true,
    }
}

/// Whether data may name this entity: besides, actions must be declared.
#[must_use]
pub fn admits(entity: EntityId, schema: &Schema, store: &Store, locals: &Locals<'_>) -> bool {
    let type_id = if entity.is_local() { locals.type_of(entity) } else { store.type_of(entity) };
    let is_entity_type = type_id == TypeId::UNKNOWN || schema.entity_types.contains_key(&type_id);
    has_id(entity, schema, store, locals) && (is_entity_type || schema.actions.contains_key(&entity))
}

/// Whether principal and resource fit the action, in the order in which the reasons are given.
///
/// # Errors
///
/// The reason why not.
pub fn check_parties(
    action: &ActionType,
    principal: EntityId,
    resource: EntityId,
    schema: &Schema,
    store: &Store,
    locals: &Locals<'_>,
) -> Result<(), Reason> {
    if !has_id(principal, schema, store, locals) {
        return Err(Reason::UnknownParty);
    }
    if !has_id(resource, schema, store, locals) {
        return Err(Reason::UnknownResource);
    }
    if applies(action, principal, resource, store, locals) { Ok(()) } else { Err(Reason::NotApplicable) }
}

/// Whether an action is for principals and resources of these types.
#[inline]
#[must_use]
pub fn applies(
    action: &ActionType,
    principal: EntityId,
    resource: EntityId,
    store: &Store,
    locals: &Locals<'_>,
) -> bool {
    let type_of = |entity: EntityId| if entity.is_local() { locals.type_of(entity) } else { store.type_of(entity) };
    action.principals.contains(&type_of(principal)) && action.resources.contains(&type_of(resource))
}

/// Whether a value fits a type.
#[must_use]
pub fn check_value(value: ValueRef<'_>, wanted: &Type, schema: &Schema, store: &Store, locals: &Locals<'_>) -> bool {
    match (value, wanted) {
        (ValueRef::Bool(_), Type::Bool)
        | (ValueRef::Long(_), Type::Long)
        | (ValueRef::String(_), Type::String)
        | (ValueRef::Decimal(_), Type::Decimal)
        | (ValueRef::Ip(_), Type::Ip)
        | (ValueRef::Datetime(_), Type::Datetime)
        | (ValueRef::Duration(_), Type::Duration) => true,
        (ValueRef::Entity(entity), Type::Entity(type_id)) => {
            let found = if entity.is_local() { locals.type_of(entity) } else { store.type_of(entity) };
            found == *type_id && admits(entity, schema, store, locals)
        }
        (ValueRef::Set(set), Type::Set(member)) => {
            set.values().iter().all(|value| check_value(value.borrow(), member, schema, store, locals))
        }
        (ValueRef::Record(record), Type::Record(wanted)) => {
            let attributes = record.attributes().map(|(name, value)| (&**name, value));
            check_record(attributes, wanted, schema, store, locals)
        }
        _ => false,
    }
}

/// Whether attributes are those of a record type: every required one, none that it does not declare, each of its type.
#[must_use]
pub fn check_record<'v>(
    attributes: impl Iterator<Item = (&'v str, &'v Value)>,
    wanted: &RecordType,
    schema: &Schema,
    store: &Store,
    locals: &Locals<'_>,
) -> bool {
    let mut required_found = 0usize;
    for (name, value) in attributes {
        let Some(attribute) = wanted.get(name) else { return false };
        if !check_value(value.borrow(), &attribute.value, schema, store, locals) {
            return false;
        }
        required_found = required_found.saturating_add(usize::from(attribute.required));
    }
    required_found == wanted.attributes().iter().filter(|attribute| attribute.required).count()
}
