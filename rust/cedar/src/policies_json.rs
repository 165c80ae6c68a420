//! The policies in Cedar's JSON form, under our names.
//!
//! Made on demand, for the reference and for tools: it parses the texts again.

use std::collections::HashMap;

use cedar_policy_core::parser::parse_policyset_to_ests_and_pset;
use serde_json::{Map, Value, json};

use crate::bundle::{Loaded, Sources};
use crate::stack;
use crate::tasks::ALL;

/// `{"staticPolicies": {id: …}, "templates": {id: …}, "templateLinks": []}`; none if a text does not parse.
#[must_use]
pub fn policies_json(sources: &Sources, loaded: &Loaded) -> Option<Value> {
    stack::run(|| convert(&sources.policies, loaded)).ok().flatten()
}

/// What a bundle with tasks declares, with the policies of each task; none for a plain bundle.
#[must_use]
pub fn delegation_json(sources: &Sources, loaded: &Loaded) -> Option<Value> {
    stack::run(|| {
        let mut json = loaded.delegation.as_ref()?.json.clone();
        let all = format!("tasks/{ALL}.cedar");
        let of = |path: &str| sources.tasks.iter().filter(|(file, _)| file == path).cloned().collect::<Vec<_>>();
        for (name, task) in json.get_mut("tasks")?.as_object_mut()? {
            let files = [of(&format!("tasks/{name}.cedar")), of(&all)].concat();
            task.as_object_mut()?.insert("policies".to_owned(), convert(&files, loaded)?);
        }
        Some(json)
    })
    .ok()
    .flatten()
}

fn convert(files: &[(String, String)], loaded: &Loaded) -> Option<Value> {
    let (mut static_policies, mut templates) = (Map::new(), Map::new());
    for (file, text) in files {
        let mut places = loaded.policies.iter().filter(|place| *place.file == **file);
        let (ests, set) = parse_policyset_to_ests_and_pset(text).ok()?;
        let mut ests: HashMap<_, _> = ests.into_iter().collect();
        for template in set.all_templates() {
            let place = places.next()?;
            let policy = serde_json::to_value(ests.remove(template.id())?).ok()?;
            let into = if place.is_template { &mut templates } else { &mut static_policies };
            into.insert(place.id.to_string(), policy);
        }
    }
    Some(json!({"staticPolicies": static_policies, "templates": templates, "templateLinks": []}))
}
