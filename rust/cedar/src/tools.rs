//! Which tools does a bundle pin, and what do they take?
//!
//! Until the crate that types arguments is wired in, the plain part of the table of JSON Schema stands here.

use std::sync::Arc;

use agentpdp_core::schema::{AttributeType, RecordType, Type};
use serde_json::Value;

/// A tool of a tool list.
#[derive(Clone, Debug)]
pub(crate) struct Tool {
    pub(crate) name: Arc<str>,
    pub(crate) input_schema: Value,
    pub(crate) annotations: Value,
}

/// The tools of a list, or what is wrong with it.
pub(crate) fn read_tools(text: &str) -> Result<Vec<Tool>, String> {
    let json: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let json = json.get("result").unwrap_or(&json);
    let list = json.get("tools").unwrap_or(json).as_array().ok_or("there is no list of tools")?;
    let read = |tool: &Value| {
        let name = tool.get("name").and_then(Value::as_str).ok_or("a tool has no name")?;
        let input_schema = tool.get("inputSchema").cloned().ok_or("a tool has no inputSchema")?;
        let annotations = tool.get("annotations").cloned().unwrap_or_default();
        Ok(Tool { name: Arc::from(name), input_schema, annotations })
    };
    list.iter().map(read).collect()
}

/// The type of `context.input`.
pub(crate) fn input_type(schema: &Value, entities: &[(String, agentpdp_core::value::TypeId)], require: &[&str]) -> RecordType {
    let mut attributes = Vec::new();
    let required: Vec<&str> =
        schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        let is_required = required.contains(&name.as_str()) || require.contains(&name.as_str());
        let entity = entities.iter().find(|(known, _)| known == name).map(|(_, type_id)| Type::Entity(*type_id));
        let mut put = |name: String, value, required| {
            attributes.push(AttributeType { name: Arc::from(name), value, required });
        };
        let kind = property.get("type").and_then(Value::as_str);
        if kind == Some("array") {
            put(format!("{name}_count"), Type::Long, true);
            let member = property.get("items").and_then(scalar);
            if let Some(member) = entity.or(member) {
                put(name.clone(), Type::Set(Box::new(member)), is_required);
                continue;
            }
        } else if let Some(value) = entity.or_else(|| scalar(property)) {
            put(name.clone(), value, is_required);
            continue;
        } else if kind == Some("object") && property.get("properties").is_some() {
            put(name.clone(), Type::Record(Arc::new(input_type(property, &[], &[]))), is_required);
            continue;
        }
        put(format!("{name}_given"), Type::Bool, true);
    }
    RecordType::new(attributes)
}

fn scalar(property: &Value) -> Option<Type> {
    let format = property.get("format").and_then(Value::as_str);
    Some(match (property.get("type").and_then(Value::as_str)?, format) {
        ("string", Some("date" | "date-time")) => Type::Datetime,
        ("string", Some("ipv4" | "ipv6")) => Type::Ip,
        ("string", _) => Type::String,
        ("boolean", _) => Type::Bool,
        ("integer", _) => Type::Long,
        ("number", _) => Type::Decimal,
        _ => return None,
    })
}
