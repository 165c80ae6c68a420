//! How are values and types of arguments written down, for tests, explanations and other languages?
//!
//! Values in Cedar's JSON form: entities as `__entity`, extension values as `__extn`, sets as lists in the order of values.
//! Types as the resolved schema of a bundle has them.

use agentpdp_core::schema::{RecordType, Type};
use agentpdp_core::value::{EntityId, TypeId, ValueRef};
use serde_json::{Map, Value, json};

/// Who knows the names of entities and types.
pub trait Names {
    /// Type and id of an entity.
    fn entity(&self, entity: EntityId) -> Option<(String, String)>;
    /// The name of a type.
    fn type_name(&self, type_id: TypeId) -> Option<String>;
}

/// A value in Cedar's JSON form.
pub fn value_json(value: ValueRef<'_>, names: &dyn Names) -> Value {
    let extension = |function: &str, text: String| json!({"__extn": {"fn": function, "arg": text}});
    match value {
        ValueRef::Bool(flag) => Value::Bool(flag),
        ValueRef::Long(number) => number.into(),
        ValueRef::String(text) => text.into(),
        ValueRef::Entity(entity) => {
            let (type_name, id) = names.entity(entity).unwrap_or_default();
            json!({"__entity": {"type": type_name, "id": id}})
        }
        ValueRef::Set(set) => set.values().iter().map(|value| value_json(value.borrow(), names)).collect(),
        ValueRef::Record(record) => {
            let member = |(name, value): (&std::sync::Arc<str>, &agentpdp_core::value::Value)| {
                (name.to_string(), value_json(value.borrow(), names))
            };
            Value::Object(record.attributes().map(member).collect::<Map<_, _>>())
        }
        ValueRef::Decimal(decimal) => extension("decimal", decimal.to_string()),
        ValueRef::Ip(range) => extension("ip", range.to_string()),
        ValueRef::Datetime(time) => extension("datetime", moment_text(time.milliseconds())),
        ValueRef::Duration(length) => extension("duration", length.to_string()),
    }
}

/// A moment as Cedar reads it, in UTC with milliseconds.
fn moment_text(milliseconds: i64) -> String {
    let moment = jiff::Timestamp::from_millisecond(milliseconds).ok();
    moment.map_or_else(String::new, |moment| format!("{moment:.3}"))
}

/// A type as the resolved schema of a bundle has it.
pub fn type_json(value: &Type, names: &dyn Names) -> Value {
    let extension = |name: &str| json!({"kind": "Extension", "name": name});
    match value {
        Type::Bool => json!({"kind": "Bool"}),
        Type::Long => json!({"kind": "Long"}),
        Type::String => json!({"kind": "String"}),
        Type::Entity(type_id) => json!({"kind": "Entity", "name": names.type_name(*type_id)}),
        Type::Set(member) => json!({"kind": "Set", "element": type_json(member, names)}),
        Type::Record(record) => record_json(record, names),
        Type::Decimal => extension("decimal"),
        Type::Ip => extension("ipaddr"),
        Type::Datetime => extension("datetime"),
        Type::Duration => extension("duration"),
    }
}

/// A record type as the resolved schema of a bundle has it.
pub fn record_json(record: &RecordType, names: &dyn Names) -> Value {
    let attributes = record.attributes().iter().map(|attribute| {
        let value = json!({"type": type_json(&attribute.value, names), "required": attribute.required});
        (attribute.name.to_string(), value)
    });
    json!({"kind": "Record", "attributes": Value::Object(attributes.collect())})
}
