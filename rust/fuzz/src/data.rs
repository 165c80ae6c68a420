//! Which entities and contexts do the bytes say?
//!
//! Entity JSON and context JSON, whose attributes mostly have the kind that their name has; with a schema mostly what it
//! declares, so that not everything is refused.
//!
//! Read next: `agreement.rs`.

use serde_json::{Map, Value, json};

use crate::draw::Draw;
use crate::ours::{Asked, Uid};
use crate::words::{self, ACTIONS, Kind, NAMES, TYPES, text, uid};

use Kind as K;

/// What each type has by the schema.
const DECLARED: [(&str, &[&str], &[&str]); 4] = [
    ("Team", &["count", "flag"], &["Team"]),
    (
        "User",
        &["flag", "count", "name", "who", "price", "address", "moment", "length", "counts", "names", "people", "box"],
        &["Team"],
    ),
    ("Shelf::Book", &["count", "name", "who", "names", "box"], &["Shelf::Book", "Team"]),
    ("Color", &[], &[]),
];
const INNER: [&str; 6] = ["flag", "count", "name", "price", "box", "who"];
const INNERMOST: [&str; 3] = ["count", "price", "odd name"];
/// Names of a context's attributes; `see` has all of them, `touch` the last four.
const CONTEXT: [&str; 12] =
    ["who", "price", "address", "moment", "length", "counts", "names", "people", "flag", "count", "name", "box"];

fn kind_of(name: &str) -> Kind {
    NAMES.iter().find(|(known, _)| *known == name).map_or(K::Text, |(_, kind)| *kind)
}

fn entity(draw: &mut Draw<'_>, (type_name, id): Uid, is_typed: bool) -> Value {
    let uid = json!({"type": type_name, "id": id});
    if is_typed && draw.one_in(2) { uid } else { json!({"__entity": uid}) }
}

fn extension(draw: &mut Draw<'_>, function: &str, kind: Kind, is_typed: bool) -> Value {
    let argument = text(draw, kind, 60);
    match draw.below(if is_typed { 4 } else { 2 }) {
        0 => json!({"__extn": {"fn": function, "arg": argument}}),
        1 => json!({"__extn": {"fn": function, "args": [argument]}}),
        2 => json!(argument),
        _ => json!({"fn": function, "arg": argument}),
    }
}

/// A value of a kind; `is_typed` where a schema says so, which allows the short forms.
fn value(draw: &mut Draw<'_>, kind: Kind, is_typed: bool, names: &[&str]) -> Value {
    let kind = if draw.one_in(150) { NAMES[draw.below(NAMES.len())].1 } else { kind };
    match kind {
        K::Bool => json!(draw.below(2) == 1),
        K::Long => json!(words::long(draw)),
        K::Text => json!(text(draw, kind, 4)),
        K::Entity => {
            let named = if is_typed { uid(draw, &TYPES[..1]) } else { uid(draw, &TYPES) };
            entity(draw, named, is_typed)
        }
        K::Decimal => extension(draw, "decimal", kind, is_typed),
        K::Address => extension(draw, "ip", kind, is_typed),
        K::Moment => extension(draw, "datetime", kind, is_typed),
        K::Length => extension(draw, "duration", kind, is_typed),
        K::Longs => json!(draw.several(3, |draw| value(draw, K::Long, is_typed, &[]))),
        K::Texts => json!(draw.several(3, |draw| value(draw, K::Text, is_typed, &[]))),
        K::Entities => json!(draw.several(3, |draw| value(draw, K::Entity, is_typed, &[]))),
        K::Record => {
            let inner: &[&str] = if names.contains(&"flag") { &INNERMOST } else { &[] };
            Value::Object(attributes(draw, names, 2, is_typed, inner))
        }
    }
}

/// Some of these attributes, one in so many of them left out.
fn attributes(draw: &mut Draw<'_>, names: &[&str], odds: usize, is_typed: bool, inner: &[&str]) -> Map<String, Value> {
    let mut made = Map::new();
    for name in names {
        if !draw.is_empty() && !draw.one_in(odds) {
            made.insert((*name).to_owned(), value(draw, kind_of(name), is_typed, inner));
        }
    }
    made
}

/// Entities, one for each uid at most.
pub(crate) fn entities(draw: &mut Draw<'_>, is_typed: bool) -> Value {
    let mut made: Vec<Value> = Vec::new();
    let mut named: Vec<Uid> = Vec::new();
    for _ in 0..draw.below(8) {
        let (type_name, declared, above) = DECLARED[draw.below(DECLARED.len())];
        let own = uid(draw, &[type_name]);
        if named.contains(&own) || (is_typed && type_name == "Color") {
            continue;
        }
        let names: Vec<&str> = if is_typed { declared.to_vec() } else { NAMES.iter().map(|(name, _)| *name).collect() };
        let above: &[&str] = if is_typed { above } else { &TYPES };
        let attrs = attributes(draw, &names, 2, is_typed, &INNER);
        // Downwards only, so that there is no cycle but for a mistake.
        let parents = draw.several(2, |draw| uid(draw, above));
        let parents = parents.into_iter().filter(|parent| *parent > own || draw.one_in(200));
        let parents: Vec<Value> = parents.map(|(kind, id)| json!({"type": kind, "id": id})).collect();
        let tags = tags(draw, if is_typed { type_name } else { "" });
        made.push(json!({"uid": {"type": own.0, "id": own.1}, "attrs": attrs, "parents": parents, "tags": tags}));
        named.push(own);
    }
    if !is_typed {
        made.extend(actions(draw));
    }
    Value::Array(made)
}

fn tags(draw: &mut Draw<'_>, type_name: &str) -> Map<String, Value> {
    let mut made = Map::new();
    let kind = match type_name {
        "User" => K::Long,
        "Shelf::Book" => K::Text,
        "" => NAMES[draw.below(NAMES.len())].1,
        _ => return made,
    };
    for _ in 0..draw.below(3) {
        let name = text(draw, K::Text, 6);
        let value = value(draw, kind, false, &INNERMOST);
        made.insert(name, value);
    }
    made
}

/// The actions, where no schema has them.
fn actions(draw: &mut Draw<'_>) -> Vec<Value> {
    let uid = |name: &str| json!({"type": "Action", "id": name});
    let above = [json!([]), json!([uid("every")]), json!([uid("change")])];
    let mut made = Vec::new();
    for (rank, name) in ACTIONS.iter().enumerate().take(draw.below(ACTIONS.len() + 1)) {
        let parents = if rank < 2 { draw.below(3) } else { 0 };
        made.push(json!({"uid": uid(name), "attrs": {}, "parents": above[parents]}));
    }
    made
}

/// A request.
pub(crate) fn asked(draw: &mut Draw<'_>, is_typed: bool) -> Asked {
    let action = if is_typed && !draw.one_in(8) { words::action_of(draw, &ACTIONS[..2]) } else { words::action(draw) };
    let (principals, resources): (&[&str], &[&str]) =
        if is_typed && !draw.one_in(10) { (&TYPES[..1], &TYPES[2..3]) } else { (&TYPES, &TYPES) };
    let (names, odds): (&[&str], usize) = match (is_typed, action.1.as_str()) {
        (true, "touch") => (&CONTEXT[8..], 60),
        (true, "nothing") => (&[], 2),
        _ => (&CONTEXT, 3),
    };
    let (principal, resource) = (uid(draw, principals), uid(draw, resources));
    let context = Value::Object(attributes(draw, names, odds, is_typed, &INNER)).to_string();
    Asked { principal, action, resource, context }
}
