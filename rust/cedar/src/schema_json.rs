//! The resolved schema as JSON, for the reference and for people.
//!
//! Names are full, common types are gone, ancestors are transitive; lists are sorted. Action types are left out: their
//! ids are the actions. The form is documented in `docs/reference/schema.md`.

use agentpdp_core::entities::Store;
use agentpdp_core::schema::{EntityType, RecordType, Schema, Type};
use agentpdp_core::value::{EntityId, TypeId};
use serde_json::{Map, Value, json};

use crate::values::is_action_type;

/// Prints a schema whose names are the store's.
#[must_use]
pub fn resolved_json(schema: &Schema, store: &Store) -> Value {
    let mut entity_types: Vec<(&str, &EntityType)> =
        schema.entity_types.iter().map(|(type_id, entity_type)| (name(*type_id, store), entity_type)).collect();
    entity_types.retain(|(name, _)| !is_action_type(name));
    entity_types.sort_unstable_by_key(|(name, _)| *name);
    let entity_types: Map<String, Value> =
        entity_types.into_iter().map(|(name, shape)| (name.to_owned(), entity_type(shape, store))).collect();
    let mut actions: Vec<_> = schema.actions.values().collect();
    actions.sort_unstable_by_key(|action| store.uid(action.action));
    let actions: Vec<Value> = actions
        .into_iter()
        .map(|action| {
            json!({
                "uid": uid(action.action, store),
                "ancestors": uids(&action.ancestors, store),
                "principals": names(&action.principals, store),
                "resources": names(&action.resources, store),
                "context": {"attributes": attributes(&action.context, store)},
            })
        })
        .collect();
    json!({"entity_types": entity_types, "actions": actions})
}

fn entity_type(entity_type: &EntityType, store: &Store) -> Value {
    let ids: Option<Vec<&str>> = entity_type.ids.as_ref().map(|ids| ids.iter().map(|id| &**id).collect());
    json!({
        "attributes": attributes(&entity_type.attributes, store),
        "tags": entity_type.tags.as_ref().map(|tags| value_type(tags, store)),
        "enum": ids,
        "member_of": names(&entity_type.member_of, store),
    })
}

pub(crate) fn attributes(record: &RecordType, store: &Store) -> Value {
    let attribute = |attribute: &agentpdp_core::schema::AttributeType| {
        let value = json!({"type": value_type(&attribute.value, store), "required": attribute.required});
        (attribute.name.to_string(), value)
    };
    Value::Object(record.attributes().iter().map(attribute).collect())
}

pub(crate) fn value_type(value: &Type, store: &Store) -> Value {
    let extension = |name: &str| json!({"kind": "Extension", "name": name});
    match value {
        Type::Bool => json!({"kind": "Bool"}),
        Type::Long => json!({"kind": "Long"}),
        Type::String => json!({"kind": "String"}),
        Type::Entity(type_id) => json!({"kind": "Entity", "name": name(*type_id, store)}),
        Type::Set(member) => json!({"kind": "Set", "element": value_type(member, store)}),
        Type::Record(record) => json!({"kind": "Record", "attributes": attributes(record, store)}),
        Type::Decimal => extension("decimal"),
        Type::Ip => extension("ipaddr"),
        Type::Datetime => extension("datetime"),
        Type::Duration => extension("duration"),
    }
}

fn name(type_id: TypeId, store: &Store) -> &str {
    store.type_name(type_id).map_or("", |name| name)
}

pub(crate) fn names(types: &[TypeId], store: &Store) -> Vec<String> {
    let mut names: Vec<String> = types.iter().map(|type_id| name(*type_id, store).to_owned()).collect();
    names.sort_unstable();
    names
}

pub(crate) fn uid(entity: EntityId, store: &Store) -> Value {
    let (type_name, id) = store.uid(entity).map_or(("", ""), |(type_name, id)| (&**type_name, &**id));
    json!({"type": type_name, "id": id})
}

fn uids(entities: &[EntityId], store: &Store) -> Vec<Value> {
    let mut sorted: Vec<EntityId> = entities.to_vec();
    sorted.sort_unstable_by_key(|entity| store.uid(*entity));
    sorted.into_iter().map(|entity| uid(entity, store)).collect()
}
