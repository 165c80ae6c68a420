//! Every vector of `tests/vectors/arguments` is read as it says: that page tells what the keys mean.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // a test fails by a panic

use std::fs;
use std::path::Path;

use agentpdp_arguments::cedar_json::{decoded_json, refusal_json};
use agentpdp_arguments::declaration::Declaration;
use agentpdp_arguments::decode::{Decoded, Entities, UnknownEntity, with_json};
use agentpdp_arguments::plan::Plan;
use agentpdp_arguments::tool::{Annotations, Tool};
use agentpdp_core::entities::Store;
use agentpdp_core::evaluate::Temporaries;
use agentpdp_core::value::{EntityId, TypeId};
use serde_json::{Value, json};

struct Known<'s> {
    store: &'s mut Store,
    ids: Vec<(TypeId, String)>,
    open: Vec<TypeId>,
}

impl Entities for Known<'_> {
    fn resolve(&mut self, type_id: TypeId, id: &str) -> Result<EntityId, UnknownEntity> {
        let is_known = self.ids.iter().any(|(known, known_id)| *known == type_id && known_id == id);
        if !is_known && !self.open.contains(&type_id) {
            return Err(UnknownEntity);
        }
        let name = self.store.type_name(type_id).unwrap().clone();
        Ok(self.store.intern(&name, id).unwrap())
    }
}

fn cases() -> Vec<(String, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/arguments");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut cases = Vec::new();
    for file in files.iter().filter(|file| file.extension().is_some_and(|extension| extension == "json")) {
        let stem = file.file_stem().unwrap().to_str().unwrap().to_owned();
        let json: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
        for case in json["cases"].as_array().unwrap() {
            cases.push((format!("{stem}/{}", case["id"].as_str().unwrap()), case.clone()));
        }
    }
    cases
}

/// Texts that are written as a prefix, a text, how often it stands there, and a suffix.
fn filled(value: &Value) -> Value {
    match value {
        Value::Array(members) => members.iter().map(filled).collect(),
        Value::Object(members) => match members.get("$repeat").and_then(Value::as_array).map(Vec::as_slice) {
            Some([before, text, count, after]) => {
                let repeated = text.as_str().unwrap().repeat(usize::try_from(count.as_u64().unwrap()).unwrap());
                format!("{}{repeated}{}", before.as_str().unwrap(), after.as_str().unwrap()).into()
            }
            _ => Value::Object(members.iter().map(|(name, value)| (name.clone(), filled(value))).collect()),
        },
        other => other.clone(),
    }
}

/// A case about a kind is one about a tool with one argument.
fn spelled_out(case: &Value) -> Value {
    let Some(kind) = case.get("kind") else { return case.clone() };
    let schema = case.get("of").cloned().unwrap_or_else(|| json!({"type": "string"}));
    let mut calls = Vec::new();
    for read in case.get("reads").and_then(Value::as_array).into_iter().flatten() {
        calls.push(json!({"arguments": {"it": read[0]}, "values": {"it": read[1]}}));
    }
    for refused in case.get("refused").and_then(Value::as_array).into_iter().flatten() {
        let mut call = json!({"arguments": {"it": refused[0]}, "refused": [refused[1], "it"]});
        if let Some(canonical) = refused.get(2) {
            call["canonical"] = canonical.clone();
        }
        calls.push(call);
    }
    json!({"schema": {"type": "object", "properties": {"it": schema}}, "declare": {"kinds": {"it": kind}}, "calls": calls})
}

fn ask(case: &Value, call: &Value) -> Value {
    let mut store = Store::new(1);
    let pairs = |key: &str| case.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
    let ids: Vec<(TypeId, String)> = pairs("known")
        .iter()
        .map(|pair| (store.intern_type(pair[0].as_str().unwrap()), pair[1].as_str().unwrap().to_owned()))
        .collect();
    let open = pairs("open").iter().map(|name| store.intern_type(name.as_str().unwrap())).collect();
    let declared = case.get("declare").cloned().unwrap_or_else(|| json!({}));
    let declaration = Declaration::from_json(&declared, &mut |name| Some(store.intern_type(name)));
    let tool = Tool {
        name: "tool".into(),
        description: "".into(),
        input_schema: case["schema"].clone(),
        annotations: Annotations::default(),
    };
    let plan = declaration.and_then(|declaration| Plan::new(&tool, &declaration, &mut store));
    let plan = match plan {
        Ok(plan) => plan,
        Err(problems) => {
            return json!({"problems": problems.iter().map(|problem| problem.code.name()).collect::<Vec<_>>()});
        }
    };
    let text = match call.get("text") {
        Some(text) => text.as_str().unwrap().to_owned(),
        None => call["arguments"].to_string(),
    };
    let keep = Temporaries::default();
    let found = with_json(&text, |json| {
        let mut decoded = Decoded::default();
        let mut known = Known { store: &mut store, ids, open };
        // The values end here, with the text: they are written down before.
        plan.decode(json, &mut known, &keep, &mut decoded).map(|()| decoded_json(&plan, &decoded, &store))
    });
    found.unwrap_or_else(|refusal| refusal_json(&refusal))
}

/// What a call expects, without what it says besides.
fn expected(call: &Value) -> Value {
    let keys = ["values", "resource", "rewritten", "refused", "canonical", "problems"];
    let members = call.as_object().unwrap().iter().filter(|(key, _)| keys.contains(&key.as_str()));
    Value::Object(members.map(|(key, value)| (key.clone(), value.clone())).collect())
}

#[test]
fn every_vector_is_read_as_it_says() {
    let (mut wrong, mut count) = (Vec::new(), 0usize);
    for (name, case) in cases() {
        let case = filled(&spelled_out(&case));
        for call in case["calls"].as_array().unwrap_or_else(|| panic!("{name} has no calls")) {
            count += 1;
            let found = ask(&case, call);
            let (found, expected) = (sorted(&found), sorted(&expected(call)));
            if found != expected {
                let given = call.get("text").unwrap_or(&call["arguments"]);
                wrong.push(format!("{name}\n  given    {given}\n  expected {expected}\n  found    {found}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {count} calls differ:\n{}", wrong.len(), wrong.join("\n"));
    assert!(count > 900, "only {count} calls");
}

/// Objects with their names in order; lists that stand for sets come in the order of values on both sides.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Array(members) => Value::Array(members.iter().map(sorted).collect()),
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().map(|(name, value)| (name.clone(), sorted(value))).collect();
            members.sort_by(|(left, _), (right, _)| left.cmp(right));
            Value::Object(members.into_iter().collect())
        }
        other => other.clone(),
    }
}
