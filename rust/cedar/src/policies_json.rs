//! The policies in Cedar's JSON form, under our names.
//!
//! Made on demand, for the reference and for tools: it parses the texts again.

use std::collections::HashMap;

use cedar_policy_core::parser::parse_policyset_to_ests_and_pset;
use serde_json::{Map, Value, json};

use crate::bundle::{Loaded, Sources};
use crate::stack;

/// `{"staticPolicies": {id: …}, "templates": {id: …}, "templateLinks": []}`; none if a text does not parse.
#[must_use]
pub fn policies_json(sources: &Sources, loaded: &Loaded) -> Option<Value> {
    stack::run(|| convert(sources, loaded)).ok().flatten()
}

fn convert(sources: &Sources, loaded: &Loaded) -> Option<Value> {
    let (mut static_policies, mut templates) = (Map::new(), Map::new());
    let mut places = loaded.policies.iter();
    for (_, text) in &sources.policies {
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
