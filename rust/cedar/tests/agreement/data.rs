//! Random entity JSON and contexts, mostly of the kinds that the attribute names stand for.

use serde_json::{Map, Value, json};

use super::generate::{ACTIONS, KINDS, Kind, Random, TYPES, attribute};

const IDS: [&str; 6] = ["a", "b", "c", "", "é \"q\"", "red"];

/// The schema of the runs with one. Its types keep the generator's convention of names.
pub(crate) const SCHEMA: &str = r#"
    type Inner = { n: Long, "s"?: String, b?: Bool, q?: { n: Long, "if"?: Long }, r?: { n?: Long, d?: decimal } };
    entity Color enum ["red", "a", "b"];
    entity Group in [Group] = { n?: Long, b: Bool };
    entity User in [Group] = {
        b: Bool, n: Long, s?: String, e?: User, ls?: Set<Long>, ss?: Set<String>, es?: Set<Doc>, r: Inner,
        d?: decimal, ip?: ipaddr, t?: datetime, u?: duration, "with space"?: Long, act?: Action, color?: Color,
    } tags Long;
    entity Doc in [Doc, Group] = { n: Long, ss: Set<String>, e?: Group, r?: Inner } tags Set<String>;
    namespace Shop { entity Item in [Doc] = { n?: Long, d?: decimal, e?: Color }; }
    action any;
    action write in [any];
    action view in [any] appliesTo {
        principal: [User, Group], resource: [Doc, Shop::Item, User],
        context: { b: Bool, n: Long, s?: String, e?: User, ls?: Set<Long>, ss?: Set<String>, es?: Set<Doc>, r?: Inner,
                   d?: decimal, ip?: ipaddr, t?: datetime, u?: duration, act?: Action },
    };
    action edit in [write] appliesTo { principal: [User], resource: [Doc], context: { b?: Bool, r: Inner } };
    action odd appliesTo { principal: [User, Color], resource: [Color, Doc], context: {} };
"#;

pub(crate) fn uid_json(random: &mut Random, types: &[&str]) -> Value {
    let uid = json!({"type": random.pick(types), "id": random.pick(&IDS)});
    if random.one_in(3) { json!({"__entity": uid}) } else { uid }
}

fn escaped_uid(random: &mut Random, types: &[&str]) -> Value {
    json!({"__entity": {"type": random.pick(types), "id": random.pick(&IDS)}})
}

fn call(random: &mut Random, typed: bool, function: &str, text: &str) -> Value {
    match random.below(if typed { 4 } else { 2 }) {
        0 => json!({"__extn": {"fn": function, "arg": text}}),
        1 => json!({"__extn": {"fn": function, "args": [text]}}),
        2 => json!({"fn": function, "arg": text}),
        _ => json!(text),
    }
}

/// A value of a kind; `typed` where a schema says so, which allows the short forms.
pub(crate) fn value(random: &mut Random, kind: Kind, typed: bool, depth: usize) -> Value {
    let kind = if random.one_in(random.mistakes) { KINDS[random.below(KINDS.len())] } else { kind };
    if random.one_in(random.mistakes * 8) {
        return [Value::Null, json!(1.5), json!(u64::MAX), json!({"__expr": "1"})][random.below(4)].clone();
    }
    let mut list = |kind| (0..random.below(4)).map(|_| value(random, kind, typed, depth)).collect::<Vec<_>>();
    match kind {
        Kind::Bool => json!(random.one_in(2)),
        Kind::Long => json!([0, 1, 2, -1, 7, 42, i64::MAX, i64::MIN][random.below(8)]),
        Kind::String => json!(random.pick(&["", "a", "ab", "abc", "é", "A", "a*c"])),
        Kind::Entity if typed => uid_json(random, &["User"]),
        Kind::Entity => escaped_uid(random, &TYPES),
        Kind::Longs => json!(list(Kind::Long)),
        Kind::Strings => json!(list(Kind::String)),
        Kind::Entities if typed => {
            let count = random.below(3);
            json!((0..count).map(|_| uid_json(random, &["Doc"])).collect::<Vec<_>>())
        }
        Kind::Entities => json!(list(Kind::Entity)),
        Kind::Record => inner(random, typed, depth),
        Kind::Decimal => {
            let text = random.pick(&["0.0", "1.5", "-1.50", "922337203685477.5807", "1.0001"]);
            call(random, typed, "decimal", text)
        }
        Kind::Ip => {
            let text = random.pick(&["127.0.0.1", "10.0.0.0/8", "::1", "224.0.0.1/4"]);
            call(random, typed, "ip", text)
        }
        Kind::Datetime => {
            let text = random.pick(&["1970-01-01", "2024-10-15T11:35:00Z", "9999-12-31T23:59:59.999Z"]);
            call(random, typed, "datetime", text)
        }
        Kind::Duration => {
            let text = random.pick(&["0ms", "1d2h3m4s5ms", "-1h"]);
            call(random, typed, "duration", text)
        }
    }
}

