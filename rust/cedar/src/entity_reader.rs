//! One entity: from its JSON to the core's form, checked against the schema.
//!
//! The checks are those of Cedar's `EntitySchemaConformanceChecker`. Read next: `entities_error.rs`.

use std::sync::Arc;

use agentpdp_core::entities::{Entity, Store};
use agentpdp_core::schema::{EntityType, RecordType, Schema, Type};
use agentpdp_core::value::{EntityId, Record, Value};

use crate::entities_error::EntityError;
use crate::finding::Code;
use crate::input::Input;
use crate::values::{Step, ValueError, conform, is_action_type, read_uid, read_value};

/// Reads entities into a store's numbers.
pub(crate) struct EntityReader<'s> {
    pub(crate) store: &'s mut Store,
    pub(crate) schema: Option<&'s Schema>,
}

impl EntityReader<'_> {
    /// The entity; none for an action that the schema has already put in.
    pub(crate) fn read(&mut self, input: &Input) -> Result<Option<(EntityId, Entity)>, EntityError> {
        let Input::Object(members) = input else {
            return Err(EntityError::shape(format!("expected an object, found {}", input.kind())));
        };
        if let Some((name, _)) = members.iter().find(|(name, _)| !EntityError::KEYS.contains(&name.as_str())) {
            return Err(EntityError::shape(format!("`{}` is no key of an entity", name.escape_debug())));
        }
        let uid = self.uid(member(input, "uid")?, "uid")?;
        let attributes = object(member(input, "attrs")?, "attrs")?;
        let tags = input.get("tags").map_or(Ok(&[][..]), |tags| object(tags, "tags"))?;
        let Input::List(parents) = member(input, "parents")? else {
            return Err(EntityError::shape("`parents` must be a list of uids".to_owned()));
        };
        let parents: Vec<EntityId> =
            parents.iter().map(|parent| self.uid(parent, "parents")).collect::<Result<_, _>>()?;
        if self.is_action(uid) && !parents.iter().all(|parent| self.is_action(*parent)) {
            return Err(EntityError::shape("an action can only be in actions".to_owned()));
        }
        let Some(schema) = self.schema else {
            let attributes = self.record(attributes, "attrs")?;
            let tags = self.record(tags, "tags")?;
            return Ok(Some((uid, Entity::new(attributes, tags, parents))));
        };
        if self.is_action(uid) {
            return check_action(uid, attributes.len().saturating_add(tags.len()), &parents, schema).map(|()| None);
        }
        let entity_type =
            schema.entity_types.get(&self.store.type_of(uid)).ok_or_else(|| self.undeclared(uid, schema))?;
        self.check_uids(uid, &parents, entity_type, schema)?;
        let attributes = self.typed(attributes, &entity_type.attributes, schema)?;
        let tags = self.typed_tags(tags, entity_type.tags.as_ref(), schema)?;
        Ok(Some((uid, Entity::new(attributes, tags, parents))))
    }

    fn uid(&mut self, input: &Input, key: &str) -> Result<EntityId, EntityError> {
        let read = read_uid(input, &mut |type_name, id| self.store.intern(type_name, id));
        read.map_err(|error| self.value_error(Code::EntityUid, key, &error))
    }

    fn is_action(&self, entity: EntityId) -> bool {
        self.store.uid(entity).is_some_and(|(type_name, _)| is_action_type(type_name))
    }

    fn value_error(&self, code: Code, key: &str, error: &ValueError) -> EntityError {
        let path = error.path();
        let path =
            if path.is_empty() || path.starts_with('[') { format!("{key}{path}") } else { format!("{key}.{path}") };
        EntityError::new(code, error.message(self.store)).at(path).advise(error.advice())
    }

    /// Attributes or tags where there is no schema.
    fn record(&mut self, members: &[(String, Input)], key: &str) -> Result<Record, EntityError> {
        let mut read = Vec::with_capacity(members.len());
        for (name, value) in members {
            let value = read_value(value, None, &mut |type_name, id| self.store.intern(type_name, id));
            read.push((Arc::from(&**name), value.map_err(|error| self.inside(Code::EntityValue, key, name, error))?));
        }
        // Names are distinct: the reader of the JSON, or the host's dict, saw to it.
        Record::new(read).map_err(|_| EntityError::shape(format!("a name stands twice in `{key}`")))
    }

    fn inside(&self, code: Code, key: &str, name: &str, error: ValueError) -> EntityError {
        self.value_error(code, key, &error.inside(Step::Name(Arc::from(name))))
    }

    fn typed(
        &mut self,
        members: &[(String, Input)],
        wanted: &RecordType,
        schema: &Schema,
    ) -> Result<Record, EntityError> {
        let mut read = Vec::with_capacity(members.len());
        for (name, value) in members {
            let Some(attribute) = wanted.get(name) else {
                let declared: Vec<&str> = wanted.attributes().iter().map(|attribute| &*attribute.name).collect();
                return Err(EntityError::new(Code::EntitySchema, "the schema does not declare this attribute")
                    .at(format!("attrs.{}", name.escape_debug()))
                    .advise(listing("the type has", &declared)));
            };
            read.push((attribute.name.clone(), self.fitting(value, &attribute.value, "attrs", name, schema)?));
        }
        let lacks = |name: &str| members.iter().all(|(given, _)| given != name);
        if let Some(missing) = wanted.attributes().iter().find(|attribute| attribute.required && lacks(&attribute.name))
        {
            return Err(EntityError::new(Code::EntitySchema, "a required attribute is missing")
                .at(format!("attrs.{}", missing.name.escape_debug())));
        }
        Record::new(read).map_err(|_| EntityError::shape("a name stands twice in `attrs`".to_owned()))
    }

    fn typed_tags(
        &mut self,
        members: &[(String, Input)],
        wanted: Option<&Type>,
        schema: &Schema,
    ) -> Result<Record, EntityError> {
        let Some(wanted) = wanted else {
            return match members {
                [] => Ok(Record::default()),
                _ => Err(EntityError::new(Code::EntitySchema, "the schema declares no tags for this type").at("tags")),
            };
        };
        let mut read = Vec::with_capacity(members.len());
        for (name, value) in members {
            read.push((Arc::from(&**name), self.fitting(value, wanted, "tags", name, schema)?));
        }
        Record::new(read).map_err(|_| EntityError::shape("a name stands twice in `tags`".to_owned()))
    }

    fn fitting(
        &mut self,
        input: &Input,
        wanted: &Type,
        key: &str,
        name: &str,
        schema: &Schema,
    ) -> Result<Value, EntityError> {
        let value = read_value(input, Some(wanted), &mut |type_name, id| self.store.intern(type_name, id))
            .and_then(|value| conform(&value, wanted, schema, self.store).map(|()| value));
        value.map_err(|error| self.inside(Code::EntitySchema, key, name, error))
    }

    fn undeclared(&self, uid: EntityId, schema: &Schema) -> EntityError {
        let mut declared: Vec<&str> = schema
            .entity_types
            .keys()
            .filter_map(|type_id| self.store.type_name(*type_id))
            .map(|name| &**name)
            .collect();
        declared.sort_unstable();
        let name = self.store.uid(uid).map_or("", |(type_name, _)| type_name);
        EntityError::new(Code::EntitySchema, format!("the schema does not declare the entity type `{name}`"))
            .at("uid")
            .advise(listing("it declares", &declared))
    }

    fn check_uids(
        &self,
        uid: EntityId,
        parents: &[EntityId],
        entity_type: &EntityType,
        schema: &Schema,
    ) -> Result<(), EntityError> {
        let listed = |entity: EntityId| {
            let entity_type = schema.entity_types.get(&self.store.type_of(entity));
            entity_type.zip(self.store.uid(entity)).is_none_or(|(entity_type, (_, id))| entity_type.has_id(id))
        };
        let unlisted = |key: &str| {
            EntityError::new(Code::EntitySchema, "the schema does not list this id for its type").at(key.to_owned())
        };
        if !listed(uid) {
            return Err(unlisted("uid"));
        }
        for parent in parents {
            let parent_type = self.store.type_of(*parent);
            if !entity_type.member_of.contains(&parent_type) {
                let name = self.store.type_name(parent_type).map_or("", |name| name);
                let message = format!("the schema does not let entities of this type be in a `{name}`");
                return Err(EntityError::new(Code::EntitySchema, message).at("parents"));
            }
            if !listed(*parent) {
                return Err(unlisted("parents"));
            }
        }
        Ok(())
    }
}

