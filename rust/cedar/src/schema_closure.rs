//! How large do a schema's memberships become once they are closed transitively, and how many kinds of request are there?
//!
//! Cedar writes down, for every entity type and action, everything it is in, and for every action each pair of a
//! principal's and a resource's type. Both grow with the square of the text, and the closing recurses along `in`. This
//! counts first, on the schema as written, and gives up as soon as the count is beyond the limit.
//!
//! Read next: `schema.rs`.

use std::collections::HashMap;

use cedar_policy_core::ast::Name;
use cedar_policy_core::validator::RawName;
use cedar_policy_core::validator::json_schema::{EntityTypeKind, Fragment, NamespaceDefinition};

use crate::limits::{DECLARATIONS_MAX, MEMBERSHIPS_MAX, REQUEST_KINDS_MAX};
use crate::schema_size::{TooLarge, qualify};

/// Counts declarations, memberships and kinds of requests.
pub(crate) fn check(schema: &Fragment<RawName>) -> Result<(), TooLarge> {
    let mut graph = Graph::default();
    for (namespace, definition) in &schema.0 {
        graph.declare(namespace.as_ref(), definition);
    }
    if graph.numbers.len() > DECLARATIONS_MAX {
        return Err(TooLarge::Declarations);
    }
    let mut request_kinds = 0usize;
    for (namespace, definition) in &schema.0 {
        graph.connect(namespace.as_ref(), definition);
        for applies in definition.actions.values().filter_map(|action| action.applies_to.as_ref()) {
            let pairs = applies.principal_types.len().saturating_mul(applies.resource_types.len());
            request_kinds = request_kinds.saturating_add(pairs);
        }
    }
    if request_kinds > REQUEST_KINDS_MAX {
        return Err(TooLarge::RequestKinds);
    }
    if graph.is_closed_within(MEMBERSHIPS_MAX) { Ok(()) } else { Err(TooLarge::Memberships) }
}

/// Entity types and actions, and what each is directly in.
#[derive(Default)]
struct Graph {
    numbers: HashMap<String, usize>,
    above: Vec<Vec<usize>>,
}

fn action_name(namespace: Option<&Name>, type_name: &str, id: &str) -> String {
    format!("{}::\"{}\"", qualify(namespace, type_name), id.escape_debug())
}

impl Graph {
    fn declare(&mut self, namespace: Option<&Name>, definition: &NamespaceDefinition<RawName>) {
        let entity_types = definition.entity_types.keys().map(|id| qualify(namespace, id.as_ref()));
        let actions = definition.actions.keys().map(|id| action_name(namespace, "Action", id));
        for name in entity_types.chain(actions) {
            let number = self.numbers.len();
            self.numbers.entry(name).or_insert(number);
        }
        self.above.resize(self.numbers.len(), Vec::new());
    }

    fn connect(&mut self, namespace: Option<&Name>, definition: &NamespaceDefinition<RawName>) {
        for (id, entity_type) in &definition.entity_types {
            let EntityTypeKind::Standard(entity_type) = &entity_type.kind else { continue };
            let above = entity_type.member_of_types.iter();
            let above = above.map(|above| (qualify(namespace, &above.to_string()), above.to_string())).collect();
            self.put(&qualify(namespace, id.as_ref()), above);
        }
        for (id, action) in &definition.actions {
            let full = |group: &cedar_policy_core::validator::json_schema::ActionEntityUID<RawName>| {
                let type_name = group.ty.as_ref().map_or_else(|| "Action".to_owned(), ToString::to_string);
                (action_name(namespace, &type_name, &group.id), action_name(None, &type_name, &group.id))
            };
            let above = action.member_of.iter().flatten().map(full).collect();
            self.put(&action_name(namespace, "Action", id), above);
        }
    }

    /// Each name above is the one in the namespace, or else the one outside; one that is neither is Cedar's to report.
    fn put(&mut self, name: &str, above: Vec<(String, String)>) {
        let Some(number) = self.numbers.get(name).copied() else { return };
        let mut above: Vec<usize> = above
            .iter()
            .filter_map(|(inside, outside)| self.numbers.get(inside).or_else(|| self.numbers.get(outside)).copied())
            .collect();
        above.sort_unstable();
        above.dedup();
        if let Some(place) = self.above.get_mut(number) {
            *place = above;
        }
    }

    /// Whether no more than so many pairs are connected, found in a number of steps in proportion to that.
    fn is_closed_within(&self, pairs_max: usize) -> bool {
        const STEPS_PER_PAIR: usize = 32;
        let (mut pairs, mut steps) = (0usize, 0usize);
        let mut seen_from = vec![usize::MAX; self.above.len()];
        for start in 0..self.above.len() {
            let mut waiting = vec![start];
            while let Some(next) = waiting.pop() {
                for above in self.above.get(next).into_iter().flatten() {
                    steps = steps.saturating_add(1);
                    match seen_from.get_mut(*above) {
                        Some(seen) if *seen != start => *seen = start,
                        _ => continue,
                    }
                    pairs = pairs.saturating_add(1);
                    waiting.push(*above);
                }
                if pairs > pairs_max || steps > pairs_max.saturating_mul(STEPS_PER_PAIR) {
                    return false;
                }
            }
        }
        true
    }
}
