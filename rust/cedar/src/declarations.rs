//! What do `agentpdp.toml` and `tasks/*.toml` mean over the organisation's schema?
//!
//! Every name is looked up, every type and value read. What is not there is a finding at its place, with the name that
//! may have been meant.
//!
//! Read next: `host_actions.rs`.

use std::sync::Arc;

use agentpdp_core::entities::Store;
use agentpdp_core::schema::{AttributeType, RecordType, Schema, Type};
use agentpdp_core::tasks::{PARAMS_MAX, Param};
use agentpdp_core::value::{TypeId, Value};

use crate::finding::Code;
use crate::input::Input;
use crate::nearest::did_you_mean;
use crate::settings::Settings;
use crate::task_text::{ParamText, TaskText};
use crate::toml_text::{Placed, TextFile};
use crate::type_reader::TypeReader;
use crate::values::{conform, is_identifier, read_value};

/// What names are looked up in.
pub(crate) struct Lookup<'l> {
    pub(crate) types: TypeReader<'l>,
    pub(crate) organisation: &'l Schema,
    pub(crate) store: &'l mut Store,
}

/// Who takes part, and what tokens claim.
#[derive(Clone, Debug, Default)]
pub(crate) struct Parties {
    pub(crate) principals: Vec<TypeId>,
    pub(crate) agents: Vec<TypeId>,
    pub(crate) open_types: Vec<TypeId>,
    pub(crate) claims: Arc<RecordType>,
}

/// A task, looked up.
#[derive(Clone, Debug)]
pub(crate) struct TaskMeaning {
    pub(crate) params: Vec<Param>,
    pub(crate) principals: Option<Vec<TypeId>>,
    pub(crate) agents: Option<Vec<TypeId>>,
}

impl TaskMeaning {
    /// `context.grant.params`
    pub(crate) fn params_type(&self) -> Arc<RecordType> {
        let attribute =
            |param: &Param| AttributeType { name: param.name.clone(), value: param.value.clone(), required: true };
        Arc::new(RecordType::new(self.params.iter().map(attribute).collect()))
    }
}