/// An action in the data must be what the schema says of it.
fn check_action(uid: EntityId, content: usize, parents: &[EntityId], schema: &Schema) -> Result<(), EntityError> {
    let wrong =
        |message: &str| Err(EntityError::new(Code::EntitySchema, message).advise("leave actions to the schema"));
    let Some(action) = schema.actions.get(&uid) else { return wrong("the schema does not declare this action") };
    if content != 0 {
        return wrong("actions have neither attributes nor tags");
    }
    if !action.is_in_groups(parents, schema) {
        return wrong("the schema has this action in other groups");
    }
    Ok(())
}

fn member<'i>(input: &'i Input, key: &str) -> Result<&'i Input, EntityError> {
    input.get(key).ok_or_else(|| EntityError::shape(format!("`{key}` is missing")))
}

fn object<'i>(input: &'i Input, key: &str) -> Result<&'i [(String, Input)], EntityError> {
    match input {
        Input::Object(members) => Ok(members),
        _ => Err(EntityError::shape(format!("`{key}` must be an object, not {}", input.kind()))),
    }
}

/// The first few of a list, for an advice.
fn listing(start: &str, names: &[&str]) -> String {
    const SHOWN: usize = 12;
    if names.is_empty() {
        return format!("{start} none");
    }
    let shown: Vec<String> = names.iter().take(SHOWN).map(|name| format!("`{}`", name.escape_debug())).collect();
    let rest = names.len().saturating_sub(SHOWN);
    let rest = if rest == 0 { String::new() } else { format!(" and {rest} more") };
    format!("{start} {}{rest}", shown.join(", "))
}
