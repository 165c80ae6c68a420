//! Which actions does `own` of a task name?
//!
//! A plain name is the id of a tool or of an action of the host, or else of any other action or group; a uid in Cedar's
//! text names just that.

use agentpdp_core::entities::Store;
use agentpdp_core::value::EntityId;
use cedar_policy_core::FromNormalizedStr;
use cedar_policy_core::ast::EntityUID;

use crate::actions::{ActionShape, Role};
use crate::convert::intern;
use crate::finding::Code;
use crate::nearest::did_you_mean;
use crate::toml_text::{Placed, TextFile};

/// The actions and groups, sorted.
pub(crate) fn own(
    file: &TextFile<'_>,
    names: &[Placed<String>],
    shapes: &[ActionShape],
    store: &mut Store,
) -> Box<[EntityId]> {
    let mut own: Vec<EntityId> = names.iter().filter_map(|name| find(file, name, shapes, store)).collect();
    own.sort_unstable();
    own.dedup();
    own.into_boxed_slice()
}

fn find(file: &TextFile<'_>, name: &Placed<String>, shapes: &[ActionShape], store: &mut Store) -> Option<EntityId> {
    let shown = name.value.escape_debug();
    if let Ok(uid) = EntityUID::from_normalized_str(&name.value) {
        let entity = intern(&uid, store).ok()?;
        if shapes.iter().any(|shape| shape.action == entity) {
            return Some(entity);
        }
    }
    let id = |shape: &ActionShape| store.uid(shape.action).map(|(_, id)| id.clone());
    let is_named = |shape: &&ActionShape| id(shape).as_deref() == Some(&name.value);
    let is_host = |shape: &&ActionShape| matches!(shape.role, Role::Host(_));
    let hosts: Vec<EntityId> = shapes.iter().filter(is_host).filter(is_named).map(|shape| shape.action).collect();
    let others: Vec<EntityId> = shapes.iter().filter(is_named).map(|shape| shape.action).collect();
    let found = if hosts.is_empty() { others } else { hosts };
    match found[..] {
        [one] => Some(one),
        [] => {
            let known: Vec<String> = shapes.iter().filter_map(id).map(|id| id.to_string()).collect();
            let advice = did_you_mean(&name.value, known.iter().map(String::as_str), "actions and groups are");
            file.find(Code::OwnUnknown, name.at, format!("`{shown}` is no action and no group"), advice);
            None
        }
        _ => {
            let message = format!("`{shown}` names several actions");
            file.find(Code::OwnUnknown, name.at, message, "write the uid in full, as in `Care::Action::\"pay\"`");
            None
        }
    }
}
