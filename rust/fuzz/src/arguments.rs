//! Are arguments read without surprise, whatever their text?
//!
//! The input is the JSON of arguments, read by the plan of a tool that has every form. Reading must return; what has a
//! canonical text has the same one after it was read again, and is read alike from it.
//!
//! Read next: `kinds.rs`.

use std::sync::OnceLock;

use agentpdp_arguments::canonical::canonical;
use agentpdp_arguments::cedar_json::decoded_json;
use agentpdp_arguments::declaration::Declaration;
use agentpdp_arguments::decode::{Decoded, Entities, UnknownEntity};
use agentpdp_arguments::json::read;
use agentpdp_arguments::plan::Plan;
use agentpdp_arguments::tool::read_tools;
use agentpdp_core::entities::Store;
use agentpdp_core::evaluate::Temporaries;
use agentpdp_core::value::{EntityId, TypeId};

use crate::text;

struct Open;

impl Entities for Open {
    fn resolve(&mut self, _: TypeId, id: &str) -> Result<EntityId, UnknownEntity> {
        if id.is_empty() { Err(UnknownEntity) } else { Ok(EntityId(0)) }
    }
}

fn plan() -> &'static Plan {
    static PLAN: OnceLock<Plan> = OnceLock::new();
    PLAN.get_or_init(|| {
        let tools = read_tools(include_str!("arguments.json")).unwrap();
        let mut store = Store::new(1);
        let declared = serde_json::from_str(include_str!("arguments_declared.json")).unwrap();
        let declaration = Declaration::from_json(&declared, &mut |name| Some(store.intern_type(name))).unwrap();
        Plan::new(&tools[0], &declaration, &mut store).unwrap()
    })
}

fn answer(text: &str) -> Option<String> {
    let json = read(text).ok()?;
    let keep = Temporaries::default();
    let mut decoded = Decoded::default();
    plan().decode(&json, &mut Open, &keep, &mut decoded).ok()?;
    assert_eq!(decoded.slots.len(), plan().input.attributes().len());
    Some(decoded_json(plan(), &decoded, &Store::new(1)).to_string())
}

/// Reads one call's arguments, and their canonical text.
pub fn run(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let _ = read_tools(text);
    let found = answer(text);
    let Ok(json) = read(text) else { return };
    let Ok(form) = canonical(&json) else { return };
    assert_eq!(canonical(&read(&form).unwrap()).as_deref(), Ok(&*form), "the form of the form");
    assert_eq!(answer(&form), found, "what is read of the form");
}
