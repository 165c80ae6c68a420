//! What a bundle with tasks declares, as JSON: what `reference/tasks.py` reads.
//!
//! Names are full, uids are `{"type", "id"}`, types have the form of `schema_json.rs`, values Cedar's JSON form. The
//! form is documented in `docs/reference/bundle.md`.

use agentpdp_arguments::cedar_json::value_json;
use agentpdp_core::entities::Store;
use agentpdp_core::tasks::{Declarations, Param, ResourceRule, Task};
use agentpdp_core::value::{EntityId, TypeId};
use serde_json::{Map, Value as Json, json};

use crate::actions::{ActionShape, HostAction};
use crate::schema_json::{attributes, names, uid, value_type};
use crate::settings::ResourceText;

/// All but the policies, which are put in by task.
pub(crate) fn delegation_json(declarations: &Declarations, shapes: &[ActionShape], store: &Store) -> Json {
    let actions: Map<String, Json> = shapes
        .iter()
        .filter_map(|shape| Some((cedar_text(shape.action, store), action(shape.host_action()?, store))))
        .collect();
    let tasks: Map<String, Json> = declarations.tasks.iter().map(|of| (of.name.to_string(), task(of, store))).collect();
    let limits = declarations.limits;
    json!({
        "digest": hex(&declarations.digest),
        "principals": names(&declarations.principals, store),
        "agents": names(&declarations.agents, store),
        "open_types": names(&declarations.open_types, store),
        "claims": attributes(&declarations.claims, store),
        "limits": {"depth": limits.depth_max, "children": limits.children_max, "grants": limits.grants_max},
        "actions": actions,
        "tasks": tasks,
    })
}

fn action(host: &HostAction, store: &Store) -> Json {
    let impact: Vec<&str> = host.impact.iter().map(|impact| impact.name()).collect();
    let tool = host.tool.as_ref().map(|tool| json!({"name": &*tool.name, "inputSchema": tool.input_schema}));
    let declared = host.declared.as_ref();
    let texts =
        |list: &[crate::toml_text::Placed<String>]| list.iter().map(|text| text.value.clone()).collect::<Vec<_>>();
    let kinds: Map<String, Json> = declared
        .into_iter()
        .flat_map(|declared| declared.kinds.iter().map(|(name, kind)| (name.value.clone(), kind.value.clone())))
        .collect();
    let entities: Map<String, Json> = declared
        .into_iter()
        .flat_map(|declared| declared.entities.iter())
        .map(|(name, type_name)| (name.value.clone(), Json::from(type_name.value.clone())))
        .collect();
    json!({
        "impact": impact,
        "resource": resource(host, store),
        "tool": tool,
        "kinds": kinds,
        "require": declared.map(|declared| texts(&declared.require)).unwrap_or_default(),
        "opaque": declared.map(|declared| texts(&declared.opaque)).unwrap_or_default(),
        "entities": entities,
    })
}

fn resource(host: &HostAction, store: &Store) -> Json {
    let written =
        host.declared.as_ref().and_then(|declared| declared.resource.as_ref()).map(|resource| &resource.value);
    match (&host.rule, written) {
        (ResourceRule::Argument, Some(ResourceText::Argument { type_name, argument })) => {
            json!({"rule": "argument", "type": type_name.value, "from": argument.value})
        }
        (ResourceRule::Principal, _) => json!({"rule": "principal"}),
        (ResourceRule::PrincipalAttribute(name), _) => json!({"rule": "principal_attribute", "from": &**name}),
        (ResourceRule::Fixed(entity), _) => json!({"rule": "fixed", "entity": uid(*entity, store)}),
        (ResourceRule::Argument | ResourceRule::Caller, _) => json!({"rule": "caller"}),
    }
}

fn task(task: &Task, store: &Store) -> Json {
    let types = |types: &Option<Box<[TypeId]>>| types.as_ref().map(|types| names(types, store));
    let own = task.own.as_ref().map(|own| own.iter().map(|entity| uid(*entity, store)).collect::<Vec<_>>());
    let params: Map<String, Json> = task.params.iter().map(|of| (of.name.to_string(), param(of, store))).collect();
    json!({
        "description": &*task.description,
        "lifetime_ms": task.lifetime_ms,
        "principals": types(&task.principals),
        "agents": types(&task.agents),
        "own": own,
        "digest": hex(&task.digest),
        "params": params,
    })
}

fn param(param: &Param, store: &Store) -> Json {
    let mut json = json!({"type": value_type(&param.value, store), "about": &*param.about, "secret": param.secret});
    for (key, value) in [("default", &param.default), ("min", &param.min), ("max", &param.max)] {
        if let (Some(object), Some(value)) = (json.as_object_mut(), value) {
            object.insert(key.to_owned(), value_json(value.borrow(), store));
        }
    }
    json
}

fn cedar_text(entity: EntityId, store: &Store) -> String {
    store.uid(entity).map_or_else(String::new, |(type_name, id)| format!("{type_name}::\"{}\"", id.escape_debug()))
}

/// Bytes as hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