fn inner(random: &mut Random, typed: bool, depth: usize) -> Value {
    let mut record = Map::new();
    if !random.one_in(random.mistakes * 2) {
        record.insert("n".to_owned(), value(random, Kind::Long, typed, depth));
    }
    for (name, kind) in [("s", Kind::String), ("b", Kind::Bool)] {
        if random.one_in(2) {
            record.insert(name.to_owned(), value(random, kind, typed, depth));
        }
    }
    if depth > 0 && random.one_in(3) {
        record.insert("q".to_owned(), json!({"n": value(random, Kind::Long, typed, depth - 1)}));
    }
    if depth > 0 && random.one_in(3) {
        let r =
            if typed { json!({"d": value(random, Kind::Decimal, true, 0)}) } else { inner(random, typed, depth - 1) };
        record.insert("r".to_owned(), r);
    }
    if random.one_in(random.mistakes * 2) {
        record.insert("extra".to_owned(), json!(1));
    }
    Value::Object(record)
}

/// Attributes of the names in `required` and, perhaps, of those in `optional`.
fn attributes(random: &mut Random, required: &[Kind], optional: &[Kind], typed: bool) -> Map<String, Value> {
    let mut record = Map::new();
    for kind in required {
        if !random.one_in(random.mistakes * 2) {
            record.insert(attribute(*kind).to_owned(), value(random, *kind, typed, 2));
        }
    }
    for kind in optional {
        if random.one_in(2) {
            record.insert(attribute(*kind).to_owned(), value(random, *kind, typed, 2));
        }
    }
    if random.one_in(random.mistakes * 4) {
        record.insert("extra".to_owned(), json!(1));
    }
    record
}

/// Entities without regard to a schema.
pub(crate) fn entities(random: &mut Random) -> Value {
    let mut list = Vec::new();
    for (rank, name) in TYPES.iter().enumerate() {
        for id in IDS {
            if random.one_in(3) {
                continue;
            }
            let parents: Vec<Value> = (0..random.below(3))
                .filter_map(|_| {
                    let above: Vec<&str> = TYPES[..rank].to_vec();
                    (!above.is_empty()).then(|| uid_json(random, &above))
                })
                .collect();
            let attrs = attributes(random, &[], &KINDS, false);
            let mut tags = Map::new();
            if random.one_in(2) {
                tags.insert("n".to_owned(), value(random, Kind::Long, false, 1));
                tags.insert("s".to_owned(), value(random, Kind::String, false, 1));
                tags.insert("b".to_owned(), value(random, Kind::Bool, false, 1));
            }
            list.push(json!({"uid": {"type": name, "id": id}, "attrs": attrs, "parents": parents, "tags": tags}));
        }
    }
    for action in ACTIONS {
        let parents: Vec<Value> = if matches!(action, "view" | "edit") && random.one_in(2) {
            vec![json!({"type": "Action", "id": random.pick(&["any", "write"])})]
        } else {
            Vec::new()
        };
        if !random.one_in(4) {
            list.push(json!({"uid": {"type": "Action", "id": action}, "attrs": {}, "parents": parents}));
        }
    }
    Value::Array(list)
}

