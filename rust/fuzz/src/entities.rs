//! Are entities read as Cedar reads them?
//!
//! The input is entity JSON, read without a schema and with the fixed one. Both sides must take or refuse it alike, but
//! for the forms that only we refuse; and where both take it, the same entities must stand in the same groups.
//!
//! Read next: `context.rs`.

use std::collections::BTreeSet;

use agentpdp_cedar::finding::Code;
use agentpdp_cedar::stack;
use agentpdp_core::entities::Store;
use cedar_policy::{Entities, EntityUid};
use serde_json::Value;

use crate::bundle::is_stricter;
use crate::{ours, text, theirs};

/// Reads entities twice.
pub fn run(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    for has_schema in [false, true] {
        compare(text, has_schema);
    }
}

fn compare(text: &str, has_schema: bool) {
    let ours = ours::read_bundle("", Some(text), has_schema);
    if ours.findings.iter().any(is_stricter) {
        return;
    }
    let schema = has_schema.then(theirs::schema);
    let theirs = stack::run(|| Entities::from_json_str(text, schema).map_err(|error| error.to_string())).unwrap();
    match (ours.compiled, theirs) {
        (Some(compiled), Ok(theirs)) => same(&compiled.store, &theirs),
        (Some(_), Err(error)) => panic!("we take the entities, Cedar does not: {error}"),
        (None, Ok(_)) => {
            let excused = ours.findings.iter().any(|finding| {
                let message = finding.to_string();
                message.contains("stands twice in one object") || message.contains("is no key of an entity")
            });
            assert!(excused || is_positional(text), "Cedar takes the entities, we do not: {:?}", ours.findings);
        }
        (None, Err(_)) => assert!(ours.findings.iter().any(|finding| is_of_entities(finding.code))),
    }
}

fn is_of_entities(code: Code) -> bool {
    code.name().starts_with("entit")
}

/// Whether the text may have one of the forms without names that Cedar's reader takes, as `["User", "alice"]`.
pub(crate) fn is_positional(text: &str) -> bool {
    fn inside(value: &Value) -> bool {
        match value {
            Value::Array(members) => matches!(members[..], [Value::String(_), _]) || members.iter().any(inside),
            Value::Object(members) => members.values().any(inside),
            _ => false,
        }
    }
    let Ok(value) = serde_json::from_str::<Value>(text) else { return false };
    inside(&value) || value.as_array().is_some_and(|entities| entities.iter().any(Value::is_array))
}

/// The same entities, in the same groups.
fn same(ours: &Store, theirs: &Entities) {
    let name = |uid: &EntityUid| (uid.type_name().to_string(), uid.id().unescaped().to_owned());
    let there: BTreeSet<_> = theirs.iter().map(|entity| name(&entity.uid())).collect();
    let here = ours.entities().filter_map(|(entity, _)| ours.uid(entity));
    let here: BTreeSet<_> = here.map(|(type_name, id)| (type_name.to_string(), id.to_string())).collect();
    assert_eq!(here, there, "ours, theirs");
    for uid in theirs.iter().map(|entity| entity.uid()) {
        let (type_name, id) = name(&uid);
        let entity = ours.find(&type_name, &id).unwrap();
        let groups = ours.ancestors(entity).iter().filter_map(|group| ours.uid(*group));
        let groups: BTreeSet<_> = groups.map(|(type_name, id)| (type_name.to_string(), id.to_string())).collect();
        let expected: BTreeSet<_> = theirs.ancestors(&uid).unwrap().map(name).collect();
        assert_eq!(groups, expected, "groups of {uid}: ours, theirs");
    }
}
