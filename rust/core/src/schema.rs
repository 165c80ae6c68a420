//! Which types do the organisation's entities and the contexts of its actions have?
//!
//! The resolved form of a Cedar schema: common types are expanded, memberships are transitive. It directs how values
//! are read and says which requests are well formed.
//!
//! Twin: `reference/schema.py`. Read next: `request.rs`.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::FixedState;

use crate::value::{EntityId, TypeId};

/// The type of a value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Type {
    /// `Bool`
    Bool,
    /// `Long`
    Long,
    /// `String`
    String,
    /// An entity of this type.
    Entity(TypeId),
    /// A set whose members all have one type.
    Set(Box<Self>),
    /// A record with just these attributes.
    Record(Arc<RecordType>),
    /// `decimal`
    Decimal,
    /// `ipaddr`
    Ip,
    /// `datetime`
    Datetime,
    /// `duration`
    Duration,
}

/// One attribute of a record or entity type.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AttributeType {
    /// Its name.
    pub name: Arc<str>,
    /// The type of its values.
    pub value: Type,
    /// Whether it must be there.
    pub required: bool,
}

/// The attributes of a record or entity type, sorted by name.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RecordType(Box<[AttributeType]>);

impl RecordType {
    /// A record type of these attributes, in any order.
    #[must_use]
    pub fn new(mut attributes: Vec<AttributeType>) -> Self {
        attributes.sort_unstable_by(|left, right| left.name.cmp(&right.name));
        attributes.dedup_by(|later, earlier| later.name == earlier.name);
        Self(attributes.into_boxed_slice())
    }

    /// The attributes, sorted by name.
    #[must_use]
    pub fn attributes(&self) -> &[AttributeType] {
        &self.0
    }

    /// The attribute of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&AttributeType> {
        let at = self.0.binary_search_by(|attribute| (*attribute.name).cmp(name)).ok()?;
        self.0.get(at)
    }
}

/// An entity type.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EntityType {
    /// Its attributes.
    pub attributes: Arc<RecordType>,
    /// The type of its tags; none if it has no tags.
    pub tags: Option<Type>,
    /// All ids there are, sorted, for an enumerated type.
    pub ids: Option<Box<[Arc<str>]>>,
    /// Types that its entities may be in, transitively.
    pub member_of: Box<[TypeId]>,
}

impl EntityType {
    /// Whether an entity of this type may have this id.
    #[must_use]
    pub fn has_id(&self, id: &str) -> bool {
        self.ids.as_ref().is_none_or(|ids| ids.binary_search_by(|known| (**known).cmp(id)).is_ok())
    }
}

/// An action and the requests it is meant for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ActionType {
    /// The action.
    pub action: EntityId,
    /// The groups it is in, transitively, sorted.
    pub ancestors: Box<[EntityId]>,
    /// Types of principals, sorted.
    pub principals: Box<[TypeId]>,
    /// Types of resources, sorted.
    pub resources: Box<[TypeId]>,
    /// What the context must look like.
    pub context: Arc<RecordType>,
}

impl ActionType {
    /// Whether an entity with these parents is in the very groups that the action is in.
    #[must_use]
    pub fn is_in_groups(&self, parents: &[EntityId], schema: &Schema) -> bool {
        let mut groups = parents.to_vec();
        for parent in parents {
            groups.extend(schema.actions.get(parent).into_iter().flat_map(|parent| parent.ancestors.iter().copied()));
        }
        groups.sort_unstable();
        groups.dedup();
        groups[..] == self.ancestors[..]
    }
}

/// All entity types and actions.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Schema {
    /// Entity types by number.
    pub entity_types: HashMap<TypeId, EntityType, FixedState>,
    /// Actions by number of their uid.
    pub actions: HashMap<EntityId, ActionType, FixedState>,
}
