//! How are values and types of arguments written down, for tests, explanations and other languages?
//!
//! Values in Cedar's JSON form: entities as `__entity`, extension values as `__extn`, sets as lists in the order of values.
//! Types as the resolved schema of a bundle has them.

use agentpdp_core::datetime::Duration;
use agentpdp_core::decision::Reason;
use agentpdp_core::entities::Store;
use agentpdp_core::schema::{RecordType, Type};
use agentpdp_core::slots::Slot;
use agentpdp_core::value::{EntityId, TypeId, ValueRef};
use serde_json::{Map, Value, json};

use crate::decode::{Decoded, RewriteStep};
use crate::plan::Plan;
use crate::refusal::Refusal;

/// Who knows the names of entities and types.
pub trait Names {
    /// Type and id of an entity.
    fn entity(&self, entity: EntityId) -> Option<(String, String)>;
    /// The name of a type.
    fn type_name(&self, type_id: TypeId) -> Option<String>;
}

impl Names for Store {
    fn entity(&self, entity: EntityId) -> Option<(String, String)> {
        self.uid(entity).map(|(type_name, id)| (type_name.to_string(), id.to_string()))
    }

    fn type_name(&self, type_id: TypeId) -> Option<String> {
        Self::type_name(self, type_id).map(ToString::to_string)
    }
}

/// What was read, as the vectors write it: `values`, `resource`, `rewritten`.
#[must_use]
pub fn decoded_json(plan: &Plan, decoded: &Decoded<'_>, names: &dyn Names) -> Value {
    let values = plan.input.attributes().iter().zip(&decoded.slots).filter_map(|(attribute, slot)| match slot {
        Slot::Value(value) => Some((attribute.name.to_string(), value_json(*value, names))),
        _ => None,
    });
    let mut answer = Map::new();
    answer.insert("values".to_owned(), Value::Object(values.collect()));
    if let Some(resource) = decoded.resource {
        let (type_name, id) = names.entity(resource).unwrap_or_default();
        answer.insert("resource".to_owned(), json!([type_name, id]));
    }
    if !decoded.rewritten.is_empty() {
        let step = |step: &RewriteStep| match step {
            RewriteStep::Name(name) => json!(name.to_string()),
            RewriteStep::Member(number) => json!(number),
        };
        let written = decoded
            .rewritten
            .iter()
            .map(|rewrite| json!([rewrite.steps.iter().map(step).collect::<Value>(), rewrite.text]));
        answer.insert("rewritten".to_owned(), written.collect());
    }
    Value::Object(answer)
}

/// A refusal as the vectors write it: `refused`, and `canonical` where a spelling is all that is wrong.
#[must_use]
pub fn refusal_json(refusal: &Refusal) -> Value {
    let mut answer = Map::new();
    answer.insert("refused".to_owned(), json!([refusal.reason.name(), refusal.argument]));
    if refusal.reason == Reason::ArgumentNotCanonical {
        let spelling = refusal.expected.strip_prefix("the spelling `").and_then(|rest| rest.strip_suffix('`'));
        answer.insert("canonical".to_owned(), json!(spelling));
    }
    Value::Object(answer)
}

/// A value in Cedar's JSON form.
#[must_use]
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
        ValueRef::Datetime(time) => match moment_text(time.milliseconds()) {
            Some(text) => extension("datetime", text),
            None => {
                let since = Duration::from_milliseconds(time.milliseconds()).to_string();
                let arguments = [extension("datetime", "1970-01-01".to_owned()), extension("duration", since)];
                json!({"__extn": {"fn": "offset", "args": arguments}})
            }
        },
        ValueRef::Duration(length) => extension("duration", length.to_string()),
    }
}

/// A moment as Cedar reads it, in UTC with milliseconds; none before the year 0 and after 9999, for which there is no text.
fn moment_text(milliseconds: i64) -> Option<String> {
    let since = jiff::SignedDuration::from_millis(milliseconds);
    let moment = jiff::civil::DateTime::constant(1970, 1, 1, 0, 0, 0, 0).checked_add(since).ok()?;
    (moment.year() >= 0).then(|| format!("{moment:.3}Z"))
}

/// A type as the resolved schema of a bundle has it.
#[must_use]
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
#[must_use]
pub fn record_json(record: &RecordType, names: &dyn Names) -> Value {
    let attributes = record.attributes().iter().map(|attribute| {
        let value = json!({"type": type_json(&attribute.value, names), "required": attribute.required});
        (attribute.name.to_string(), value)
    });
    json!({"kind": "Record", "attributes": Value::Object(attributes.collect())})
}
