//! Is a context read as Cedar reads it?
//!
//! The input is the JSON of a context, read for actions of the fixed schema and without a schema. Both sides must take
//! or refuse it alike, but for the forms that only we refuse; where both take it, policies that look at every attribute
//! must be answered alike.
//!
//! Read next: `ours.rs`.

use std::sync::OnceLock;

use agentpdp_cedar::input::read_one;
use agentpdp_core::engine::Engine;
use cedar_policy::{Entities, PolicySet};

use crate::entities::is_positional;
use crate::ours::{self, Asked};
use crate::{text, theirs};

/// A policy or more for each attribute of the contexts.
const POLICIES: &str = include_str!("context.cedar");

/// Reads and decides one context for each action, and without a schema.
pub fn run(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    for action in ["see", "touch", "nothing"] {
        compare(text, action, true);
    }
    compare(text, "see", false);
}

fn engine(has_schema: bool) -> &'static Engine {
    static TYPED: OnceLock<Engine> = OnceLock::new();
    static UNTYPED: OnceLock<Engine> = OnceLock::new();
    let made = if has_schema { &TYPED } else { &UNTYPED };
    made.get_or_init(|| Engine::new(ours::read_bundle(POLICIES, None, has_schema).compiled.unwrap()))
}

fn compare(text: &str, action: &str, has_schema: bool) {
    static PARSED: OnceLock<PolicySet> = OnceLock::new();
    let policies = PARSED.get_or_init(|| theirs::policies(POLICIES, &[]));
    let uid = |type_name: &str, id: &str| (type_name.to_owned(), id.to_owned());
    let resource = if action == "nothing" { uid("Color", "red") } else { uid("Shelf::Book", "a") };
    let (principal, action) = (uid("User", "a"), uid("Action", action));
    let asked = Asked { principal, action, resource, context: text.to_owned() };
    let schema = has_schema.then(theirs::schema);
    let theirs = theirs::request(&asked, schema);
    match (ours::ask(engine(has_schema), &asked), theirs) {
        (Some(answered), Ok(request)) => {
            let entities = Entities::from_json_str("[]", schema).unwrap();
            assert_eq!(answered, theirs::ask(policies, &entities, &request), "ours, theirs");
        }
        (None, Err(_)) => {}
        (Some(_), Err(error)) => panic!("we take the context, Cedar does not: {error}"),
        (None, Ok(_)) => {
            let excused = read_one(text).is_err_and(|error| error.to_string().contains("stands twice in one object"));
            assert!(excused || is_positional(text), "Cedar takes the context, we do not");
        }
    }
}