impl Lookup<'_> {
    /// The entity type of a name; a finding if the schema has none.
    pub(crate) fn entity_type(&mut self, file: &TextFile<'_>, name: &Placed<String>) -> Option<TypeId> {
        if self.types.is_entity_type(&name.value) {
            return Some(self.store.intern_type(&name.value));
        }
        let types = self.types.entity_types();
        let advice = did_you_mean(&name.value, types.iter().map(String::as_str), "the schema's entity types are");
        let message = format!("the schema has no entity type `{}`", name.value.escape_debug());
        file.find(Code::EntityTypeUnknown, name.at, message, advice);
        None
    }

    /// Entity types, sorted and each once.
    pub(crate) fn entity_types(&mut self, file: &TextFile<'_>, names: &[Placed<String>]) -> Vec<TypeId> {
        let mut types: Vec<TypeId> = names.iter().filter_map(|name| self.entity_type(file, name)).collect();
        types.sort_unstable();
        types.dedup();
        types
    }

    pub(crate) fn parties(&mut self, file: &TextFile<'_>, settings: &Settings) -> Parties {
        let mut of = |key: &str, names: Option<&Vec<Placed<String>>>, example: &str| {
            let names = names.map_or(&[][..], Vec::as_slice);
            if names.is_empty() {
                let message = format!("`{key}` names no entity type");
                file.find_whole(Code::PartiesMissing, message, format!("write `{key} = [\"{example}\"]`"));
            }
            self.entity_types(file, names)
        };
        let principals = of("principals", settings.principals.as_ref(), "User");
        let agents = of("agents", settings.agents.as_ref(), "Agent");
        for name in settings.agents.iter().flatten() {
            if settings.principals.iter().flatten().any(|principal| principal.value == name.value) {
                let message = format!("`{}` is a type of principals and of agents", name.value);
                file.find(Code::PartiesOverlap, name.at, message, "give agents entity types of their own");
            }
        }
        let open_types = self.entity_types(file, &settings.open_types);
        for name in &settings.open_types {
            let named =
                |names: &Option<Vec<Placed<String>>>| names.iter().flatten().any(|known| known.value == name.value);
            if named(&settings.principals) || named(&settings.agents) {
                let message = format!("`{}` is a type of parties and open", name.value);
                file.find(
                    Code::OpenParty,
                    name.at,
                    message,
                    "a party that nobody knows is in no group that a `forbid` names: take it out of `open_types`",
                );
            }
        }
        let mut claims = Vec::new();
        for (name, text) in &settings.claims {
            if let Some(value) = self.named_type(file, "claim", name, text) {
                claims.push(AttributeType { name: Arc::from(&*name.value), value, required: true });
            }
        }
        Parties { principals, agents, open_types, claims: Arc::new(RecordType::new(claims)) }
    }

    fn named_type(
        &mut self,
        file: &TextFile<'_>,
        what: &str,
        name: &Placed<String>,
        text: &Placed<String>,
    ) -> Option<Type> {
        if !is_identifier(&name.value) || name.value.starts_with("__") {
            let message = format!("`{}` cannot name a {what}", name.value.escape_debug());
            let advice =
                "a name is letters, digits and `_`, no word of Cedar's, and does not start with a digit or `__`";
            file.find(Code::NameInvalid, name.at, message, advice);
            return None;
        }
        match self.types.read(&text.value, self.store) {
            Ok(value) => Some(value),
            Err(error) => {
                file.find(Code::TypeInvalid, text.at, error.message, error.advice);
                None
            }
        }
    }

    /// What a task's file means.
    pub(crate) fn task(&mut self, file: &TextFile<'_>, task: &TaskText, parties: &Parties) -> TaskMeaning {
        let mut params: Vec<Param> = task.params.iter().filter_map(|param| self.param(file, param)).collect();
        if params.len() > PARAMS_MAX {
            let message = format!("the task has {} parameters; at most {PARAMS_MAX} are read", params.len());
            file.find_whole(Code::LimitReached, message, "put some of them into a record");
            params.truncate(PARAMS_MAX);
        }
        params.sort_unstable_by(|left, right| left.name.cmp(&right.name));
        let principals = self.parties_of(file, "principals", task.principals.as_ref(), &parties.principals);
        let agents = self.parties_of(file, "agents", task.agents.as_ref(), &parties.agents);
        TaskMeaning { params, principals, agents }
    }

    fn parties_of(
        &mut self,
        file: &TextFile<'_>,
        key: &str,
        names: Option<&Vec<Placed<String>>>,
        all: &[TypeId],
    ) -> Option<Vec<TypeId>> {
        let names = names?;
        if names.is_empty() {
            file.find_whole(
                Code::KeyValue,
                format!("`{key}` is empty: the task is for nobody"),
                "leave it out for all",
            );
        }
        for name in names {
            let known = self.store.find_type(&name.value);
            if self.types.is_entity_type(&name.value) && !known.is_some_and(|type_id| all.contains(&type_id)) {
                let message = format!("`{}` is none of the bundle's {key}", name.value);
                let all: Vec<String> =
                    all.iter().filter_map(|type_id| self.store.type_name(*type_id)).map(ToString::to_string).collect();
                let advice = did_you_mean(&name.value, all.iter().map(String::as_str), &format!("its {key} are"));
                file.find(Code::KeyValue, name.at, message, advice);
            }
        }
        Some(self.entity_types(file, names))
    }

    fn param(&mut self, file: &TextFile<'_>, param: &ParamText) -> Option<Param> {
        let value = self.named_type(file, "parameter", &param.name, &param.type_text)?;
        let mut read = |key: &str, given: &Option<Placed<serde_json::Value>>| {
            let given = given.as_ref()?;
            let read = self.value(&given.value, &value);
            if let Err(message) = &read {
                let message = format!(
                    "`{key}` of the parameter `{}` is no {}: {message}",
                    param.name.value, param.type_text.value
                );
                file.find(Code::ParamValue, given.at, message, "write a value of the parameter's type");
            }
            read.ok()
        };
        let (default, min, max) = (read("default", &param.default), read("min", &param.min), read("max", &param.max));
        self.check_bounds(file, param, &value, [default.as_ref(), min.as_ref(), max.as_ref()]);
        Some(Param {
            name: Arc::from(&*param.name.value),
            value,
            about: Arc::from(&*param.about),
            default,
            min,
            max,
            secret: param.secret,
        })
    }

    fn check_bounds(
        &self,
        file: &TextFile<'_>,
        param: &ParamText,
        value: &Type,
        [default, min, max]: [Option<&Value>; 3],
    ) {
        let name = &param.name.value;
        if !matches!(value, Type::Long | Type::Decimal | Type::Datetime | Type::Duration) {
            for (key, bound) in [("min", &param.min), ("max", &param.max)] {
                let Some(bound) = bound else { continue };
                let message = format!("`{key}` of the parameter `{name}` bounds a type that has no order");
                file.find(Code::ParamValue, bound.at, message, "bounds are for Long, decimal, datetime and duration");
            }
            return;
        }
        if let (Some(least), Some(most), Some(place)) = (min, max, &param.max)
            && order(least) > order(most)
        {
            file.find(
                Code::ParamValue,
                place.at,
                format!("`max` of the parameter `{name}` is less than `min`"),
                "swap them",
            );
        }
        let beyond = |default: &Value| {
            min.is_some_and(|least| order(default) < order(least))
                || max.is_some_and(|most| order(default) > order(most))
        };
        if let (Some(default), Some(place)) = (default, &param.default)
            && beyond(default)
        {
            let message = format!("`default` of the parameter `{name}` is not between `min` and `max`");
            file.find(Code::ParamValue, place.at, message, "move the default or the bounds");
        }
    }

    /// A value as JSON has it, read as a type.
    fn value(&mut self, json: &serde_json::Value, wanted: &Type) -> Result<Value, String> {
        let input = input(json, wanted, self.store);
        let store = &mut *self.store;
        let read = read_value(&input, Some(wanted), &mut |type_name, id| store.intern(type_name, id));
        let read = read.map_err(|error| error.message(self.store))?;
        conform(&read, wanted, self.organisation, self.store).map_err(|error| error.message(self.store))?;
        Ok(read)
    }
}

