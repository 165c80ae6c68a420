//! Is a recorded call read as another reader of JSON, and Cedar, read it?
//!
//! The input is one line of events. What is read of it without Python must be what serde's JSON has there, and an entity
//! that is read must be the one that Cedar's own parser reads.
//!
//! Read next: `lib.rs`.

use std::str::FromStr;

use agentpdp_arguments::json::Json;
use agentpdp_cedar::input::Input;
use agentpdp_cedar::recorded::{Uid, read_call, text_of};
use agentpdp_cedar::uid_text::parse_uid;
use cedar_policy::{Policy, PrincipalConstraint};
use serde_json::Value;

/// Reads a line as a call, and as the text of an entity.
pub fn run(bytes: &[u8]) {
    let Some(text) = text_of(bytes) else { return };
    check_entity(text);
    let Some(call) = read_call(text) else { return };
    let line: Value = serde_json::from_str(text).expect("what is read is JSON");
    assert_eq!(line["event"], "call");
    assert!(is_input(&Input::Long(call.at), &line["at"]));
    assert_eq!(Some(&*call.grant), line["grant"].as_str());
    assert_eq!(Some(&*call.action), line["action"].as_str());
    assert_eq!(call.request.as_deref(), line["request"].as_str());
    assert_eq!(call.verdict.map(|verdict| verdict.name()), line["decision"]["verdict"].as_str());
    assert!(call.arguments.as_ref().map_or(line["arguments"].is_null(), |given| is_same(given, &line["arguments"])));
    assert!(call.context.as_ref().map_or(line["context"].is_null(), |given| is_input(given, &line["context"])));
    for (name, entity) in [("agent", &call.agent), ("resource", &call.resource)] {
        match entity {
            None => assert!(line[name].is_null()),
            Some(None) => assert!(line[name].is_string() || line[name]["type"].is_string()),
            Some(Some(uid)) => assert!(is_entity(uid, &line[name])),
        }
    }
}

/// What is read as an entity is read by Cedar as the same.
fn check_entity(text: &str) {
    if let Some((type_name, id)) = parse_uid(text) {
        let policy = format!("permit (principal == {text}, action, resource);");
        let policy = Policy::from_str(&policy).expect("Cedar reads it, too");
        let PrincipalConstraint::Eq(cedar) = policy.principal_constraint() else { panic!("an entity is asked for") };
        assert_eq!((type_name, &*id), (&*cedar.type_name().to_string(), cedar.id().unescaped()));
    }
}

fn is_entity((type_name, id): &Uid<'_>, value: &Value) -> bool {
    if let Value::String(text) = value {
        check_entity(text);
        return parse_uid(text).is_some_and(|(of, named)| of == type_name && named == *id);
    }
    value["type"] == **type_name && value["id"] == **id
}

fn is_same(given: &Json<'_>, value: &Value) -> bool {
    match (given, value) {
        // serde's minus zero is a float.
        (Json::Number("-0"), Value::Number(right)) => right.as_f64() == Some(0.0),
        (Json::Null, Value::Null) => true,
        (Json::Bool(left), Value::Bool(right)) => left == right,
        (Json::Text(left), Value::String(right)) => left == right,
        (Json::Number(left), Value::Number(right)) => {
            right.is_f64() == left.contains('.') && serde_json::from_str::<Value>(left).is_ok_and(|left| left == *value)
        }
        (Json::List(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| is_same(left, right))
        }
        (Json::Object(left), Value::Object(right)) => {
            left.pairs.len() == right.len()
                && left.pairs.iter().all(|(name, left)| {
                    name.as_deref().and_then(|name| right.get(name)).is_some_and(|right| is_same(left, right))
                })
        }
        _ => false,
    }
}

fn is_input(given: &Input, value: &Value) -> bool {
    match (given, value) {
        (Input::Null, Value::Null) => true,
        (Input::Bool(left), Value::Bool(right)) => left == right,
        (Input::String(left), Value::String(right)) => left == right,
        (Input::Long(left), Value::Number(right)) => {
            right.as_i64() == Some(*left) || Input::of_float(right.as_f64().unwrap()) == Input::Long(*left)
        }
        (Input::Float(left), Value::Number(right)) => right.as_f64() == Some(*left),
        (Input::List(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| is_input(left, right))
        }
        (Input::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left.iter().all(|(name, left)| right.get(name).is_some_and(|right| is_input(left, right)))
        }
        _ => false,
    }
}