/// Entities that mostly fit [`SCHEMA`].
pub(crate) fn entities_of_schema(random: &mut Random) -> Value {
    use Kind as K;
    let mut list = Vec::new();
    let groups = ["a", "b", "c"];
    for (rank, id) in groups.iter().enumerate() {
        let parents: Vec<Value> =
            groups[..rank].iter().filter(|_| random.one_in(2)).map(|id| json!({"type": "Group", "id": id})).collect();
        let attrs = attributes(random, &[K::Bool], &[K::Long], true);
        list.push(json!({"uid": {"type": "Group", "id": id}, "attrs": attrs, "parents": parents}));
    }
    for id in IDS {
        if random.one_in(4) {
            continue;
        }
        let above = if random.one_in(random.mistakes) { "Doc" } else { "Group" };
        let parents = vec![uid_json(random, &[above])];
        let optional =
            [K::String, K::Entity, K::Longs, K::Strings, K::Entities, K::Decimal, K::Ip, K::Datetime, K::Duration];
        let mut attrs = attributes(random, &[K::Bool, K::Long, K::Record], &optional, true);
        if random.one_in(3) {
            let action = if random.one_in(random.mistakes) { "nobody's" } else { random.pick(&ACTIONS) };
            attrs.insert("act".to_owned(), json!({"type": "Action", "id": action}));
        }
        if random.one_in(3) {
            attrs.insert("color".to_owned(), json!({"type": "Color", "id": random.pick(&["red", "a", "b"])}));
        }
        let tags = if random.one_in(2) { json!({"n": value(random, K::Long, true, 0)}) } else { json!({}) };
        list.push(json!({"uid": {"type": "User", "id": id}, "attrs": attrs, "parents": parents, "tags": tags}));
    }
    for id in ["a", "b"] {
        let parents: Vec<Value> = if random.one_in(2) { vec![uid_json(random, &["Group"])] } else { Vec::new() };
        let mut attrs = attributes(random, &[K::Long, K::Strings], &[K::Record], true);
        if random.one_in(3) {
            attrs.insert("e".to_owned(), uid_json(random, &["Group"]));
        }
        let tags = if random.one_in(2) { json!({"k": value(random, K::Strings, true, 0)}) } else { json!({}) };
        list.push(json!({"uid": {"type": "Doc", "id": id}, "attrs": attrs, "parents": parents, "tags": tags}));
    }
    if random.one_in(2) {
        let id = if random.one_in(random.mistakes) { "blue" } else { "red" };
        list.push(json!({"uid": {"type": "Color", "id": id}, "attrs": {}, "parents": []}));
    }
    if random.one_in(3) {
        let parents = [json!([]), json!([{"type": "Action", "id": "any"}])][random.below(2)].clone();
        list.push(json!({"uid": {"type": "Action", "id": "write"}, "attrs": {}, "parents": parents}));
        list.push(json!({"uid": {"type": "Action", "id": "any"}, "attrs": {}, "parents": []}));
    }
    if random.one_in(random.mistakes) {
        list.push(json!({"uid": {"type": "Nothing", "id": "a"}, "attrs": {}, "parents": []}));
    }
    if random.one_in(20)
        && let Some(first) = list.first().cloned()
    {
        list.push(first);
    }
    Value::Array(list)
}

/// A context without regard to a schema.
pub(crate) fn context(random: &mut Random) -> Value {
    Value::Object(attributes(random, &[Kind::Bool], &KINDS, false))
}

/// A context that mostly fits the action of [`SCHEMA`].
pub(crate) fn context_of_schema(random: &mut Random, action: &str) -> Value {
    use Kind as K;
    let mut context = match action {
        "view" => attributes(random, &[K::Bool, K::Long], &KINDS[2..], true),
        "edit" => attributes(random, &[K::Record], &[K::Bool], true),
        _ => attributes(random, &[], &[], true),
    };
    if action == "view" && random.one_in(4) {
        let id = if random.one_in(8) { "nobody's" } else { random.pick(&ACTIONS) };
        context.insert("act".to_owned(), json!({"type": "Action", "id": id}));
    }
    Value::Object(context)
}