/// A number that orders values of one type that has an order.
fn order(value: &Value) -> i64 {
    match value {
        Value::Long(value) => *value,
        Value::Decimal(value) => value.scaled(),
        Value::Datetime(value) => value.milliseconds(),
        Value::Duration(value) => value.to_milliseconds(),
        _ => 0,
    }
}

/// A value of TOML as an input: where an entity is wanted a text is its id, where a decimal is wanted a number is one.
fn input(json: &serde_json::Value, wanted: &Type, store: &Store) -> Input {
    use serde_json::Value as Json;
    match (json, wanted) {
        (Json::String(id), Type::Entity(type_id)) => {
            let type_name = store.type_name(*type_id).map_or_else(String::new, ToString::to_string);
            Input::Uid { type_name, id: id.clone() }
        }
        (Json::Number(number), Type::Decimal) => Input::String(format!("{number}.0")),
        (Json::Array(members), Type::Set(member)) => {
            Input::List(members.iter().map(|json| input(json, member, store)).collect())
        }
        (Json::Object(members), Type::Record(record)) => Input::Object(
            members
                .iter()
                .map(|(name, json)| {
                    let wanted = record.get(name).map_or(&Type::Bool, |attribute| &attribute.value);
                    (name.clone(), input(json, wanted, store))
                })
                .collect(),
        ),
        (Json::Null, _) => Input::Null,
        (Json::Bool(value), _) => Input::Bool(*value),
        (Json::Number(number), _) => number.as_i64().map_or_else(|| Input::Number(number.to_string()), Input::Long),
        (Json::String(text), _) => Input::String(text.clone()),
        (Json::Array(members), _) => Input::List(members.iter().map(|json| input(json, &Type::Bool, store)).collect()),
        (Json::Object(members), _) => {
            Input::Object(members.iter().map(|(name, json)| (name.clone(), input(json, &Type::Bool, store))).collect())
        }
    }
}
